# SPDX-License-Identifier: MIT
"""Forms of one network side by side on held-out clips: in float, quantized by calibration, trained with quantization, pruned."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from ..checkpoint import checkpoint_of, network_of
from ..config import Config
from ..errors import TrainingError
from ..evaluate import evaluate_clips
from ..processes import join_processes
from ..sources import validation_folder
from .damage import Reference, damage_of, references
from .model import QuantizedNetwork
from .scales import load_scales

CLIPS = 16
REPORT = "comparison.json"


def compare_forms(
    config: Config,
    config_path: str | Path,
    *,
    checkpoint: str | Path | None = None,
    forms: Sequence[str] = (),
    clips: int | None = None,
    out: str | Path | None = None,
    device: str | None = None,
) -> Path:
    """Measures the float network of a checkpoint (default: the run's) and forms of it, given as NAME=SCALES[,CHECKPOINT]: a checkpoint where the weights are
    other ones, no scales for a form in float. Writes one JSON file (default: comparison.json in `config.quantize_folder`) and returns it.

    Raises TrainingError for a form that is not so written, and for files that cannot be used.
    """
    path = Path(checkpoint or Path(config.run) / "checkpoint.pt")
    networks = {"fp32": _load(config, path)} | {name: _form(config, path, *files) for name, *files in map(_parsed, forms)}
    torch.set_num_threads(config.train.threads)
    place = join_processes(device).device
    networks = {name: network.to(place) for name, network in networks.items()}
    recorded = references(networks["fp32"], validation_folder(config), clips or CLIPS, config.data.crop)
    rows = {name: measure(network, recorded, config) for name, network in networks.items()}
    out = Path(out or config.quantize_folder / REPORT)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"config": Path(config_path).name, "checkpoint": path.name, "clips": len(recorded), "forms": rows}, indent=2) + "\n")
    return out


def measure(network: nn.Module, clips: list[Reference], config: Config) -> dict[str, float]:
    """Damage relative to the network of the recorded clips, and where patches and cameras end on the same clips."""
    network = network.eval()
    metrics = evaluate_clips(network, validation_folder(config), len(clips), config.data.crop)
    return asdict(damage_of(network, clips)) | {name: value for name, value in metrics.items() if name != "clips"}


def _parsed(form: str) -> tuple[str, str, str]:
    name, equals, files = form.partition("=")
    scales, _, checkpoint = files.partition(",")
    if not name or not equals or not files or name == "fp32":
        raise TrainingError("wrong form", expected="NAME=SCALES, NAME=SCALES,CHECKPOINT or NAME=,CHECKPOINT; a name other than fp32", received=form)
    return name, scales, checkpoint


def _load(config: Config, path: Path):
    return network_of(checkpoint_of(config, path)[1])


def _form(config: Config, path: Path, scales: str, checkpoint: str) -> nn.Module:
    network = _load(config, Path(checkpoint) if checkpoint else path)
    if not scales:
        return network
    quantized = QuantizedNetwork(network)
    quantized.set_scales(load_scales(scales, network))
    return quantized
