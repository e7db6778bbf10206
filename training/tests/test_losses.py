# SPDX-License-Identifier: MIT
"""Losses: values by hand, what is left out, and where they are smallest."""

import math

import pytest
import torch
from torch import Tensor

from qpvo_train import losses, se3
from qpvo_train.ground_truth import TrueMatches


def truth_at(coords: Tensor) -> TrueMatches:
    """Everything visible."""
    seen = torch.ones(coords.shape[:-1], dtype=torch.bool)
    return TrueMatches(coords, seen, seen.clone())


def pairs(frames: int, patches: int = 1) -> Tensor:
    return torch.zeros(1, frames, frames, patches, 2)


def test_flow_loss_is_the_mean_distance_of_other_frames():
    target = pairs(2)
    target[0, 0, 1, 0] = torch.tensor([3.0, 4.0])
    target[0, 0, 0, 0] = 100.0  # a frame with itself does not count
    assert losses.flow_loss(target, pairs(2), truth_at(pairs(2))).item() == pytest.approx((5 + 0.01) / 2, abs=1e-3)


def test_flow_loss_leaves_out_what_is_hidden_or_was_out_of_reach():
    target, before, truth = pairs(2, 3) + 1000, pairs(2, 3), truth_at(pairs(2, 3))
    target[..., 0, :] = torch.tensor([0.0, 2.0])
    truth.visible[..., 1] = False
    before[..., 2, 0] = losses.REACH + 1
    assert losses.flow_loss(target, before, truth).item() == pytest.approx(2, abs=1e-3)


def test_flow_loss_of_nothing_is_zero_and_differentiable():
    target, truth = pairs(2).requires_grad_(), truth_at(pairs(2))
    truth.visible[:] = False
    loss = losses.flow_loss(target, pairs(2), truth)
    loss.backward()
    assert loss.item() == 0 and torch.equal(target.grad, pairs(2))


def test_confidence_loss_is_smallest_at_the_inverse_variance():
    """With errors of 0.5 px = 2 units in x, the best information is 1/4; its likelihood by hand."""
    target = pairs(2)
    target[..., 0] = 0.5
    values = torch.linspace(0.05, 0.95, 91)
    curve = [
        losses.confidence_loss(target, torch.stack([torch.full_like(target[..., 0], w), torch.ones_like(target[..., 1])], -1), truth_at(pairs(2)))
        for w in values
    ]
    assert values[int(torch.stack(curve).argmin())].item() == pytest.approx(0.25, abs=0.011)
    quarter = torch.stack([torch.full_like(target[..., 0], 0.25), torch.ones_like(target[..., 1])], -1)
    expected = 0.5 * ((0.25 * 4 - math.log(0.25)) + 0) / 2
    assert losses.confidence_loss(target, quarter, truth_at(pairs(2))).item() == pytest.approx(expected, rel=1e-5)


def test_confidence_loss_teaches_the_confidence_alone():
    target, confidence = torch.randn(1, 2, 2, 3, 2, requires_grad=True), torch.rand(1, 2, 2, 3, 2, requires_grad=True)
    losses.confidence_loss(target, confidence, truth_at(pairs(2, 3))).backward()
    assert target.grad is None and confidence.grad.abs().max() > 0


def test_confidence_loss_of_nothing_is_zero_and_differentiable():
    confidence, truth = torch.rand(1, 2, 2, 1, 2, requires_grad=True), truth_at(pairs(2))
    truth.inside[:] = False
    loss = losses.confidence_loss(pairs(2), confidence, truth)
    loss.backward()
    assert loss.item() == 0 and torch.equal(confidence.grad, pairs(2))


