# SPDX-License-Identifier: MIT
"""The windows of the odometry, and the pairs of frames that its steady state has in them."""

import re
from dataclasses import dataclass

import torch
from torch import Tensor

from .errors import TrainingError


@dataclass(frozen=True)
class Windows:
    """Counts of frames but for `patches`, which are per frame."""

    patches: int
    removal: int  # patches of older frames are retired
    optimization: int  # newest poses that bundle adjustment moves
    lifetime: int  # how far in time a patch is matched

    @property
    def frames(self) -> int:
        """Frames that a steady state joins: the oldest source looks lifetime - 1 frames back."""
        return self.removal + self.lifetime

    def pairs(self) -> tuple[Tensor, Tensor]:
        """Source and target of every pair, int64 [P], as places among `frames`, oldest first; by source, then by target.

        A source looks at itself, at the lifetime - 1 frames before it, and at as many after it as there are.
        """
        reach, count = self.lifetime - 1, self.frames
        pairs = [(s, t) for s in range(reach, count) for t in range(s - reach, min(s + reach, count - 1) + 1)]
        source, target = torch.tensor(pairs).unbind(1)
        return source, target


# The published default and fast configurations.
NAMED_WINDOWS = {"default": Windows(96, 22, 10, 13), "fast": Windows(48, 16, 7, 11)}


def parse_windows(text: str) -> Windows:
    """A name, or patches/removal/optimization/lifetime. Raises TrainingError for anything else."""
    if text in NAMED_WINDOWS:
        return NAMED_WINDOWS[text]
    match = re.fullmatch(r"(\d+)/(\d+)/(\d+)/(\d+)", text)
    windows = Windows(*map(int, match.groups())) if match else None
    if windows is None or windows.patches < 1 or windows.lifetime < 1 or not 1 <= windows.optimization <= windows.removal:
        expected = f"{', '.join(NAMED_WINDOWS)} or patches/removal/optimization/lifetime, such as 96/22/10/13, optimization at most removal"
        raise TrainingError("wrong value of --windows", expected=expected, received=text)
    return windows
