# SPDX-License-Identifier: MIT
"""Reprojection: against points computed one by one."""

import torch
from torch import Tensor

from qpvo_train import geometry, se3

K = torch.tensor([[40.0, 42.0, 23.0, 15.0]], dtype=torch.float64)


def by_hand(poses: Tensor, centre: Tensor, depth: float, source: int, target: int) -> Tensor:
    """Pixel of one patch pixel in another frame, through its point in the world."""
    fx, fy, cx, cy = K[0]
    ray = torch.stack([(centre[0] - cx) / fx, (centre[1] - cy) / fy, torch.ones((), dtype=torch.float64)])
    world = poses[source, :, :3].T @ (ray / depth - poses[source, :, 3])
    x, y, z = poses[target, :, :3] @ world + poses[target, :, 3]
    return torch.stack([fx * x / z + cx, fy * y / z + cy])


def scene() -> tuple[Tensor, Tensor, Tensor]:
    """Poses [1, 3, 3, 4], centres [1, 3, 2, 2], inverse depths [1, 3, 2]."""
    poses = se3.exp(torch.randn(1, 3, 6, dtype=torch.float64) * 0.1)
    centres = torch.rand(1, 3, 2, 2, dtype=torch.float64) * 20 + 5
    return poses, centres, torch.rand(1, 3, 2, dtype=torch.float64) + 0.5


def test_centres_go_through_the_world():
    poses, centres, depths = scene()
    pixels = geometry.project(geometry.transfer(poses, centres, depths, K)[0], K)
    for source in range(3):
        for target in range(3):
            for patch in range(2):
                expected = by_hand(poses[0], centres[0, source, patch], depths[0, source, patch], source, target)
                torch.testing.assert_close(pixels[0, source, target, patch], expected, atol=1e-10, rtol=0)


def test_all_pixels_of_a_patch_share_its_depth():
    poses, centres, depths = scene()
    offsets = torch.tensor([[-1.0, -1], [0, 0], [1, 0]], dtype=torch.float64)
    pixels = geometry.transfer_patches(poses, centres, depths, K, offsets)
    assert pixels.shape == (1, 3, 3, 2, 3, 2)
    for n, offset in enumerate(offsets):
        expected = by_hand(poses[0], centres[0, 1, 0] + offset, depths[0, 1, 0], 1, 2)
        torch.testing.assert_close(pixels[0, 1, 2, 0, n], expected, atol=1e-10, rtol=0)


def test_a_patch_stays_where_it_is_in_its_own_frame():
    poses, centres, depths = scene()
    pixels = geometry.project(geometry.transfer(poses, centres, depths, K)[0], K)
    for frame in range(3):
        torch.testing.assert_close(pixels[0, frame, frame], centres[0, frame], atol=1e-9, rtol=0)


def test_points_scaled_by_their_inverse_depth_and_points_at_infinity():
    poses, centres, depths = scene()
    points, _ = geometry.transfer(poses, centres, 0 * depths, K)
    expected = geometry.rays(centres, K)[0, 0, 0] @ (poses[0, 1, :, :3] @ poses[0, 0, :, :3].T).T
    torch.testing.assert_close(points[0, 0, 1, 0], expected, atol=1e-12, rtol=0)


def test_projection_is_finite_at_and_behind_the_camera():
    points = torch.tensor([[[1.0, 1, 0], [1, 1, -2], [1, 1, 0.05]]], dtype=torch.float64)
    expected = torch.tensor([40.0 / 0.1 + 23, 42.0 / 0.1 + 15], dtype=torch.float64).expand(1, 3, 2)
    torch.testing.assert_close(geometry.project(points, K), expected)
