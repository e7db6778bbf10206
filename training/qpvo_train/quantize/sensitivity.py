# SPDX-License-Identifier: MIT
"""The damage of quantizing, and of pruning, each group of layers alone: JSON, a table, a bar chart, and the mixed precision chosen from it under a latency budget."""

import json
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from ..checkpoint import checkpoint_of, fingerprint, network_of
from ..config import Config, SensitivityConfig
from ..errors import TrainingError
from ..evaluate import evaluate_clips, held_out_files
from ..inner_widths import INNER_WIDTHS
from ..network import PatchNetwork
from ..processes import join_processes
from ..sources import validation_folder
from .channels import widths_of, without_channels
from .damage import Reference, damage_of, references
from .known_rows import KnownRows
from .latencies import LatencyShare, read_latencies
from .layers import groups_of
from .macs import INT8_COST, layer_macs
from .model import QuantizedNetwork
from .scales import load_scales, save_scales, weights_of

SCALES, MIXED, KNOWN = "scales.safetensors", "scales_mixed.safetensors", "sensitivity_known.json"
REPORT, TABLE, CHART = "sensitivity.json", "sensitivity.md", "sensitivity.png"
LEAST_COST = 1e-6  # of the whole: measured differences may be nothing, or less
TRAJECTORY = "translation_error_median"  # of the clips: a mean is decided by the one that went wrong
COLUMNS = ("features", "context", "correlation", "flow_px", "confidence", TRAJECTORY)


def sensitivity(
    config: Config,
    config_path: str | Path,
    *,
    checkpoint: str | Path | None = None,
    scales: str | Path | None = None,
    clips: int | None = None,
    out: str | Path | None = None,
    device: str | None = None,
) -> Path:
    """Measures a checkpoint (default: the run's) with calibrated scales; writes report, table, chart and the scales of the chosen mixed precision into `out`
    (default: `config.quantize_folder`); returns the report. Rows are kept there as they are measured: an interrupted command goes on.

    Raises TrainingError without a usable checkpoint, scales or held-out clips, and for a budget that not even the network all in int8 keeps.
    """
    path, state = checkpoint_of(config, checkpoint)
    network = network_of(state)
    found = load_scales(scales or config.quantize_folder / SCALES, network)
    settings, folder, count = config.sensitivity, Path(out or config.quantize_folder), clips or config.sensitivity.clips
    share = _latency_share(network, set_of(found), settings)
    torch.set_num_threads(config.train.threads)
    network = network.to(join_processes(device).device)
    recorded = references(network, validation_folder(config), count, config.data.crop)
    seen = [(path.name, zlib.crc32(path.read_bytes())) for path in held_out_files(validation_folder(config), count)]
    known = KnownRows(folder / KNOWN, (weights_of(network), fingerprint(found), seen, config.data.crop, settings.pruned, TRAJECTORY))
    trajectories = lambda form: evaluate_clips(form, validation_folder(config), count, config.data.crop)[TRAJECTORY]  # noqa: E731
    form = QuantizedNetwork(network)
    form.set_scales(found)

    report = {"config": Path(config_path).name, "checkpoint": path.name, "clips": count, "float": {TRAJECTORY: trajectories(network)}}
    report["quantized"] = quantization_damage(form, recorded, trajectories, known)
    report["pruned"] = pruning_damage(network, recorded, settings.pruned, trajectories, known)
    form.set_scales(found)
    report["mixed"] = choose_precision(form, {name: row["flow_px"] for name, row in report["quantized"].items()}, recorded, settings, share)
    report["mixed"]["latencies"] = "assumed" if settings.latencies is None else Path(settings.latencies).name
    return _write(folder, report, form)


def set_of(scales: Mapping[str, Tensor]) -> set[str]:
    """Names of the layers that have scales."""
    return {name.rpartition(".")[0] for name in scales}


Trajectories = Callable[[torch.nn.Module], float]


def quantization_damage(
    form: QuantizedNetwork, clips: list[Reference], trajectories: Trajectories | None = None, known: KnownRows | None = None
) -> dict[str, dict[str, float]]:
    """Of each group that has scales, quantized alone, and of all together (`all`)."""
    known, whole, rows = known or KnownRows(), form.enabled, {}
    for group, members in groups_of(form.layers).items():
        names = {layer.name for layer in members}
        if names <= whole:
            form.enabled = names
            rows[group] = known.row(f"quantized {group}", lambda: _row(form, clips, trajectories))
    form.enabled = whole
    return rows | {"all": known.row("quantized all", lambda: _row(form, clips, trajectories))}


def pruning_damage(
    network: PatchNetwork, clips: list[Reference], share: float, trajectories: Trajectories | None = None, known: KnownRows | None = None
) -> dict[str, dict[str, float]]:
    """Of each inner width alone, without the share of its channels with the smallest norms, at least one."""
    known, rows, widths = known or KnownRows(), {}, widths_of(network)
    for inner in INNER_WIDTHS:
        width = widths[inner.name]
        left = {inner.name: max(1, width - max(1, round(share * width)))}
        rows[inner.name] = known.row(f"pruned {inner.name}", lambda left=left: _row(without_channels(network, left), clips, trajectories))
    return rows


