# SPDX-License-Identifier: MIT
"""Export: from a checkpoint to a model folder that the product's importer has made, whole or not at all."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from published_state import published_state
from safetensors.numpy import load_file

from qpvo_train import export as export_module
from qpvo_train.__main__ import main
from qpvo_train.checkpoint import save_checkpoint, sizes_state
from qpvo_train.errors import TrainingError
from qpvo_train.export import PROJECT, run_importer
from qpvo_train.model_card import BEGIN, EARLIER_WEIGHTS, END, NOT_MEASURED
from qpvo_train.network import NetworkSizes, PatchNetwork

TINY = NetworkSizes(width=4, feature_dim=16, hidden_dim=16)
FILES = ["README.md", "context.onnx", "features.onnx", "golden.safetensors", "manifest.json", "training.png", "update.onnx", "weights.safetensors"]


@pytest.fixture
def built() -> None:
    if shutil.which("node") is None or not (PROJECT / "dist" / "cli" / "main.js").exists():
        pytest.skip("node or dist/ is absent: nothing was exported")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of a tiny network: configuration, checkpoint and log."""
    network = PatchNetwork(TINY)
    average = {name: value + 0.01 for name, value in network.state_dict().items()}
    state = {
        "sizes": sizes_state(TINY),
        "name": "tiny",
        "step": 40,
        "seconds": 1800.0,
        "clips": 14,
        "history": [{"from_step": 0, "commit": "abc1234", "machine": "a machine", "processes": 2}],
        "network": network.state_dict(),
        "average": average,
    }
    save_checkpoint(tmp_path / "run" / "checkpoint.pt", state)
    lines = [{"step": 10 * n, "learning_rate": 1e-3, "loss": 3 / n, "within_1px": 0.1 * n} for n in range(1, 5)]
    (tmp_path / "run" / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    sizes = "{ width: 4, feature_dim: 16, hidden_dim: 16 }"
    (tmp_path / "tiny.yaml").write_text(f"name: small\nrun: {tmp_path / 'run'}\nsizes: {sizes}\ndata: {{ clips: {tmp_path}/clips }}\n")
    return tmp_path


def export(run: Path, *options: str) -> int:
    return main(["export", "--config", str(run / "tiny.yaml"), "--out", str(run / "models" / "tiny"), "--machine", "a test", *options])


def test_a_checkpoint_becomes_a_model(built: None, run: Path):
    assert export(run) == 0
    folder = run / "models" / "tiny"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    manifest = json.loads((folder / "manifest.json").read_text())
    for file in manifest["files"].values():
        assert hashlib.sha256((folder / file["name"]).read_bytes()).hexdigest() == file["sha256"]
    about = manifest["provenance"]
    expected = {"config": "tiny.yaml", "commit": "abc1234", "steps": 40, "clips": 14, "hours": 0.5, "machine": "a test"}
    assert {key: about[key] for key in expected} == expected
    assert manifest["name"] == "small" and manifest["licence"] == "MIT" and "40 steps" in manifest["training"] and manifest["sizes"]["featureDim"] == 16
    weights, average = load_file(folder / "weights.safetensors"), torch.load(run / "run" / "checkpoint.pt")["average"]
    assert weights.keys() == average.keys()
    assert all(np.array_equal(value, average[name].numpy()) for name, value in weights.items())
    card = (folder / "README.md").read_text()
    assert "a test" in card and "](training.png)" in card and "Known failures" in card and "{" not in card


def test_golden_tensors_agree_with_the_exported_graphs(built: None, run: Path):
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: the exported graphs are not run")
    assert export(run) == 0
    folder = run / "models" / "tiny"
    golden = load_file(folder / "golden.safetensors")
    image = 2 * golden["image"].astype(np.float32) / 255 - 0.5
    for n in range(2):
        features = runtime.InferenceSession(folder / "features.onnx").run(None, {"image": image[n : n + 1]})[0]
        assert np.abs(features[0] - golden["features"][n]).max() < 1e-4
        context = runtime.InferenceSession(folder / "context.onnx").run(None, {"image": image[n : n + 1], "cells": golden["cells"][n]})[0]
        assert np.abs(context - golden["context"][n]).max() < 1e-4


def test_the_accuracy_table_survives_a_new_export(built: None, run: Path):
    assert export(run) == 0
    card = run / "models" / "tiny" / "README.md"
    before = card.read_text()
    assert f"{BEGIN}\n{NOT_MEASURED}\n{END}" in before
    card.write_text(before.replace("Not measured yet.", "| a | b |\n|---|---|\n| 1 | 2 |").replace("# small", "# changed by hand"))
    assert export(run) == 0
    assert card.read_text() == before.replace("Not measured yet.", "| a | b |\n|---|---|\n| 1 | 2 |")


def test_a_table_of_earlier_weights_says_so_once(built: None, run: Path):
    path, card = run / "run" / "checkpoint.pt", run / "models" / "tiny" / "README.md"
    state = torch.load(path)
    for n, text in enumerate((NOT_MEASURED, f"{EARLIER_WEIGHTS}\n\n| a |", f"{EARLIER_WEIGHTS}\n\n| a |")):
        state["average"]["update.d.1.bias"] = torch.full((2,), float(n))
        save_checkpoint(path, state)
        for _ in range(2):
            assert export(run) == 0
            assert f"{BEGIN}\n{text}\n{END}" in card.read_text()
        if n == 0:
            card.write_text(card.read_text().replace(NOT_MEASURED, "| a |"))


def test_a_pruned_network_says_so_and_has_its_own_name(built: None, run: Path):
    assert export(run) == 0
    card = run / "models" / "tiny" / "README.md"
    assert "| inner widths | those of the sizes |" in card.read_text()
    path = run / "run" / "checkpoint.pt"
    state = torch.load(path)
    for tensors in (state["network"], state["average"]):
        for name, axis in (("update.corr.0.weight", 0), ("update.corr.0.bias", 0), ("update.corr.2.weight", 1)):
            tensors[name] = tensors[name].narrow(axis, 0, 10).clone()
    save_checkpoint(path, state)
    whole = json.loads((card.parent / "manifest.json").read_text())["parameters"]
    assert export(run, "--name", "tiny_pruned") == 0
    manifest = json.loads((card.parent / "manifest.json").read_text())
    # Six of 16 outputs of the first layer, each with 882 weights and a bias, and the six columns that read them.
    assert manifest["name"] == "tiny_pruned" and manifest["parameters"] == whole - 6 * (882 + 1 + 16)
    assert card.read_text().startswith("# tiny_pruned\n")
    assert f"| inner widths | pruned: {manifest['parameters']:,} of {whole:,} parameters are left |" in card.read_text()


def test_a_model_of_another_size_is_not_replaced_unasked(built: None, run: Path, capsys, monkeypatch):
    """As a pruned network would be, which has the name of the one before."""
    monkeypatch.setattr(export_module, "PROJECT", run)
    (run / "models" / "small").mkdir(parents=True)
    manifest = run / "models" / "small" / "manifest.json"
    manifest.write_text('{"parameters": 504132}')
    assert main(["export", "--config", str(run / "tiny.yaml"), "--machine", "a test"]) == 2
    message = capsys.readouterr().err
    assert "holds a model of another size" in message and "expected: 504132 parameters" in message and "--out" in message
    assert manifest.read_text() == '{"parameters": 504132}' and len(list(manifest.parent.iterdir())) == 1


def test_a_failed_export_leaves_the_model_as_it_was(built: None, run: Path, capsys, monkeypatch):
    assert export(run) == 0
    folder = run / "models" / "tiny"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fails(*_, **__):
        raise TrainingError("no card today")

    monkeypatch.setattr(export_module, "write_card", fails)
    assert export(run) == 2
    assert "no card today" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    shutil.rmtree(folder)
    assert export(run) == 2
    assert not folder.exists()


def test_what_the_importer_says_is_passed_on(built: None, run: Path):
    (run / "bad.safetensors").write_bytes(b"nothing")
    with pytest.raises(TrainingError, match="the importer refused the network\n.*QPVO_"):
        run_importer([run / "bad.safetensors", "--out", run / "model"])


def test_without_node_or_a_built_product_there_is_advice(run: Path, capsys, monkeypatch):
    monkeypatch.setattr(export_module, "PROJECT", run)
    assert export(run) == 2
    assert "npm run build" in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(run))
    assert export(run) == 2
    assert "Node" in capsys.readouterr().err
    assert not (run / "models" / "tiny").exists()


def test_a_checkpoint_of_other_sizes_is_refused(run: Path, capsys):
    config = (run / "tiny.yaml").read_text()
    (run / "tiny.yaml").write_text(config.replace("width: 4", "width: 8"))
    assert export(run) == 2
    assert "network of other sizes" in capsys.readouterr().err


def test_the_product_imports_the_published_checkpoint_by_its_form(built: None, tmp_path: Path):
    state = published_state()
    torch.save(state, tmp_path / "dpvo.pth")
    run_importer([tmp_path / "dpvo.pth", "--name", "base", "--out", tmp_path / "base"])
    manifest = json.loads((tmp_path / "base" / "manifest.json").read_text())
    sizes = {key: manifest["sizes"][key] for key in ("inputChannels", "width", "featureDim", "hiddenDim")}
    assert sizes == {"inputChannels": 3, "width": 32, "featureDim": 128, "hiddenDim": 384} and manifest["parameters"] == 3_384_324
    weights = load_file(tmp_path / "base" / "weights.safetensors")
    assert len(weights) == 94 and all(np.array_equal(value, state[f"module.{name}"].numpy()) for name, value in weights.items())
