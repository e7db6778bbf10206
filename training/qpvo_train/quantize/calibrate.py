# SPDX-License-Identifier: MIT
"""Calibration: scales for all layers from running odometry, and a report of what each range keeps and loses."""

import json
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from ..checkpoint import checkpoint_of, network_of
from ..config import CALIBRATION_METHODS, Config, QuantizeConfig
from ..errors import TrainingError
from ..evaluate import held_out_files
from ..network import PatchNetwork
from ..processes import join_processes
from ..sources import validation_folder
from .footage import Footage, read_footage
from .layers import WEIGHT_RANGE, QuantLayer, groups_of, quantizable_layers
from .model import QuantizedNetwork
from .observers import MagnitudeHistogram, choose_range, weight_scales
from .odometry import OdometryOptions, SlidingOdometry
from .scales import rounded_scales, save_scales
from .seen_runs import SeenRuns

SCALES, REPORT, PICTURE, SEEN = "scales.safetensors", "calibration.json", "calibration.png", "calibration_seen.pt"
PERCENTILES = (50, 90, 99, 99.9, 99.99)
ROUNDING = 2**-10  # slack of a range whose scale was rounded to half precision
OUTLIERS = 4.0  # largest magnitude over the 99.9th percentile from which a layer is named

Histograms = dict[str, MagnitudeHistogram]


def calibrate(
    config: Config,
    config_path: str | Path,
    *,
    checkpoint: str | Path | None = None,
    footage: list[str] | None = None,
    method: str | None = None,
    measure: int = 0,
    out: str | Path | None = None,
    device: str | None = None,
) -> Path:
    """Writes scales, report and picture into `out` (default: `config.quantize_folder`); returns the path of the scales. measure: held-out clips on which all
    methods are compared, 0 for none. What has been seen is kept in `config.quantize_folder`, run by run: an interrupted calibration goes on, and one by another
    method of the same checkpoint and footage begins with the ranges.

    Raises TrainingError before any work for a checkpoint or a calibration set that cannot be used.
    """
    settings = config.quantize
    path, state = checkpoint_of(config, checkpoint)
    network = network_of(state).to(join_processes(device).device)
    chosen = check_method(method or settings.method)
    layers = _layers_of(network, settings)
    if measure:
        held_out_files(validation_folder(config), measure)
    found = read_footage(footage or list(settings.footage), settings.runs, settings.frames, settings.clips)
    torch.set_num_threads(config.train.threads)

    seen = SeenRuns(config.quantize_folder / SEEN, network, found, _options(settings))
    histograms = collect_histograms(network, found, _options(settings), seen)
    ranges = {name: ranges_of(layers, histograms, name, settings.percentile) for name in CALIBRATION_METHODS}
    scales = scales_of(network, layers, ranges[chosen], settings.weights)
    report = {"config": Path(config_path).name, "checkpoint": path.name, "method": chosen, "weights": settings.weights, "footage": _footage_report(found)}
    report["layers"] = [_layer_report(network, layer, histograms[layer.group], ranges, scales) for layer in layers]
    report["outliers"] = [row["name"] for row in report["layers"] if row["input"]["outlier_ratio"] > OUTLIERS]
    if measure:
        from .methods import compare_methods

        report["methods"] = compare_methods(config, network.cpu(), layers, ranges, measure)
    print(f"{len(layers)} layers from {len(found)} runs; outliers in {', '.join(report['outliers']) or 'none'}", flush=True)
    return _write(Path(out or config.quantize_folder), scales, report, network)


def collect_ranges(network: PatchNetwork, samples: list[Footage], method: str, *, settings: QuantizeConfig = QuantizeConfig()) -> dict[str, Tensor]:
    """Scales of all layers but `settings.float_layers`: the network's odometry runs over the samples, nothing quantized.

    Raises TrainingError for an unknown method, samples without a single frame, and a layer that only ever reads zeros.
    """
    check_method(method)
    layers = _layers_of(network, settings)
    histograms = collect_histograms(network, samples, _options(settings))
    return scales_of(network, layers, ranges_of(layers, histograms, method, settings.percentile), settings.weights)


def check_method(method: str) -> str:
    if method not in CALIBRATION_METHODS:
        raise TrainingError("unknown calibration method", expected=", ".join(CALIBRATION_METHODS), received=method)
    return method


def _options(settings: QuantizeConfig) -> OdometryOptions:
    return OdometryOptions(window=settings.window, patches=settings.patches)


def _layers_of(network: PatchNetwork, settings: QuantizeConfig) -> list[QuantLayer]:
    """The layers to quantize. Raises TrainingError for an unknown name among those that are not, and for a part of a group."""
    layers, left_out = quantizable_layers(network), set(settings.float_layers)
    unknown = left_out - {layer.name for layer in layers}
    if unknown:
        expected = ", ".join(layer.name for layer in layers)
        raise TrainingError("unknown layers in quantize: float_layers", expected=expected, received=", ".join(sorted(unknown)))
    for members in groups_of(layers).values():
        names = {layer.name for layer in members}
        if names & left_out and not names <= left_out:
            expected, received = (", ".join(sorted(part)) for part in (names, names & left_out))
            raise TrainingError("layers that share an input stay in float together", expected=expected, received=received)
    return [layer for layer in layers if layer.name not in left_out]


