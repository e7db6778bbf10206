# SPDX-License-Identifier: MIT
"""Scales as files: what is written is read; what cannot be a network's scales is refused."""

import copy
import math
from pathlib import Path

import pytest
import safetensors
import safetensors.torch
import torch

from qpvo_train.errors import TrainingError
from qpvo_train.network import NetworkSizes, PatchNetwork
from qpvo_train.quantize.layers import groups_of, quantizable_layers
from qpvo_train.quantize.model import QuantizedNetwork
from qpvo_train.quantize.scales import SCHEME, load_scales, rounded, save_scales

NETWORK = PatchNetwork(NetworkSizes(width=4, feature_dim=16, hidden_dim=16)).eval()
LAYER, GATE, RES = "update.corr.0", "update.gru.1.gate.0", "update.gru.1.res.0"


@pytest.fixture
def scales() -> dict[str, torch.Tensor]:
    found = {}
    for n, members in enumerate(groups_of(quantizable_layers(NETWORK)).values()):
        for layer in members:
            found[f"{layer.name}.input_scale"] = torch.tensor([0.01 + 0.001 * n])
            found[f"{layer.name}.weight_scale"] = torch.rand(NETWORK.get_submodule(layer.name).weight.shape[0]) + 0.1
    return found


def test_scales_are_rounded_to_half_precision_where_that_holds_them():
    values = torch.tensor([1.0, 0.1, 2**-14, 2**-15 * 1.0001, 3e-6, 65519.0, 65520.0, 1e9])
    expected = torch.tensor([1.0, 0.0999755859375, 2**-14, 2**-15 * 1.0001, 3e-6, 65504.0, 65520.0, 1e9])
    assert torch.equal(rounded(values), expected)


def test_scales_of_any_file_are_read_rounded(scales: dict, tmp_path: Path):
    """As everything made from them is: another program may have written them finer."""
    safetensors.torch.save_file(scales, tmp_path / "fine.safetensors", metadata={"scheme": SCHEME})
    found = load_scales(tmp_path / "fine.safetensors", NETWORK)
    assert all(torch.equal(found[name], rounded(value)) for name, value in scales.items())
    assert any(not torch.equal(found[name], value) for name, value in scales.items())


def test_scales_that_say_whose_they_are_serve_no_other_weights(scales: dict, tmp_path: Path):
    path = tmp_path / "scales.safetensors"
    save_scales(path, scales, NETWORK)
    quantized, other = QuantizedNetwork(NETWORK), copy.deepcopy(NETWORK)
    quantized.set_scales(load_scales(path, NETWORK))
    assert load_scales(path, quantized).keys() == scales.keys()
    other.get_parameter(f"{LAYER}.weight").data[0, 0] += 1
    for network in (other, QuantizedNetwork(other)):
        with pytest.raises(TrainingError, match="belongs to other weights"):
            load_scales(path, network)
    save_scales(path, scales)
    assert load_scales(path, other).keys() == scales.keys()


def test_scales_survive_the_file(scales: dict, tmp_path: Path):
    save_scales(tmp_path / "new" / "scales.safetensors", scales)
    with safetensors.safe_open(tmp_path / "new" / "scales.safetensors", "pt") as file:
        assert file.metadata() == {"scheme": SCHEME} and SCHEME == "w_s8_channel_a_u8s8_tensor"
    found = load_scales(tmp_path / "new" / "scales.safetensors", NETWORK)
    assert found.keys() == scales.keys() and all(torch.equal(found[name], rounded(scales[name])) for name in scales)
    assert all(value.dtype == torch.float32 for value in found.values())
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["scales.safetensors"]
    quantized = QuantizedNetwork(NETWORK)
    quantized.set_scales(load_scales(tmp_path / "new" / "scales.safetensors", quantized))


def refusal(scales: dict, tmp_path: Path) -> str:
    save_scales(tmp_path / "scales.safetensors", scales)
    with pytest.raises(TrainingError) as caught:
        load_scales(tmp_path / "scales.safetensors", NETWORK)
    with pytest.raises(TrainingError):
        QuantizedNetwork(NETWORK).set_scales(scales)
    assert "calibrate" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("part", ["input_scale", "weight_scale"])
def test_a_missing_part_is_refused(scales: dict, tmp_path: Path, part: str):
    del scales[f"{LAYER}.{part}"]
    assert f"no {LAYER}.{part}" in refusal(scales, tmp_path)


@pytest.mark.parametrize("part", ["input_scale", "weight_scale"])
@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0, -0.5])
def test_a_value_that_is_no_scale_is_refused(scales: dict, tmp_path: Path, part: str, value: float):
    scales[f"{LAYER}.{part}"][-1] = value
    message = refusal(scales, tmp_path)
    assert f"{LAYER}.{part}" in message and str(value) in message and "finite positive" in message


@pytest.mark.parametrize(("part", "length"), [("input_scale", 2), ("weight_scale", 15), ("weight_scale", 0)])
def test_another_length_is_refused(scales: dict, tmp_path: Path, part: str, length: int):
    scales[f"{LAYER}.{part}"] = torch.ones(length)
    message = refusal(scales, tmp_path)
    assert f"{LAYER}.{part}" in message and f"[{length}]" in message


def test_a_scale_without_a_dimension_is_refused(scales: dict, tmp_path: Path):
    scales[f"{LAYER}.input_scale"] = torch.tensor(0.1)
    assert "expected: [1]" in refusal(scales, tmp_path)


def test_a_part_of_a_group_is_refused(scales: dict, tmp_path: Path):
    for part in ("input_scale", "weight_scale"):
        del scales[f"{RES}.{part}"]
    message = refusal(scales, tmp_path)
    assert f"{GATE}, {RES}" in message and "share an input" in message


def test_members_of_a_group_that_differ_are_refused(scales: dict, tmp_path: Path):
    scales[f"{RES}.input_scale"] = scales[f"{GATE}.input_scale"] * 1.01
    assert "differ" in refusal(scales, tmp_path)


def test_an_unknown_layer_is_refused(scales: dict, tmp_path: Path):
    scales["update.d.1.input_scale"] = torch.ones(1)
    assert "update.d.1.input_scale" in refusal(scales, tmp_path)


def test_no_scales_at_all_are_refused(tmp_path: Path):
    assert "none" in refusal({}, tmp_path)


def test_a_missing_damaged_or_foreign_file_is_refused(scales: dict, tmp_path: Path):
    with pytest.raises(TrainingError, match="no scales at"):
        load_scales(tmp_path / "absent.safetensors", NETWORK)
    (tmp_path / "damaged.safetensors").write_bytes(b"nothing")
    with pytest.raises(TrainingError, match="cannot read the scales"):
        load_scales(tmp_path / "damaged.safetensors", NETWORK)
    for metadata in (None, {"scheme": "another"}):
        safetensors.torch.save_file(scales, tmp_path / "foreign.safetensors", metadata=metadata)
        with pytest.raises(TrainingError, match=SCHEME):
            load_scales(tmp_path / "foreign.safetensors", NETWORK)
