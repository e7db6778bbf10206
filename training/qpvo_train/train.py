# SPDX-License-Identifier: MIT
"""The training loop: steps, moving average of the weights, checkpoints from which it goes on exactly, a log in JSON lines."""

import dataclasses
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from .checkpoint import RESUME_KEYS, check_keys, check_sizes, fingerprint, history_of, load_checkpoint, load_weights, save_checkpoint, sizes_state
from .checkpoint_fields import ADVICE, check_finite, check_optimizer
from .clips import collate
from .config import Config, StageConfig, TrainConfig
from .errors import TrainingError
from .log import TrainingLog, clip_metrics, truncate_log
from .network import PatchNetwork
from .processes import Processes
from .provenance import recorded_data, this_machine, training_commit
from .schedule import last_step, learning_rate, stage_at
from .unroll import UnrollOptions, UnrollResult, unroll

MOST_SKIPPED = 100  # steps in a row
AGREE_EVERY = 10  # steps between the questions whether a checkpoint is due
NOISE_RANGE = (-8.0, -4.0)  # log2 of the disturbance of true poses


def stage_options(train: TrainConfig, stage: StageConfig, pose_noise: float | None = None) -> UnrollOptions:
    """How a clip is run in a stage of the curriculum."""
    return UnrollOptions(
        patches=stage.patches,
        start=stage.start,
        warm=stage.warm,
        pose_noise=pose_noise,
        through_ba=stage.through_ba,
        correlation_keep=train.correlation_keep,
        bfloat16=train.bfloat16,
    )


