# SPDX-License-Identifier: MIT
"""A network whose quantizable layers run as INT8 would: fake-quantized weights and inputs, everything else in floating point, scales learnable."""

import copy
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..correlation import CorrelationVolume
from ..errors import TrainingError
from ..network import GatedResidual, NetworkSizes, PatchNetwork, ResidualBlock, SoftAggregation
from .fake import fake_quantize
from .layers import UNSIGNED_RANGE, WEIGHT_RANGE, groups_of, quantizable_layers
from .scales import check_scales

TENSORRT_HIGH = 127
LEAST_HALF = 2.0**-14  # the smallest number of half precision with all its digits


class Quantizer(nn.Module):
    """Fake-quantizes what goes through it once it is enabled. The logarithm of its scales is the parameter, in float64: scales come out as they were set.
    It is NaN as long as there are none."""

    def __init__(self, value_range: tuple[int, int], count: int = 1):
        super().__init__()
        self.low, self.high = value_range
        self.log_scale = nn.Parameter(torch.full((count,), torch.nan, dtype=torch.float64))
        self.enabled, self.fused = False, True
        self.observer = None  # called with every tensor, before it is quantized

    def scale(self) -> Tensor:
        """float32 [count]."""
        return self.log_scale.exp().float()

    def forward(self, x: Tensor) -> Tensor:
        if self.observer is not None:
            self.observer(x)
        return fake_quantize(x, self.scale(), self.low, self.high, fused=self.fused) if self.enabled else x


# The classes below are given to modules of a copied network, so that all parameters keep their names. `inputs` is the quantizer of what a module
# reads; where layers share it, the module round them has it and the layers have none.


