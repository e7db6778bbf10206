# SPDX-License-Identifier: MIT
"""From a checkpoint to a model folder. The ONNX graphs are made by the product's importer, so that there is one definition of them."""

import dataclasses
import json
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import safetensors.numpy
import safetensors.torch

from .checkpoint import check_keys, checkpoint_of, network_of
from .config import Config, check_exportable
from .errors import TrainingError
from .golden import golden_tensors
from .model_card import read_card, write_card
from .network import PatchNetwork
from .plots import plot_log
from .provenance import Provenance, provenance_of
from .quantize.model import QuantizedNetwork
from .quantize.scales import load_scales, save_scales

PROJECT = Path(__file__).parents[2]
MANIFEST = "manifest.json"
PROVENANCE_KEYS = ("history", "seconds", "clips")


def export(
    config: Config,
    config_path: str | Path,
    *,
    checkpoint: str | Path | None = None,
    scales: str | Path | None = None,
    out: str | Path | None = None,
    name: str | None = None,
    licence="MIT",
    machine=None,
) -> Path:
    """Makes the model folder of a run (default: models/<name> of the project) from a checkpoint (default: the run's); returns the folder. With `scales` it also
    holds the INT8 forms. `name` is that of the model (default: the configuration's).

    Raises TrainingError without a usable checkpoint, for widths that the product cannot run, for scales that are not the network's, without node, when the
    product is not built, and where a model of the project would be replaced by one of another size, such as a pruned one, without being asked by `name` or
    `out`. The folder is then as it was before.
    """
    path, state = checkpoint_of(config, checkpoint)
    check_keys(state, PROVENANCE_KEYS, path)
    check_exportable(config.sizes, config_path)
    network = network_of(state)
    quantized = None if scales is None else _quantized(network, scales)
    provenance = provenance_of(state, config, config_path, machine)
    parameters = sum(value.numel() for value in network.parameters())
    name = name or config.name
    if out is None:
        out = PROJECT / "models" / name
        _check_replaces(out / MANIFEST, parameters)
    out = Path(out)
    card, log = read_card(config.name), Path(config.run) / "log.jsonl"
    with _staging(out) as folder:
        import_network(network, folder, name, provenance, description=card.description, licence=licence, quantized=quantized)
        if log.exists():
            plot_log(log, folder / "training.png")
        of_card = {"picture": log.exists(), "old": out / "README.md", "same_weights": _weights_sum(out / MANIFEST) == _weights_sum(folder / MANIFEST)}
        write_card(folder / "README.md", name, network.sizes, parameters, licence, provenance, card, **of_card)
    return out


def _weights_sum(manifest: Path) -> str | None:
    """SHA-256 of the weights of a model; None where there is no such manifest."""
    try:
        return json.loads(manifest.read_text())["files"]["weights"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _check_replaces(manifest: Path, parameters: int) -> None:
    """A pruned network has the configuration, and so the name, of the one before pruning."""
    if not manifest.exists():
        return
    there = json.loads(manifest.read_text())["parameters"]
    if there != parameters:
        advice = "Give the model another name with --name or a folder with --out, or remove the old model to replace it."
        raise TrainingError(f"{manifest.parent} holds a model of another size", expected=f"{there} parameters", received=parameters, advice=advice)


def _quantized(network: PatchNetwork, scales: str | Path) -> QuantizedNetwork:
    quantized = QuantizedNetwork(network)
    quantized.set_scales(load_scales(scales, network))
    return quantized


def import_network(
    network: PatchNetwork,
    folder: Path,
    name: str,
    provenance: Provenance,
    *,
    description: str,
    licence: str,
    quantized: QuantizedNetwork | None = None,
) -> None:
    """Writes manifest, ONNX, weights and golden tensors into `folder` through `qpvo import`, and their INT8 forms where there is a quantized network."""
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        weights, golden, about = (scratch / file for file in ("weights.safetensors", "golden.safetensors", "provenance.json"))
        safetensors.torch.save_file({key: value.contiguous() for key, value in network.state_dict().items()}, weights)
        safetensors.numpy.save_file(golden_tensors(network), golden)
        about.write_text(json.dumps(dataclasses.asdict(provenance)))
        arguments = ["--name", name, "--out", folder, "--description", description, "--licence", licence]
        arguments += ["--training", provenance.text, "--golden", golden, "--provenance", about]
        run_importer([weights, *arguments, *_int8_arguments(quantized, scratch)])


def _int8_arguments(quantized: QuantizedNetwork | None, scratch: Path) -> list:
    if quantized is None:
        return []
    files = [scratch / name for name in ("scales.safetensors", "golden_int8.safetensors", "golden_tensorrt_int8.safetensors")]
    scales, golden, golden_tensorrt = files
    save_scales(scales, quantized.scales())
    safetensors.numpy.save_file(golden_tensors(quantized), golden)
    safetensors.numpy.save_file(golden_tensors(quantized.for_tensorrt()), golden_tensorrt)
    return ["--scales", scales, "--golden-int8", golden, "--golden-tensorrt", golden_tensorrt]


def run_importer(arguments: list) -> str:
    """Runs `qpvo import`; returns what it prints. Raises TrainingError when node or the built product is missing, or with what the importer complains of."""
    advice = "Install Node 20.20 or newer and run `npm run build` in the project's root."
    node, program = shutil.which("node"), PROJECT / "bin" / "qpvo.js"
    if node is None:
        raise TrainingError("the importer needs Node", expected="node on the PATH", received="none", advice=advice)
    if not (PROJECT / "dist" / "cli" / "main.js").exists():
        raise TrainingError("the product is not built", expected=f"{PROJECT / 'dist'}", received="no such folder", advice=advice)
    done = subprocess.run([node, program, "import", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        advice = "If an option is unknown, the product was built before it: run `npm run build`."
        raise TrainingError("the importer refused the network", received=(done.stderr or done.stdout).strip(), advice=advice)
    return done.stdout


@contextmanager
def _staging(out: Path):
    """A folder inside `out` whose files move to `out` when all are there, the manifest last; after an error `out` is as it was."""
    is_new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".export-", dir=out))
    try:
        yield folder
        for file in sorted(folder.iterdir(), key=lambda path: path.name == MANIFEST):
            os.replace(file, out / file.name)
    except BaseException:
        shutil.rmtree(folder)
        if is_new:
            shutil.rmtree(out)
        raise
    folder.rmdir()
