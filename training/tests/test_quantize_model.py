# SPDX-License-Identifier: MIT
"""The quantized network: the float network when nothing is quantized, integer arithmetic when it is."""

import numpy as np
import pytest
import torch
from torch import nn

from qpvo_train.errors import TrainingError
from qpvo_train.golden import golden_tensors
from qpvo_train.network import NetworkSizes, PatchNetwork
from qpvo_train.quantize.layers import groups_of, quantizable_layers
from qpvo_train.quantize.model import QuantizedNetwork

TINY = NetworkSizes(width=4, feature_dim=16, hidden_dim=16)


@pytest.fixture
def network() -> PatchNetwork:
    return PatchNetwork(TINY).eval()


def some_scales(network: PatchNetwork, step: float = 0.01) -> dict[str, torch.Tensor]:
    scales = {}
    for n, (_, members) in enumerate(groups_of(quantizable_layers(network)).items()):
        for layer in members:
            weight = network.get_submodule(layer.name).weight.detach()
            scales[f"{layer.name}.input_scale"] = torch.tensor([step * (1 + 0.01 * n)])
            scales[f"{layer.name}.weight_scale"] = weight.flatten(1).abs().amax(1) / 127
    return scales


def test_all_convolutions_and_products_but_stem_and_heads_are_quantized(network: PatchNetwork):
    names = {name for name, module in network.named_modules() if isinstance(module, (nn.Conv2d, nn.Linear))}
    layers = quantizable_layers(network)
    assert len(layers) == 39 and len(groups_of(layers)) == 33
    assert names - {layer.name for layer in layers} == {"patchify.fnet.conv1", "patchify.inet.conv1", "update.d.1", "update.w.1"}
    signed = {layer.name.removeprefix("update.") for layer in layers if layer.signed}
    aggregations, gates = {f"agg_{a}.{b}" for a in ("kk", "ij") for b in "fgh"}, {f"gru.{k}.{m}.0" for k in (1, 3) for m in ("gate", "res")}
    assert signed == {"corr.0", "c1.0", "c2.0", *aggregations, *gates}
    shared = {group: [layer.name for layer in members] for group, members in groups_of(layers).items() if len(members) > 1}
    assert shared == {
        "patchify.fnet.layer2.0.conv1": ["patchify.fnet.layer2.0.conv1", "patchify.fnet.layer2.0.downsample.0"],
        "patchify.inet.layer2.0.conv1": ["patchify.inet.layer2.0.conv1", "patchify.inet.layer2.0.downsample.0"],
        "update.agg_kk.f": ["update.agg_kk.f", "update.agg_kk.g"],
        "update.agg_ij.f": ["update.agg_ij.f", "update.agg_ij.g"],
        "update.gru.1.gate.0": ["update.gru.1.gate.0", "update.gru.1.res.0"],
        "update.gru.3.gate.0": ["update.gru.3.gate.0", "update.gru.3.res.0"],
    }


def test_without_scales_it_is_the_float_network_bit_for_bit(network: PatchNetwork):
    quantized = QuantizedNetwork(network)
    assert quantized.enabled == frozenset() and quantized.scales() == {} and quantized.scale_parameters() == []
    mine, theirs = golden_tensors(quantized), golden_tensors(network)
    assert mine.keys() == theirs.keys() and all(np.array_equal(mine[name], theirs[name]) for name in theirs)


def test_the_wrapped_network_is_left_as_it_was(network: PatchNetwork):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    quantized = QuantizedNetwork(network)
    quantized.set_scales(some_scales(network))
    with torch.no_grad():
        for value in quantized.weight_parameters():
            value.add_(1)
    assert network.state_dict().keys() == before.keys() and all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert quantized.float_weights().keys() == before.keys()
    assert all(torch.equal(value, before[name] + 1) for name, value in quantized.float_weights().items())


def test_scales_come_out_as_they_went_in(network: PatchNetwork):
    quantized, scales = QuantizedNetwork(network), some_scales(network, 0.0123)
    quantized.set_scales(scales)
    found = quantized.scales()
    assert found.keys() == scales.keys() and all(torch.equal(found[name], scales[name]) for name in scales)
    assert quantized.enabled == {layer.name for layer in quantized.layers}
    assert all(value.is_floating_point() for value in quantized.state_dict().values())


