# SPDX-License-Identifier: MIT
"""Multiplications (MAC) of the networks on the product's load: one camera image through both encoders, one pass of the update operator over all edges."""

from dataclasses import dataclass

from torch import nn

from ..network import PatchNetwork

INT8_COST = 0.25  # of a multiplication in int8, in float ones
STRIDES = {"conv1": 2, "layer1": 2, "layer2": 4, "conv2": 4}  # image pixels per output pixel


@dataclass(frozen=True)
class Load:
    """Image in pixels, and the pairs (source frame, target frame) of a full window with their patches."""

    height: int = 480
    width: int = 752
    sources: int = 17
    pairs: int = 258
    patches: int = 48

    @property
    def edges(self) -> int:
        return self.pairs * self.patches


def layer_macs(network: nn.Module, load: Load = Load()) -> dict[str, int]:
    """MAC of every convolution and linear layer by its name, the inner widths as they are."""
    layers = ((name, module) for name, module in network.named_modules() if isinstance(module, (nn.Conv2d, nn.Linear)))
    return {name: module.weight.numel() * _positions(name, load) for name, module in layers}


def correlation_macs(network: PatchNetwork, load: Load = Load()) -> int:
    """Of the look-up, which belongs to no network: 8 x 8 raw positions for each patch pixel and level."""
    sizes = network.sizes
    raw = (2 * sizes.radius + 2) ** 2
    return load.edges * sizes.patch_size**2 * len(sizes.levels) * raw * sizes.feature_dim


def _positions(name: str, load: Load) -> int:
    """How often a layer is applied."""
    if name.startswith("patchify."):
        stride = STRIDES[name.split(".")[2]]
        return -(-load.height // stride) * -(-load.width // stride)
    if name == "update.agg_kk.h":
        return load.sources * load.patches
    return load.pairs if name == "update.agg_ij.h" else load.edges
