# SPDX-License-Identifier: MIT
"""Differentiable bundle adjustment over poses and one inverse depth per patch (DPVO, arXiv 2208.04726; Schur complement over the depths).

All pairs of frames share the Jacobian with respect to the target pose; that of the source pose is -J Ad(G). So every product is formed once per pair
as a 6 x 6 block and only then turned into the source's blocks.
"""

import torch
from torch import Tensor

from . import geometry, se3
from .geometry import MIN_DEPTH

TRAINING_DAMPING = 10.0
RELATIVE_DAMPING = 1e-4
DEPTH_DAMPING = 1e-4
MAX_RESIDUAL = 250.0  # grid pixels
MARGIN = 64.0  # grid pixels outside the image in which a projection still counts
DEPTH_RANGE = (1e-3, 10.0)


def bundle_adjust(
    poses: Tensor,
    centres: Tensor,
    depths: Tensor,
    intrinsics: Tensor,
    target: Tensor,
    weight: Tensor,
    size: tuple[int, int],
    *,
    iterations: int = 2,
    fixed: int = 1,
    damping: float = TRAINING_DAMPING,
) -> tuple[Tensor, Tensor]:
    """Gauss-Newton steps on all pairs.

    poses [B, N, 3, 4] (world -> camera; the first `fixed` stay), centres [B, N, M, 2], depths [B, N, M] (inverse), intrinsics [B, 4], target and weight
    [B, N, N, M, 2] (grid pixels; information), size (height, width) of the grid -> poses, depths. Differentiable in poses, depths, target and weight.
    A step whose Cholesky factorisation fails is skipped for that element of the batch.
    """
    for _ in range(iterations):
        system = _normal_equations(poses, centres, depths, intrinsics, target, weight, size)
        pose_step, depth_step = _solve(*system, fixed=fixed, damping=damping)
        if pose_step is not None:
            moved = se3.compose(se3.exp(pose_step), poses[:, fixed:])
            poses = torch.cat([poses[:, :fixed], moved], 1)
        depths = (depths + depth_step).clamp(*DEPTH_RANGE)
    return poses, depths


def _normal_equations(poses, centres, depths, intrinsics, target, weight, size):
    """Pose blocks H [B, N, 6, N, 6] and v [B, N, 6], coupling E [B, N, 6, N, M], depth C and u [B, N, M]."""
    points, pairs = geometry.transfer(poses, centres, depths, intrinsics)
    fx, fy, cx, cy = (k.view(-1, 1, 1, 1) for k in intrinsics.unbind(-1))
    x, y, z = points.unbind(-1)
    q = 1 / z.clamp(min=MIN_DEPTH)
    predicted = torch.stack([fx * x * q + cx, fy * y * q + cy], -1)
    residual = target - predicted
    height, width = size
    px, py = predicted.detach().unbind(-1)
    valid = (z > MIN_DEPTH) & (residual.detach().square().sum(-1) < MAX_RESIDUAL**2)
    valid &= (px > -MARGIN) & (py > -MARGIN) & (px < width + MARGIN) & (py < height + MARGIN)
    weight = weight * valid[..., None]
    residual = torch.where(valid[..., None], residual, 0.0)

    d = depths[:, :, None] * q
    xq, yq = x * q, y * q
    zero = torch.zeros_like(xq)
    jx = torch.stack([fx * d, zero, -fx * xq * d, -fx * xq * yq, fx * (1 + xq * xq), -fx * yq], -1)
    jy = torch.stack([zero, fy * d, -fy * yq * d, -fy * (1 + yq * yq), fy * xq * yq, fy * xq], -1)
    j = torch.stack([jx, jy], -2)  # [B, S, T, M, 2, 6]
    tx, ty, tz = (pairs[..., None, k, 3] for k in range(3))
    jd = torch.stack([fx * q * (tx - tz * xq), fy * q * (ty - tz * yq)], -1)  # [B, S, T, M, 2]

    wd = weight * jd
    c = (wd * jd).sum((-1, 2))
    u = (wd * residual).sum((-1, 2))
    wj = (weight[..., None] * j).flatten(3, 4)  # [B, S, T, 2M, 6]
    jf = j.flatten(3, 4)
    a = wj.transpose(-1, -2) @ jf  # [B, S, T, 6, 6]
    b = (wj.transpose(-1, -2) @ residual.flatten(3, 4)[..., None])[..., 0]
    e = (wd[..., None] * j).sum(-2)  # [B, S, T, M, 6]
    return *_assemble(pairs, a, b, e), c, u


def _assemble(pairs: Tensor, a: Tensor, b: Tensor, e: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Blocks of pairs to those of poses: source Jacobian = -J Ad(G)."""
    ad = se3.adjoint(pairs)
    adt = ad.transpose(-1, -2)
    cross = -adt @ a  # source row, target column
    source = -cross @ ad
    diagonal = torch.diag_embed((source.sum(2) + a.sum(1)).permute(0, 2, 3, 1))  # [B, 6, 6, N, N]
    off = cross.permute(0, 1, 3, 2, 4)  # [B, S, 6, T, 6]
    h = off + off.permute(0, 3, 4, 1, 2) + diagonal.permute(0, 3, 1, 4, 2)
    v = b.sum(1) - (adt @ b[..., None])[..., 0].sum(2)
    own = -(e @ ad).sum(2)  # [B, S, M, 6]
    coupling = e.permute(0, 2, 4, 1, 3) + torch.diag_embed(own.permute(0, 2, 3, 1)).permute(0, 3, 2, 4, 1)
    return h, v, coupling


def _solve(h, v, coupling, c, u, *, fixed: int, damping: float):
    """Steps of the free poses [B, N - fixed, 6] (None without any) and of the depths [B, N, M]."""
    q = 1 / (c + DEPTH_DAMPING)
    free = h.shape[1] - fixed
    if free <= 0:
        return None, q * u
    h = h[:, fixed:, :, fixed:].flatten(3).flatten(1, 2)
    e = coupling[:, fixed:].flatten(1, 2).flatten(2)  # [B, 6F, N M]
    eq = e * q.flatten(1)[:, None]
    s = h - eq @ e.transpose(1, 2)
    g = v[:, fixed:].flatten(1)[..., None] - eq @ u.flatten(1)[..., None]
    s = s + torch.diag_embed(damping + RELATIVE_DAMPING * s.diagonal(dim1=1, dim2=2))
    factor, info = torch.linalg.cholesky_ex(s)
    usable = (info == 0) & torch.isfinite(factor.detach()).flatten(1).all(1)
    if not bool(usable.all()):
        factor = torch.where(usable[:, None, None], factor, torch.eye(s.shape[-1], device=s.device))
    step = torch.cholesky_solve(g, factor) * usable[:, None, None]
    depth_step = q * (u - (e.transpose(1, 2) @ step).view_as(u)) * usable[:, None, None]
    return step.view(-1, free, 6), depth_step