def test_golden_tensors_of_int8_have_the_inputs_and_shapes_of_the_float_ones(network: PatchNetwork):
    quantized = QuantizedNetwork(network)
    quantized.set_scales(some_scales(network, 0.02))
    mine, theirs = golden_tensors(quantized), golden_tensors(network)
    assert {name: value.shape for name, value in mine.items()} == {name: value.shape for name, value in theirs.items()}
    for name in ("image", "cells", "hidden", "poses", "depths", "intrinsics", "coords"):
        assert np.array_equal(mine[name], theirs[name]), name
    for name in ("features", "context", "hiddenOut", "correlation"):
        difference = np.abs(mine[name] - theirs[name]).mean() / np.abs(theirs[name]).mean()
        assert 1e-4 < difference < 0.3, (name, difference)


def test_a_layer_without_scales_stays_in_float(network: PatchNetwork):
    quantized, scales = QuantizedNetwork(network), some_scales(network)
    kept = {name: value for name, value in scales.items() if name.startswith("patchify.fnet.")}
    quantized.set_scales(kept)
    assert quantized.enabled == {name.rpartition(".")[0] for name in kept} and quantized.scales().keys() == kept.keys()
    mine, theirs = golden_tensors(quantized), golden_tensors(network)
    assert np.array_equal(mine["context"], theirs["context"]) and not np.array_equal(mine["features"], theirs["features"])


def test_layers_are_switched_by_whole_groups(network: PatchNetwork):
    quantized = QuantizedNetwork(network)
    with pytest.raises(TrainingError, match="no scales for update.corr.0"):
        quantized.enabled = {"update.corr.0"}
    quantized.set_scales(some_scales(network))
    quantized.enabled = {"update.corr.0", "update.agg_kk.f", "update.agg_kk.g"}
    assert quantized.enabled == {"update.corr.0", "update.agg_kk.f", "update.agg_kk.g"}
    assert len(quantized.scale_parameters()) == 2 + 3
    with pytest.raises(TrainingError, match="update.agg_kk.f, update.agg_kk.g, or none"):
        quantized.enabled = {"update.agg_kk.g"}
    with pytest.raises(TrainingError, match="unknown layers"):
        quantized.enabled = {"update.d.1"}


def test_layers_that_share_an_input_have_one_scale_that_learns(network: PatchNetwork):
    quantized = QuantizedNetwork(network)
    quantized.set_scales(some_scales(network))
    assert len(quantized.scale_parameters()) == 39 + 33
    with torch.no_grad():
        quantized.input_quantizer("update.agg_kk.f").log_scale.add_(0.5)
    scales = quantized.scales()
    assert torch.equal(scales["update.agg_kk.f.input_scale"], scales["update.agg_kk.g.input_scale"])


def test_everything_quantized_gets_a_gradient(network: PatchNetwork):
    quantized = QuantizedNetwork(network).train()
    quantized.set_scales(some_scales(network, 0.02))
    features, context = quantized.encode(torch.rand(1, 2, 1, 32, 48) * 255)
    hidden, flow, confidence = quantized.update(torch.randn(1, 2, 2, 3, 16), context[:, :, 2, :3], torch.randn(1, 2, 2, 3, 882))
    (features.square().sum() + hidden.square().sum() + flow.sum() + confidence.sum()).backward()
    for parameter in (*quantized.scale_parameters(), *quantized.weight_parameters()):
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all()
    assert sum(parameter.grad.abs().sum() > 0 for parameter in quantized.scale_parameters()) > 65


def test_the_fused_and_the_unfused_form_give_the_same_network(network: PatchNetwork):
    quantized = QuantizedNetwork(network)
    quantized.set_scales(some_scales(network, 0.02))
    fused = golden_tensors(quantized)
    quantized.use_fused(False)
    unfused = golden_tensors(quantized)
    assert all(np.array_equal(fused[name], unfused[name]) for name in fused)


def rounded(x: np.ndarray, scale, low: int, high: int) -> np.ndarray:
    """int32, each value divided in float32 as a runtime does."""
    return np.clip(np.rint(np.float32(x) / np.float32(scale)), low, high).astype(np.int32)


