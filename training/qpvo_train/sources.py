# SPDX-License-Identifier: MIT
"""Where a configuration has its clips from."""

from .clips import ClipFolder
from .config import Config
from .errors import TrainingError
from .processes import Processes


def clip_source(config: Config, processes: Processes):
    """The clips of a process: from the folders with a seed of its own, or rendered on the fly, its share of all."""
    data = config.data
    if data.clips is None:
        return _rendered_clips(config, processes)
    seed = config.train.seed + 104729 * processes.rank
    if not data.tartanair:
        return ClipFolder(data.clips, seed=seed, crop=data.crop)
    share = data.tartanair_share
    return ClipFolder([data.clips, data.tartanair_clips], seed=seed, crop=data.crop, weights=[1 - share, share])


def _rendered_clips(config: Config, processes: Processes):
    from .render.stream import RenderedClips

    if config.data.tartanair:
        raise TrainingError("sequences are mixed with clips of a folder only", expected="data: clips", received="null", advice="Render to a folder first.")
    render = config.render
    return RenderedClips(
        seed=config.train.seed,
        crop=config.data.crop,
        size=(render.frames, render.height, render.width),
        device=processes.device,
        workers=render.workers,
        folders=render.texture_folders,
        share=(processes.rank, processes.count),
    )


def validation_folder(config: Config) -> str:
    """The folder of held-out clips."""
    if config.data.validation is None:
        advice = "Name the folder that `render --what val` fills."
        raise TrainingError("no folder of held-out clips", expected="data: validation", received="null", advice=advice)
    return config.data.validation
