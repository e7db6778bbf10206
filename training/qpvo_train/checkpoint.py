# SPDX-License-Identifier: MIT
"""Checkpoints: everything that a training needs to go on as if it had never stopped, written whole or not at all."""

import dataclasses
import hashlib
import os
import zipfile
from pathlib import Path

import torch

from .checkpoint_fields import check_fields
from .config import Config
from .errors import TrainingError
from .inner_widths import narrow
from .network import NetworkSizes, PatchNetwork
from .whole_file import whole_file

FORMAT = "qpvo-training-1"
NETWORK_KEYS = ("sizes", "step", "network", "average")
RESUME_KEYS = ("seconds", "skipped", "clips", "history", "optimizer", "random", "log")


def save_checkpoint(path: Path, state: dict) -> None:
    """Writes through a second file, so that an interrupted write leaves the last checkpoint as it was."""
    with whole_file(path) as part, part.open("wb") as file:
        torch.save({"format": FORMAT, **state}, file)
        file.flush()
        os.fsync(file.fileno())


def with_past(state: dict, past: dict) -> dict:
    """The state of a training that went on from the network of the checkpoint `past`: steps, clips, hours and commits of both, not what only resuming needs."""
    counts = {key: past.get(key, 0) + state[key] for key in ("step", "seconds", "skipped", "clips")}
    history = [*history_of(past), *state["history"]]
    return {key: value for key, value in state.items() if key not in ("optimizer", "random", "log", "origin")} | counts | {"history": history}


def history_of(state: dict) -> list[dict]:
    """The parts of a training. `files`: how many clips were in each folder; older checkpoints tell it of the last part only, in the state of the source."""
    parts = [dict(part) for part in state.get("history", [])]
    files = [len(files) for files in next(iter(state.get("random", [])), {}).get("source", {}).get("files", [])]
    for last in parts[-1:]:
        last.setdefault("files", files)
    return parts


def fingerprint(tensors: dict[str, torch.Tensor]) -> str:
    """The same for the same tensors under the same names."""
    digest = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def load_checkpoint(path: str | Path) -> dict:
    """Raises TrainingError for a missing, damaged or foreign file, and for weights that are no finite numbers. Nothing in the file is executed."""
    path = Path(path)
    if not path.is_file():
        raise TrainingError(f"no checkpoint at {path}", advice="Train first, or give the path of a checkpoint.pt.")
    try:
        _check_sums(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise TrainingError(f"cannot read the checkpoint {path}", expected="a checkpoint of this package", received=str(error).split("\n")[0]) from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        found = state.get("format", "no format entry") if isinstance(state, dict) else type(state).__name__
        raise TrainingError(f"{path} is no checkpoint of this package", expected=FORMAT, received=found)
    check_keys(state, NETWORK_KEYS, path)
    check_fields(state, path)
    _check_average(state["network"], state["average"], path)
    if "scales" in state:
        _check_average(state["scales"]["network"], state["scales"]["average"], path)
    return state


def _check_average(network: dict, average: dict, path: Path) -> None:
    """The average is of the network's tensors."""
    shapes, averaged = ({name: tuple(value.shape) for name, value in tensors.items()} for tensors in (network, average))
    wrong = sorted(name for name in shapes.keys() | averaged.keys() if shapes.get(name) != averaged.get(name))
    if wrong:
        name = wrong[0]
        received = f"{name} {averaged.get(name, 'is missing')} in the average, {shapes.get(name, 'missing')} in the network"
        raise TrainingError(f"the average in {path} is not that of its network", expected="the same tensors", received=received)


def _check_sums(path: Path) -> None:
    """A checkpoint is a zip archive; PyTorch does not look at its check sums."""
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"the record {damaged} is damaged")


def check_keys(state: dict, keys: tuple[str, ...], path: str | Path) -> None:
    missing = [key for key in keys if key not in state]
    if missing:
        raise TrainingError(f"the checkpoint {path} is incomplete", expected=", ".join(keys), received=f"no {', '.join(missing)}")


def network_of(state: dict, *, averaged: bool = True) -> PatchNetwork:
    """The network of a checkpoint, with the moving average of the weights (or the raw ones), in evaluation mode."""
    network = PatchNetwork(sizes_of(state))
    load_weights(network, state["average" if averaged else "network"])
    return network.eval()


def load_weights(network: PatchNetwork, weights: dict) -> None:
    """Loads a state dict, with its inner widths (which replaces parameters: make an optimizer afterwards). Raises TrainingError when it does not fit."""
    try:
        narrow(network, weights)
        network.load_state_dict(weights)
    except (RuntimeError, TypeError) as error:
        raise TrainingError("the weights of a checkpoint do not fit its sizes", expected=network.sizes, received=error) from None


def sizes_of(state: dict) -> NetworkSizes:
    return NetworkSizes(**{**state["sizes"], "levels": tuple(state["sizes"]["levels"])})


def sizes_state(sizes: NetworkSizes) -> dict:
    return {**dataclasses.asdict(sizes), "levels": list(sizes.levels)}


def check_sizes(state: dict, sizes: NetworkSizes, path: str | Path) -> None:
    if sizes_of(state) != sizes:
        raise TrainingError(
            f"{path} holds a network of other sizes", expected=sizes, received=sizes_of(state), advice="Use the configuration it was trained with."
        )


def checkpoint_of(config: Config, path: str | Path | None = None) -> tuple[Path, dict]:
    """A checkpoint (default: that of the run) with its path. Raises TrainingError when it cannot be read or holds a network of other sizes."""
    path = Path(path or Path(config.run) / "checkpoint.pt")
    state = load_checkpoint(path)
    check_sizes(state, config.sizes, path)
    return path, state
