# SPDX-License-Identifier: MIT
"""The matching yardstick: how often the best place of a patch in the whole target frame is the true one. It judges the features alone."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .clips import depth_scale
from .ground_truth import true_matches
from .network import PatchNetwork
from .tartanair import list_frames, to_clips

REACH = 1.0  # feature pixels from the true place
PATCHES = 256  # per source frame
EVERY = 10  # frames between source frames


def matching_on_sequence(network: PatchNetwork, folder: str | Path) -> dict[str, dict]:
    """Shares on a TartanAir sequence, its grey images at half and at full resolution. Raises TrainingError when the folder is no such sequence."""
    results, device = {}, next(network.parameters()).device
    for name, shrink in (("half_resolution", 2), ("full_resolution", 1)):
        clip = next(to_clips(folder, frames=len(list_frames(folder)[0]), shrink=shrink))
        shares = matching_shares(network, clip, device=device)
        results[name] = {"width": clip["im"].shape[2]} | {f"gap_{gap}": round(share, 4) for gap, share in shares.items()}
    return results


@torch.no_grad()
def matching_shares(network: PatchNetwork, clip: dict, gaps: tuple[int, ...] = (1, 3), seed: int = 0, device: torch.device | str = "cpu") -> dict[int, float]:
    """Share of the patches whose arg-max lies within REACH of the truth, for each gap between source and target frame.

    clip: as of render/clip.py; device: that of the network. Patches are drawn at random whole grid cells; those that are occluded or leave the target frame do not count. The score
    of a place is the sum over the 3 x 3 pixels of the products of the features.
    """
    rng = np.random.default_rng(seed)
    scale = depth_scale(clip["inv"])
    inverse = torch.from_numpy(clip["inv"].astype(np.float32) / scale)
    poses = torch.from_numpy(np.concatenate([clip["poses"][..., :3], clip["poses"][..., 3:] * scale], -1)).float()
    intrinsics = torch.from_numpy(clip["K"] / 4).float()[None]
    hits, counts = {gap: 0 for gap in gaps}, {gap: 0 for gap in gaps}
    maps = {}
    for source in range(0, len(poses) - max(gaps), EVERY):
        centres = _draw(rng, inverse.shape[1:])
        for gap in gaps:
            pair = [source, source + gap]
            for n in pair:
                if n not in maps:
                    image = torch.from_numpy(clip["im"][n]).float()[None, None, None].to(device)
                    maps[n] = network.encode(image)[0][0, 0].permute(2, 0, 1)
            batch = {"poses": poses[None, pair], "inv": inverse[None, pair], "static": torch.ones_like(inverse[None, pair]), "K": intrinsics}
            truth = true_matches(batch, centres.expand(1, 2, -1, -1))
            found = best_places(maps[pair[0]], maps[pair[1]], centres)
            near = (found - truth.coords[0, 0, 1]).norm(dim=-1) <= REACH
            visible = truth.visible[0, 0, 1] & (inverse[source][centres[:, 1].long(), centres[:, 0].long()] > 0)
            hits[gap] += int((near & visible).sum())
            counts[gap] += int(visible.sum())
        maps = {n: value for n, value in maps.items() if n > source}
    return {gap: hits[gap] / max(1, counts[gap]) for gap in gaps}


def best_places(source: Tensor, target: Tensor, centres: Tensor) -> Tensor:
    """Arg-max of the 3 x 3 patches at `centres` [M, 2] (x, y; not on the border) of `source` [C, h, w] over `target`: [M, 2]."""
    x, y = centres.to(source.device).long().unbind(-1)
    steps = torch.arange(-1, 2, device=source.device)
    patches = source[:, y[:, None, None] + steps[:, None], x[:, None, None] + steps].transpose(0, 1)  # [M, C, 3, 3]
    scores = F.conv2d(target[None], patches, padding=1)[0]
    best = scores.flatten(1).argmax(1)
    width = target.shape[-1]
    return torch.stack([best % width, best // width], -1).to(centres)


def _draw(rng: np.random.Generator, size: tuple[int, int]) -> Tensor:
    """[PATCHES, 2] grid cells (x, y) away from the border."""
    height, width = size
    return torch.from_numpy(np.stack([rng.integers(1, width - 1, PATCHES), rng.integers(1, height - 1, PATCHES)], -1)).float()