def _row(network: torch.nn.Module, clips: list[Reference], trajectories: Trajectories | None) -> dict[str, float]:
    return asdict(damage_of(network, clips)) | ({} if trajectories is None else {TRAJECTORY: trajectories(network)})


def latency_share(macs: Mapping[str, int], quantized: Collection[str]) -> float:
    """Cost of the networks with these layers in int8, relative to all in float: multiplications, one in int8 assumed to cost INT8_COST. Nothing is timed."""
    return sum(count * (INT8_COST if name in quantized else 1) for name, count in macs.items()) / sum(macs.values())


def _latency_share(network: PatchNetwork, quantized: set[str], config: SensitivityConfig) -> LatencyShare:
    """Measured latencies, where there are any. Raises TrainingError for a file that cannot be used, and when the budget cannot be kept."""
    share = _assumed_share(network) if config.latencies is None else read_latencies(config.latencies, QuantizedNetwork(network).layers)
    least = share(quantized)
    if least > config.latency:
        raise TrainingError("the latency budget cannot be kept", expected=f"sensitivity: latency of at least {least:.3f}", received=config.latency)
    return share


def _assumed_share(network: PatchNetwork) -> LatencyShare:
    macs = layer_macs(network)
    return lambda quantized: latency_share(macs, quantized)


def choose_precision(
    form: QuantizedNetwork, alone: Mapping[str, float], clips: list[Reference], config: SensitivityConfig, share: LatencyShare | None = None
) -> dict:
    """Greedy: of all groups in int8, the one with the largest flow error alone per time that it adds goes back to float, until the flow error of the whole is
    within the bound or nothing more fits into the budget. `form` is left in the chosen precision. share: latency with these layers in int8, relative to all in
    float (default: from multiplications).

    -> float: groups, quantized: layers, latency and flow_px reached, and all steps.
    """
    groups = {group: {layer.name for layer in members} for group, members in groups_of(form.layers).items() if group in alone}
    share = share or _assumed_share(form.network)
    whole = frozenset(form.enabled)
    cost = {group: max(share(whole - names) - share(whole), LEAST_COST) for group, names in groups.items()}
    order = sorted(groups, key=lambda group: alone[group] / cost[group], reverse=True)
    chosen, steps = [], [_step(form, [], share, clips)]
    while steps[-1]["flow_px"] > config.flow_px:
        fitting = (group for group in order if group not in chosen and share(form.enabled - groups[group]) <= config.latency)
        group = next(fitting, None)
        if group is None:
            break
        chosen.append(group)
        form.enabled = form.enabled - groups[group]
        steps.append(_step(form, chosen, share, clips))
    last = steps[-1]
    return {"float": chosen, "quantized": sorted(form.enabled), "latency": last["latency"], "flow_px": last["flow_px"], "steps": steps}


def _step(form: QuantizedNetwork, chosen: list[str], share: LatencyShare, clips: list[Reference]) -> dict:
    return {"float": list(chosen), "latency": round(share(form.enabled), 4), **asdict(damage_of(form, clips))}


def _write(folder: Path, report: dict, mixed: QuantizedNetwork) -> Path:
    from .sensitivity_chart import draw_damage

    folder.mkdir(parents=True, exist_ok=True)
    (folder / REPORT).write_text(json.dumps(report, indent=2) + "\n")
    (folder / TABLE).write_text(table_of(report))
    draw_damage(report, folder / CHART)
    if mixed.scales():
        save_scales(folder / MIXED, mixed.scales(), mixed)
    return folder / REPORT


def table_of(report: dict) -> str:
    """Markdown, the largest flow error first."""
    parts = []
    for title, rows in (("Quantized alone", report["quantized"]), ("Pruned alone", report["pruned"])):
        parts += [f"## {title}\n", f"| group | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
        for name, row in sorted(rows.items(), key=lambda item: item[1]["flow_px"], reverse=True):
            parts.append(f"| {name} | {' | '.join(f'{row[column]:.4g}' for column in COLUMNS if column in row)} |")
        parts.append("")
    mixed = report["mixed"]
    kept = ", ".join(mixed["float"]) or "nothing"
    if mixed.get("latencies", "assumed") == "assumed":
        cost = f"Assumed cost {mixed['latency']:.3f} of float (multiplications, one in int8 counted as {INT8_COST:g}; nothing was timed)"
    else:
        cost = f"Latency {mixed['latency']:.3f} of float (measured: {mixed['latencies']})"
    parts += ["## Mixed precision\n", f"In float beside stem and heads: {kept}. {cost}, flow error {mixed['flow_px']:.4g} px."]
    return "\n".join(parts) + "\n"
