# SPDX-License-Identifier: MIT
"""Held-out clips through the unrolled network: where the patches and the cameras end. The same numbers for the same weights and clips."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .clips import clip_size, collate, load_sample, size_text
from .errors import TrainingError
from .log import clip_metrics
from .network import PatchNetwork
from .unroll import UnrollOptions, unroll

FRAMES, ITERATIONS, PATCHES = 8, 12, 24
HELD_OUT = UnrollOptions(patches=PATCHES, start=FRAMES, warm=ITERATIONS, matching=False)
SEED = 1


@torch.no_grad()
def evaluate_clips(network: PatchNetwork, folder: str | Path, count: int, crop: tuple[int, int]) -> dict[str, float]:
    """Metrics of `log.clip_metrics` after 12 iterations from identity poses and random depths, all 8 frames known from the start: means over the first
    `count` clips of the folder by name, and medians of the pose errors.

    Raises TrainingError for a missing or empty folder, and for a clip that cannot be used.
    """
    network.eval()
    rows = [_metrics(network, path, crop) for path in held_out_files(folder, count)]
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    medians = {f"{name}_median": float(np.median([row[name] for row in rows])) for name in ("translation_error", "rotation_error_deg")}
    return {"clips": len(rows)} | {name: round(value, 6) for name, value in (means | medians).items()}


def held_out_files(folder: str | Path, count: int) -> list[Path]:
    """The first `count` clips of a folder by name. Raises TrainingError when there are none, and for a count that is not positive."""
    if count < 1:
        raise TrainingError("wrong number of held-out clips", expected="1 or more", received=count)
    files = sorted(Path(folder).glob("[!.]*.npz"))[:count]
    if not files:
        advice = "Render them first: python -m qpvo_train render --what val --config <file>."
        raise TrainingError("no held-out clips", expected=f".npz clips in {folder}", received="none", advice=advice)
    return files


def held_out_batch(path: Path, crop: tuple[int, int], device: torch.device | str = "cpu") -> dict[str, Tensor]:
    """A clip as a batch of one, never augmented. The random numbers of patches and depths are set to begin anew: draw them next.

    Raises TrainingError for a clip that cannot be read, and for one that is too short or smaller than the crop.
    """
    try:
        _check_size(path, crop)
        sample = load_sample(path, np.random.default_rng(SEED), FRAMES, crop, augment=False)
    except (ValueError, OSError) as error:
        raise TrainingError("a held-out clip cannot be used", received=error, advice="Render it again: remove the file and run render --what val.") from None
    torch.manual_seed(SEED)
    return {name: value.to(device) for name, value in collate([sample]).items()}


def _check_size(path: Path, crop: tuple[int, int]) -> None:
    size, wanted = clip_size(path), (FRAMES, *crop)
    if any(have < want for have, want in zip(size, wanted)):
        advice = "Move these clips away and render again (render --what val), or change data: crop."
        raise TrainingError(
            "held-out clips too short or too small", expected=f"at least {size_text(wanted)}", received=f"{path}: {size_text(size)}", advice=advice
        )


def _metrics(network: PatchNetwork, path: Path, crop: tuple[int, int]) -> dict[str, float]:
    batch = held_out_batch(path, crop, next(network.parameters()).device)
    return clip_metrics(unroll(network, batch, HELD_OUT), batch["poses"])
