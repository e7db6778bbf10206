# SPDX-License-Identifier: MIT
"""Pruning in rounds, with fine-tuning after each (the way of SPAQ-DL-SLAM, arXiv 2409.14515)."""

import dataclasses
import json
from pathlib import Path

import torch

from ..checkpoint import checkpoint_of, network_of, save_checkpoint, with_past
from ..config import Config, check_config
from ..errors import TrainingError
from ..memory import keep_freed_memory
from ..network import PatchNetwork
from ..processes import Processes, join_processes
from ..schedule import fine_tuning
from ..sources import clip_source, validation_folder
from ..train import Trainer
from .channels import choose_widths, cost_of, widths_of, without_channels
from .damage import references
from .macs import correlation_macs
from .sensitivity import pruning_damage

FOLDER, CHECKPOINT, REPORT = "pruned", "checkpoint.pt", "pruning.json"


def prune(
    config: Config,
    config_path: str | Path,
    *,
    checkpoint: str | Path | None = None,
    sensitivity: str | Path | None = None,
    out: str | Path | None = None,
    device: str | None = None,
    fresh: bool = False,
    steps: int | None = None,
) -> Path:
    """Prunes a checkpoint (default: the run's) into `out` (default: `pruned` in `config.quantize_folder`): checkpoint.pt, pruning.json and a folder a round.
    Goes on where it was interrupted, unless `fresh`. steps: of fine-tuning after each round, instead of the configuration's. sensitivity: a report of the command (default: measured here). Returns the checkpoint.

    Raises TrainingError without a usable checkpoint, sensitivity or clips, and when so much cannot be pruned.
    """
    if steps is not None:
        config = dataclasses.replace(config, prune=dataclasses.replace(config.prune, steps=steps))
        check_config(config, "--steps")
    state = checkpoint_of(config, checkpoint)[1]
    network = network_of(state)
    damage = None if sensitivity is None else _reported(Path(sensitivity))
    keep_freed_memory()
    torch.set_num_threads(config.train.threads)
    processes = join_processes(device)
    try:
        source = clip_source(config, processes, config.train.stages[-1:])
        try:
            widths = round_widths(network, damage or _measured(config, network), config)
            return _run(config, Path(config_path), state, widths, source, processes, Path(out or config.quantize_folder / FOLDER), fresh)
        finally:
            source.close()
    finally:
        processes.close()


def round_widths(network: PatchNetwork, damage: dict[str, float], config: Config) -> list[dict[str, int]]:
    """Inner widths after each round; every round takes an equal part of the whole."""
    rounds = config.prune.rounds
    parts = [(n + 1) / rounds for n in range(rounds)]
    goals = [dataclasses.replace(config.prune, parameters=part * config.prune.parameters, macs=part * config.prune.macs) for part in parts]
    return [choose_widths(network, damage, goal) for goal in goals]


def _measured(config: Config, network: PatchNetwork) -> dict[str, float]:
    clips = references(network, validation_folder(config), config.sensitivity.clips, config.data.crop)
    return {name: row["flow_px"] for name, row in pruning_damage(network, clips, config.sensitivity.pruned).items()}


def _reported(path: Path) -> dict[str, float]:
    try:
        return {name: float(row["flow_px"]) for name, row in json.loads(path.read_text())["pruned"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError(
            f"cannot read the sensitivity {path}", expected="a report of the command", received=error, advice="Run sensitivity first."
        ) from None


def _run(config: Config, config_path: Path, state: dict, widths: list[dict[str, int]], source, processes: Processes, folder: Path, fresh: bool) -> Path:
    original, rows = network_of(state), []
    for n, goal in enumerate(widths, 1):
        trainer = Trainer(_round_config(config, folder / f"round{n}"), source, processes, without_channels(network_of(state), goal))
        if trainer.checkpoint_path.exists() and not fresh:
            trainer.resume(trainer.checkpoint_path)
        trainer.run()
        state = with_past(trainer.state(), state)
        rows.append({"round": n, "widths": goal, **costs(original, network_of(state))})
    if processes.leads:
        save_checkpoint(folder / CHECKPOINT, state)
        (folder / REPORT).write_text(json.dumps({"config": config_path.name, "steps": config.prune.steps, "rounds": rows}, indent=2) + "\n")
        print(json.dumps(rows[-1]), flush=True)
    return folder / CHECKPOINT


def _round_config(config: Config, folder: Path) -> Config:
    prune = config.prune
    train = fine_tuning(config.train, steps=prune.steps, rate=prune.learning_rate, warmup=prune.steps // 20)
    return dataclasses.replace(config, run=str(folder), train=train)


def costs(original: PatchNetwork, pruned: PatchNetwork) -> dict[str, float]:
    """Parameters and multiplications (networks alone, and with the correlation, which stays) on the product's load, and the shares that are gone."""
    before, after, correlation = cost_of(original), cost_of(pruned), correlation_macs(original)
    rows = {
        "parameters": (before.parameters, after.parameters),
        "macs": (before.macs, after.macs),
        "macs_with_correlation": (before.macs + correlation, after.macs + correlation),
        "inner_channels": (sum(widths_of(original).values()), sum(widths_of(pruned).values())),
    }
    return {name: {"before": old, "after": new, "gone": round(1 - new / old, 4)} for name, (old, new) in rows.items()}
