# SPDX-License-Identifier: MIT
"""A second network on the clip of a first one: the same patches, the same reprojections, features and hidden state of its own. So the two can be compared
stage by stage, without their trajectories drifting apart: a teacher beside its student, a quantized network beside the float one.

One output of the float network guides the comparison of another (the idea of QD-BEV, arXiv 2308.10515): distances of the flow are weighted by its confidence,
which is the weight that the bundle adjustment gives them.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..losses import off_diagonal
from ..unroll import Unroll, UnrollOptions, UnrollResult

TERM = "teacher_"  # prefix of the distances among the terms of a loss
TINY = 1e-12  # under roots: their slope is infinite at zero


@dataclass(frozen=True)
class Stages:
    """Outputs of one pass of the update operator, all [B, S, T, M, ...]: correlation columns, flow in grid pixels, confidence in (0, 1)."""

    correlation: Tensor
    flow: Tensor
    confidence: Tensor


class Follower:
    """The second network. images [B, N, C, H, W], centres [B, N, M, 2]. Nothing of it is differentiable."""

    @torch.no_grad()
    def __init__(self, network: nn.Module, images: Tensor, centres: Tensor):
        self.network = network
        self.features, self.context_map = network.encode(images)
        patches, self.context = network.sample(self.features, self.context_map, centres)
        self.volume = network.volume(self.features, patches)
        self.hidden = torch.zeros(centres.shape[0], 0, 0, centres.shape[2], network.sizes.hidden_dim, device=images.device)

    @torch.no_grad()
    def update(self, coords: Tensor) -> Stages:
        """One pass at reprojected patches [B, S, T, M, P, 2]; further frames join with a hidden state of zero."""
        live = coords.shape[1]
        grown = live - self.hidden.shape[1]
        hidden = F.pad(self.hidden, (0, 0, 0, 0, 0, grown, 0, grown))
        correlation = self.volume.lookup(coords, live)
        hidden, flow, confidence = self.network.update(hidden, self.context[:, :live], correlation)
        self.hidden = hidden.float()
        return Stages(correlation, flow, confidence)


def relative_distance(values: Tensor, reference: Tensor) -> Tensor:
    """Root mean square of the difference over that of the reference."""
    return ((values.float() - reference).square().mean() / reference.square().mean().clamp(min=1e-12) + TINY).sqrt()


def flow_distance(flow: Tensor, reference: Tensor, confidence: Tensor) -> Tensor:
    """Mean distance of flows [B, S, T, M, 2], weighted by the reference's confidence, frames with themselves left out; in grid pixels."""
    weight = confidence.mean(-1) * off_diagonal(flow.shape[1], flow.device)
    return (((flow - reference).square().sum(-1) + TINY).sqrt() * weight).sum() / weight.sum().clamp(min=1e-6)


def confidence_distance(confidence: Tensor, reference: Tensor) -> Tensor:
    """Mean absolute difference, frames with themselves left out."""
    chosen = off_diagonal(confidence.shape[1], confidence.device)[..., None].expand_as(confidence)
    return ((confidence - reference).abs() * chosen).sum() / chosen.sum().clamp(min=1)


class DistilledUnroll(Unroll):
    """A student's clip in flight, with its distances from a teacher as further terms: `teacher_features` and so on."""

    def __init__(self, network: nn.Module, teacher: nn.Module, batch: dict[str, Tensor], options: UnrollOptions):
        super().__init__(network, batch, options)
        with self._network_precision():
            self.teacher = Follower(teacher, batch["images"], self.centres)
        self.distances: list[dict[str, Tensor]] = []

    def _update(self, coords: Tensor) -> None:
        super()._update(coords)
        with self._network_precision():
            true = self.teacher.update(coords)
        self.distances.append(
            {
                "correlation": relative_distance(self.correlation, true.correlation),
                "flow": flow_distance(self.flow, true.flow, true.confidence),
                "confidence": confidence_distance(self.confidence, true.confidence),
            }
        )

    def run(self) -> UnrollResult:
        result = super().run()
        for name in self.distances[0]:
            result.terms[TERM + name] = sum(row[name] for row in self.distances) / len(self.distances)
        for name, student, teacher in zip(("features", "context"), self.leaves, (self.teacher.features, self.teacher.context_map)):
            result.terms[TERM + name] = relative_distance(student, teacher)
        return result
