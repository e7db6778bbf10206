# SPDX-License-Identifier: MIT
"""Correlation by grid_sample: differentiable in patches and maps, in any precision, without a trick (section 6 of the specification)."""

import torch
import torch.nn.functional as F
from torch import Tensor


def correlate_windows(patches: Tensor, maps: list[Tensor], scales: list[float], radius: int, coords: Tensor) -> Tensor:
    """patches [B, S, M, P, C], maps [B, T, H, W, C] per level, coords [B, S, T, M, P, 2] -> [B, S, T, M, F], columns [dx][dy][py px][level]."""
    steps = torch.arange(-radius, radius + 1, dtype=coords.dtype)
    offsets = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), -1)  # [dx][dy], (x, y)
    levels = [_level(patches, grid, coords * scale, offsets) for grid, scale in zip(maps, scales)]
    return torch.stack(levels, -1).flatten(4)


def _level(patches: Tensor, grid: Tensor, coords: Tensor, offsets: Tensor) -> Tensor:
    """One level: [B, S, T, M, dx, dy, P]."""
    batch, sources, targets, count, pixels, _ = coords.shape
    height, width = grid.shape[2:4]
    places = coords[..., None, None, :] + offsets  # [B, S, T, M, P, dx, dy, 2]
    unit = (2 * places + 1) / torch.tensor([width, height], dtype=places.dtype) - 1
    rows = unit.permute(0, 2, 1, 3, 4, 5, 6, 7).flatten(0, 1).flatten(1, 3).flatten(2, 3)  # [B T, S M P, dx dy, 2]
    sampled = F.grid_sample(grid[:, :targets].flatten(0, 1).permute(0, 3, 1, 2), rows, mode="bilinear", padding_mode="zeros", align_corners=False)
    sampled = sampled.view(batch, targets, -1, sources, count, pixels, len(offsets), len(offsets))
    return torch.einsum("btcsmpxy,bsmpc->bstmxyp", sampled, patches[:, :sources])
