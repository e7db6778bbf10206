# SPDX-License-Identifier: MIT
"""The renderer stays the same: numbers measured on rendered sequences, and weights trained on rendered clips, are compared over its versions.

Held against what was noted once: the plan by its camera and its last pose, which double precision decides, the images and depths by means and quantiles, which processors
may round otherwise. A change in the order of the random numbers changes all of them.
"""

import numpy as np
import pytest
from small_bank import small_bank

from qpvo_train.render.clip import random_clip
from qpvo_train.render.sequence import SETS, plan_sequence

# Of clips of 4 frames of 128x96: K, last pose, mean of each image, quantiles of all images, mean step from column to column, quantiles of the inverse depths.
SHARES, INVERSE_SHARES = (0.05, 0.25, 0.5, 0.75, 0.95), (0.05, 0.5, 0.95)
NOTED = {
    1000: {
        "K": [114.65726, 113.07749, 65.50291, 46.33381],
        "pose": [[0.277098, -0.031463, 0.960326, -0.531927], [-0.308723, 0.943553, 0.119994, -0.120426], [-0.909894, -0.329725, 0.251743, 0.009687]],
        "means": [111.1523, 112.2326, 108.4743, 110.3844],
        "quantiles": [16, 62, 102, 149, 255],
        "step": 8.031,
        "inverse": [0.459029, 0.55155, 1.211706],
    },
    1001: {
        "K": [82.54014, 80.87825, 61.89702, 51.70273],
        "pose": [[0.473964, -0.005607, -0.880527, -0.005882], [0.107153, 0.992915, 0.051356, -0.203902], [0.874, -0.118692, 0.471206, 0.142448]],
        "means": [22.6794, 23.5665, 24.0549, 24.1195],
        "quantiles": [4, 14, 23, 34, 43],
        "step": 5.252,
        "inverse": [0.384963, 0.579648, 1.361627],
    },
}


@pytest.mark.parametrize("seed", NOTED)
def test_clips_are_what_they_were(seed: int):
    noted, clip = NOTED[seed], random_clip(seed, small_bank(), 4, 96, 128)
    images = clip["im"].astype(float)
    np.testing.assert_allclose(clip["K"], noted["K"], atol=2e-5)
    np.testing.assert_allclose(clip["poses"][-1], noted["pose"], atol=2e-6)
    np.testing.assert_allclose(np.quantile(clip["inv"], INVERSE_SHARES), noted["inverse"], rtol=2e-4)
    np.testing.assert_allclose(images.mean((1, 2)), noted["means"], atol=0.2)
    np.testing.assert_allclose(np.quantile(images, SHARES), noted["quantiles"], atol=1)
    np.testing.assert_allclose(np.abs(np.diff(images, axis=2)).mean(), noted["step"], rtol=0.01)


def test_the_plan_of_a_sequence_is_what_it_was():
    """One that was fitted to its speed and looked through for faults, as those of the tables were."""
    spec = SETS["calibration"][0]
    plan = plan_sequence(spec, small_bank())
    poses = [[0.613667, 0.142108, 0.776671, 1.337485], [-0.469983, 0.856168, 0.214692, -1.397738], [-0.634452, -0.496771, 0.59219, -1.513358]]
    assert (spec.name, len(plan.poses)) == ("calibration_mav_hall", 300)
    np.testing.assert_allclose(plan.K, [267.79596, 270.02562, 179.54918, 145.33831], atol=2e-5)
    np.testing.assert_allclose(plan.poses[-1], poses, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(np.diff(plan.poses[:, :, 3], axis=0), axis=1).sum(), 18.516454, rtol=1e-5)
