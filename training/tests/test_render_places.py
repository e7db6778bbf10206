# SPDX-License-Identifier: MIT
"""Places: what the kind that is furnished like a room promises."""

import numpy as np
import pytest

from qpvo_train.render.paths import ROUND, Path
from qpvo_train.render.places import furnish, random_place
from qpvo_train.render.scene import SceneBuilder


@pytest.mark.parametrize("seed", range(5))
def test_a_parlour_has_furniture_on_its_floor_and_a_free_way_round(seed):
    rng = np.random.default_rng(seed)
    place = random_place(rng, "parlour")
    way = Path(rng, place.half, ROUND, 0.2).position(np.linspace(0, 45, 500))
    builder = SceneBuilder(rng, 2, way)
    furnish(builder, place)
    scene = builder.finish()
    bottoms = np.flatnonzero(np.isclose(scene.P[:, 1], place.half[1]))[1:]
    reach = np.abs(scene.P) + np.abs(scene.U) + np.abs(scene.V)
    assert 8 <= len(bottoms) < 20 and (reach[bottoms] <= place.half * 1.001).all() and (np.abs(way) < place.half).all()
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 9)] * 2), -1).reshape(-1, 2)
    surfaces = scene.P[6:, None] + grid[:, :1] * scene.U[6:, None] + grid[:, 1:] * scene.V[6:, None]
    wall = (np.abs(scene.P[6:]) > 0.98 * place.half).any(1)
    assert np.linalg.norm(surfaces[~wall, :, None] - way[::5], axis=-1).min() > 0.15