class Trainer:
    """A training in flight. `source` is an iterator of samples with settable `frames` and `motion`; its state travels in the checkpoint.

    Starts from `network`, or from random weights; a training that started from a network is resumed with the same one only. What is trained, on
    which losses and what a checkpoint holds of it are methods, for trainings of other forms of the network.
    """

    def __init__(self, config: Config, source, processes: Processes, network: nn.Module | None = None):
        self.config, self.source, self.processes = config, source, processes
        train = config.train
        torch.manual_seed(train.seed)
        self.origin = None if network is None else fingerprint(network.state_dict())
        self.network = (network or PatchNetwork(config.sizes)).to(processes.device)
        self.optimizer = self._new_optimizer()
        self.average = self._copied_weights()
        torch.manual_seed(train.seed + 7919 * processes.rank)
        self.step, self.seconds, self.skipped, self.clips = 0, 0.0, 0, 0
        self.skipped_in_row = 0
        self.history: list[dict] = []
        self.folder = Path(config.run)
        self.log = TrainingLog(self.folder / "log.jsonl" if processes.leads else None)

    @property
    def checkpoint_path(self) -> Path:
        return self.folder / "checkpoint.pt"

    def run(self, *, until: int | None = None) -> None:
        """Trains up to step `until` (default: all), with checkpoints on the way and at the end.

        Raises TrainingError when MOST_SKIPPED steps in a row were skipped, and instead of writing a checkpoint of weights that are no finite numbers.
        """
        last = last_step(until, self.config.train)
        self._truncate_log()
        if self.step < last:
            about = {"commit": training_commit(), "machine": this_machine(), "processes": self.processes.count, "recorded": recorded_data(self.config)}
            self.history.append({"from_step": self.step, **about})
        saved = time.monotonic()
        while self.step < last:
            begin = time.monotonic()
            self.train_step()
            self.seconds += time.monotonic() - begin
            if self.step % self.config.train.log_every == 0:
                self._write_log()
            self._check_skipped()
            due = self.step % AGREE_EVERY == 0 and self._all_agree(self._is_due(saved))
            if due or self.step == last:
                self.save()
                saved = time.monotonic()

    def train_step(self) -> dict[str, float]:
        """One step; returns its losses. A step whose gradient is not finite changes nothing but the count of skipped ones."""
        train, marks = self.config.train, [time.monotonic()]
        stage = stage_at(self.step, train)
        rate = learning_rate(self.step, train)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("rate", 1.0)
        self.source.frames, self.source.motion = stage.frames, stage.motion
        batch = collate([next(self.source) for _ in range(train.batch)])
        batch = {name: value.to(self.processes.device) for name, value in batch.items()}
        marks.append(time.monotonic())

        result = self._unroll(batch, self._options(stage))
        loss = self._weighted(result.terms)
        marks.append(time.monotonic())
        self.optimizer.zero_grad(set_to_none=True)
        result.backward(loss)
        marks.append(time.monotonic())
        self.processes.average_gradients(self.network)
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), train.clip_norm)
        self.step += 1
        self.clips += train.batch * self.processes.count
        if torch.isfinite(norm):
            self.optimizer.step()
            self._average_weights()
            self.skipped_in_row = 0
        else:
            self.skipped += 1
            self.skipped_in_row += 1
        return self._record(result, loss, norm, batch["poses"], marks)

    def _options(self, stage: StageConfig) -> UnrollOptions:
        disturbed = torch.rand(()).item() < stage.true_poses
        exponent = NOISE_RANGE[0] + (NOISE_RANGE[1] - NOISE_RANGE[0]) * torch.rand(()).item()
        return stage_options(self.config.train, stage, 2**exponent if disturbed else None)

    def _parameter_groups(self) -> list[dict]:
        """What is trained; `rate`: learning rate of a group relative to the schedule's."""
        return [{"params": list(self.network.parameters())}]

    def _unroll(self, batch: dict[str, Tensor], options: UnrollOptions) -> UnrollResult:
        return unroll(self.network, batch, options)

    def _loss_weights(self) -> dict[str, float]:
        return dataclasses.asdict(self.config.train.losses)

    def _weighted(self, terms: dict[str, Tensor]) -> Tensor:
        weights = self._loss_weights()
        return sum(weights[name] * value for name, value in terms.items())

    def _new_optimizer(self) -> torch.optim.AdamW:
        train = self.config.train
        return torch.optim.AdamW(self._parameter_groups(), lr=train.learning_rate, weight_decay=train.weight_decay, betas=(0.9, 0.99))

    def _average_weights(self) -> None:
        decay = min(self.config.train.ema_decay, self.step / (self.step + 10))
        for name, value in self.network.state_dict().items():
            self.average[name].lerp_(value, 1 - decay)

    def _record(self, result: UnrollResult, loss: Tensor, norm: Tensor, poses: Tensor, marks: list[float]) -> dict[str, float]:
        values = {name: value.item() for name, value in result.terms.items()} | {"loss": loss.item(), "gradient_norm": norm.item()}
        marks.append(time.monotonic())
        timing = {f"seconds_{name}": b - a for name, a, b in zip(("data", "forward", "backward", "optimizer"), marks, marks[1:])}
        self.log.add(values | clip_metrics(result, poses) | timing)
        return values

    def _write_log(self) -> None:
        rate = learning_rate(self.step, self.config.train)
        head = {"step": self.step, "minutes": round(self.seconds / 60, 2), "learning_rate": float(f"{rate:.4g}"), "skipped": self.skipped}
        self.log.write(head | {"clips_per_step": self.config.train.batch * self.processes.count})

    def _all_agree(self, wish: bool) -> bool:
        """The first process decides, so that all take part in the checkpoint."""
        return self.processes.gather(wish)[0]

    def _is_due(self, saved: float) -> bool:
        """Whether it is time for a checkpoint; between steps that are skipped the last good one stands."""
        return self.skipped_in_row == 0 and time.monotonic() - saved > 60 * self.config.train.checkpoint_minutes

    def _check_skipped(self) -> None:
        if self.skipped_in_row >= MOST_SKIPPED:
            received = f"none in the last {MOST_SKIPPED}, up to step {self.step}"
            raise TrainingError("the training does not go on", expected="steps with a finite gradient", received=received, advice=self._way_back())

    def _way_back(self) -> str:
        last = f"The last checkpoint stands: {self.checkpoint_path}." if self.checkpoint_path.exists() else "There is no checkpoint yet."
        return f"{last} Look at the losses in the log; lower train: learning_rate and weight_decay, or another train: seed, may help."

    def save(self) -> None:
        """Raises TrainingError for weights that are no finite numbers, before the last checkpoint is replaced."""
        check_finite(self.network.state_dict(), f"the network at step {self.step}", self._way_back())
        check_finite(self.average, f"the average at step {self.step}", self._way_back())
        if self.history:
            self.history[-1]["files"] = self.source.clip_counts()
        random = self.processes.gather({**self._random_state(), "source": self.source.state_dict()})
        if not self.processes.leads:
            return
        save_checkpoint(self.checkpoint_path, self.state() | {"random": random})

    def state(self) -> dict:
        """What a checkpoint holds, but for the random state."""
        return {
            "sizes": sizes_state(self.config.sizes),
            "name": self.config.name,
            "step": self.step,
            "seconds": self.seconds,
            "skipped": self.skipped,
            "clips": self.clips,
            "history": self.history,
            "network": self.network.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "log": {"sums": self.log.sums, "counts": self.log.counts},
            "origin": self.origin,
        }

    def _random_state(self) -> dict[str, Tensor]:
        device = self.processes.device
        return {"torch": torch.get_rng_state()} | ({"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})

    def resume(self, path: str | Path) -> None:
        """Goes on from a checkpoint. With another number of processes the clips are drawn anew; all else is kept. What is other than it was is printed.

        Raises TrainingError for one that cannot be read, is damaged, of other sizes, or was begun from another network.
        """
        state = load_checkpoint(path)
        check_keys(state, RESUME_KEYS, path)
        check_sizes(state, self.config.sizes, path)
        if self.origin is not None and state.get("origin") != self.origin:
            advice = "Give --fresh to start anew, or the network and the configuration it was begun with."
            raise TrainingError(f"{path} was begun from another network", expected=self.origin[:16], received=str(state.get("origin"))[:16], advice=advice)
        try:
            self._take(state)
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            received = f"{type(error).__name__}: {error}"
            raise TrainingError(f"the checkpoint {path} is damaged", expected="a state to go on from", received=received, advice=ADVICE) from None
        if self.processes.leads:
            self._tell_changes(state)

    def _take(self, state: dict) -> None:
        """Takes over all that a checkpoint holds; a damaged one may raise anything."""
        self._load(state)
        check_optimizer(state["optimizer"], self.optimizer)
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds, self.skipped, self.clips = (state[key] for key in ("step", "seconds", "skipped", "clips"))
        self.history = history_of(state)
        self.log.sums, self.log.counts = dict(state["log"]["sums"]), dict(state["log"]["counts"])
        if len(state["random"]) == self.processes.count:
            mine = state["random"][self.processes.rank]
            torch.set_rng_state(mine["torch"])
            if "cuda" in mine and self.processes.device.type == "cuda":
                torch.cuda.set_rng_state(mine["cuda"], self.processes.device)
            self.source.load_state_dict(mine["source"])
        else:
            torch.manual_seed(self.config.train.seed + self.step + 7919 * self.processes.rank)

    def _tell_changes(self, state: dict) -> None:
        """Prints what makes the training another one than it was: other clips, another number of processes."""
        then, now = (states[0]["source"].get("files", []) for states in (state["random"], [{"source": self.source.state_dict()}]))
        for before, after in zip(then, now):
            if before != after:
                print(f"clips are others than in the checkpoint: {len(before):,} then, {len(after):,} now", flush=True)
        before, count = len(state["random"]), self.processes.count
        if before != count:
            print(f"processes: {before} then, {count} now; clips a step: {self.config.train.batch * count} now, drawn anew", flush=True)

    def _load(self, state: dict) -> None:
        """Takes weights and averages from a checkpoint's state. The inner widths may be other ones, so the optimizer begins anew."""
        load_weights(self.network, state["network"])
        self.average = {name: value.to(self.processes.device) for name, value in state["average"].items()}
        self.optimizer = self._new_optimizer()

    def start_from(self, weights: dict) -> None:
        """Starts from another network's weights."""
        self._load({"network": weights, "average": {name: value.clone() for name, value in weights.items()}})

    def _copied_weights(self) -> dict[str, Tensor]:
        return {name: value.clone() for name, value in self.network.state_dict().items()}

    def _truncate_log(self) -> None:
        if self.processes.leads:
            truncate_log(self.folder / "log.jsonl", self.step)
