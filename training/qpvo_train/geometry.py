# SPDX-License-Identifier: MIT
"""Reprojection of patches in the dense pair form: source frame S, target frame T, patch M.

Lengths are quarter-resolution ("grid") pixels; intrinsics K = (fx, fy, cx, cy) on that grid, [B, 4]; poses are world -> camera.
"""

import torch
from torch import Tensor

from . import se3

MIN_DEPTH = 0.2  # a point nearer than this gives no equation (DPVO, section 5 of the specification)
PROJECTION_DEPTH = 0.1  # the divisor of a projection is at least this


def rays(points: Tensor, intrinsics: Tensor) -> Tensor:
    """Viewing rays with z = 1 of pixels [B, ..., 2] -> [B, ..., 3]."""
    fx, fy, cx, cy = (k.view(-1, *[1] * (points.dim() - 2)) for k in intrinsics.unbind(-1))
    x, y = points.unbind(-1)
    return torch.stack([(x - cx) / fx, (y - cy) / fy, torch.ones_like(x)], -1)


def project(rays_in: Tensor, intrinsics: Tensor) -> Tensor:
    """Pixels of camera points [B, ..., 3] -> [B, ..., 2]."""
    fx, fy, cx, cy = (k.view(-1, *[1] * (rays_in.dim() - 2)) for k in intrinsics.unbind(-1))
    x, y, z = rays_in.unbind(-1)
    q = 1 / z.clamp(min=PROJECTION_DEPTH)
    return torch.stack([fx * x * q + cx, fy * y * q + cy], -1)


def transfer(poses: Tensor, centres: Tensor, depths: Tensor, intrinsics: Tensor) -> tuple[Tensor, Tensor]:
    """Patch centres in every frame.

    poses [B, N, 3, 4], centres [B, S, M, 2], depths [B, S, M] (inverse depth), intrinsics [B, 4], S = N
    -> camera points scaled by the inverse depth [B, S, T, M, 3], relative poses G[s, t] [B, S, T, 3, 4].
    """
    pairs = se3.relative(poses)
    points = rays(centres, intrinsics)[:, :, None] @ pairs[..., :3].transpose(-1, -2)
    return points + pairs[..., None, :, 3] * depths[:, :, None, :, None], pairs


def transfer_patches(poses: Tensor, centres: Tensor, depths: Tensor, intrinsics: Tensor, offsets: Tensor) -> Tensor:
    """All pixels of all patches in every frame: offsets [P, 2] -> pixel coordinates [B, S, T, M, P, 2]. The pixels of a patch share its depth."""
    pairs = se3.relative(poses)
    grid = rays(centres[:, :, :, None] + offsets, intrinsics)  # [B, S, M, P, 3]
    batch, sources, patches, pixels, _ = grid.shape
    points = grid.flatten(2, 3)[:, :, None] @ pairs[..., :3].transpose(-1, -2)
    points = points.unflatten(3, (patches, pixels)) + (pairs[..., None, :, 3] * depths[:, :, None, :, None])[..., None, :]
    return project(points, intrinsics)
