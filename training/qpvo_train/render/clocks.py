# SPDX-License-Identifier: MIT
"""A path driven by two clocks, one for position and one for rotation, so that a sequence can stand still, only turn, or turn fast."""

import numpy as np

from .paths import Path


class ClockedPath:
    """A Path whose position and rotation run at their own pace: `turn_pace` and `move_pace` [n - 1] say how far the clocks go between frames.

    Times are seconds of the recording, frame k at k / rate.
    """

    def __init__(self, path: Path, start: float, step: float, move_pace: np.ndarray, turn_pace: np.ndarray, rate: float) -> None:
        self.path, self.start, self.rate = path, start, rate
        self.move = step * np.concatenate([[0], np.cumsum(move_pace)])
        self.turn = step * np.concatenate([[0], np.cumsum(turn_pace)])

    def poses(self, t) -> np.ndarray:
        """World -> camera [n, 3, 4] at recording times t in seconds."""
        frame = np.atleast_1d(np.asarray(t, float)) * self.rate
        k = np.arange(len(self.move))
        return self.path.poses(self.start + _smooth(frame, k, self.move), self.start + _smooth(frame, k, self.turn))


def _smooth(x, k, clock):
    """Linear between frames, and beyond the ends with the first and last slope."""
    inside = np.interp(x, k, clock)
    before, after = np.minimum(x, 0) * (clock[1] - clock[0]), np.maximum(x - k[-1], 0) * (clock[-1] - clock[-2])
    return inside + before + after


def stretch(frames: int, first: int, last: int, value: float, ease: int = 8) -> np.ndarray:
    """Pace [frames - 1]: 1, with `value` between the frames first and last, eased over `ease` frames."""
    k = np.arange(frames - 1)
    inside = np.clip((k - first) / ease, 0, 1) * np.clip((last - k) / ease, 0, 1)
    inside = inside * inside * (3 - 2 * inside)
    return 1 + (value - 1) * inside
