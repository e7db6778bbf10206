# SPDX-License-Identifier: MIT
"""The sliding window: what leaves it, what stays, and that a trained network finds its way with it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from plane_scene import plane_clip
from small_bank import small_bank

from qpvo_train import se3
from qpvo_train.checkpoint import load_checkpoint, network_of
from qpvo_train.network import NetworkSizes, PatchNetwork
from qpvo_train.quantize.odometry import OdometryOptions, SlidingOdometry
from qpvo_train.render.clip import random_clip

TRAINED = Path(__file__).parents[1] / "runs" / "small" / "checkpoint.pt"


class Counting(torch.nn.Module):
    """In place of the update operator: adds one to every hidden state and sees no flow."""

    def forward(self, hidden, context, correlation):
        pairs = hidden.shape[:4]
        return hidden + 1, torch.zeros(*pairs, 2), torch.full((*pairs, 2), 0.5)


def test_a_hidden_state_counts_the_updates_since_both_frames_were_there():
    options = OdometryOptions(window=5, patches=3, start=4, warm=2)
    network = PatchNetwork(NetworkSizes(width=4, feature_dim=8, hidden_dim=16))
    network.update = Counting()
    odometry = SlidingOdometry(network, torch.tensor([20.0, 20, 12, 8]), options)
    images = torch.randint(0, 255, (12, 1, 64, 96)).float()
    joined, updates, expected = [], 0, None
    for n, image in enumerate(images):
        odometry.track(image)
        joined.append(updates)
        updates += 0 if n + 1 < 4 else 2 if n + 1 == 4 else 1
        first = max(0, n + 1 - 5)
        expected = torch.tensor([[updates - max(joined[s], joined[t]) for t in range(first, n + 1)] for s in range(first, n + 1)])
        assert odometry.hidden.shape == (1, n + 1 - first, n + 1 - first, 3, 16)
        assert torch.equal(odometry.hidden[0, :, :, 0, 0], expected.float())
    assert odometry.poses.shape == (5, 3, 4) and expected.max() == 5


def test_the_same_frames_give_the_same_poses():
    network = PatchNetwork(NetworkSizes(width=4, feature_dim=8, hidden_dim=16)).eval()
    images = torch.from_numpy(plane_clip(2, frames=10)["im"]).float()[:, None]
    runs = []
    for _ in range(2):
        odometry = SlidingOdometry(network, torch.tensor([21.6, 21.6, 12, 8]), OdometryOptions(window=8, patches=4, start=4, warm=2))
        for image in images:
            odometry.track(image)
        runs.append(odometry)
    assert torch.equal(runs[0].poses, runs[1].poses) and torch.equal(runs[0].hidden, runs[1].hidden) and torch.isfinite(runs[0].poses).all()


@pytest.mark.slow
@pytest.mark.skipif(not TRAINED.exists(), reason="the trained network is absent: odometry is not compared with the truth")
def test_a_trained_network_turns_as_the_camera_did():
    clip = random_clip(0, small_bank(), 20, 112, 160)
    network = network_of(load_checkpoint(TRAINED))
    odometry = SlidingOdometry(network, torch.from_numpy(clip["K"] / 4), OdometryOptions(window=10))
    for image in clip["im"]:
        odometry.track(torch.from_numpy(image)[None])
    truth = torch.from_numpy(clip["poses"][-10:]).float()
    turn = lambda poses: se3.compose(poses[-1:], se3.inverse(poses[:1]))[0, :, :3]  # noqa: E731
    angle = lambda rotation: np.degrees(se3.log_rotation(rotation[None])[0].norm().item())  # noqa: E731
    assert angle(turn(truth)) > 10 and angle(turn(odometry.poses).T @ turn(truth)) < 5