def test_integer_arithmetic_reproduces_a_linear_layer(network: PatchNetwork):
    quantized = QuantizedNetwork(network)
    quantized.set_scales(some_scales(network, 0.02))
    layer = quantized.network.update.corr[0]
    x = torch.randn(50, 882) * 1.5
    step, steps = layer.inputs.scale().item(), layer.weights.scale().detach().numpy()
    products = rounded(x.numpy(), step, -128, 127) @ rounded(layer.weight.detach().numpy(), steps[:, None], -127, 127).T
    expected = products * (np.float64(np.float32(step)) * steps) + layer.bias.detach().numpy()
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["layer1.0.conv2", "layer2.0.conv2", "conv2"])
def test_integer_arithmetic_reproduces_a_convolution(network: PatchNetwork, name: str):
    quantized = QuantizedNetwork(network)
    quantized.set_scales(some_scales(network, 0.01))
    layer = quantized.network.patchify.inet.get_submodule(name)
    x = torch.randn(2, layer.in_channels, 9, 11).relu() * 2
    step, steps = layer.inputs.scale().item(), layer.weights.scale().detach().numpy()
    qx = np.pad(rounded(x.numpy(), step, 0, 255), ((0, 0), (0, 0), (layer.padding[0],) * 2, (layer.padding[1],) * 2))
    qw = rounded(layer.weight.detach().numpy(), steps[:, None, None, None], -127, 127)
    windows = np.lib.stride_tricks.sliding_window_view(qx, layer.kernel_size, (2, 3))
    products = np.einsum("bcyxij,ocij->boyx", windows, qw)
    assert products.dtype == np.int32
    scale = (np.float64(np.float32(step)) * steps)[:, None, None]
    expected = products * scale + layer.bias.detach().numpy()[:, None, None]
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, atol=2e-5 * np.abs(expected).max())


def test_the_shortcut_of_a_block_is_its_input_as_the_first_convolution_reads_it(network: PatchNetwork):
    quantized = QuantizedNetwork(network)
    quantized.set_scales(some_scales(network, 0.25))
    block = quantized.network.patchify.inet.layer1[0]
    x = torch.rand(1, 4, 6, 6)
    step = block.inputs.scale().detach()
    seen = (x / step).round() * step
    y = block.conv2(block.conv1(seen).relu()).relu()
    torch.testing.assert_close(block(x), (seen + y).relu(), atol=1e-6, rtol=1e-6)


def test_the_sum_of_a_gated_residual_is_in_float(network: PatchNetwork):
    quantized = QuantizedNetwork(network)
    quantized.set_scales(some_scales(network, 0.5))
    block = quantized.network.update.gru[1]
    with torch.no_grad():
        block.res[2].bias.zero_()
        block.res[2].weight.zero_()
    x = torch.randn(7, 16)
    assert torch.equal(block(x), x)


def test_tensorrt_has_signed_bytes_of_the_same_range(network: PatchNetwork):
    quantized = QuantizedNetwork(network)
    quantized.set_scales(some_scales(network))
    form, before = quantized.for_tensorrt(), quantized.scales()
    for layer in quantized.layers:
        inputs, weights = form.input_quantizer(layer.group), form.weight_quantizer(layer.name)
        assert (inputs.low, inputs.high) == ((-128, 127) if layer.signed else (0, 127)) and (weights.low, weights.high) == (-127, 127)
        scale = before[f"{layer.name}.input_scale"] * (1 if layer.signed else 255 / 127)
        assert torch.equal(inputs.scale(), scale.half().float())
        assert torch.equal(weights.scale(), before[f"{layer.name}.weight_scale"].clamp(min=2**-14).half().float())
    assert all(torch.equal(value, before[name]) for name, value in quantized.scales().items())


def test_tensorrt_rounds_what_comes_out_of_a_relu_to_127_steps(network: PatchNetwork):
    quantized = QuantizedNetwork(network)
    quantized.set_scales(some_scales(network, step=2**-6))
    form = quantized.for_tensorrt()
    name = "update.corr.2"
    inputs = form.input_quantizer(name)
    step = inputs.scale().item()
    x = torch.tensor([0.0, 0.6 * step, 126.4 * step, 127 * step, 500 * step])
    torch.testing.assert_close(inputs(x) / step, torch.tensor([0.0, 1, 126, 127, 127]))
    assert form.enabled == quantized.enabled and inputs.enabled