def test_reprojection_loss_counts_near_frames_only():
    coords = pairs(6)
    coords[0, 0, 5] = 10.0  # too far apart
    coords[0, 1, 2, 0] = torch.tensor([0.0, 3.0])
    near = sum(1 for a in range(6) for b in range(6) if 0 < abs(a - b) <= losses.NEARBY_FRAMES)
    assert losses.reprojection_loss(coords, truth_at(pairs(6))).item() == pytest.approx(0.01 + (3 - 0.01) / near, abs=1e-4)


def test_equal_poses_have_no_error_and_the_scale_is_free():
    poses = se3.exp(torch.randn(2, 4, 6) * 0.3)
    scaled = poses.clone()
    scaled[..., 3] *= 0.4
    for estimate in (poses, scaled):
        translation, rotation = losses.pose_errors(estimate, poses)
        assert translation.max() < 1e-3 and rotation.max() < 2e-3


def test_pose_errors_by_hand():
    """The second camera is turned by 0.2 rad too far and displaced across the true motion."""
    truth, estimate = se3.identity(1, 2), se3.identity(1, 2)
    truth[0, 1, :, 3] = torch.tensor([1.0, 0, 0])
    estimate[0, 1] = se3.exp(torch.tensor([0.0, 0, 0, 0, 0, 0.2]))
    estimate[0, 1, :, 3] = torch.tensor([1.0, 0.5, 0])
    translation, rotation = losses.pose_errors(estimate, truth)
    assert rotation[0, 0, 1].item() == pytest.approx(0.2, abs=1e-3)
    assert losses.mean_of_pairs(rotation).item() == pytest.approx(0.2, abs=1e-3)
    turned = torch.tensor([[math.cos(0.2), math.sin(0.2)], [-math.sin(0.2), math.cos(0.2)]]) @ torch.tensor([-1.0, -0.5])
    both, true = torch.stack([torch.tensor([1.0, 0.5]), turned]), torch.tensor([[1.0, 0], [-1, 0]])
    scale = (both * true).sum() / both.square().sum()
    assert translation[0, 0, 1].item() == pytest.approx((scale * both[0] - true[0]).norm().item(), abs=1e-3)


@pytest.mark.parametrize("frames", [2, 5])
def test_mean_of_pairs_leaves_out_the_diagonal(frames: int):
    errors = torch.full((1, frames, frames), 3.0) + 100 * torch.eye(frames)
    assert losses.mean_of_pairs(errors).item() == pytest.approx(3)


def matching_scene(features: Tensor) -> tuple[Tensor, Tensor, TrueMatches]:
    """A still camera: every patch stays at its place. features [h, w, C]."""
    height, width, channels = features.shape
    maps = features.expand(1, 2, height, width, channels)
    centres = torch.tensor([[1, 1], [3, 2], [2, 1]])
    patches = features[centres[:, 1], centres[:, 0]][None, None, :, None].expand(1, 2, 3, 9, channels)
    return maps, patches, truth_at(centres.float().expand(1, 2, 2, 3, 2))


def test_matching_loss_is_smallest_when_features_name_their_place():
    cells = torch.eye(20).view(4, 5, 20)
    sure, unsure, blind = (losses.matching_loss(*matching_scene(strength * cells)).item() for strength in (10, 2, 0))
    assert sure < 1e-6 < unsure < blind
    assert blind == pytest.approx(math.log(20), rel=1e-5)


def test_matching_loss_of_a_place_between_cells_is_shared():
    maps, patches, truth = matching_scene(torch.eye(20).view(4, 5, 20) * 10)
    truth.coords = truth.coords + torch.tensor([0.25, 0.0])
    scores = torch.log_softmax(torch.tensor([100.0] + [0] * 19), 0)
    assert losses.matching_loss(maps, patches, truth).item() == pytest.approx(-(0.75 * scores[0] + 0.25 * scores[1]).item(), rel=1e-4)


def test_matching_loss_of_nothing_is_zero():
    maps, patches, truth = matching_scene(torch.randn(4, 5, 20))
    truth.visible[:] = False
    assert losses.matching_loss(maps, patches, truth).item() == 0