class QuantizedLinear(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return F.linear(self.inputs(x), self.weights(self.weight), self.bias)


class QuantizedConv2d(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(self.inputs(x), self.weights(self.weight), self.bias)


class QuantizedResidualBlock(ResidualBlock):
    """Also the shortcut reads the block's input as it was quantized for conv1."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.inputs(x))


class QuantizedAggregation(SoftAggregation):
    def forward(self, x: Tensor, along: int) -> Tensor:
        return super().forward(self.inputs(x), along)


class QuantizedGatedResidual(GatedResidual):
    """The sum takes x as it is."""

    def forward(self, x: Tensor) -> Tensor:
        quantized = self.inputs(x)
        return x + self.gate(quantized) * self.res(quantized)


LAYERS = {nn.Linear: QuantizedLinear, nn.Conv2d: QuantizedConv2d}
# Modules that quantize for the layers inside, and the first of these.
SHARING = {
    ResidualBlock: (QuantizedResidualBlock, "conv1"),
    SoftAggregation: (QuantizedAggregation, "f"),
    GatedResidual: (QuantizedGatedResidual, "gate.0"),
}


class QuantizedNetwork(nn.Module):
    """Wraps a copy of a PatchNetwork and stands in for it: encode, sample, volume, update, sizes, offsets. Without scales it computes the same, bit for bit.

    Inner widths may differ from `sizes` (a pruned network).
    """

    def __init__(self, network: PatchNetwork):
        super().__init__()
        self.network = copy.deepcopy(network)
        self.layers = quantizable_layers(self.network)
        self._groups = groups_of(self.layers)
        self._inputs: dict[str, str] = {}  # group -> module that has its quantizer
        for name, module in list(self.network.named_modules()):
            if type(module) in SHARING:
                kind, first = SHARING[type(module)]
                self._share(name, module, kind, f"{name}.{first}")
        for layer in self.layers:
            self._replace(layer.name, layer.group, layer.input_range)
        self.train(network.training)

    def _share(self, name: str, module: nn.Module, kind: type, group: str) -> None:
        module.__class__ = kind
        module.inputs = Quantizer(self._groups[group][0].input_range)
        self._inputs[group] = name

    def _replace(self, name: str, group: str, input_range: tuple[int, int]) -> None:
        module = self.network.get_submodule(name)
        module.__class__ = LAYERS[type(module)]
        module.weights = Quantizer(WEIGHT_RANGE, module.weight.shape[0])
        module.inputs = nn.Identity() if group in self._inputs else Quantizer(input_range)
        self._inputs.setdefault(group, name)

    # What unroll, evaluate and golden use of a PatchNetwork.

    @property
    def sizes(self) -> NetworkSizes:
        return self.network.sizes

    @property
    def offsets(self) -> Tensor:
        return self.network.offsets

    @property
    def patchify(self) -> nn.Module:
        return self.network.patchify

    @property
    def update(self) -> nn.Module:
        return self.network.update

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.encode(images)

    def sample(self, features: Tensor, context: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.sample(features, context, centres)

    def volume(self, features: Tensor, patches: Tensor, keep: float = 1.0) -> CorrelationVolume:
        return self.network.volume(features, patches, keep)

    # Scales.

    def input_quantizer(self, group: str) -> Quantizer:
        return self.network.get_submodule(self._inputs[group]).inputs

    def weight_quantizer(self, layer: str) -> Quantizer:
        return self.network.get_submodule(layer).weights

    @property
    def enabled(self) -> frozenset[str]:
        """Names of the layers that are quantized. Assign another set to switch layers on and off."""
        return frozenset(layer.name for layer in self.layers if self.weight_quantizer(layer.name).enabled)

    @enabled.setter
    def enabled(self, names: Iterable[str]) -> None:
        """Raises TrainingError for an unknown layer, one without scales, and for a part of the layers that share an input."""
        names = set(names)
        unknown = names - {layer.name for layer in self.layers}
        if unknown:
            raise TrainingError("unknown layers to quantize", expected=", ".join(layer.name for layer in self.layers), received=", ".join(sorted(unknown)))
        for group, members in self._groups.items():
            on = [layer.name for layer in members if layer.name in names]
            if 0 < len(on) < len(members):
                all_of_them = ", ".join(layer.name for layer in members)
                raise TrainingError("layers that share an input are quantized together", expected=f"{all_of_them}, or none of them", received=", ".join(on))
            for quantizer in (self.input_quantizer(group), *(self.weight_quantizer(layer.name) for layer in members)):
                if on and not torch.isfinite(quantizer.log_scale).all():
                    raise TrainingError(f"no scales for {', '.join(on)}", expected="finite scales", received="none", advice="Call set_scales first.")
                quantizer.enabled = bool(on)

    def scales(self) -> dict[str, Tensor]:
        """`<layer>.input_scale` [1] and `<layer>.weight_scale` [out], float32, of the enabled layers."""
        found = {}
        for layer in self.layers:
            if layer.name in self.enabled:
                found[f"{layer.name}.input_scale"] = self.input_quantizer(layer.group).scale().detach()
                found[f"{layer.name}.weight_scale"] = self.weight_quantizer(layer.name).scale().detach()
        return found

    @torch.no_grad()
    def set_scales(self, scales: dict[str, Tensor]) -> None:
        """Sets the scales and enables the layers that have them, no others. Raises TrainingError as `check_scales` does."""
        names = check_scales(scales, self)
        for layer in self.layers:
            if layer.name in names:
                self.input_quantizer(layer.group).log_scale.copy_(scales[f"{layer.name}.input_scale"].double().log())
                self.weight_quantizer(layer.name).log_scale.copy_(scales[f"{layer.name}.weight_scale"].double().log())
        self.enabled = names

    @torch.no_grad()
    def for_tensorrt(self) -> "QuantizedNetwork":
        """A copy as TensorRT has it: s8 only, so that what comes out of a ReLU has 127 steps in the same range instead of 255, and scales in half precision."""
        form = copy.deepcopy(self)
        for quantizer in form._quantizers():
            scale = quantizer.log_scale.exp()
            if quantizer.low == 0:
                scale, quantizer.high = scale * (UNSIGNED_RANGE[1] / TENSORRT_HIGH), TENSORRT_HIGH
            quantizer.log_scale.copy_(scale.clamp(min=LEAST_HALF).half().double().log())
        return form

    # Parameters.

    def _quantizers(self) -> list[Quantizer]:
        return [module for module in self.modules() if isinstance(module, Quantizer)]

    def scale_parameters(self) -> list[nn.Parameter]:
        """The logarithms of the scales of the enabled layers."""
        return [quantizer.log_scale for quantizer in self._quantizers() if quantizer.enabled]

    def weight_parameters(self) -> list[nn.Parameter]:
        """Everything that a PatchNetwork learns."""
        own = {id(quantizer.log_scale) for quantizer in self._quantizers()}
        return [value for value in self.parameters() if id(value) not in own]

    def float_weights(self) -> dict[str, Tensor]:
        """The floating point weights as they are now, under the names of a PatchNetwork's state."""
        return {name: value for name, value in self.network.state_dict().items() if not name.endswith(".log_scale")}

    def use_fused(self, fused: bool) -> None:
        """Chooses the form of the fake quantization."""
        for quantizer in self._quantizers():
            quantizer.fused = fused
