# SPDX-License-Identifier: MIT
"""Which layers run in INT8, and which of them share the scale of their input because they read the same tensor.

Weights are s8 in [-127, 127], one scale an output channel. Activations have one scale a tensor: u8 in [0, 255] where they come out of a ReLU, else s8 in
[-128, 127]; the zero point is 0 in both. Everything else stays in floating point: stem, heads, norms, softmax, sigmoid, residual sums, hidden state.
"""

from dataclasses import dataclass

from torch import nn

WEIGHT_RANGE = (-127, 127)
UNSIGNED_RANGE = (0, 255)
SIGNED_RANGE = (-128, 127)


@dataclass(frozen=True)
class QuantLayer:
    name: str  # as in a weights file, without `.weight`
    signed: bool  # of its input
    group: str  # the first layer that reads the same input

    @property
    def input_range(self) -> tuple[int, int]:
        return SIGNED_RANGE if self.signed else UNSIGNED_RANGE


# Name and, where it is another layer's, the owner of the input. All inputs of an encoder come out of a ReLU.
_ENCODER = (
    ("layer1.0.conv1", None),
    ("layer1.0.conv2", None),
    ("layer1.1.conv1", None),
    ("layer1.1.conv2", None),
    ("layer2.0.conv1", None),
    ("layer2.0.conv2", None),
    ("layer2.0.downsample.0", "layer2.0.conv1"),
    ("layer2.1.conv1", None),
    ("layer2.1.conv2", None),
    ("conv2", None),
)
# Name, signed, owner of the input.
_UPDATE = (
    ("corr.0", True, None),
    ("corr.2", False, None),
    ("corr.5", False, None),
    ("c1.0", True, None),
    ("c1.2", False, None),
    ("c2.0", True, None),
    ("c2.2", False, None),
    ("agg_kk.f", True, None),
    ("agg_kk.g", True, "agg_kk.f"),
    ("agg_kk.h", True, None),
    ("agg_ij.f", True, None),
    ("agg_ij.g", True, "agg_ij.f"),
    ("agg_ij.h", True, None),
    ("gru.1.gate.0", True, None),
    ("gru.1.res.0", True, "gru.1.gate.0"),
    ("gru.1.res.2", False, None),
    ("gru.3.gate.0", True, None),
    ("gru.3.res.0", True, "gru.3.gate.0"),
    ("gru.3.res.2", False, None),
)


def quantizable_layers(network: nn.Module) -> list[QuantLayer]:
    """The layers of a PatchNetwork or QuantizedNetwork that can run in INT8, in the order in which data meets them.

    Raises AttributeError for another network.
    """
    rows = [(f"patchify.{encoder}.", name, False, owner) for encoder in ("fnet", "inet") for name, owner in _ENCODER]
    rows += [("update.", *row) for row in _UPDATE]
    layers = [QuantLayer(prefix + name, signed, prefix + (owner or name)) for prefix, name, signed, owner in rows]
    for layer in layers:
        network.get_submodule(layer.name)
    return layers


def groups_of(layers: list[QuantLayer]) -> dict[str, list[QuantLayer]]:
    """Layers that share an input, by the name of the first: they are quantized together or not at all."""
    groups: dict[str, list[QuantLayer]] = {}
    for layer in layers:
        groups.setdefault(layer.group, []).append(layer)
    return groups
