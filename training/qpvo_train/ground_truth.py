# SPDX-License-Identifier: MIT
"""True positions of patches in other frames, from true poses and depths."""

from dataclasses import dataclass

import torch
from torch import Tensor

from . import geometry

OCCLUSION_RELATIVE, OCCLUSION_ABSOLUTE = 0.06, 0.01  # of the inverse depth


@dataclass
class TrueMatches:
    """coords [B, S, T, M, 2]; inside: in front of the camera and in the image; visible: also not occluded and not moving; both [B, S, T, M]."""

    coords: Tensor
    inside: Tensor
    visible: Tensor

    def first(self, count: int) -> "TrueMatches":
        """Those among the first `count` frames."""
        return TrueMatches(*(t[:, :count, :count] for t in (self.coords, self.inside, self.visible)))


def true_matches(batch: dict[str, Tensor], centres: Tensor) -> TrueMatches:
    """batch: poses [B, N, 3, 4], inv and static [B, N, h, w], K [B, 4]; centres [B, N, M, 2] whole grid pixels."""
    inverse, static = batch["inv"], batch["static"]
    batch_size, frames, height, width = inverse.shape
    device = inverse.device
    b = torch.arange(batch_size, device=device)
    n = torch.arange(frames, device=device)
    x, y = centres.long().unbind(-1)
    depths = inverse[b[:, None, None], n[None, :, None], y, x]
    moving = static[b[:, None, None], n[None, :, None], y, x] == 0
    points, _ = geometry.transfer(batch["poses"], centres, depths, batch["K"])
    coords = geometry.project(points, batch["K"])
    px, py = coords.unbind(-1)
    inside = (points[..., 2] > geometry.MIN_DEPTH) & (px > -0.5) & (py > -0.5) & (px < width - 0.5) & (py < height - 0.5)
    inside &= ~moving[:, :, None]
    seen = inverse[b.view(-1, 1, 1, 1), n.view(1, 1, -1, 1), py.round().clamp(0, height - 1).long(), px.round().clamp(0, width - 1).long()]
    expected = depths[:, :, None] / points[..., 2].clamp(min=0.05)
    visible = inside & ((seen - expected).abs() < OCCLUSION_RELATIVE * expected + OCCLUSION_ABSOLUTE)
    return TrueMatches(coords, inside, visible)
