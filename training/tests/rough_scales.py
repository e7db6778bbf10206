# SPDX-License-Identifier: MIT
"""What tests of quantized networks need: rough scales of a tiny network without the calibration, its checkpoint, and short held-out clips."""

import dataclasses
from pathlib import Path

from torch import Tensor
from tiny_run import SIZES

from qpvo_train import evaluate
from qpvo_train.checkpoint import save_checkpoint, sizes_state
from qpvo_train.network import PatchNetwork
from qpvo_train.quantize import damage
from qpvo_train.quantize.layers import WEIGHT_RANGE, groups_of
from qpvo_train.quantize.model import QuantizedNetwork


def rough_scales(network: PatchNetwork, clips: Path, crop: tuple[int, int] = (48, 64)) -> dict[str, Tensor]:
    """From the largest magnitudes on one clip."""
    form, largest = QuantizedNetwork(network), {}

    def watch(group: str) -> None:
        form.input_quantizer(group).observer = lambda x: largest.update({group: max(largest.get(group, 1e-3), x.abs().max().item())})

    groups = groups_of(form.layers)
    for group in groups:
        watch(group)
    evaluate.evaluate_clips(form, clips, 1, crop)
    scales = {}
    for layer in form.layers:
        weight = network.get_parameter(f"{layer.name}.weight").detach()
        scales[f"{layer.name}.input_scale"] = weight.new_tensor([largest[layer.group] / layer.input_range[1]])
        scales[f"{layer.name}.weight_scale"] = weight.abs().flatten(1).amax(1).clamp(min=1e-6) / WEIGHT_RANGE[1]
    return scales


def save_tiny(folder: Path, network: PatchNetwork) -> Path:
    """A checkpoint of a network of tiny sizes, as a training leaves it."""
    state = {"sizes": sizes_state(SIZES), "name": "tiny", "step": 5, "seconds": 2.0, "skipped": 0, "clips": 5, "history": [{"commit": "c0", "machine": "m0"}]}
    save_checkpoint(folder / "checkpoint.pt", {**state, "network": network.state_dict(), "average": network.state_dict()})
    return folder / "checkpoint.pt"


def shorten(monkeypatch) -> None:
    """Held-out clips of few patches and iterations."""
    short = dataclasses.replace(evaluate.HELD_OUT, patches=4, warm=2)
    monkeypatch.setattr(evaluate, "HELD_OUT", short)
    monkeypatch.setattr(damage, "HELD_OUT", short)
