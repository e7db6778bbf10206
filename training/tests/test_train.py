# SPDX-License-Identifier: MIT
"""The training loop: resuming is exact, a batch of NaN changes nothing, the log tells the steps."""

import json
from pathlib import Path

import pytest
import torch
from tiny_run import losses_of, tiny_config, tiny_trainer

from qpvo_train.checkpoint import load_checkpoint
from qpvo_train.errors import TrainingError
from qpvo_train.network import NetworkSizes
from qpvo_train.train import Trainer


def assert_equal_states(actual: Trainer, expected: Trainer) -> None:
    for name, value in expected.network.state_dict().items():
        assert torch.equal(actual.network.state_dict()[name], value), name
        assert torch.equal(actual.average[name], expected.average[name]), name
    for a, b in zip(actual.optimizer.state.values(), expected.optimizer.state.values(), strict=True):
        assert all(torch.equal(a[key], b[key]) for key in b)


@pytest.mark.parametrize("bfloat16", [False, True])
def test_a_resumed_training_goes_on_bit_for_bit(plane_clips: Path, tmp_path: Path, bfloat16: bool):
    whole = tiny_trainer(tiny_config(tmp_path / "whole", bfloat16=bfloat16), plane_clips)
    expected = losses_of(whole)
    first = losses_of(tiny_trainer(tiny_config(tmp_path / "parts", bfloat16=bfloat16), plane_clips), until=5)
    torch.manual_seed(999)
    second = tiny_trainer(tiny_config(tmp_path / "parts", bfloat16=bfloat16), plane_clips, seed=123)
    second.resume(second.checkpoint_path)
    assert second.step == 5
    assert first + losses_of(second) == expected
    assert_equal_states(second, whole)
    assert [line["step"] for line in log_of(second)] == list(range(1, 11))


def log_of(trainer: Trainer) -> list[dict]:
    return [json.loads(line) for line in (trainer.folder / "log.jsonl").read_text().splitlines()]


def test_steps_after_the_checkpoint_are_done_again(plane_clips: Path, tmp_path: Path):
    """A training that died between checkpoints: its log lines after the last one are dropped and written anew."""
    config = tiny_config(tmp_path, steps=6)
    losses_of(tiny_trainer(config, plane_clips), until=3)
    died = tiny_trainer(config, plane_clips)
    died.resume(died.checkpoint_path)
    died.train_step()
    died._write_log()
    assert log_of(died)[-1]["step"] == 4
    again = tiny_trainer(config, plane_clips)
    again.resume(again.checkpoint_path)
    again.run()
    assert [line["step"] for line in log_of(again)] == [1, 2, 3, 4, 5, 6]


class Poisoned:
    """Clips of which one, counted from 1, has images that hold no numbers."""

    def __init__(self, source, poisoned: int):
        self.source, self.left = source, poisoned

    def __next__(self) -> dict:
        sample = next(self.source)
        self.left -= 1
        return {**sample, "images": torch.full_like(sample["images"], float("nan"))} if self.left == 0 else sample

    def __getattr__(self, name: str):
        return getattr(self.source, name)


def test_a_batch_of_nan_changes_nothing_but_the_count(plane_clips: Path, tmp_path: Path):
    trainer = tiny_trainer(tiny_config(tmp_path), plane_clips)
    trainer.source = Poisoned(trainer.source, 3)
    trainer.train_step()
    trainer.train_step()
    before = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    average = {name: value.clone() for name, value in trainer.average.items()}
    trainer.train_step()
    assert (trainer.step, trainer.skipped) == (3, 1)
    for name, value in trainer.network.state_dict().items():
        assert torch.equal(value, before[name]) and torch.equal(trainer.average[name], average[name])
    values = trainer.train_step()
    assert trainer.skipped == 1 and all(torch.isfinite(torch.tensor(v)) for v in values.values())
    assert not torch.equal(trainer.network.update.d[1].weight, before["update.d.1.weight"])
    trainer._write_log()
    line = log_of(trainer)[-1]
    assert line["skipped"] == 1 and line["loss"] == line["loss"]


def test_average_follows_the_weights(plane_clips: Path, tmp_path: Path):
    trainer = tiny_trainer(tiny_config(tmp_path, ema_decay=0.5), plane_clips)
    start = trainer.average["update.d.1.weight"].clone()
    trainer.train_step()  # decay min(0.5, 1 / 11)
    raw = trainer.network.update.d[1].weight
    torch.testing.assert_close(trainer.average["update.d.1.weight"], start / 11 + raw * 10 / 11)


def test_checkpoint_holds_both_weights_and_the_log_its_lines(plane_clips: Path, tmp_path: Path):
    trainer = tiny_trainer(tiny_config(tmp_path, steps=5, log_every=2), plane_clips)
    trainer.run()
    state = load_checkpoint(trainer.checkpoint_path)
    assert (state["step"], state["skipped"], state["name"]) == (5, 0, "small")
    assert torch.equal(state["network"]["update.d.1.weight"], trainer.network.update.d[1].weight)
    assert torch.equal(state["average"]["update.d.1.weight"], trainer.average["update.d.1.weight"])
    lines = log_of(trainer)
    assert [line["step"] for line in lines] == [2, 4]
    assert {"minutes", "learning_rate", "skipped", "loss", "flow", "matching", "gradient_norm", "epe_px", "seconds_forward"} <= set(lines[0])


def test_a_checkpoint_of_other_sizes_is_refused(plane_clips: Path, tmp_path: Path):
    config = tiny_config(tmp_path, steps=1)
    tiny_trainer(config, plane_clips).run()
    other = tiny_trainer(config.__class__(**{**config.__dict__, "sizes": NetworkSizes(width=4, feature_dim=8, hidden_dim=32)}), plane_clips)
    with pytest.raises(TrainingError, match="other sizes"):
        other.resume(other.checkpoint_path)


def test_another_number_of_processes_may_go_on(plane_clips: Path, tmp_path: Path):
    config = tiny_config(tmp_path, steps=3)
    first = tiny_trainer(config, plane_clips)
    first.run(until=2)
    state = load_checkpoint(first.checkpoint_path)
    torch.save({**state, "random": state["random"] * 2}, first.checkpoint_path)
    second = tiny_trainer(config, plane_clips)
    second.resume(second.checkpoint_path)
    second.run()
    assert second.step == 3 and second.skipped == 0


def test_a_log_line_that_was_cut_short_is_dropped(plane_clips: Path, tmp_path: Path):
    first = tiny_trainer(tiny_config(tmp_path / "run"), plane_clips)
    first.run(until=2)
    with (first.folder / "log.jsonl").open("a") as file:
        file.write('{"step": 3, "los')
    second = tiny_trainer(tiny_config(tmp_path / "run"), plane_clips)
    second.resume(second.checkpoint_path)
    second.run(until=3)
    assert [line["step"] for line in log_of(second)] == [1, 2, 3]


def test_the_checkpoint_knows_how_it_was_made(plane_clips: Path, tmp_path: Path):
    first = tiny_trainer(tiny_config(tmp_path / "run"), plane_clips)
    first.run(until=2)
    second = tiny_trainer(tiny_config(tmp_path / "run"), plane_clips)
    second.resume(second.checkpoint_path)
    second.run(until=3)
    state = load_checkpoint(second.checkpoint_path)
    assert state["clips"] == 3 and [part["from_step"] for part in state["history"]] == [0, 2]
    assert all(part["commit"] and part["machine"] and part["processes"] == 1 for part in state["history"])
