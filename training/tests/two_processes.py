# SPDX-License-Identifier: MIT
"""Run by torchrun: averages made-up gradients, then trains two steps; every process writes what it ended with to <folder>/<rank>.json."""

import hashlib
import json
import sys
from pathlib import Path

import torch
from tiny_run import losses_of, tiny_config, tiny_trainer

from qpvo_train.processes import Processes, join_processes, leave


def averaged(processes: Processes) -> list[float]:
    """Gradients of a layer after averaging: `rank + 1` in the weights, one in the bias of the second process alone."""
    layer = torch.nn.Linear(2, 1)
    layer.weight.grad = torch.full((1, 2), processes.rank + 1.0)
    if processes.rank == 1:
        layer.bias.grad = torch.ones(1)
    processes.average_gradients(layer)
    return [*layer.weight.grad[0].tolist(), layer.bias.grad.item()]


def main(clips: Path, folder: Path) -> None:
    torch.set_num_threads(1)
    processes = join_processes("cpu")
    trainer = tiny_trainer(tiny_config(folder / "run", steps=2), clips, seed=processes.rank, processes=processes)
    losses = losses_of(trainer)
    weights = b"".join(value.numpy().tobytes() for value in trainer.network.state_dict().values())
    result = {"averaged": averaged(processes), "losses": losses, "weights": hashlib.sha256(weights).hexdigest()}
    (folder / f"{processes.rank}.json").write_text(json.dumps(result))
    processes.close()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
    leave(0)
