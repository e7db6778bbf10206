# SPDX-License-Identifier: MIT
"""Export with scales: the importer gets the scales and the golden tensors of the quantized network, and makes the INT8 files of a model from them."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file

from qpvo_train import export as export_module
from qpvo_train.__main__ import main
from qpvo_train.checkpoint import save_checkpoint, sizes_state
from qpvo_train.export import PROJECT
from qpvo_train.golden import golden_tensors
from qpvo_train.network import NetworkSizes, PatchNetwork
from qpvo_train.quantize.layers import quantizable_layers
from qpvo_train.quantize.model import QuantizedNetwork
from qpvo_train.quantize.scales import SCHEME, save_scales

TINY = NetworkSizes(width=4, feature_dim=16, hidden_dim=16)


@pytest.fixture
def network() -> PatchNetwork:
    return PatchNetwork(TINY).eval()


@pytest.fixture
def run(tmp_path: Path, network: PatchNetwork) -> Path:
    """A run of a tiny network: configuration, checkpoint and scales, finer than a model stores them."""
    weights, history = network.state_dict(), [{"from_step": 0, "commit": "abc1234", "machine": "a machine", "processes": 1}]
    about = {"sizes": sizes_state(TINY), "name": "tiny", "step": 40, "seconds": 1.0, "clips": 1, "history": history}
    state = {**about, "network": weights, "average": weights}
    save_checkpoint(tmp_path / "run" / "checkpoint.pt", state)
    scales = {}
    for layer in quantizable_layers(network):
        scales[f"{layer.name}.input_scale"] = torch.tensor([0.02])
        scales[f"{layer.name}.weight_scale"] = network.get_submodule(layer.name).weight.detach().flatten(1).abs().amax(1) / 127
    save_file(scales, tmp_path / "scales.safetensors", metadata={"scheme": SCHEME})
    (tmp_path / "tiny.yaml").write_text(f"name: small\nrun: {tmp_path / 'run'}\nsizes: {{ width: 4, feature_dim: 16, hidden_dim: 16 }}\n")
    return tmp_path


def export(run: Path, *options: str) -> int:
    return main(["export", "--config", str(run / "tiny.yaml"), "--out", str(run / "model"), "--machine", "a test", *options])


def test_the_importer_gets_scales_and_golden_tensors(run: Path, network: PatchNetwork, monkeypatch):
    seen = {}

    def importer(arguments: list) -> str:
        given = dict(zip(map(str, arguments[1::2]), arguments[2::2]))
        seen.update({name: load_file(given[name]) for name in ("--golden", "--golden-int8", "--golden-tensorrt")}, scales=load_file(given["--scales"]))
        return ""

    monkeypatch.setattr(export_module, "run_importer", importer)
    assert export(run, "--scales", str(run / "scales.safetensors")) == 0
    given, written = load_file(run / "scales.safetensors"), seen["scales"]
    assert written.keys() == given.keys() and all(np.array_equal(written[name], given[name].astype(np.float16)) for name in given)
    assert not all(np.array_equal(written[name], given[name]) for name in given)
    quantized = QuantizedNetwork(network)
    quantized.set_scales({name: torch.from_numpy(value) for name, value in written.items()})
    forms = {"--golden": network, "--golden-int8": quantized, "--golden-tensorrt": quantized.for_tensorrt()}
    for name, expected in ((name, golden_tensors(form)) for name, form in forms.items()):
        assert seen[name].keys() == expected.keys() and all(np.array_equal(seen[name][key], expected[key]) for key in expected)
    assert len({seen[name]["hiddenOut"].tobytes() for name in forms}) == 3


def test_scales_of_another_network_are_refused_and_nothing_is_written(run: Path, capsys):
    scales = load_file(run / "scales.safetensors")
    scales["update.corr.0.weight_scale"] = np.ones(7, np.float32)
    save_scales(run / "wrong.safetensors", {name: torch.from_numpy(value) for name, value in scales.items()})
    assert export(run, "--scales", str(run / "wrong.safetensors")) == 2
    assert "update.corr.0.weight_scale" in capsys.readouterr().err
    assert export(run, "--scales", str(run / "absent.safetensors")) == 2
    assert not (run / "model").exists()


def test_the_model_has_int8_files(run: Path):
    if shutil.which("node") is None or not (PROJECT / "dist" / "cli" / "main.js").exists():
        pytest.skip("node or dist/ is absent: nothing was exported")
    usage = subprocess.run(["node", PROJECT / "bin" / "qpvo.js", "import", "--help"], capture_output=True, text=True, check=False).stdout
    if "--golden-tensorrt" not in usage:
        pytest.skip("dist/ was built before `qpvo import --golden-tensorrt`: no INT8 files were made")
    assert export(run, "--scales", str(run / "scales.safetensors")) == 0
    files = json.loads((run / "model" / "manifest.json").read_text())["files"]
    parts = {"featuresInt8", "contextInt8", "updateInt8", "weightsInt8", "goldenInt8", "goldenTensorrt"}
    assert parts <= files.keys()
    for part in parts:
        assert hashlib.sha256((run / "model" / files[part]["name"]).read_bytes()).hexdigest() == files[part]["sha256"]
    weights, scales = load_file(run / "model" / files["weightsInt8"]["name"]), load_file(run / "scales.safetensors")
    assert weights["update.corr.0.weight"].dtype == np.int8 and weights["update.d.1.weight"].dtype == np.float32
    assert all(np.array_equal(weights[name], value.astype(np.float16)) for name, value in scales.items())
