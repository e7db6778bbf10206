# SPDX-License-Identifier: MIT
"""Losses of one iteration and of the features. All lengths are grid pixels."""

import torch
import torch.nn.functional as F
from torch import Tensor

from . import se3
from .ground_truth import TrueMatches

REACH = 24.0  # beyond it the coarse window sees nothing: no use to learn from
CONFIDENCE_UNIT = 0.25  # an error of this size has the information 1
NEARBY_FRAMES = 3


def off_diagonal(frames: int, device) -> Tensor:
    """1 where source and target frame differ, [1, S, T, 1]."""
    return (1 - torch.eye(frames, device=device)).view(1, frames, frames, 1)


def flow_loss(target: Tensor, before: Tensor, truth: TrueMatches) -> Tensor:
    """Mean distance of the targets [B, S, T, M, 2] from the truth, over visible patches that were within reach before."""
    mask = truth.visible * off_diagonal(target.shape[1], target.device)
    mask = mask * ((before - truth.coords).norm(dim=-1) < REACH)
    error = ((target - truth.coords).square().sum(-1) + 1e-4).sqrt()
    return (error * mask).sum() / mask.sum().clamp(min=1)


def confidence_loss(target: Tensor, confidence: Tensor, truth: TrueMatches) -> Tensor:
    """Negative log likelihood of the errors, the confidence taken as inverse variance; occluded patches count with their true error."""
    chosen = (truth.inside * off_diagonal(target.shape[1], target.device)) > 0
    square = ((target - truth.coords).detach() / CONFIDENCE_UNIT).square().clamp(max=400)[chosen]
    information = confidence[chosen].clamp(min=1e-4)
    terms = information * square - information.log()
    return 0.5 * terms.sum() / max(1, terms.numel())


def reprojection_loss(coords: Tensor, truth: TrueMatches) -> Tensor:
    """Mean distance of reprojected centres [B, S, T, M, 2] from the truth after the bundle adjustment, among nearby frames."""
    frames = torch.arange(coords.shape[1], device=coords.device)
    near = ((frames[:, None] - frames).abs() <= NEARBY_FRAMES).view(1, *[len(frames)] * 2, 1)
    mask = truth.visible * off_diagonal(coords.shape[1], coords.device) * near
    error = ((coords - truth.coords).square().sum(-1) + 1e-4).sqrt().clamp(max=30)
    return (error * mask).sum() / mask.sum().clamp(min=1)


def pose_errors(estimate: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Translation and rotation (rad) errors of all relative poses [B, n, 3, 4] after the best scale: two [B, n, n]."""
    a, b = se3.relative(estimate), se3.relative(truth)
    ta, tb = a[..., 3], b[..., 3]
    scale = ((ta * tb).sum((1, 2, 3)) / ((ta * ta).sum((1, 2, 3)) + 1e-6)).detach().clamp(0.1, 10)
    translation = ((ta * scale.view(-1, 1, 1, 1) - tb).square().sum(-1) + 1e-8).sqrt()
    rotation = (se3.log_rotation(a[..., :3].transpose(-1, -2) @ b[..., :3]).square().sum(-1) + 1e-8).sqrt()
    return translation, rotation


def mean_of_pairs(errors: Tensor) -> Tensor:
    """Mean of [B, n, n] without the diagonal."""
    frames = errors.shape[-1]
    return (errors * off_diagonal(frames, errors.device)[..., 0]).sum() / (errors.shape[0] * frames * (frames - 1))


def matching_loss(features: Tensor, patches: Tensor, truth: TrueMatches, samples: int = 1024) -> Tensor:
    """InfoNCE of patch centres against all pixels of a target frame, the true position as bilinear soft label.

    features [B, N, h, w, C], patches [B, N, M, P, C]; `samples` edges per clip are drawn.
    """
    batch, frames, height, width, _ = features.shape
    weight = truth.visible * off_diagonal(frames, features.device)
    total = features.new_zeros(())
    for b, maps in enumerate(features.flatten(2, 3).unbind(0)):
        source, target, patch = weight[b].nonzero().unbind(1)
        chosen = torch.randperm(len(source), device=source.device)[:samples]
        chosen = chosen[target[chosen].argsort()]
        source, target, patch = source[chosen], target[chosen], patch[chosen]
        centres = patches[b, source, patch, patches.shape[3] // 2]
        coords = truth.coords[b, source, target, patch]
        shares = torch.bincount(target, minlength=frames).tolist()
        for grid, centre, xy in zip(maps.unbind(0), centres.split(shares), coords.split(shares)):
            scores = F.log_softmax(centre @ grid.T, -1)
            total = total - _bilinear(scores, xy, height, width).sum() / max(1, len(chosen))
    return total / batch


def _bilinear(scores: Tensor, coords: Tensor, height: int, width: int) -> Tensor:
    """Scores [E, h w] at coords [E, 2]."""
    x, y = coords.unbind(-1)
    x, y = x.clamp(0, width - 1.001), y.clamp(0, height - 1.001)
    fx, fy = x - x.floor(), y - y.floor()
    cell = (y.floor() * width + x.floor()).long()
    corners = scores.gather(1, cell[:, None] + torch.tensor([0, 1, width, width + 1], device=cell.device))
    shares = torch.stack([(1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx], -1)
    return (corners * shares).sum(-1)
