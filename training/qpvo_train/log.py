# SPDX-License-Identifier: MIT
"""The log of a training: one JSON object a line, means over the steps since the last line."""

import json
import math
from pathlib import Path

import torch

from .losses import mean_of_pairs, pose_errors
from .unroll import UnrollResult
from .whole_file import whole_file

GRID_STRIDE = 4  # image pixels per grid pixel


class TrainingLog:
    """Appends to a file; silent where `path` is None (all processes but the first)."""

    def __init__(self, path: Path | None):
        self.path = path
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}

    def add(self, values: dict[str, float]) -> None:
        """Values of one step; those that are not finite are left out."""
        for name, value in values.items():
            if math.isfinite(value):
                self.sums[name] = self.sums.get(name, 0.0) + value
                self.counts[name] = self.counts.get(name, 0) + 1

    def means(self) -> dict[str, float]:
        return {name: total / self.counts[name] for name, total in self.sums.items()}

    def write(self, head: dict[str, object]) -> None:
        line = {**head, **{name: float(f"{value:.5g}") for name, value in self.means().items()}}
        self.sums, self.counts = {}, {}
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(json.dumps(line), flush=True)


def truncate_log(path: Path, step: int) -> None:
    """Drops the lines after `step`, which a resumed training writes again."""
    if path.exists():
        kept = [line for line in path.read_text().splitlines() if _step_of(line) <= step]
        with whole_file(path) as part:
            part.write_text("".join(f"{line}\n" for line in kept))


def _step_of(line: str) -> float:
    """Infinite for a line that an interruption cut short."""
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):
        return math.inf


@torch.no_grad()
def clip_metrics(result: UnrollResult, true_poses: torch.Tensor) -> dict[str, float]:
    """Where the patches and the cameras ended: error of visible patches in image pixels and the shares below 1 and 1/4 px, relative pose errors."""
    frames = result.coords.shape[1]
    other = ~torch.eye(frames, dtype=torch.bool, device=result.coords.device).view(1, frames, frames, 1)
    visible = result.truth.first(frames).visible & other
    error = GRID_STRIDE * (result.coords - result.truth.first(frames).coords).norm(dim=-1)[visible]
    translation, rotation = pose_errors(result.poses[:, :frames], true_poses[:, :frames])
    return {
        "epe_px": error.clamp(max=200).mean().item(),
        "within_1px": (error < 1).float().mean().item(),
        "within_quarter_px": (error < 0.25).float().mean().item(),
        "translation_error": mean_of_pairs(translation).item(),
        "rotation_error_deg": math.degrees(mean_of_pairs(rotation).item()),
    }
