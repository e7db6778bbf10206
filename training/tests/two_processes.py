# SPDX-License-Identifier: MIT
"""Run by torchrun: averages made-up gradients, trains two steps, and four in one piece and in two; every process writes what it ended with to
<folder>/<rank>.json."""

import hashlib
import json
import sys
from pathlib import Path

import torch
from tiny_run import losses_of, tiny_config, tiny_trainer

from qpvo_train.processes import Processes, join_processes, leave
from qpvo_train.train import Trainer


def averaged(processes: Processes) -> list[float]:
    """Gradients of a layer after averaging: `rank + 1` in the weights, one in the bias of the second process alone."""
    layer = torch.nn.Linear(2, 1)
    layer.weight.grad = torch.full((1, 2), processes.rank + 1.0)
    if processes.rank == 1:
        layer.bias.grad = torch.ones(1)
    processes.average_gradients(layer)
    return [*layer.weight.grad[0].tolist(), layer.bias.grad.item()]


def fingerprint_of(trainer: Trainer) -> str:
    """Of weights, averages and moments."""
    moments = [value for state in trainer.optimizer.state.values() for value in state.values()]
    tensors = [*trainer.network.state_dict().values(), *trainer.average.values(), *moments]
    return hashlib.sha256(b"".join(value.numpy().tobytes() for value in tensors)).hexdigest()


def in_one_piece_and_in_two(clips: Path, folder: Path, processes: Processes) -> dict[str, dict]:
    """Losses and fingerprint of four steps, without and with an end after the second one."""
    whole = tiny_trainer(tiny_config(folder / "whole", steps=4), clips, seed=processes.rank, processes=processes)
    report = {"whole": {"losses": losses_of(whole), "fingerprint": fingerprint_of(whole)}}
    config = tiny_config(folder / "parts", steps=4)
    losses = losses_of(tiny_trainer(config, clips, seed=processes.rank, processes=processes), until=2)
    processes.gather("the checkpoint is there")
    later = tiny_trainer(config, clips, seed=100 + processes.rank, processes=processes)
    later.resume(later.checkpoint_path)
    return report | {"parts": {"losses": losses + losses_of(later), "fingerprint": fingerprint_of(later)}}


def main(clips: Path, folder: Path) -> None:
    torch.set_num_threads(1)
    processes = join_processes("cpu")
    trainer = tiny_trainer(tiny_config(folder / "run", steps=2), clips, seed=processes.rank, processes=processes)
    losses = losses_of(trainer)
    weights = b"".join(value.numpy().tobytes() for value in trainer.network.state_dict().values())
    result = {"averaged": averaged(processes), "losses": losses, "weights": hashlib.sha256(weights).hexdigest()}
    result |= in_one_piece_and_in_two(clips, folder, processes)
    (folder / f"{processes.rank}.json").write_text(json.dumps(result))
    processes.close()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
    leave(0)
