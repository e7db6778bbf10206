# SPDX-License-Identifier: MIT
"""Configuration: YAML files read into dataclasses. An unknown key, a wrong type or a wrong value is refused before any work starts."""

import dataclasses
import itertools
import math
import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .clips import Motion
from .errors import TrainingError
from .network import NetworkSizes
from .yaml_file import number_advice, read_yaml

TRAINING_SEEDS = 1000  # from here on; below: the held-out clips
RESERVED_SEEDS = 900_000  # from here on: the held-out sequences, and clips that are rendered while training
CALIBRATION_METHODS = ("minmax", "percentile", "mse", "entropy")
WEIGHT_METHODS = ("minmax", "mse")
QAT_MODES = ("scales", "all")
PRODUCT_SHAPES = {"patch_size": 3, "radius": 3, "levels": (1, 4)}
FEATURE_STEP, MOST_FEATURES, MOST_HIDDEN = 16, 1024, 4096  # widths that the product's odometry can run


@dataclass(frozen=True)
class RenderConfig:
    """Clips rendered to a folder: seeds first .. first + count - 1, all below RESERVED_SEEDS, one file each."""

    first: int = 1000
    count: int = 2000
    frames: int = 16
    height: int = 240
    width: int = 320
    workers: int = 1  # processes; on the fly, 0 renders in the training process on its device
    textures: str | tuple[str, ...] | None = None  # folder, or folders, of images to mix into the procedural textures

    @property
    def texture_folders(self) -> list[str]:
        return [self.textures] if isinstance(self.textures, str) else list(self.textures or ())


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
    motion: Motion = field(default_factory=Motion)


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
class QuantizeConfig:
    """Calibration: from which images the ranges of INT8 are taken, and how."""

    method: str = "mse"  # of the activations' ranges
    weights: str = "mse"  # of the weights' ranges: mse or minmax
    percentile: float = 99.999  # of the magnitudes, for the method of that name
    footage: tuple[str, ...] = ("qpvo-out/calibration",)  # folders of sequences (ASL, TartanAir) or clips
    runs: int = 3  # of consecutive frames in each sequence, spread over its whole length
    frames: int = 32  # a run
    clips: int = 24  # of each folder of clips, 0 for none
    window: int = 16  # frames in the sliding window of the odometry
    patches: int = 16  # per frame
    float_layers: tuple[str, ...] = ()  # layers that stay in floating point


@dataclass(frozen=True)
class SensitivityConfig:
    """How the damage of quantizing or pruning one group of layers alone is measured, and the mixed precision chosen from it."""

    clips: int = 8  # held out
    pruned: float = 0.2  # share of a group's channels
    latency: float = 0.4  # budget for the networks, relative to all layers in float
    latencies: str | None = None  # JSON of `npm run bench -- layers`; without it multiplications count, one in int8 a quarter
    flow_px: float = 0.1  # flow error at which no further layer goes back to float


@dataclass(frozen=True)
class PruneConfig:
    """How much is removed, and the fine-tuning after each round."""

    parameters: float = 0.2  # share of all parameters
    macs: float = 0.189  # share of the networks' multiplications
    largest: float = 0.5  # share of a group's channels
    multiple: int = 4  # widths are multiples of it
    rounds: int = 4
    steps: int = 500
    learning_rate: float = 2e-4


@dataclass(frozen=True)
class DistillConfig:
    """Weights of the distances from the float network; those of `small` just calibrated are around 0.01."""

    features: float = 10.0
    context: float = 10.0
    correlation: float = 10.0
    flow: float = 20.0
    confidence: float = 20.0


@dataclass(frozen=True)
class QatConfig:
    """Training with fake quantization. It runs in the last stage of the curriculum, in float32."""

    mode: str = "scales"  # scales: the weights stay; all: they learn too
    steps: int = 1000
    scale_rate: float = 1e-3  # learning rate of the scales' logarithms
    weight_rate: float = 5e-5  # and of the weights
    warmup_steps: int = 20
    distill: DistillConfig = field(default_factory=DistillConfig)


