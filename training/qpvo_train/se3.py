# SPDX-License-Identifier: MIT
"""SE(3) for training: a pose is a [..., 3, 4] matrix, a tangent is (translation, rotation) [..., 6], exponential and logarithm are exact.

Every function is differentiable, also at the identity, where Taylor series replace the quotients.
"""

import torch
from torch import Tensor


def identity(*shape: int, device=None, dtype=torch.float32) -> Tensor:
    """Identity poses, [*shape, 3, 4]."""
    pose = torch.zeros(*shape, 3, 4, device=device, dtype=dtype)
    pose[..., :3] = torch.eye(3, device=device, dtype=dtype)
    return pose


def compose(first: Tensor, second: Tensor) -> Tensor:
    """first * second: apply `second`, then `first`."""
    rotation = first[..., :3]
    return torch.cat([rotation @ second[..., :3], rotation @ second[..., 3:] + first[..., 3:]], -1)


def inverse(pose: Tensor) -> Tensor:
    transposed = pose[..., :3].transpose(-1, -2)
    return torch.cat([transposed, -transposed @ pose[..., 3:]], -1)


def relative(poses: Tensor) -> Tensor:
    """G[s, t] = T_t * T_s^-1 of every pair of frames: [B, N, 3, 4] -> [B, N, N, 3, 4]."""
    return compose(poses[:, None], inverse(poses)[:, :, None])


def hat(vector: Tensor) -> Tensor:
    """Cross-product matrix, [..., 3] -> [..., 3, 3]."""
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))


def exp(tangent: Tensor) -> Tensor:
    """Exponential with the V matrix, [..., 6] -> [..., 3, 4]."""
    translation, rotation = tangent[..., :3, None], tangent[..., 3:]
    square = (rotation * rotation).sum(-1)[..., None, None]
    small = square < 1e-4
    safe = torch.where(small, torch.ones_like(square), square)
    angle = safe.sqrt()
    a = torch.where(small, 1 - square / 6, angle.sin() / angle)
    b = torch.where(small, 0.5 - square / 24, (1 - angle.cos()) / safe)
    c = torch.where(small, 1 / 6 - square / 120, (angle - angle.sin()) / (safe * angle))
    w = hat(rotation)
    ww = w @ w
    eye = torch.eye(3, device=tangent.device, dtype=tangent.dtype)
    return torch.cat([eye + a * w + b * ww, (eye + b * w + c * ww) @ translation], -1)


def log_rotation(rotation: Tensor) -> Tensor:
    """Rotation vector, [..., 3, 3] -> [..., 3], for angles below pi."""
    r = rotation
    axis = torch.stack([r[..., 2, 1] - r[..., 1, 2], r[..., 0, 2] - r[..., 2, 0], r[..., 1, 0] - r[..., 0, 1]], -1) / 2
    cosine = ((r.diagonal(dim1=-2, dim2=-1).sum(-1) - 1) / 2)[..., None]
    square = (axis * axis).sum(-1, keepdim=True)
    sine = (square + 1e-12).sqrt()
    return torch.where(square < 1e-6, 1 + square / 6, torch.atan2(sine, cosine) / sine) * axis


def adjoint(pose: Tensor) -> Tensor:
    """Ad(T) with T Exp(x) = Exp(Ad(T) x) T, [..., 3, 4] -> [..., 6, 6]."""
    rotation = pose[..., :3]
    zero = torch.zeros_like(rotation)
    top = torch.cat([rotation, hat(pose[..., 3]) @ rotation], -1)
    return torch.cat([top, torch.cat([zero, rotation], -1)], -2)
