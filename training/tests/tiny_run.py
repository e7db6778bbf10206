# SPDX-License-Identifier: MIT
"""A training of seconds: tiny network, few patches, clips of 48 x 64 pixels."""

from pathlib import Path

from qpvo_train.clips import ClipFolder
from qpvo_train.config import Config, DataConfig, StageConfig, TrainConfig
from qpvo_train.network import NetworkSizes
from qpvo_train.processes import Processes, join_processes
from qpvo_train.train import Trainer

SIZES = NetworkSizes(width=4, feature_dim=8, hidden_dim=16)
STAGES = (
    StageConfig(until=0.4, frames=4, start=3, warm=2, patches=6, true_poses=1.0, through_ba=False),
    StageConfig(until=1.0, frames=5, start=3, warm=3, patches=6, true_poses=0.5, through_ba=True),
)


def tiny_config(folder: Path, **train) -> Config:
    settings = {"steps": 10, "warmup_steps": 2, "bfloat16": False, "log_every": 1, "checkpoint_minutes": 1e9, "stages": STAGES, **train}
    return Config(run=str(folder), sizes=SIZES, data=DataConfig(crop=(48, 64)), train=TrainConfig(**settings))


def tiny_trainer(config: Config, clips: Path, seed: int = 5, processes: Processes | None = None) -> Trainer:
    return Trainer(config, ClipFolder(clips, seed=seed, crop=config.data.crop), processes or join_processes("cpu"))


def losses_of(trainer: Trainer, until: int | None = None) -> list[dict[str, float]]:
    """Runs the training and returns the losses of every step, unrounded."""
    seen, step = [], trainer.train_step
    trainer.train_step = lambda: seen.append(step())
    trainer.run(until=until)
    trainer.train_step = step
    return seen
