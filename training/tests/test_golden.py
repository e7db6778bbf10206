# SPDX-License-Identifier: MIT
"""Golden tensors: repeatable, small, in the product's layout, and the problem of the bundle adjustment moves something."""

import numpy as np
import pytest
import torch
from published_state import BASE
from safetensors.numpy import save

from qpvo_train.golden import golden_tensors, product_columns
from qpvo_train.network import NetworkSizes, PatchNetwork

TINY = NetworkSizes(width=4, feature_dim=8, hidden_dim=16)


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    torch.manual_seed(3)
    return golden_tensors(PatchNetwork(TINY).eval())


def test_the_same_network_gives_the_same_tensors(golden: dict[str, np.ndarray]):
    torch.manual_seed(3)
    again = golden_tensors(PatchNetwork(TINY).eval())
    assert golden.keys() == again.keys()
    for name, value in golden.items():
        assert np.array_equal(value, again[name]), name


def test_patches_are_the_features_at_the_cells(golden: dict[str, np.ndarray]):
    features, width = golden["features"], golden["features"].shape[3]
    for frame, cells in enumerate(golden["cells"]):
        for patch, cell in enumerate(cells):
            y, x = divmod(int(cell), width)
            expected = features[frame, :, y - 1 : y + 2, x - 1 : x + 2].reshape(8, 9).T
            assert np.array_equal(golden["patches"][frame, patch], expected)


def test_correlation_columns_are_those_of_the_product(golden: dict[str, np.ndarray]):
    """A patch that has not moved: the middle of its window at level 0 is the product with itself."""
    for patch in range(5):
        own = golden["correlation"][0, patch].reshape(2, 9, 49)
        square = (golden["patches"][0, patch] ** 2).sum(-1)
        assert np.allclose(own[0, :, 24], square, atol=1e-4)


def test_columns_change_their_order_only():
    network = PatchNetwork(TINY)
    columns = torch.arange(882.0).view(7, 7, 3, 3, 2)  # dx dy py px level
    ours = product_columns(columns.flatten()[None], network)[0].view(2, 3, 3, 7, 7)
    for level, py, px, dy, dx in ((0, 0, 0, 0, 1), (1, 2, 0, 6, 3), (0, 1, 2, 4, 5)):
        assert ours[level, py, px, dy, dx] == columns[dx, dy, py, px, level]


def test_confidence_and_motion_are_in_range(golden: dict[str, np.ndarray]):
    assert golden["image"].dtype == np.uint8 and golden["image"].std() > 20
    assert ((golden["weight"] > 0) & (golden["weight"] < 1)).all()
    assert all(np.isfinite(value).all() for value in golden.values())
    moved = np.abs(golden["adjust.posesOut"] - golden["adjust.poses"]).max(1)
    assert (moved[:2] == 0).all() and (moved[2:] > 1e-3).all()


def test_the_largest_network_needs_less_than_400_kb():
    assert len(save(golden_tensors(PatchNetwork(BASE).eval()))) < 400_000
