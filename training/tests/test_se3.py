# SPDX-License-Identifier: MIT
"""SE(3): against the matrix exponential, by identities, and by finite differences also at the identity."""

import pytest
import torch
from torch import Tensor

from qpvo_train import se3


def tangents(scale: float, count: int = 20) -> Tensor:
    return torch.randn(count, 6, dtype=torch.float64) * scale


def as_matrix(tangent: Tensor) -> Tensor:
    """The 4 x 4 generator, [..., 6] -> [..., 4, 4]."""
    top = torch.cat([se3.hat(tangent[..., 3:]), tangent[..., :3, None]], -1)
    return torch.nn.functional.pad(top, (0, 0, 0, 1))


@pytest.mark.parametrize("scale", [0.0, 1e-9, 1e-5, 1e-3, 0.1, 1.0])
def test_exponential_is_that_of_the_generator(scale: float):
    tangent = tangents(scale)
    torch.testing.assert_close(se3.exp(tangent), torch.linalg.matrix_exp(as_matrix(tangent))[..., :3, :], atol=1e-12, rtol=0)


def test_compose_and_inverse_are_those_of_matrices():
    first, second = se3.exp(tangents(1.0)), se3.exp(tangents(1.0))
    row = torch.tensor([0.0, 0, 0, 1], dtype=torch.float64).expand(20, 1, 4)
    a, b = torch.cat([first, row], 1), torch.cat([second, row], 1)
    torch.testing.assert_close(se3.compose(first, second), (a @ b)[:, :3], atol=1e-12, rtol=0)
    torch.testing.assert_close(se3.inverse(first), torch.linalg.inv(a)[:, :3], atol=1e-12, rtol=0)


def test_relative_pose_takes_the_source_camera_to_the_target_camera():
    poses = se3.exp(tangents(0.5, 3))[None]
    point = torch.randn(3, 1, dtype=torch.float64)
    in_camera = poses[0, :, :, :3] @ point + poses[0, :, :, 3:]
    pairs = se3.relative(poses)
    for source in range(3):
        for target in range(3):
            moved = pairs[0, source, target, :, :3] @ in_camera[source] + pairs[0, source, target, :, 3:]
            torch.testing.assert_close(moved, in_camera[target], atol=1e-12, rtol=0)


@pytest.mark.parametrize("scale", [0.0, 1e-9, 1e-3, 0.1, 1.0])
def test_log_rotation_undoes_exp(scale: float):
    tangent = tangents(scale)
    tangent = tangent * (3.0 / tangent[:, 3:].norm(dim=-1, keepdim=True)).clamp(max=1)
    torch.testing.assert_close(se3.log_rotation(se3.exp(tangent)[..., :3]), tangent[:, 3:], atol=1e-9, rtol=1e-6)


def test_adjoint_moves_a_tangent_to_the_other_side():
    pose, tangent = se3.exp(tangents(1.0)), tangents(0.5)
    moved = (se3.adjoint(pose) @ tangent[..., None])[..., 0]
    torch.testing.assert_close(se3.compose(pose, se3.exp(tangent)), se3.compose(se3.exp(moved), pose), atol=1e-12, rtol=0)


@pytest.mark.parametrize("scale", [0.0, 1e-5, 0.3])
def test_gradients_are_those_of_finite_differences(scale: float):
    tangent = tangents(scale, 3).requires_grad_()
    assert torch.autograd.gradcheck(se3.exp, tangent)
    assert torch.autograd.gradcheck(lambda x: se3.log_rotation(se3.exp(x)[..., :3]), tangent, atol=1e-5)


def test_float32_stays_near_float64_where_series_and_quotients_meet():
    """1 - cos loses 2^-24 / 1e-4 of its value at an angle of 0.01, times |w x t| = 0.04: below 2e-5."""
    for angle in (0.009, 0.0099, 0.0101, 0.011):
        tangent = torch.tensor([[1.0, 2, 3, angle, 0, 0]], dtype=torch.float64)
        torch.testing.assert_close(se3.exp(tangent.float()).double(), se3.exp(tangent), atol=2e-5, rtol=0)
