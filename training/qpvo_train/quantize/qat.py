# SPDX-License-Identifier: MIT
"""Training with fake quantization: the scales alone while the weights are frozen (as DPVO-QAT++ has it), or both. A float teacher adds to the normal losses."""

import copy
import dataclasses
import json
from pathlib import Path

import torch
from torch import Tensor

from ..checkpoint import checkpoint_of, network_of, save_checkpoint, with_past
from ..config import Config, check_config
from ..errors import TrainingError
from ..evaluate import held_out_files
from ..memory import keep_freed_memory
from ..network import PatchNetwork
from ..processes import Processes, join_processes
from ..schedule import fine_tuning
from ..sources import clip_source, validation_folder
from ..train import Trainer
from ..unroll import UnrollOptions, UnrollResult
from .comparison import measure
from .damage import references
from .distill import TERM, DistilledUnroll
from .model import QuantizedNetwork
from .scales import load_scales, rounded_scales, save_scales, weights_of

CHECKPOINT, SCALES, REPORT = "checkpoint.pt", "scales.safetensors", "evaluation.json"
PREFIX, SCALE = "network.", ".log_scale"  # of the names in the state of a QuantizedNetwork


class QatTrainer(Trainer):
    """A training of a QuantizedNetwork whose scales are set. Its checkpoints hold the weights as those of any training do, and the scales apart."""

    def __init__(self, config: Config, source, processes: Processes, network: QuantizedNetwork, teacher: PatchNetwork):
        self.teacher = copy.deepcopy(teacher).to(processes.device).eval().requires_grad_(False)
        for weight in network.weight_parameters():
            weight.requires_grad_(config.qat.mode == "all")
        super().__init__(config, source, processes, network)
        self.origin = f"{config.qat.mode} {self.origin}"
        if weights_of(teacher) != weights_of(network):
            self.origin += f" taught by {weights_of(teacher)}"

    def _parameter_groups(self) -> list[dict]:
        qat = self.config.qat
        scales = {"params": self.network.scale_parameters(), "weight_decay": 0.0}
        if qat.mode == "scales":
            return [scales]
        return [scales, {"params": self.network.weight_parameters(), "rate": qat.weight_rate / qat.scale_rate}]

    def _unroll(self, batch: dict[str, Tensor], options: UnrollOptions) -> UnrollResult:
        return DistilledUnroll(self.network, self.teacher, batch, options).run()

    def _loss_weights(self) -> dict[str, float]:
        distill = dataclasses.asdict(self.config.qat.distill)
        return super()._loss_weights() | {TERM + name: weight for name, weight in distill.items()}

    def state(self) -> dict:
        state = super().state()
        parts = {key: _split(state[key]) for key in ("network", "average")}
        return state | {key: weights for key, (weights, _) in parts.items()} | {"scales": {key: scales for key, (_, scales) in parts.items()}}

    def _load(self, state: dict) -> None:
        network, average = (_joined(state[key], state["scales"][key]) for key in ("network", "average"))
        self.network.load_state_dict(network)
        self.average = {name: value.to(self.processes.device) for name, value in average.items()}
        self.optimizer = self._new_optimizer()

    def averaged(self) -> QuantizedNetwork:
        """A copy with the moving averages, scales rounded as they are saved, on the CPU, in evaluation mode."""
        network = copy.deepcopy(self.network)
        network.load_state_dict(self.average)
        network.set_scales(rounded_scales(network.scales()))
        return network.cpu().eval()


