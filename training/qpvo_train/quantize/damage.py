# SPDX-License-Identifier: MIT
"""What quantizing or pruning does to a network: its outputs beside those of the network it was made from, on held-out clips and the same reprojections."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from torch import Tensor, nn

from ..evaluate import HELD_OUT, held_out_batch, held_out_files
from ..log import GRID_STRIDE
from ..unroll import Unroll
from .distill import Follower, Stages, confidence_distance, flow_distance, relative_distance


@dataclass(frozen=True)
class Damage:
    """Means over clips and iterations."""

    features: float  # RMS of the difference relative to that of the values
    context: float  # the same
    correlation: float  # the same
    flow_px: float  # weighted by the reference's confidence; image pixels
    confidence: float  # mean absolute change


@dataclass(frozen=True)
class Reference:
    """A clip as the reference network ran it: where its reprojections were and what it said there."""

    images: Tensor
    centres: Tensor
    features: Tensor
    context: Tensor
    passes: tuple[tuple[Tensor, Stages], ...]  # reprojected patches and outputs of every iteration


class _Recording(Unroll):
    """A clip in flight that keeps every pass of the update operator."""

    def _update(self, coords: Tensor) -> None:
        super()._update(coords)
        self.__dict__.setdefault("passes", []).append((coords, Stages(self.correlation, self.flow, self.confidence)))


@torch.no_grad()
def record(network: nn.Module, path: Path, crop: tuple[int, int]) -> Reference:
    """Runs a held-out clip as `evaluate_clips` does."""
    batch = held_out_batch(path, crop, next(network.parameters()).device)
    run = _Recording(network, batch, HELD_OUT)
    run.run()
    features, context = run.leaves
    return Reference(batch["images"], run.centres, features, context, tuple(run.passes))


def references(network: nn.Module, folder: str | Path, count: int, crop: tuple[int, int]) -> list[Reference]:
    """Raises TrainingError for a missing or empty folder, and for a clip that cannot be used."""
    network.eval()
    return [record(network, path, crop) for path in held_out_files(folder, count)]


@torch.no_grad()
def damage_of(network: nn.Module, clips: Iterable[Reference]) -> Damage:
    rows = [_damage_on(network, clip) for clip in clips]
    return Damage(*(round(sum(getattr(row, field.name) for row in rows) / len(rows), 6) for field in fields(Damage)))


def _damage_on(network: nn.Module, clip: Reference) -> Damage:
    follower = Follower(network.eval(), clip.images, clip.centres)
    correlation = flow = confidence = 0.0
    for coords, true in clip.passes:
        mine = follower.update(coords)
        correlation += relative_distance(mine.correlation, true.correlation).item()
        flow += flow_distance(mine.flow, true.flow, true.confidence).item()
        confidence += confidence_distance(mine.confidence, true.confidence).item()
    features = relative_distance(follower.features, clip.features).item()
    context = relative_distance(follower.context_map, clip.context).item()
    count = len(clip.passes)
    return Damage(features, context, correlation / count, GRID_STRIDE * flow / count, confidence / count)