@dataclass(frozen=True)
class Config:
    name: str = "small"
    run: str = "qpvo-out/runs/small"  # folder of checkpoint, log and curves
    sizes: NetworkSizes = field(default_factory=NetworkSizes)
    render: RenderConfig = field(default_factory=RenderConfig)
    data: DataConfig = field(default_factory=DataConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    quantize: QuantizeConfig = field(default_factory=QuantizeConfig)
    sensitivity: SensitivityConfig = field(default_factory=SensitivityConfig)
    prune: PruneConfig = field(default_factory=PruneConfig)
    qat: QatConfig = field(default_factory=QatConfig)

    @property
    def quantize_folder(self) -> Path:
        """Where scales, reports and what is trained with them go."""
        return Path(self.run) / "int8"


def load_config(path: str | Path) -> Config:
    """Reads and checks a YAML file.

    Raises TrainingError for a missing file, bad YAML, unknown keys, keys that stand twice, wrong types and values out of range.
    """
    path = Path(path)
    config = parse(Config, read_yaml(path) or {}, str(path))
    check_config(config, path)
    return config


def parse(kind: type, value: object, where: str):
    """Builds a dataclass, tuple or scalar of type `kind` from plain YAML values; `where` names the place in errors."""
    if dataclasses.is_dataclass(kind):
        return _parse_dataclass(kind, value, where)
    origin = typing.get_origin(kind)
    if origin is types.UnionType:
        kinds = typing.get_args(kind)
        listed = next((one for one in kinds if typing.get_origin(one) is tuple and isinstance(value, list)), kinds[0])
        return None if value is None else parse(listed, value, where)
    if origin is tuple:
        return _parse_tuple(kind, value, where)
    if kind is float and type(value) in (int, float):
        return _finite(value, where)
    if type(value) is not kind:
        advice = number_advice(value) if kind is float else ""
        raise TrainingError(f"wrong value of {where}", expected=kind.__name__, received=f"{value!r} ({type(value).__name__})", advice=advice)
    return value


def _finite(value: float, where: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise TrainingError(f"wrong value of {where}", expected="a finite number", received=value)
    return number


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


Rule = tuple[bool, str, str, object]  # right?, key, what is expected, what came


def check_config(config: Config, where: object) -> None:
    """Finds values that cannot work before any work starts; `where` names the place in errors. Raises TrainingError for the first one."""
    rules = itertools.chain(
        _size_rules(config.sizes),
        _render_rules(config),
        _train_rules(config.train),
        _stage_rules(config),
        _quantize_rules(config.quantize),
        _compression_rules(config),
    )
    _check(rules, where)


def check_exportable(sizes: NetworkSizes, where: object) -> None:
    """Finds widths that can be trained, as for a test, but not run by the product. Raises TrainingError for the first one."""
    features, hidden = sizes.feature_dim, sizes.hidden_dim
    fits = features % FEATURE_STEP == 0 and features <= MOST_FEATURES
    rules = (
        (fits, "sizes: feature_dim", f"a multiple of {FEATURE_STEP} up to {MOST_FEATURES}, as the product can run it", features),
        (hidden <= MOST_HIDDEN, "sizes: hidden_dim", f"at most {MOST_HIDDEN}, as the product can run it", hidden),
    )
    _check(rules, where)


def _check(rules: Iterable[Rule], where: object) -> None:
    for right, key, expected, received in rules:
        if not right:
            raise TrainingError(f"wrong value of {where}: {key}", expected=expected, received=received)


def _size_rules(sizes: NetworkSizes) -> Iterator[Rule]:
    channels = sizes.input_channels
    yield channels in (1, 3), "sizes: input_channels", "1 (grey) or 3 (colour)", channels
    yield from _positive(sizes, "sizes", "width", "feature_dim", "hidden_dim")
    for key, value in PRODUCT_SHAPES.items():
        received = getattr(sizes, key)
        yield received == value, f"sizes: {key}", f"{value}, as the product's networks have it", received


def _render_rules(config: Config) -> Iterator[Rule]:
    render, data = config.render, config.data
    yield from _positive(render, "render", "count", "frames", "height", "width")
    yield render.workers >= 0, "render: workers", "0 or more", render.workers
    yield render.first >= TRAINING_SEEDS, "render: first", f"at least {TRAINING_SEEDS}: lower seeds are those of held-out clips", render.first
    sides = (render.height, render.width)
    yield all(side % 16 == 0 for side in sides), "render: height and width", "multiples of 16", sides
    last = render.first + render.count - 1
    yield last < RESERVED_SEEDS, "render: first + count", f"seeds below {RESERVED_SEEDS}, from which on they are reserved", f"seeds up to {last}"
    yield all(side > 0 and side % 16 == 0 for side in data.crop), "data: crop", "multiples of 16", data.crop
    yield render.height >= data.crop[0], "render: height", f"at least data: crop[0] = {data.crop[0]}", render.height
    yield render.width >= data.crop[1], "render: width", f"at least data: crop[1] = {data.crop[1]}", render.width
    yield 0 <= data.tartanair_share <= 1, "data: tartanair_share", "between 0 and 1", data.tartanair_share


def _train_rules(train: TrainConfig) -> Iterator[Rule]:
    yield from _positive(train, "train", "steps", "threads", "batch", "log_every")
    yield 0 <= train.seed < 2**32, "train: seed", "between 0 and 2**32 - 1", train.seed
    yield 0 < train.learning_rate < 1, "train: learning_rate", "between 0 and 1", train.learning_rate
    yield train.warmup_steps >= 0, "train: warmup_steps", "0 or more", train.warmup_steps
    yield 0 <= train.decay_share <= 1, "train: decay_share", "between 0 and 1", train.decay_share
    yield 0 <= train.ema_decay < 1, "train: ema_decay", "at least 0 and less than 1", train.ema_decay
    yield 0 < train.correlation_keep <= 1, "train: correlation_keep", "more than 0 and at most 1", train.correlation_keep
    yield 0 < train.final_rate <= 1, "train: final_rate", "more than 0 and at most 1", train.final_rate
    yield train.weight_decay >= 0, "train: weight_decay", "0 or more", train.weight_decay
    yield train.clip_norm > 0, "train: clip_norm", "a positive number", train.clip_norm
    for key, weight in dataclasses.asdict(train.losses).items():
        yield weight >= 0, f"train: losses: {key}", "0 or more", weight
    yield train.checkpoint_minutes >= 0, "train: checkpoint_minutes", "0 or more", train.checkpoint_minutes


def _stage_rules(config: Config) -> Iterator[Rule]:
    stages = config.train.stages
    yield bool(stages), "train: stages", "at least one", "none"
    ends = [stage.until for stage in stages]
    yield ends == sorted(ends) and ends[-1] == 1.0, "train: stages", "`until` rising, the last 1.0", ends
    for n, stage in enumerate(stages):
        yield 2 <= stage.start <= stage.frames, f"train: stages[{n}]: start", "between 2 and frames", stage.start
        yield stage.frames <= config.render.frames, f"train: stages[{n}]: frames", f"at most render: frames = {config.render.frames}", stage.frames
        yield stage.patches > 0 and stage.warm > 0, f"train: stages[{n}]", "positive patches and warm", (stage.patches, stage.warm)
        yield 0 <= stage.true_poses <= 1, f"train: stages[{n}]: true_poses", "between 0 and 1", stage.true_poses
        for key in ("skip", "zoom"):
            share = getattr(stage.motion, key)
            yield 0 <= share <= 1, f"train: stages[{n}]: motion: {key}", "between 0 and 1", share


def _quantize_rules(quantize: QuantizeConfig) -> Iterator[Rule]:
    yield quantize.method in CALIBRATION_METHODS, "quantize: method", ", ".join(CALIBRATION_METHODS), quantize.method
    yield quantize.weights in WEIGHT_METHODS, "quantize: weights", ", ".join(WEIGHT_METHODS), quantize.weights
    yield 50 < quantize.percentile < 100, "quantize: percentile", "between 50 and 100", quantize.percentile
    yield bool(quantize.footage), "quantize: footage", "at least one folder", "none"
    yield from _positive(quantize, "quantize", "patches")
    yield quantize.runs >= 2, "quantize: runs", "2 or more, as one sees the first seconds only", quantize.runs
    yield quantize.clips == 0 or quantize.clips >= 2, "quantize: clips", "0 or at least 2", quantize.clips
    yield quantize.window >= 8, "quantize: window", "8 frames or more", quantize.window
    yield quantize.frames > quantize.window, "quantize: frames", f"more than quantize: window = {quantize.window}, so that the window slides", quantize.frames


def _compression_rules(config: Config) -> Iterator[Rule]:
    sensitivity, prune, qat = config.sensitivity, config.prune, config.qat
    yield from _positive(sensitivity, "sensitivity", "clips")
    yield 0 < sensitivity.pruned < 1, "sensitivity: pruned", "between 0 and 1", sensitivity.pruned
    yield 0.25 <= sensitivity.latency <= 1, "sensitivity: latency", "between 0.25, all in int8, and 1", sensitivity.latency
    yield sensitivity.flow_px >= 0, "sensitivity: flow_px", "0 or more", sensitivity.flow_px
    yield from _positive(prune, "prune", "multiple", "rounds", "steps")
    for key in ("parameters", "macs"):
        share = getattr(prune, key)
        yield 0 <= share < 1, f"prune: {key}", "at least 0 and less than 1", share
    yield 0 < prune.largest < 1, "prune: largest", "between 0 and 1", prune.largest
    yield 0 < prune.learning_rate < 1, "prune: learning_rate", "between 0 and 1", prune.learning_rate
    yield qat.mode in QAT_MODES, "qat: mode", " or ".join(QAT_MODES), qat.mode
    yield from _positive(qat, "qat", "steps")
    yield qat.warmup_steps >= 0, "qat: warmup_steps", "0 or more", qat.warmup_steps
    for key in ("scale_rate", "weight_rate"):
        rate = getattr(qat, key)
        yield 0 < rate < 1, f"qat: {key}", "between 0 and 1", rate
    for key, weight in dataclasses.asdict(qat.distill).items():
        yield weight >= 0, f"qat: distill: {key}", "0 or more", weight


def _positive(part: object, section: str, *keys: str) -> Iterator[Rule]:
    for key in keys:
        value = getattr(part, key)
        yield value > 0, f"{section}: {key}", "a positive number", value