def _split(tensors: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Weights, under the names of a PatchNetwork, and logarithms of scales."""
    weights = {name.removeprefix(PREFIX): value for name, value in tensors.items() if not name.endswith(SCALE)}
    return weights, {name.removeprefix(PREFIX): value for name, value in tensors.items() if name.endswith(SCALE)}


def _joined(weights: dict[str, Tensor], scales: dict[str, Tensor]) -> dict[str, Tensor]:
    return {PREFIX + name: value for name, value in (weights | scales).items()}


def qat(
    config: Config,
    config_path: str | Path,
    *,
    checkpoint: str | Path | None = None,
    scales: str | Path | None = None,
    teacher: str | Path | None = None,
    mode: str | None = None,
    out: str | Path | None = None,
    device: str | None = None,
    fresh: bool = False,
    until: int | None = None,
    steps: int | None = None,
) -> Path:
    """Trains from a float checkpoint (default: the run's) and calibrated scales (default: those in `config.quantize_folder`) into `out` (default: qat-<mode>):
    scales.safetensors, checkpoint.pt, evaluation.json, and `training/` with the state to go on from and the log. Goes on where it was interrupted, unless
    `fresh`. Returns the scales. teacher: checkpoint of the float network to learn from and to measure against (default: the one that is trained); for a pruned
    network that before pruning.

    Raises TrainingError without a usable checkpoint, scales that fit it or clips.
    """
    config = _chosen(config, mode, steps)
    if not config.train.stages[-1].through_ba:
        expected = "losses through the bundle adjustment: train: stages: through_ba: true in the last one"
        raise TrainingError("scales would be learnt without regard to the trajectory", expected=expected, received="through_ba: false")
    past = checkpoint_of(config, checkpoint)[1]
    start, held_out = network_of(past), validation_folder(config)
    taught_by = start if teacher is None else _teacher(config, Path(teacher))
    held_out_files(held_out, config.sensitivity.clips)
    network = QuantizedNetwork(start)
    network.set_scales(load_scales(scales or config.quantize_folder / SCALES, start))
    folder = Path(out or config.quantize_folder / f"qat-{config.qat.mode}")
    keep_freed_memory()
    torch.set_num_threads(config.train.threads)
    processes = join_processes(device)
    try:
        source = clip_source(config, processes, config.train.stages[-1:])
        try:
            trainer = QatTrainer(_training(config, folder / "training"), source, processes, copy.deepcopy(network), taught_by)
            if trainer.checkpoint_path.exists() and not fresh:
                trainer.resume(trainer.checkpoint_path)
            trainer.run(until=until)
        finally:
            source.close()
        if processes.leads:
            learnt = trainer.averaged()
            clips = references(taught_by, held_out, config.sensitivity.clips, config.data.crop)
            forms = {"fp32": taught_by} | ({} if taught_by is start else {"start": start})
            forms |= {"calibrated": network, f"qat_{config.qat.mode}": learnt}
            report = {"config": Path(config_path).name, "step": trainer.step, "clips": len(clips)}
            _write(folder, learnt, with_past(trainer.state(), past), report | {"forms": {name: measure(form, clips, config) for name, form in forms.items()}})
        return folder / SCALES
    finally:
        processes.close()


def _chosen(config: Config, mode: str | None, steps: int | None) -> Config:
    chosen = {key: value for key, value in (("mode", mode), ("steps", steps)) if value is not None}
    config = dataclasses.replace(config, qat=dataclasses.replace(config.qat, **chosen))
    check_config(config, "--mode or --steps")
    return config


def _teacher(config: Config, path: Path) -> PatchNetwork:
    return network_of(checkpoint_of(config, path)[1])


def _training(config: Config, folder: Path) -> Config:
    """Its own schedule, in float32: bfloat16 would round what int8 holds exactly."""
    qat = config.qat
    train = fine_tuning(config.train, steps=qat.steps, rate=qat.scale_rate, warmup=qat.warmup_steps)
    return dataclasses.replace(config, run=str(folder), train=dataclasses.replace(train, bfloat16=False))


def _write(folder: Path, learnt: QuantizedNetwork, state: dict, report: dict) -> None:
    save_scales(folder / SCALES, learnt.scales(), learnt)
    save_checkpoint(folder / CHECKPOINT, state)
    (folder / REPORT).write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report["forms"]), flush=True)
