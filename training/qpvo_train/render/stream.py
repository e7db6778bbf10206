# SPDX-License-Identifier: MIT
"""Clips rendered while training: the sampler interface of ClipFolder without files.

Clips are made in groups; a group gives `reuse` samples of each of its clips, in random order. With workers, groups are rendered ahead in
processes by the CPU kernel; without, in this process on `device`.
"""

import multiprocessing
import warnings
from collections import deque
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from ..clips import USUAL_MOTION, check_state, collate, load_sample
from ..errors import TrainingError
from .bank import check_texture_folders, load_bank
from .clip import random_clip, use_one_thread

GROUP = 16
FIRST_SEED = 20_000_000
_worker_bank = None


def _start_worker(bank_options) -> None:
    global _worker_bank
    use_one_thread()
    _worker_bank = load_bank(**bank_options)


def _render(seed, size) -> dict:
    return random_clip(seed, _worker_bank, *size)


class RenderedClips:
    """Infinite sampler; sample number k of a seed is always the same one, and no clip's seed comes twice (share: which of how many processes).

    folders: image folders for textures; size: frames, height, width of the clips. Raises TrainingError for a missing texture folder.
    """

    def __init__(
        self, *, seed=0, frames=8, crop=(208, 288), size=(16, 240, 320), reuse=2, device="cpu", workers=0, folders=(), textures=192, share=(0, 1)
    ) -> None:
        check_texture_folders(folders)
        self.seed, self.frames, self.crop, self.size, self.reuse, self.workers, self.share = seed, frames, tuple(crop), tuple(size), reuse, workers, share
        bank = dict(count=textures, folders=tuple(map(str, folders)))
        self.pool = self.bank = None
        if workers:
            load_bank(**bank)
            self.pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start_worker, (bank,))
        else:
            self.bank = load_bank(**bank, device=device)
        self.motion = USUAL_MOTION
        self.taken = 0
        self._begin()

    def _begin(self) -> None:
        self.group, self.clips, self.ahead = None, [], deque()

    def _seed(self, index: int) -> int:
        rank, processes = self.share
        return FIRST_SEED + self.seed * 100_000_000 + index * processes + rank

    def _clips_of(self, group: int) -> list[dict]:
        if self.pool is None:
            return [random_clip(self._seed(group * GROUP + k), self.bank, *self.size) for k in range(GROUP)]
        wanted = group * GROUP + max(2 * GROUP, 2 * self.workers)
        first = group * GROUP + len(self.ahead)
        for index in range(first, wanted):
            self.ahead.append(self.pool.submit(_render, self._seed(index), self.size))
        return [self.ahead.popleft().result() for _ in range(GROUP)]

    def __iter__(self):
        return self

    def __next__(self) -> dict:
        """One sample as clips.load_sample gives it. A clip that cannot be used is named in a warning; a whole group of them is a TrainingError."""
        for _ in range(GROUP * self.reuse):
            seed, clip, rng = self._draw()
            try:
                return load_sample(clip, rng, self.frames, self.crop, motion=self.motion)
            except ValueError as error:
                warnings.warn(f"rendered clip of seed {seed} skipped: {error}", stacklevel=2)
                reason = error
        advice = "Check the sizes of render, data: crop and train: stages."
        raise TrainingError("no rendered clip can be used", expected=f"{self.frames} frames, crop {self.crop}", received=reason, advice=advice)

    def _draw(self) -> tuple[int, dict, np.random.Generator]:
        """The next clip with its seed and the generator of its augmentation."""
        group, place = divmod(self.taken, GROUP * self.reuse)
        if group != self.group:
            self.group, self.clips = group, self._clips_of(group)
        order = np.random.default_rng((self.seed, 3, group)).permutation(GROUP * self.reuse)
        rng = np.random.default_rng((self.seed, 4, self.share[0], self.taken))
        self.taken += 1
        k = int(order[place]) % GROUP
        return self._seed(group * GROUP + k), self.clips[k], rng

    def batch(self, size: int) -> dict:
        return collate([next(self) for _ in range(size)])

    def state_dict(self) -> dict:
        return {"taken": self.taken}

    def load_state_dict(self, state: dict) -> None:
        """Continues after the same number of samples; clips of the group at hand are rendered again. Raises TrainingError for another kind of state."""
        check_state(state, self.state_dict())
        self.taken = state["taken"]
        for future in self.ahead:
            future.cancel()
        self._begin()

    def clip_counts(self) -> list[int]:
        """Clips that are rendered while training are in no folder."""
        return []

    def close(self) -> None:
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)
