# SPDX-License-Identifier: MIT
"""What each command of the command line does."""

import argparse
import dataclasses
from pathlib import Path

import torch

from .checkpoint import load_checkpoint, network_of
from .clips import ClipFolder
from .config import Config, load_config
from .errors import TrainingError
from .memory import keep_freed_memory
from .processes import Processes, join_processes
from .train import Trainer


def train(options: argparse.Namespace) -> None:
    config = load_config(options.config)
    if options.steps is not None:
        config = dataclasses.replace(config, train=dataclasses.replace(config.train, steps=options.steps))
    keep_freed_memory()
    torch.set_num_threads(config.train.threads)
    processes = join_processes(options.device)
    try:
        trainer = Trainer(config, clip_source(config, processes), processes)
        _start(trainer, options)
        trainer.run(until=options.until)
    finally:
        processes.close()


def _start(trainer: Trainer, options: argparse.Namespace) -> None:
    """From the run's checkpoint, from another network's weights, or from nothing."""
    if options.init is not None:
        weights = network_of(load_checkpoint(options.init)).state_dict()
        trainer.network.load_state_dict(weights)
        trainer.average = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    elif trainer.checkpoint_path.exists() and not options.fresh:
        trainer.resume(trainer.checkpoint_path)
        if trainer.processes.leads:
            print(f"going on from step {trainer.step} of {trainer.config.train.steps}", flush=True)


def clip_source(config: Config, processes: Processes) -> ClipFolder:
    """The clips of a process: each draws from the same folder with a seed of its own."""
    if config.data.clips is None:
        raise TrainingError("no folder of clips", expected="data: clips", received="null", advice="Name the folder that `render` fills.")
    return ClipFolder(config.data.clips, seed=config.train.seed + 104729 * processes.rank, crop=config.data.crop)


COMMANDS = {"train": train}
