# SPDX-License-Identifier: MIT
"""Scales as a file: F32 `<layer>.input_scale` [1] and `<layer>.weight_scale` [out]. A layer without scales stays in floating point."""

from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from ..checkpoint import fingerprint
from ..errors import TrainingError
from ..whole_file import whole_file
from .layers import QuantLayer, groups_of, quantizable_layers

WEIGHTS = "weights"  # entry of the metadata: fingerprint of the float weights that the scales belong to
SCHEME = "w_s8_channel_a_u8s8_tensor"
PARTS = ("input_scale", "weight_scale")
HALF_END = 65520.0  # from here on half precision has infinity only
ADVICE = "Make them with `python -m qpvo_train calibrate` from the same network."


def save_scales(path: str | Path, scales: dict[str, Tensor], network: nn.Module | None = None) -> None:
    """Writes the file, whole or not at all, `rounded`. With the network (as for `load_scales`) it is good for these weights only."""
    tensors = {name: rounded(value.detach().cpu().float()).contiguous() for name, value in scales.items()}
    with whole_file(path) as part:
        safetensors.torch.save_file(tensors, part, metadata={"scheme": SCHEME} | ({} if network is None else {WEIGHTS: weights_of(network)}))


def rounded(scales: Tensor) -> Tensor:
    """The nearest half-precision numbers (relative change at most 2^-11); those too small for full relative precision, or
    too large for any, stay as they are. A model stores scales so: whatever is measured or exported is measured with these."""
    return torch.where((scales >= torch.finfo(torch.float16).tiny) & (scales < HALF_END), scales.half().float(), scales)


def rounded_scales(scales: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: rounded(value.float()) for name, value in scales.items()}


def weights_of(network: nn.Module) -> str:
    """Fingerprint of the float weights of a PatchNetwork or QuantizedNetwork."""
    return fingerprint(network.float_weights() if hasattr(network, "float_weights") else network.state_dict())


def load_scales(path: str | Path, network: nn.Module) -> dict[str, Tensor]:
    """The scales of a file for a PatchNetwork or QuantizedNetwork, `rounded`.

    Raises TrainingError for a file that is missing, damaged, of another scheme or made for other weights, and as `check_scales` does.
    """
    path = Path(path)
    if not path.is_file():
        raise TrainingError(f"no scales at {path}", expected="a scales.safetensors", advice=ADVICE)
    try:
        with safetensors.safe_open(path, "pt") as file:
            about = file.metadata() or {}
            scales = {name: file.get_tensor(name) for name in file.keys()}
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise TrainingError(f"cannot read the scales {path}", expected="a safetensors file", received=str(error).split("\n")[0], advice=ADVICE) from None
    if about.get("scheme") != SCHEME:
        received = about.get("scheme") or "no scheme in the metadata"
        raise TrainingError(f"{path} holds scales of another scheme", expected=SCHEME, received=received, advice=ADVICE)
    check_scales(scales, network, path)
    _check_weights(about, network, path)
    return rounded_scales(scales)


def _check_weights(about: dict[str, str], network: nn.Module, path: Path) -> None:
    """Scales that do not say whose they are may be anyone's."""
    own = weights_of(network)
    if about.get(WEIGHTS, own) != own:
        expected, received = f"scales for weights {own[:12]}", f"scales for weights {about[WEIGHTS][:12]}"
        advice = "Give the checkpoint that lies beside the scales (of qat: its checkpoint.pt), or calibrate this network."
        raise TrainingError(f"{path} belongs to other weights than this network's", expected=expected, received=received, advice=advice)


def check_scales(scales: dict[str, Tensor], network: nn.Module, where: object = "these scales") -> set[str]:
    """The layers that have scales.

    Raises TrainingError where there are none at all, for a name that is no layer's, a part that is missing, another length, a value that is not a finite
    positive number, and for layers that share an input but not its scale.
    """
    layers = {layer.name: layer for layer in quantizable_layers(network)}
    _check_names(scales, layers, where)
    names = {name for name in layers if f"{name}.{PARTS[0]}" in scales}
    for name in layers:
        if name in names:
            _check_values(scales, name, network.get_submodule(name).weight.shape[0], where)
    for members in groups_of(list(layers.values())).values():
        _check_group(scales, [layer.name for layer in members], names, where)
    return names


def _check_names(scales: dict[str, Tensor], layers: dict[str, QuantLayer], where: object) -> None:
    if not scales:
        raise TrainingError(f"no scales in {where}", expected="those of at least one layer", received="none", advice=ADVICE)
    known = {f"{name}.{part}": f"{name}.{other}" for name in layers for part, other in (PARTS, PARTS[::-1])}
    unknown = sorted(name for name in scales if name not in known)
    if unknown:
        expected = f"<layer>.{PARTS[0]} and <layer>.{PARTS[1]}"
        raise TrainingError(f"scales of unknown layers in {where}", expected=expected, received=", ".join(unknown[:3]), advice=ADVICE)
    missing = sorted(known[name] for name in scales if known[name] not in scales)
    if missing:
        received = f"no {', '.join(missing[:3])}"
        raise TrainingError(f"missing scales in {where}", expected="input and weight scales of a layer", received=received, advice=ADVICE)


def _check_values(scales: dict[str, Tensor], layer: str, outputs: int, where: object) -> None:
    for part, length in zip(PARTS, (1, outputs)):
        name = f"{layer}.{part}"
        value = scales[name]
        if value.shape != (length,):
            raise TrainingError(f"{name} in {where} has another length", expected=f"[{length}]", received=list(value.shape), advice=ADVICE)
        if not (torch.isfinite(value) & (value > 0)).all():
            wrong = value[~(torch.isfinite(value) & (value > 0))][0].item()
            raise TrainingError(f"{name} in {where} is no scale", expected="finite positive numbers", received=wrong, advice=ADVICE)


def _check_group(scales: dict[str, Tensor], members: list[str], names: set[str], where: object) -> None:
    on = [name for name in members if name in names]
    if 0 < len(on) < len(members):
        expected = f"scales of {', '.join(members)}, or of none of them: they share an input"
        raise TrainingError(f"a part of a group in {where}", expected=expected, received=", ".join(on), advice=ADVICE)
    values = [scales[f"{name}.{PARTS[0]}"] for name in on]
    if any(not torch.equal(value, values[0]) for value in values[1:]):
        expected = f"one input scale for {', '.join(members)}: they share an input"
        raise TrainingError(f"input scales in {where} differ", expected=expected, received=[value.item() for value in values], advice=ADVICE)
