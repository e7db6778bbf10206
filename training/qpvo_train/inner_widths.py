# SPDX-License-Identifier: MIT
"""Inner widths: the channels between two layers that no third one sees. They may be narrower than the network's sizes say (structured pruning), and are
therefore read off the tensors. The widths that residual sums, aggregations and heads share stay as the sizes have them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

BLOCKS = ("layer1.0", "layer1.1", "layer2.0", "layer2.1")


@dataclass(frozen=True)
class InnerWidth:
    """The outputs of the producers (layers side by side, of equal width) are the inputs of the consumer; nothing but pointwise functions, an instance
    normalisation or a softmax per channel stands between them."""

    producers: tuple[str, ...]
    consumer: str

    @property
    def name(self) -> str:
        return self.producers[0]


def _inner_widths() -> tuple[InnerWidth, ...]:
    blocks = (f"patchify.{encoder}.{block}" for encoder in ("fnet", "inet") for block in BLOCKS)
    encoders = (InnerWidth((f"{block}.conv1",), f"{block}.conv2") for block in blocks)
    chains = (InnerWidth((f"update.{chain}.0",), f"update.{chain}.2") for chain in ("corr", "c1", "c2", "gru.1.res", "gru.3.res"))
    aggregations = (InnerWidth((f"update.{name}.f", f"update.{name}.g"), f"update.{name}.h") for name in ("agg_kk", "agg_ij"))
    return (*encoders, *chains, *aggregations)


INNER_WIDTHS = _inner_widths()


def narrow(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Gives the inner layers of a PatchNetwork the widths of `tensors` (a state dict), where these are narrower. New parameters are not initialised:
    load the tensors afterwards, which also finds whatever does not fit."""
    for inner in INNER_WIDTHS:
        bias = tensors.get(f"{inner.name}.bias")
        if bias is not None and 0 < len(bias) < len(network.get_parameter(f"{inner.name}.bias")):
            _resize(network, inner, len(bias))


def _resize(network: nn.Module, inner: InnerWidth, width: int) -> None:
    for name in inner.producers:
        layer = network.get_submodule(name)
        layer.weight, layer.bias = (nn.Parameter(value.new_empty(width, *value.shape[1:])) for value in (layer.weight, layer.bias))
        _note(layer, "out", width)
    consumer = network.get_submodule(inner.consumer)
    consumer.weight = nn.Parameter(consumer.weight.new_empty(consumer.weight.shape[0], width, *consumer.weight.shape[2:]))
    _note(consumer, "in", width)


def _note(layer: nn.Linear | nn.Conv2d, side: str, width: int) -> None:
    setattr(layer, f"{side}_{'features' if isinstance(layer, nn.Linear) else 'channels'}", width)
