# SPDX-License-Identifier: MIT
"""A clip through the network as odometry would do it: encode, then iterate update and bundle adjustment while frames join, and add up the losses."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from . import geometry, losses, se3
from .bundle_adjust import bundle_adjust
from .correlation import CorrelationVolume
from .ground_truth import TrueMatches, true_matches
from .network import PatchNetwork

POSE_LOSS_FROM = 2  # iteration from which poses are judged


@dataclass(frozen=True)
class UnrollOptions:
    """How a clip is run. Counts are frames, patches and iterations."""

    patches: int = 24  # per frame
    start: int = 6  # frames known from the start
    warm: int = 6  # iterations before the first further frame
    per_frame: int = 1  # iterations per further frame
    tail: int = 1  # iterations after the last
    pose_noise: float | None = None  # None: identity poses as at run time; else true poses disturbed by this much
    through_ba: bool = False  # losses through the bundle adjustment
    correlation_keep: float = 0.5
    matching: bool = True
    decay: float = 0.85  # weight of an iteration relative to the next one
    bfloat16: bool = False  # in the networks; geometry, truth and losses are always float32

    def iterations(self, frames: int) -> int:
        """Updates of a clip of so many frames."""
        return self.warm + self.per_frame * max(0, frames - self.start) + self.tail - 1


@dataclass
class UnrollResult:
    terms: dict[str, Tensor] = field(default_factory=dict)
    volume: CorrelationVolume | None = None
    encoded: tuple[Tensor, Tensor] = ()
    leaves: tuple[Tensor, Tensor] = ()
    poses: Tensor | None = None
    depths: Tensor | None = None
    coords: Tensor | None = None
    target: Tensor | None = None
    confidence: Tensor | None = None
    truth: TrueMatches | None = None

    def backward(self, loss: Tensor) -> None:
        """Gradients of `loss` in the network. The encoders go backward once, when the iterations, the matching and the correlation have all added to their output."""
        loss.backward(retain_graph=True)
        self.volume.backward()
        learnt = [(tensor, leaf.grad) for tensor, leaf in zip(self.encoded, self.leaves) if leaf.grad is not None]
        if learnt:
            torch.autograd.backward(*zip(*learnt))


class Unroll:
    """One clip in flight."""

    def __init__(self, network: PatchNetwork, batch: dict[str, Tensor], options: UnrollOptions):
        self.network, self.batch, self.options = network, batch, options
        images = batch["images"]
        self.batch_size, self.frames = images.shape[:2]
        self.device = images.device
        with self._network_precision():
            self.encoded = network.encode(images)
        self.leaves = tuple(t.detach().requires_grad_(t.requires_grad) for t in self.encoded)
        self.features, context = self.leaves
        self.size = tuple(self.features.shape[2:4])
        self.centres = self._draw_centres()
        self.patches, self.context = network.sample(self.features, context, self.centres)
        self.volume = network.volume(self.features, self.patches, options.correlation_keep)
        with torch.no_grad():
            self.truth = true_matches(batch, self.centres)
        self.depths = self._draw_depths()
        self.poses = self._first_poses()
        self.count = min(options.start, self.frames)
        self.hidden = torch.zeros(self.batch_size, self.count, self.count, options.patches, network.sizes.hidden_dim, device=self.device)

    def run(self) -> UnrollResult:
        options, terms = self.options, {}
        iterations = options.iterations(self.frames)
        weights = [options.decay ** (iterations - 1 - n) for n in range(iterations)]
        for n, weight in enumerate(weights):
            if n >= options.warm and (n - options.warm) % options.per_frame == 0 and self.count < self.frames:
                self._add_frame()
            for name, value in self._iterate(n).items():
                terms[name] = terms.get(name, 0.0) + weight / sum(weights) * value
        if options.matching:
            terms["matching"] = losses.matching_loss(self.features, self.patches, self.truth)
        with torch.no_grad():
            coords = self._reproject(self.poses, self.depths)
        return UnrollResult(terms, self.volume, self.encoded, self.leaves, self.poses, self.depths, coords, self.target, self.confidence, self.truth)

    def _network_precision(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.options.bfloat16)

    def _iterate(self, n: int) -> dict[str, Tensor]:
        live, k = self.count, self.batch["K"]
        self.poses, self.depths = self.poses.detach(), self.depths.detach()
        with torch.no_grad():
            coords = geometry.transfer_patches(self.poses[:, :live], self.centres[:, :live], self.depths[:, :live], k, self.network.offsets)
        before = coords[..., coords.shape[-2] // 2, :]
        self._update(coords)
        self.target = before + self.flow
        truth = self.truth.first(live)
        terms = {"flow": losses.flow_loss(self.target, before, truth), "confidence": losses.confidence_loss(self.target, self.confidence, truth)}
        with torch.set_grad_enabled(self.options.through_ba and torch.is_grad_enabled()):
            self._adjust()
            if self.options.through_ba:
                terms |= self._geometric_losses(n, truth)
        return terms

    def _update(self, coords: Tensor) -> None:
        """One pass of the update operator at the reprojected patches [B, S, T, M, P, 2]."""
        self.correlation = self.volume.lookup(coords, self.count)
        with self._network_precision():
            hidden, self.flow, self.confidence = self.network.update(self.hidden, self.context[:, : self.count], self.correlation)
        self.hidden = hidden.float()

    def _adjust(self) -> None:
        live = self.count
        poses, depths = bundle_adjust(
            self.poses[:, :live], self.centres[:, :live], self.depths[:, :live], self.batch["K"], self.target, self.confidence, self.size
        )
        self.poses = torch.cat([poses, self.poses[:, live:]], 1)
        self.depths = torch.cat([depths, self.depths[:, live:]], 1)

    def _geometric_losses(self, n: int, truth: TrueMatches) -> dict[str, Tensor]:
        terms = {"reprojection": losses.reprojection_loss(self._reproject(self.poses, self.depths), truth)}
        if n >= POSE_LOSS_FROM:
            translation, rotation = losses.pose_errors(self.poses[:, : self.count], self.batch["poses"][:, : self.count])
            terms["translation"] = losses.mean_of_pairs(translation.clamp(max=2))
            terms["rotation"] = losses.mean_of_pairs(rotation)
        return terms

    def _reproject(self, poses: Tensor, depths: Tensor) -> Tensor:
        live, k = self.count, self.batch["K"]
        return geometry.project(geometry.transfer(poses[:, :live], self.centres[:, :live], depths[:, :live], k)[0], k)

    def _add_frame(self) -> None:
        """The next frame joins with the pose of the last one and the median depth of the last two (DPVO, section 13)."""
        n = self.count
        if self.options.pose_noise is None:
            self.poses = torch.cat([self.poses[:, :n], self.poses[:, n - 1 : n], self.poses[:, n + 1 :]], 1)
        median = self.depths[:, max(n - 2, 0) : n].detach().flatten(1).median(1).values.view(-1, 1, 1)
        self.depths = torch.cat([self.depths[:, :n], median.expand_as(self.depths[:, n : n + 1]), self.depths[:, n + 1 :]], 1)
        self.hidden = torch.nn.functional.pad(self.hidden, (0, 0, 0, 0, 0, 1, 0, 1))
        self.count = n + 1

    def _draw_centres(self) -> Tensor:
        height, width = self.size
        shape = (self.batch_size, self.frames, self.options.patches)
        draw = lambda high: torch.randint(1, high - 1, shape, device=self.device)  # noqa: E731
        return torch.stack([draw(width), draw(height)], -1).float()

    def _draw_depths(self) -> Tensor:
        """Random inverse depths; for a third of the clips one for all patches, as after a median initialisation."""
        shape = (self.batch_size, self.frames, self.options.patches)
        free = torch.rand(shape, device=self.device)
        shared = (torch.rand(self.batch_size, 1, 1, device=self.device) * 0.8 + 0.1).expand(shape)
        return torch.where(torch.rand(self.batch_size, 1, 1, device=self.device) < 0.3, shared, free)

    def _first_poses(self) -> Tensor:
        poses = se3.identity(self.batch_size, self.frames, device=self.device)
        if self.options.pose_noise is None:
            return poses
        noise = torch.randn(self.batch_size, self.frames, 6, device=self.device) * self.options.pose_noise
        disturbed = se3.compose(se3.exp(noise), self.batch["poses"])
        return torch.cat([self.batch["poses"][:, :1], disturbed[:, 1:]], 1)


def unroll(network: PatchNetwork, batch: dict[str, Tensor], options: UnrollOptions) -> UnrollResult:
    """batch as made by `clips.collate`: images [B, N, 1, H, W], poses [B, N, 3, 4], inv and static [B, N, H/4, W/4], K [B, 4]."""
    return Unroll(network, batch, options).run()
