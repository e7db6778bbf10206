# SPDX-License-Identifier: MIT
"""Checkpoints: everything that a training needs to go on as if it had never stopped, written whole or not at all."""

import dataclasses
import os
from pathlib import Path

import torch

from .errors import TrainingError
from .network import NetworkSizes, PatchNetwork

FORMAT = "qpvo-training-1"


def save_checkpoint(path: Path, state: dict) -> None:
    """Writes through a second file, so that an interrupted write leaves the last checkpoint as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save({"format": FORMAT, **state}, part)
    os.replace(part, path)


def load_checkpoint(path: str | Path) -> dict:
    """Raises TrainingError for a missing, damaged or foreign file. Nothing in the file is executed."""
    path = Path(path)
    if not path.is_file():
        raise TrainingError(f"no checkpoint at {path}", advice="Train first, or give the path of a checkpoint.pt.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise TrainingError(f"cannot read the checkpoint {path}", expected="a checkpoint of this package", received=str(error).split("\n")[0]) from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        found = state.get("format", "no format entry") if isinstance(state, dict) else type(state).__name__
        raise TrainingError(f"{path} is no checkpoint of this package", expected=FORMAT, received=found)
    return state


def network_of(state: dict, *, averaged: bool = True) -> PatchNetwork:
    """The network of a checkpoint, with the moving average of the weights (or the raw ones), in evaluation mode."""
    network = PatchNetwork(sizes_of(state))
    network.load_state_dict(state["average" if averaged else "network"])
    return network.eval()


def sizes_of(state: dict) -> NetworkSizes:
    return NetworkSizes(**{**state["sizes"], "levels": tuple(state["sizes"]["levels"])})


def sizes_state(sizes: NetworkSizes) -> dict:
    return {**dataclasses.asdict(sizes), "levels": list(sizes.levels)}


def check_sizes(state: dict, sizes: NetworkSizes, path: str | Path) -> None:
    if sizes_of(state) != sizes:
        raise TrainingError(f"{path} holds a network of other sizes", expected=sizes, received=sizes_of(state), advice="Use the configuration it was trained with.")