def collect_histograms(network: PatchNetwork, samples: list[Footage], options: OdometryOptions, seen: SeenRuns | None = None) -> Histograms:
    """What the quantizable layers of the float network read while its odometry runs over the samples, by group. seen: where runs that are done are kept."""
    if not sum(len(sample.images) for sample in samples):
        raise TrainingError("an empty calibration set", expected="runs of frames", received="none")
    device = next(network.parameters()).device
    observed = QuantizedNetwork(network.eval())
    with _observed(observed) as histograms:
        done = 0 if seen is None else seen.load(histograms)
        for number, sample in enumerate(samples[done:], done + 1):
            odometry = SlidingOdometry(observed, torch.from_numpy(sample.intrinsics / 4).to(device), options)
            for image in sample.images:
                odometry.track(torch.from_numpy(image)[None].to(device))
            if seen is not None:
                seen.save(number, histograms)
    return histograms


@contextmanager
def _observed(network: QuantizedNetwork):
    histograms = {group: MagnitudeHistogram() for group in groups_of(network.layers)}
    for group, histogram in histograms.items():
        network.input_quantizer(group).observer = histogram
    try:
        yield histograms
    finally:
        for group in histograms:
            network.input_quantizer(group).observer = None


def ranges_of(layers: list[QuantLayer], histograms: Histograms, method: str, percent: float) -> dict[str, float]:
    """Largest magnitude that INT8 keeps of each group's input. Raises TrainingError for a layer that only ever read zeros."""
    ranges = {}
    for group, (layer, *_) in groups_of(layers).items():
        if histograms[group].peak == 0:
            advice = "The layer is dead, or the calibration set shows too little."
            raise TrainingError(f"{layer.name} read nothing but zeros", expected="a range", received=f"{histograms[group].total} zeros", advice=advice)
        ranges[group] = choose_range(histograms[group], method, layer.input_range[1], percent)
    return ranges


def scales_of(network: PatchNetwork, layers: list[QuantLayer], ranges: dict[str, float], weights: str) -> dict[str, Tensor]:
    """As they are saved: rounded."""
    scales = {}
    for layer in layers:
        scales[f"{layer.name}.input_scale"] = torch.tensor([ranges[layer.group] / layer.input_range[1]], dtype=torch.float32)
        scales[f"{layer.name}.weight_scale"] = weight_scales(network.get_submodule(layer.name).weight, weights, WEIGHT_RANGE[1]).cpu()
    return rounded_scales(scales)


def _footage_report(footage: list[Footage]) -> list[dict]:
    return [{"name": f.name, "first": f.first, "frames": len(f.images), "of": f.total, "size": list(f.images.shape[:0:-1])} for f in footage]


def _layer_report(network: PatchNetwork, layer: QuantLayer, seen: MagnitudeHistogram, ranges: dict[str, dict[str, float]], scales: dict[str, Tensor]) -> dict:
    levels = layer.input_range[1]
    limits = {method: chosen[layer.group] for method, chosen in ranges.items()}
    kept = {name: {"range": v, "clipped": seen.share_beyond(v), "sqnr_db": seen.signal_to_noise(v, levels)} for name, v in limits.items()}
    p999 = seen.percentile(99.9)
    read = {
        "signed": layer.signed,
        "shared_with": None if layer.group == layer.name else layer.group,
        "min": seen.minimum,
        "max": seen.maximum,
        "zeros": seen.zeros / seen.total,
        "percentiles": {str(p): seen.percentile(p) for p in PERCENTILES},
        "outlier_ratio": seen.peak / p999 if p999 > 0 else float(seen.peak > 0),
        "scale": scales[f"{layer.name}.input_scale"].item(),
        "ranges": kept,
    }
    return _rounded({"name": layer.name, "input": read, "weight": _weight_report(network, layer, scales[f"{layer.name}.weight_scale"])})


def _weight_report(network: PatchNetwork, layer: QuantLayer, scale: Tensor) -> dict:
    rows = network.get_submodule(layer.name).weight.detach().flatten(1).double().cpu()
    step = scale.double()[:, None]
    errors = (rows / step).round().clamp(*WEIGHT_RANGE) * step - rows
    noise = errors.square().sum().clamp(min=1e-300)
    return {
        "max": rows.abs().max().item(),
        "clipped": (rows.abs() > step * WEIGHT_RANGE[1] * (1 + ROUNDING)).double().mean().item(),
        "sqnr_db": (10 * torch.log10(rows.square().sum().clamp(min=1e-300) / noise)).item(),
    }


def _rounded(value):
    """The same with five digits of every number."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value


def _write(folder: Path, scales: dict[str, Tensor], report: dict, network: PatchNetwork) -> Path:
    from .calibration_chart import draw_ranges

    folder.mkdir(parents=True, exist_ok=True)
    (folder / REPORT).write_text(json.dumps(report, indent=1) + "\n")
    draw_ranges(report["layers"], folder / PICTURE)
    save_scales(folder / SCALES, scales, network)
    return folder / SCALES
