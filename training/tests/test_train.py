# SPDX-License-Identifier: MIT
"""The training loop: resuming is exact, a batch of NaN changes nothing, the log tells the steps."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from tiny_run import STAGES, losses_of, tiny_config, tiny_trainer

from qpvo_train import train
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


def test_another_number_of_processes_may_go_on(plane_clips: Path, tmp_path: Path, capsys):
    config = tiny_config(tmp_path, steps=3)
    first = tiny_trainer(config, plane_clips)
    first.run(until=2)
    state = load_checkpoint(first.checkpoint_path)
    torch.save({**state, "random": state["random"] * 2}, first.checkpoint_path)
    second = tiny_trainer(config, plane_clips)
    second.resume(second.checkpoint_path)
    assert capsys.readouterr().out.splitlines()[-1] == "processes: 2 then, 1 now; clips a step: 1 now, drawn anew"
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


def test_clips_that_are_gone_are_told_and_are_parts_of_the_history(plane_clips: Path, tmp_path: Path, capsys):
    clips = tmp_path / "clips"
    shutil.copytree(plane_clips, clips)
    config = tiny_config(tmp_path / "run")
    tiny_trainer(config, clips).run(until=2)
    (clips / "0.npz").unlink()
    (clips / "2.npz").unlink()
    second = tiny_trainer(config, clips)
    second.resume(second.checkpoint_path)
    assert capsys.readouterr().out.splitlines()[-1] == "clips are others than in the checkpoint: 4 then, 2 now"
    second.run(until=3)
    state = load_checkpoint(second.checkpoint_path)
    assert [part["files"] for part in state["history"]] == [[4], [2]] and state["random"][0]["source"]["broken"] == []
    third = tiny_trainer(config, clips)
    capsys.readouterr()
    third.resume(third.checkpoint_path)
    assert capsys.readouterr().out == ""


class AlwaysPoisoned(Poisoned):
    """Clips that all have such images."""

    def __next__(self) -> dict:
        self.left = 1
        return super().__next__()


def test_a_training_whose_steps_are_all_skipped_stops_and_names_the_last_good_checkpoint(plane_clips: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(train, "MOST_SKIPPED", 3)
    monkeypatch.setattr(train, "AGREE_EVERY", 1)
    config = tiny_config(tmp_path, checkpoint_minutes=0.0, stages=STAGES[-1:])
    trainer = tiny_trainer(config, plane_clips)
    trainer.run(until=2)
    trainer.source = AlwaysPoisoned(trainer.source, 1)
    with pytest.raises(TrainingError, match=f"(?s)does not go on.*none in the last 3, up to step 5.*The last checkpoint stands: {trainer.checkpoint_path}"):
        trainer.run()
    assert load_checkpoint(trainer.checkpoint_path)["step"] == 2


def test_single_skipped_steps_do_not_end_a_training(plane_clips: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(train, "MOST_SKIPPED", 2)
    trainer = tiny_trainer(tiny_config(tmp_path, steps=5, stages=STAGES[-1:]), plane_clips)
    trainer.source = Poisoned(trainer.source, 2)
    trainer.run()
    assert (trainer.step, trainer.skipped) == (5, 1)


@pytest.mark.parametrize("part", ["network", "average"])
def test_weights_that_are_no_numbers_never_replace_a_checkpoint(plane_clips: Path, tmp_path: Path, part: str):
    trainer = tiny_trainer(tiny_config(tmp_path), plane_clips)
    trainer.run(until=1)
    tensors = trainer.average if part == "average" else trainer.network.state_dict()
    tensors["update.d.1.bias"].fill_(float("nan"))
    with pytest.raises(TrainingError, match=f"(?s)no numbers: the {part} at step 2.*NaN or infinity in.*The last checkpoint stands"):
        trainer.run(until=2)
    assert load_checkpoint(trainer.checkpoint_path)["step"] == 1


DAMAGES = {
    "an optimizer without state": (lambda state: state["optimizer"].pop("state"), "KeyError: 'state'"),
    "an optimizer with a shorter group": (
        lambda state: state["optimizer"]["param_groups"][0]["params"].pop(),
        "a group of 93 parameters in the optimizer, not 94",
    ),
    "an optimizer with a group too many": (lambda state: state["optimizer"]["param_groups"].append({}), "ValueError"),
    "an optimizer without rates": (lambda state: state["optimizer"]["param_groups"][0].pop("betas"), "a group of the optimizer without betas"),
    "moments of another shape": (lambda state: state["optimizer"]["state"][3].update(exp_avg=torch.zeros(7)), "moments of parameter 3"),
    "moments of NaN": (lambda state: state["optimizer"]["state"][3]["exp_avg_sq"].fill_(float("nan")), "moments of parameter 3"),
    "a random state of another kind": (lambda state: state["random"][0].update(torch=torch.zeros(2)), "TypeError"),
    "a source without its generator": (lambda state: state["random"][0]["source"].update(rng={}), "PCG64"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_state_to_go_on_from_is_refused(plane_clips: Path, tmp_path: Path, name: str):
    damage, message = DAMAGES[name]
    trainer = tiny_trainer(tiny_config(tmp_path), plane_clips)
    trainer.run(until=1)
    state = torch.load(trainer.checkpoint_path)
    damage(state)
    torch.save(state, trainer.checkpoint_path)
    with pytest.raises(TrainingError, match=f"(?s)checkpoint.pt is damaged.*a state to go on from.*{message}"):
        tiny_trainer(tiny_config(tmp_path), plane_clips).resume(trainer.checkpoint_path)
