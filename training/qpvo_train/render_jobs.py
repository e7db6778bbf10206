# SPDX-License-Identifier: MIT
"""Rendering of the clips and sequences that a configuration asks for, by several processes."""

import itertools
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from .clips import clip_size, size_text
from .config import TRAINING_SEEDS, Config, RenderConfig, check_config
from .errors import TrainingError
from .render.bank import load_bank
from .render.clip import use_one_thread
from .render.sequence import SETS, render_sequences
from .render.worker import clip_name, render_clips
from .tartanair import check_sequence, write_clips

VALIDATION_CLIPS = 32  # seeds from 0 on
SEQUENCES = {"sequences": "qpvo-out/sequences", "fast": "qpvo-out/fast", "calibration": "qpvo-out/calibration", "demo": "qpvo-out/demo"}


def render(config: Config, what: str, out: str | None = None, count: int | None = None) -> None:
    """what: train, val or a key of SEQUENCES. Files that exist are kept.

    Raises TrainingError for a count that is not positive, a missing texture folder, a TartanAir sequence that cannot be used, seeds that are reserved and clips of
    another size that are there, before any work starts.
    """
    if what != "train" and count is not None and count < 1:
        raise TrainingError("wrong value of --count", expected="a positive number", received=count)
    if what == "train" and count is not None:
        config = replace(config, render=replace(config.render, count=count))
        check_config(config, "--count")
    folders = config.render.texture_folders
    shrinks = {}
    if what == "train":
        shrinks = {folder: check_sequence(folder, config.render.frames, config.data.crop) for folder in config.data.tartanair}
    if what == "val" and (count or 0) > TRAINING_SEEDS:
        raise TrainingError("too many held-out clips", expected=f"at most {TRAINING_SEEDS}: from that seed on they would be training clips", received=count)
    bank = load_bank(folders=folders)  # made here once; the processes find it in the cache
    if what in SEQUENCES:
        render_sequences(out or SEQUENCES[what], SETS[what][:count], bank, report=_report)
    elif what == "val":
        _clips(replace(config.render, first=0, count=count or VALIDATION_CLIPS), _folder(out or config.data.validation, "validation"))
    else:
        _clips(config.render, _folder(out or config.data.clips, "clips"))
        for folder, shrink in shrinks.items():
            cut = config.data.tartanair_clips if out is None else f"{out}-tartanair"
            made = write_clips(folder, cut, frames=config.render.frames, strides=(1, 2), shrink=shrink)
            _report(f"{made} clips cut from {folder}")


def _folder(folder: str | None, key: str) -> str:
    if folder is None:
        raise TrainingError("no folder for the clips", expected=f"data: {key}, or --out", received="null", advice="Name a folder.")
    return folder


def _clips(render: RenderConfig, out: str) -> None:
    """The seeds shared out among the processes, of which each uses one thread. Raises TrainingError for clips of another size that are there already."""
    _check_kept(render, Path(out))
    if render.workers <= 1:
        return _share(render, out)
    os.environ["OMP_NUM_THREADS"] = "1"
    ends = [render.count * n // render.workers for n in range(render.workers + 1)]
    shares = [replace(render, first=render.first + begin, count=end - begin) for begin, end in itertools.pairwise(ends)]
    with ProcessPoolExecutor(render.workers, multiprocessing.get_context("spawn")) as pool:
        for done in [pool.submit(_share, share, out) for share in shares]:
            done.result()


def _check_kept(render: RenderConfig, out: Path) -> None:
    wanted = (render.frames, render.height, render.width)
    for path in (out / clip_name(seed) for seed in range(render.first, render.first + render.count)):
        if not path.exists():
            continue
        try:
            size = clip_size(path)
        except ValueError as error:
            raise TrainingError("a clip that is there cannot be read", received=error, advice="Remove it to have it rendered again.") from None
        if size != wanted:
            advice = "Move these clips away, or give another folder."
            raise TrainingError("clips of another size are there", expected=size_text(wanted), received=f"{path}: {size_text(size)}", advice=advice)


def _share(render: RenderConfig, out: str) -> None:
    use_one_thread()
    bank = load_bank(folders=render.texture_folders)
    made = render_clips(out, render.first, render.count, bank, frames=render.frames, height=render.height, width=render.width, report=_report)
    _report(f"{made} clips rendered to {out}, {render.count - made} were there")


def _report(line: str) -> None:
    print(line, flush=True)
