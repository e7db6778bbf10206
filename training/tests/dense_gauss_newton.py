# SPDX-License-Identifier: MIT
"""A Gauss-Newton step of bundle adjustment in its plainest form: automatic Jacobian, whole normal matrix, no Schur complement in the solution."""

import torch
from torch import Tensor

from qpvo_train import se3


def dense_step(poses, centres, depths, intrinsics, target, weight, *, size, fixed: int, damping: float) -> tuple[Tensor, Tensor]:
    """One step for a batch of one, arguments as of qpvo_train.bundle_adjust.bundle_adjust."""
    free = poses.shape[1] - fixed
    count = 6 * free

    def moved(step: Tensor) -> tuple[Tensor, Tensor]:
        changed = se3.compose(se3.exp(step[:count].view(1, free, 6)), poses[:, fixed:])
        return torch.cat([poses[:, :fixed], changed], 1), depths + step[count:].view_as(depths)

    def predicted(step: Tensor) -> Tensor:
        return _project(*moved(step), centres, intrinsics)[0].flatten()

    start = torch.zeros(count + depths.numel(), dtype=poses.dtype)
    residual = target.flatten() - predicted(start)
    information = (weight * _counts(poses, depths, centres, intrinsics, target, size)).flatten()
    jacobian = torch.autograd.functional.jacobian(predicted, start)
    used = information != 0
    jacobian, residual, information = jacobian[used], residual[used], information[used]
    normal = jacobian.T @ (information[:, None] * jacobian)
    normal.diagonal()[count:] += 1e-4
    reduced = torch.linalg.inv(torch.linalg.inv(_regular(normal, count))[:count, :count]) - torch.eye(count, dtype=poses.dtype)
    normal.diagonal()[:count] += damping + 1e-4 * reduced.diagonal()
    step = torch.linalg.solve(normal, jacobian.T @ (information * residual))
    poses, depths = moved(step)
    return poses, depths.clamp(1e-3, 10)


def _regular(normal: Tensor, count: int) -> Tensor:
    """Plus 1 on the diagonal of the poses, so that the inverse exists; it is taken off again afterwards."""
    normal = normal.clone()
    normal.diagonal()[:count] += 1
    return normal


def _project(poses, depths, centres, intrinsics) -> tuple[Tensor, Tensor]:
    """Pixels [1, S, T, M, 2] and z [1, S, T, M] of points taken through the world."""
    fx, fy, cx, cy = intrinsics[0]
    x, y = centres.unbind(-1)
    rays = torch.stack([(x - cx) / fx, (y - cy) / fy, torch.ones_like(x)], -1)[0]
    rotation, translation = poses[0, :, :, :3], poses[0, :, :, 3]
    d = depths[0, :, :, None]
    world = torch.einsum("sji,smj->smi", rotation, rays - d * translation[:, None])
    cameras = torch.einsum("tij,smj->stmi", rotation, world) + d[:, None] * translation[None, :, None]
    z = cameras[..., 2]
    q = 1 / z.clamp(min=0.2)
    return torch.stack([fx * cameras[..., 0] * q + cx, fy * cameras[..., 1] * q + cy], -1)[None], z[None]


def _counts(poses, depths, centres, intrinsics, target, size) -> Tensor:
    """1 for the edges that the specification (section 8, with the limits of training) lets count, [1, S, T, M, 1]."""
    pixels, z = _project(poses, depths, centres, intrinsics)
    near = (target - pixels).norm(dim=-1) < 250
    x, y = pixels.unbind(-1)
    inside = (x > -64) & (y > -64) & (x < size[1] + 64) & (y < size[0] + 64)
    return ((z > 0.2) & near & inside)[..., None].to(poses.dtype)
