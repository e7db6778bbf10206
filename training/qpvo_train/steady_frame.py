# SPDX-License-Identifier: MIT
"""One frame of the odometry in its steady state, in eager PyTorch: what an implementation on this network costs that is no product of its own.

Every frame begins from the same state, so that all of them do the same work: the newest frame's features are replaced, the results of update and bundle
adjustment are computed and read, and not kept.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from . import geometry, se3
from .bundle_adjust import bundle_adjust
from .correlation import correlate_reference
from .network import PatchNetwork
from .pair_update import PairUpdate
from .windows import Windows

DAMPING = 1.0  # of the poses, as the product has it
INVERSE_DEPTH = 0.5
STEP = (0.02, 0.005, 0.0, 0.0, 0.002, 0.0)  # motion from frame to frame: translation, rotation


@dataclass
class StoredFeatures:
    """Features of the frames, [1, frames, ...]; the fields that correlate_reference() reads."""

    patches: Tensor  # [1, N, M, P, C]
    maps: list[Tensor]  # [1, N, H, W, C] of each level
    scales: list[float]
    radius: int


class SteadyFrame:
    """size: (width, height) of the image, multiples of 16; half: networks by autocast and stored features in fp16, geometry always in fp32."""

    def __init__(self, network: PatchNetwork, windows: Windows, size: tuple[int, int], device: torch.device, half: bool):
        self.network, self.windows, self.device, self.half = network.to(device).eval(), windows, device, half
        self.source, self.target = (index.to(device) for index in windows.pairs())
        self.update = PairUpdate(network.update, self.source)
        width, height = size
        self.grid = (height // 4, width // 4)
        self.image = torch.randint(0, 256, (1, 1, network.sizes.input_channels, height, width), device=device, dtype=torch.uint8)
        self.intrinsics = torch.tensor([[0.2 * width, 0.2 * width, width / 8, height / 8]], device=device)
        self.poses, self.centres, self.depths = self._geometry()
        self.stored, self.context = self._empty_store()
        shape = (len(self.source), windows.patches, network.sizes.hidden_dim)
        self.hidden = torch.zeros(shape, device=device, dtype=self.kept)
        with torch.inference_mode():
            for slot in range(windows.frames):
                self._encode()
                self._insert(slot)

    @property
    def kept(self) -> torch.dtype:
        """Of what is stored from frame to frame."""
        return torch.float16 if self.half else torch.float32

    @property
    def parts(self) -> dict[str, Callable[[], None]]:
        """The work of a frame in order. To be called under torch.inference_mode(); the last one waits for the device."""
        newest = self.windows.frames - 1
        return {
            "encoders": self._encode,
            "insert": lambda: self._insert(newest),
            "correlation": self._correlate,
            "update": self._update,
            "bundle_adjustment": self._adjust,
            "read_back": self._read_back,
        }

    def _geometry(self) -> tuple[Tensor, Tensor, Tensor]:
        """Poses [1, N, 3, 4] of a camera that moves steadily, centres [1, N, M, 2] at random, inverse depths [1, N, M]."""
        frames, patches = self.windows.frames, self.windows.patches
        steps = torch.arange(frames, device=self.device)[:, None] * torch.tensor(STEP, device=self.device)
        height, width = self.grid
        x, y = (torch.randint(1, side - 1, (1, frames, patches), device=self.device) for side in (width, height))
        return se3.exp(steps)[None], torch.stack([x, y], -1).float(), torch.full((1, frames, patches), INVERSE_DEPTH, device=self.device)

    def _empty_store(self) -> tuple[StoredFeatures, Tensor]:
        sizes, frames = self.network.sizes, self.windows.frames
        make = lambda *shape: torch.zeros(1, frames, *shape, device=self.device, dtype=self.kept)  # noqa: E731
        maps = [make(*(side // level for side in self.grid), sizes.feature_dim) for level in sizes.levels]
        patches = make(self.windows.patches, sizes.patch_size**2, sizes.feature_dim)
        scales = [1 / level for level in sizes.levels]
        return StoredFeatures(patches, maps, scales, sizes.radius), torch.zeros(frames, self.windows.patches, sizes.hidden_dim, device=self.device)

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.float16, enabled=self.half)

    def _encode(self) -> None:
        with self._precision():
            self.encoded = self.network.encode(self.image.float())

    def _insert(self, slot: int) -> None:
        features, context = self.encoded
        patches, self.context[slot] = (t[0, 0] for t in self.network.sample(features, context, self.centres[:, slot : slot + 1]))
        self.stored.patches[0, slot] = patches
        planes = features[0].permute(0, 3, 1, 2)
        for level, stored in zip(self.network.sizes.levels, self.stored.maps):
            pooled = planes if level == 1 else F.avg_pool2d(planes, level)
            stored[0, slot] = pooled[0].permute(1, 2, 0)

    def reproject(self) -> Tensor:
        """All pixels of the patches in the frames of their pairs, [P, M, pixels, 2]."""
        relative = se3.compose(self.poses[0, self.target], se3.inverse(self.poses[0, self.source]))
        rays = geometry.rays(self.centres[:, :, :, None] + self.network.offsets, self.intrinsics)[0, self.source]
        points = (rays.flatten(1, 2) @ relative[..., :3].transpose(-1, -2)).view_as(rays)
        points = points + relative[:, None, None, :, 3] * self.depths[0, self.source][..., None, None]
        return geometry.project(points[None], self.intrinsics)[0]

    def _correlate(self) -> None:
        patches = self.windows.patches
        self.coords = self.reproject()
        each = torch.arange(patches, device=self.device)
        patch, map_ = (self.source[:, None] * patches + each).flatten(), self.target.repeat_interleave(patches)
        rows = correlate_reference(self.stored, self.coords.flatten(0, 1), patch, map_)
        self.correlation = rows.to(self.kept).view(len(self.source), patches, -1)

    def _update(self) -> None:
        with self._precision():
            self.updated, self.flow, self.confidence = self.update(self.hidden, self.context, self.correlation)

    def _adjust(self) -> None:
        """Over all pairs of frames, as the training has it; those that are none have no weight."""
        frames, patches = self.windows.frames, self.windows.patches
        target, weight = torch.zeros(2, 1, frames, frames, patches, 2, device=self.device).unbind(0)
        target[0, self.source, self.target] = self.coords[:, :, self.coords.shape[2] // 2] + self.flow
        weight[0, self.source, self.target] = self.confidence
        fixed = frames - self.windows.optimization
        arguments = (self.poses, self.centres, self.depths, self.intrinsics, target, weight, self.grid)
        self.adjusted = bundle_adjust(*arguments, iterations=2, fixed=fixed, damping=DAMPING)

    def _read_back(self) -> None:
        self.result = tuple(t.cpu() for t in self.adjusted)
