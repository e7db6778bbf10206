# SPDX-License-Identifier: MIT
"""Configuration: YAML files read into dataclasses. An unknown key, a wrong type or a wrong value is refused before any work starts."""

import dataclasses
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from .errors import TrainingError
from .network import NetworkSizes


@dataclass(frozen=True)
class RenderConfig:
    """Clips rendered to a folder: seeds first .. first + count - 1, one file each."""

    first: int = 1000
    count: int = 2000
    frames: int = 16
    height: int = 240
    width: int = 320
    workers: int = 1  # processes; on the fly, 0 renders in the training process on its device
    textures: str | None = None  # folder of images to mix into the procedural textures


@dataclass(frozen=True)
class DataConfig:
    clips: str | None = "qpvo-out/clips/train"  # folder of clips; null renders on the fly
    validation: str | None = "qpvo-out/clips/val"
    tartanair: tuple[str, ...] = ()  # folders of TartanAir sequences to mix in
    tartanair_share: float = 0.2
    crop: tuple[int, int] = (208, 288)  # height, width

    @property
    def tartanair_clips(self) -> str:
        """Where `render` puts the clips that it cuts from the sequences: beside the rendered ones."""
        return f"{self.clips}-tartanair"


@dataclass(frozen=True)
class StageConfig:
    """A part of the curriculum, up to the share `until` of all steps."""

    until: float = 1.0
    frames: int = 8
    start: int = 6
    warm: int = 6
    patches: int = 24
    true_poses: float = 0.15  # share of the clips that start from disturbed true poses
    through_ba: bool = True


@dataclass(frozen=True)
class LossConfig:
    """Weights of the terms; the losses of algorithm section 13 are `reprojection`, `translation` and `rotation`."""

    flow: float = 1.0
    confidence: float = 0.15
    matching: float = 0.1
    reprojection: float = 0.5
    translation: float = 2.0
    rotation: float = 2.0


@dataclass(frozen=True)
class TrainConfig:
    steps: int = 5000
    batch: int = 1  # clips per process and step
    learning_rate: float = 8e-4
    warmup_steps: int = 150
    decay_share: float = 0.4  # the last part of the steps, in which the learning rate falls to `final_rate` of its value
    final_rate: float = 0.02
    weight_decay: float = 1e-5
    clip_norm: float = 2.0
    ema_decay: float = 0.998
    correlation_keep: float = 0.5
    threads: int = 1  # per process
    bfloat16: bool = True
    seed: int = 0
    log_every: int = 25
    checkpoint_minutes: float = 3.0
    stages: tuple[StageConfig, ...] = (
        StageConfig(until=0.12, warm=4, true_poses=1.0, through_ba=False),
        StageConfig(until=0.35, through_ba=False),
        StageConfig(until=1.0),
    )
    losses: LossConfig = field(default_factory=LossConfig)


@dataclass(frozen=True)
class Config:
    name: str = "small"
    run: str = "qpvo-out/runs/small"  # folder of checkpoint, log and curves
    sizes: NetworkSizes = field(default_factory=NetworkSizes)
    render: RenderConfig = field(default_factory=RenderConfig)
    data: DataConfig = field(default_factory=DataConfig)
    train: TrainConfig = field(default_factory=TrainConfig)


def load_config(path: str | Path) -> Config:
    """Reads and checks a YAML file.

    Raises TrainingError for a missing file, bad YAML, unknown keys, wrong types and values out of range.
    """
    path = Path(path)
    try:
        values = yaml.safe_load(path.read_text())
    except OSError as error:
        raise TrainingError(f"cannot read the configuration {path}", received=error.strerror, advice="Give one of configs/*.yaml.") from None
    except yaml.YAMLError as error:
        raise TrainingError(f"{path} is not YAML", received=error, advice="Correct the file; configs/small.yaml is an example.") from None
    config = parse(Config, values or {}, str(path))
    _check(config, path)
    return config


def parse(kind: type, value: object, where: str):
    """Builds a dataclass, tuple or scalar of type `kind` from plain YAML values; `where` names the place in errors."""
    if dataclasses.is_dataclass(kind):
        return _parse_dataclass(kind, value, where)
    origin = typing.get_origin(kind)
    if origin is types.UnionType:
        return None if value is None else parse(typing.get_args(kind)[0], value, where)
    if origin is tuple:
        return _parse_tuple(kind, value, where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        raise TrainingError(f"wrong value of {where}", expected=kind.__name__, received=f"{value!r} ({type(value).__name__})")
    return value


def _parse_dataclass(kind: type, value: object, where: str):
    if not isinstance(value, dict):
        raise TrainingError(f"wrong value of {where}", expected="a mapping of keys to values", received=repr(value))
    hints = typing.get_type_hints(kind)
    unknown = [key for key in value if key not in hints]
    if unknown:
        raise TrainingError(f"unknown key in {where}: {', '.join(map(str, unknown))}", expected=", ".join(hints), advice="Check the spelling.")
    return kind(**{key: parse(hints[key], item, f"{where}: {key}") for key, item in value.items()})


def _parse_tuple(kind: type, value: object, where: str):
    if not isinstance(value, list):
        raise TrainingError(f"wrong value of {where}", expected="a list", received=repr(value))
    items = typing.get_args(kind)
    if items[-1] is Ellipsis:
        return tuple(parse(items[0], item, f"{where}[{n}]") for n, item in enumerate(value))
    if len(items) != len(value):
        raise TrainingError(f"wrong value of {where}", expected=f"{len(items)} numbers", received=repr(value))
    return tuple(parse(item_kind, item, f"{where}[{n}]") for n, (item_kind, item) in enumerate(zip(items, value)))


def _check(config: Config, path: Path) -> None:
    """Values that cannot work, found before any work starts."""

    def demand(right: bool, key: str, expected: str, received: object) -> None:
        if not right:
            raise TrainingError(f"wrong value of {path}: {key}", expected=expected, received=received)

    sizes, data, train = config.sizes, config.data, config.train
    for key in ("input_channels", "width", "feature_dim", "hidden_dim"):
        demand(getattr(sizes, key) > 0, f"sizes: {key}", "a positive number", getattr(sizes, key))
    demand(sizes.patch_size % 2 == 1, "sizes: patch_size", "an odd number", sizes.patch_size)
    demand(all(side > 0 and side % 16 == 0 for side in data.crop), "data: crop", "multiples of 16", data.crop)
    demand(train.steps > 0, "train: steps", "a positive number", train.steps)
    demand(train.threads > 0, "train: threads", "a positive number", train.threads)
    demand(train.batch > 0, "train: batch", "a positive number", train.batch)
    demand(0 < train.learning_rate < 1, "train: learning_rate", "between 0 and 1", train.learning_rate)
    demand(0 <= train.decay_share <= 1, "train: decay_share", "between 0 and 1", train.decay_share)
    demand(bool(train.stages), "train: stages", "at least one", "none")
    ends = [stage.until for stage in train.stages]
    demand(ends == sorted(ends) and ends[-1] == 1.0, "train: stages", "`until` rising, the last 1.0", ends)
    for n, stage in enumerate(train.stages):
        demand(2 <= stage.start <= stage.frames, f"train: stages[{n}]: start", "between 2 and frames", stage.start)
        demand(stage.frames <= config.render.frames, f"train: stages[{n}]: frames", f"at most render: frames = {config.render.frames}", stage.frames)
        demand(stage.patches > 0 and stage.warm > 0, f"train: stages[{n}]", "positive patches and warm", (stage.patches, stage.warm))
