# SPDX-License-Identifier: MIT
"""Odometry over a sequence of any length as the product runs it, without ground truth: a sliding window of frames, one update and bundle adjustment a frame.

What calibration sees must be what runs: a hidden state that has been updated for many frames, reprojections of estimated poses, features of all scenes.
All pairs of the window are updated.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import geometry, se3
from ..bundle_adjust import bundle_adjust

DAMPING = 1.0  # of the poses, as the product has it
MOTION_DAMPING = 0.5  # share of the last motion that the next frame is expected to make
RECENT = 3  # frames whose median depth a new frame takes


@dataclass(frozen=True)
class OdometryOptions:
    window: int = 16  # frames
    patches: int = 16  # per frame
    start: int = 8  # frames before the first update
    warm: int = 12  # updates then
    seed: int = 0


class SlidingOdometry:
    """One sequence in flight. intrinsics [4]: fx fy cx cy in grid pixels."""

    def __init__(self, network: nn.Module, intrinsics: Tensor, options: OdometryOptions):
        self.network, self.options, self.device = network, options, intrinsics.device
        self.intrinsics = intrinsics.float()[None]
        self.random = torch.Generator(device=self.device).manual_seed(options.seed)
        self.hidden = torch.zeros(1, 0, 0, options.patches, network.sizes.hidden_dim, device=self.device)
        self.frames: dict[str, Tensor] = {}  # features, patches, context, centres, depths, poses: [1, frames, ...]

    @torch.no_grad()
    def track(self, image: Tensor) -> None:
        """image [C, H, W] in 0..255, sides multiples of 16."""
        self._add_frame(image)
        count = self.frames["poses"].shape[1]
        if count == self.options.start:
            for _ in range(self.options.warm):
                self._update()
        elif count > self.options.start:
            self._update()

    @property
    def poses(self) -> Tensor:
        """World -> camera of the frames in the window, [frames, 3, 4]."""
        return self.frames["poses"][0]

    def _add_frame(self, image: Tensor) -> None:
        features, context = self.network.encode(image[None, None].float())
        centres = self._draw_centres(features.shape[2:4])
        patches, context = self.network.sample(features, context, centres)
        new = {"features": features, "patches": patches, "context": context, "centres": centres, "depths": self._first_depths(), "poses": self._first_pose()}
        old = {name: value[:, -(self.options.window - 1) :] for name, value in self.frames.items()}
        self.frames = {name: torch.cat([old[name], value], 1) if old else value for name, value in new.items()}
        kept = self.options.window - 1
        self.hidden = F.pad(self.hidden[:, -kept:, -kept:], (0, 0, 0, 0, 0, 1, 0, 1))

    def _draw_centres(self, size: torch.Size) -> Tensor:
        height, width = size
        draw = lambda high: torch.randint(1, high - 1, (1, 1, self.options.patches), generator=self.random, device=self.device)  # noqa: E731
        return torch.stack([draw(width), draw(height)], -1).float()

    def _first_depths(self) -> Tensor:
        if not self.frames or self.frames["depths"].shape[1] < self.options.start:
            return torch.rand(1, 1, self.options.patches, generator=self.random, device=self.device)
        return self.frames["depths"][:, -RECENT:].median().expand(1, 1, self.options.patches)

    def _first_pose(self) -> Tensor:
        """The last pose, moved on by a part of the last motion."""
        if not self.frames:
            return se3.identity(1, 1, device=self.device)
        poses = self.frames["poses"]
        if poses.shape[1] < 2:
            return poses[:, -1:]
        motion = se3.compose(poses[:, -1:], se3.inverse(poses[:, -2:-1]))
        tangent = torch.cat([motion[..., 3], se3.log_rotation(motion[..., :3])], -1)
        return se3.compose(se3.exp(MOTION_DAMPING * tangent), poses[:, -1:])

    def _update(self) -> None:
        frames = self.frames
        coords = geometry.transfer_patches(frames["poses"], frames["centres"], frames["depths"], self.intrinsics, self.network.offsets)
        volume = self.network.volume(frames["features"], frames["patches"])
        correlation = volume.lookup(coords, coords.shape[1])
        self.hidden, flow, confidence = self.network.update(self.hidden, frames["context"], correlation)
        target = coords[..., coords.shape[-2] // 2, :] + flow
        arguments = (frames["poses"], frames["centres"], frames["depths"], self.intrinsics, target, confidence, tuple(frames["features"].shape[2:4]))
        frames["poses"], frames["depths"] = bundle_adjust(*arguments, damping=DAMPING)
