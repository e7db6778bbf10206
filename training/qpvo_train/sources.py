# SPDX-License-Identifier: MIT
"""Where a configuration has its clips from."""

from pathlib import Path

from .clips import ClipFolder
from .config import Config, DataConfig, StageConfig
from .errors import TrainingError
from .processes import Processes


def clip_source(config: Config, processes: Processes, stages: tuple[StageConfig, ...] | None = None):
    """The clips of a process: from the folders with a seed of its own, or rendered on the fly, its share of all. Of the clips that were cut from sequences,
    those of the configured ones. stages: that the clips are for (default: those of the configuration).

    Raises TrainingError where there are none, and for clips that are too short for one of the stages.
    """
    data = config.data
    if data.clips is None:
        return _rendered_clips(config, processes)
    source = _clip_folder(data, config.train.seed + 104729 * processes.rank)
    source.check_sizes(max(stage.frames for stage in stages or config.train.stages))
    return source


def _clip_folder(data: DataConfig, seed: int) -> ClipFolder:
    if not data.tartanair:
        return ClipFolder(data.clips, seed=seed, crop=data.crop)
    share = data.tartanair_share
    prefixes = [("",), _sequence_prefixes(data)]
    return ClipFolder([data.clips, data.tartanair_clips], seed=seed, crop=data.crop, weights=[1 - share, share], prefixes=prefixes)


def _sequence_prefixes(data: DataConfig) -> tuple[str, ...]:
    """How the names of the clips of each configured sequence begin."""
    from .tartanair import sequence_name

    prefixes = {folder: f"{sequence_name(folder)}-" for folder in data.tartanair}
    there = [path.name for path in Path(data.tartanair_clips).glob("*.npz")]
    for folder, prefix in prefixes.items():
        if not any(name.startswith(prefix) for name in there):
            expected, advice = f"{prefix}*.npz in {data.tartanair_clips}", "Cut them first: python -m qpvo_train render --config <file>."
            raise TrainingError(f"no clips of the sequence {folder}", expected=expected, received="none", advice=advice)
    return tuple(prefixes.values())


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
