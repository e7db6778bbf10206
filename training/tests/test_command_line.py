# SPDX-License-Identifier: MIT
"""The command line refuses what cannot work before any work starts: exit code 2 and one clear message."""

import json
from pathlib import Path

import pytest
import torch
import yaml

from qpvo_train.__main__ import main
from qpvo_train.checkpoint import load_checkpoint

STAGE = {"until": 1.0, "frames": 4, "start": 3, "warm": 2, "patches": 6}


@pytest.fixture
def settings(tmp_path: Path, plane_clips: Path) -> dict:
    """A configuration of a training of three steps, as in a YAML file."""
    return {
        "run": str(tmp_path / "run"),
        "sizes": {"width": 4, "feature_dim": 8, "hidden_dim": 16},
        "data": {"clips": str(plane_clips), "crop": [48, 64]},
        "train": {"steps": 3, "log_every": 1, "bfloat16": False, "stages": [STAGE]},
    }


def call(command: str, settings: dict, tmp_path: Path, *options: str) -> int:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    return main([command, "--config", str(tmp_path / "config.yaml"), *options])


def refusal(command: str, settings: dict, tmp_path: Path, capsys, *options: str) -> str:
    """The message of a refused command, which has written nothing."""
    before = sorted(tmp_path.rglob("*"))
    assert call(command, settings, tmp_path, *options) == 2
    assert sorted(tmp_path.rglob("*")) == sorted({*before, tmp_path / "config.yaml"})
    message = capsys.readouterr().err
    assert message.startswith("qpvo_train: ") and "Traceback" not in message
    return message


def test_a_training_runs_goes_on_and_starts_afresh(settings: dict, tmp_path: Path, capsys):
    assert call("train", settings, tmp_path, "--until", "2", "--device", "cpu") == 0
    checkpoint = tmp_path / "run" / "checkpoint.pt"
    assert load_checkpoint(checkpoint)["step"] == 2
    assert call("train", settings, tmp_path, "--device", "cpu") == 0
    assert "going on from step 2 of 3" in capsys.readouterr().out
    assert load_checkpoint(checkpoint)["step"] == 3
    assert (tmp_path / "run" / "log.png").stat().st_size > 1000
    assert call("train", settings, tmp_path, "--fresh", "--until", "1", "--device", "cpu") == 0
    assert load_checkpoint(checkpoint)["step"] == 1
    assert [json.loads(line)["step"] for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()] == [1]


def test_a_training_that_is_past_its_end_says_so(settings: dict, tmp_path: Path, capsys):
    assert call("train", settings, tmp_path, "--device", "cpu") == 0
    assert "nothing left to do" not in capsys.readouterr().out
    assert call("train", settings, tmp_path, "--device", "cpu") == 0
    assert "going on from step 3 of 3\nnothing left to do\n" in capsys.readouterr().out
    for option in ("--until", "--steps"):
        assert "expected: step 2 at most\n  received: step 3\n" in refusal("train", settings, tmp_path, capsys, "--device", "cpu", option, "2")


@pytest.mark.parametrize(
    ("command", "option", "value"),
    [("train", "--until", "0"), ("evaluate", "--clips", "-1"), ("profile", "--repeats", "0"), ("render", "--count", "-3"), ("render", "--count", "0")],
)
def test_a_number_that_cannot_be_is_refused(settings: dict, tmp_path: Path, capsys, command: str, option: str, value: str):
    what = ["--what", "val"] if command == "render" else []
    assert f"wrong value of {option}" in (message := refusal(command, settings, tmp_path, capsys, option, value, *what)) and f"received: {value}" in message


def test_a_training_may_start_from_another_networks_weights(settings: dict, tmp_path: Path):
    assert call("train", settings, tmp_path, "--device", "cpu") == 0
    other = {**settings, "run": str(tmp_path / "other"), "train": {**settings["train"], "learning_rate": 1e-12}}
    assert call("train", other, tmp_path, "--until", "1", "--device", "cpu", "--init", str(tmp_path / "run" / "checkpoint.pt")) == 0
    start, end = (load_checkpoint(tmp_path / run / "checkpoint.pt") for run in ("run", "other"))
    torch.testing.assert_close(end["network"]["update.d.1.weight"], start["average"]["update.d.1.weight"])


def test_another_start_never_replaces_a_training_unasked(settings: dict, tmp_path: Path, capsys):
    assert call("train", settings, tmp_path, "--device", "cpu") == 0
    capsys.readouterr()
    assert "--fresh" in refusal("train", settings, tmp_path, capsys, "--device", "cpu", "--init", str(tmp_path / "run" / "checkpoint.pt"))
    assert load_checkpoint(tmp_path / "run" / "checkpoint.pt")["step"] == 3


@pytest.mark.parametrize(("section", "key"), [(None, "learnig_rate"), ("train", "learnig_rate"), ("data", "clip"), ("sizes", "levles")])
def test_a_wrong_key_is_refused(settings: dict, tmp_path: Path, capsys, section: str | None, key: str):
    (settings if section is None else settings[section])[key] = 1
    assert f"unknown key in {tmp_path / 'config.yaml'}" in (message := refusal("train", settings, tmp_path, capsys)) and key in message


def test_a_missing_configuration_is_refused(tmp_path: Path, capsys):
    assert main(["train", "--config", str(tmp_path / "absent.yaml")]) == 2
    assert "absent.yaml" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all"])
def test_a_corrupt_checkpoint_is_refused(settings: dict, tmp_path: Path, capsys, content: bytes):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.pt").write_bytes(content)
    assert "cannot read the checkpoint" in refusal("train", settings, tmp_path, capsys, "--device", "cpu")


@pytest.mark.parametrize("damage", [lambda average: average.popitem(), lambda average: average.update({"update.d.1.bias": torch.zeros(3)})])
def test_a_checkpoint_with_another_average_is_refused(settings: dict, tmp_path: Path, capsys, damage):
    assert call("train", settings, tmp_path, "--until", "1", "--device", "cpu") == 0
    path = tmp_path / "run" / "checkpoint.pt"
    state = torch.load(path)
    damage(state["average"])
    torch.save(state, path)
    capsys.readouterr()
    assert "is not that of its network" in refusal("train", settings, tmp_path, capsys, "--device", "cpu")


def test_a_corrupt_start_is_refused(settings: dict, tmp_path: Path, capsys):
    (tmp_path / "start.pt").write_bytes(b"no checkpoint at all")
    assert "start.pt" in refusal("train", settings, tmp_path, capsys, "--device", "cpu", "--init", str(tmp_path / "start.pt"))


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir])
def test_a_missing_or_empty_folder_of_clips_is_refused(settings: dict, tmp_path: Path, capsys, make):
    make(tmp_path / "clips")
    settings["data"]["clips"] = str(tmp_path / "clips")
    message = refusal("train", settings, tmp_path, capsys, "--device", "cpu")
    assert str(tmp_path / "clips") in message and "Render clips first" in message


@pytest.mark.parametrize(
    ("frames", "crop", "wanted"), [(9, [48, 64], "at least 9 frames of 64x48"), (8, [80, 64], "at least 8 frames of 64x80")], ids=["short", "small"]
)
def test_clips_that_a_later_stage_cannot_use_are_refused(settings: dict, tmp_path: Path, capsys, frames: int, crop: list[int], wanted: str):
    settings["data"]["crop"] = crop
    settings["train"]["stages"] = [{**STAGE, "until": 0.5}, {**STAGE, "frames": frames}]
    message = refusal("train", settings, tmp_path, capsys, "--device", "cpu")
    assert wanted in message and "0.npz: 8 frames of 96x64 (and 3 more)" in message


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir])
def test_a_missing_or_empty_folder_of_textures_is_refused(settings: dict, tmp_path: Path, capsys, make):
    make(tmp_path / "textures")
    settings["data"]["clips"] = str(tmp_path / "clips")
    settings["render"] = {"textures": str(tmp_path / "textures"), "count": 1}
    message = refusal("render", settings, tmp_path, capsys)
    assert str(tmp_path / "textures") in message and "texture folder" in message


@pytest.mark.parametrize("command", ["evaluate", "export"])
def test_a_corrupt_checkpoint_is_neither_evaluated_nor_exported(settings: dict, tmp_path: Path, capsys, command: str):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"no checkpoint at all")
    out = [] if command == "evaluate" else ["--out", str(tmp_path / "model")]
    assert "cannot read the checkpoint" in refusal(command, settings, tmp_path, capsys, *out)


@pytest.mark.parametrize("command", ["evaluate", "profile", "time-frame"])
@pytest.mark.parametrize("out", [".", "config.yaml/report.json"])
def test_a_report_that_cannot_be_written_is_refused_before_it_is_measured(settings: dict, tmp_path: Path, capsys, command: str, out: str):
    settings["run"] = str(tmp_path / "absent")
    assert "wrong value of --out" in refusal(command, settings, tmp_path, capsys, "--out", str(tmp_path / out))


def test_a_start_of_other_sizes_is_refused(settings: dict, tmp_path: Path, capsys):
    assert call("train", settings, tmp_path, "--device", "cpu") == 0
    other = {**settings, "run": str(tmp_path / "other"), "sizes": {"width": 4, "feature_dim": 8, "hidden_dim": 32}}
    capsys.readouterr()
    message = refusal("train", other, tmp_path, capsys, "--device", "cpu", "--init", str(tmp_path / "run" / "checkpoint.pt"))
    assert "hidden_dim=32" in message and "hidden_dim=16" in message


def test_no_threads_are_refused(settings: dict, tmp_path: Path, capsys):
    settings["train"]["threads"] = 0
    assert "threads" in refusal("train", settings, tmp_path, capsys, "--device", "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="has CUDA")
@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_a_missing_gpu_is_refused(settings: dict, tmp_path: Path, capsys, command: str):
    assert "--device cpu" in refusal(command, settings, tmp_path, capsys, "--device", "cuda")


def test_widths_that_the_product_cannot_run_are_named_before_training_and_refused_by_export(settings: dict, tmp_path: Path, capsys):
    assert call("train", settings, tmp_path, "--until", "1", "--device", "cpu") == 0
    wrong = "sizes: feature_dim\n  expected: a multiple of 16 up to 1024, as the product can run it\n  received: 8\n"
    note = capsys.readouterr().err
    assert "note: the network can be trained, not exported" in note and wrong in note
    assert wrong in refusal("export", settings, tmp_path, capsys, "--out", str(tmp_path / "model"))


def test_a_folder_that_cannot_be_written_to_is_refused_before_anything_is_done(settings: dict, tmp_path: Path, capsys, monkeypatch):
    (tmp_path / "file").touch()
    below = str(tmp_path / "file" / "below")
    blocked = {**settings, "run": below}
    for command in ("train", "ablate"):
        message = refusal(command, blocked, tmp_path, capsys, "--device", "cpu")
        assert f"wrong value of run\n  expected: a folder that can be written to\n  received: {below}" in message
    monkeypatch.setattr("qpvo_train.render_jobs.load_bank", lambda **_: pytest.fail("textures were made"))
    blocked = {**settings, "data": {**settings["data"], "clips": below}}
    assert f"wrong value of data: clips\n  expected: a folder that can be written to\n  received: {below}" in refusal("render", blocked, tmp_path, capsys)
    assert "wrong value of --out" in refusal("render", settings, tmp_path, capsys, "--what", "sequences", "--out", str(tmp_path / "file"))


def test_a_sequence_for_the_yardstick_is_looked_at_before_the_clips_are_measured(settings: dict, tmp_path: Path, capsys, monkeypatch):
    assert call("train", settings, tmp_path, "--until", "1", "--device", "cpu") == 0
    capsys.readouterr()
    monkeypatch.setattr("qpvo_train.evaluate.evaluate_clips", lambda *_: pytest.fail("clips were measured"))
    settings["data"]["validation"] = settings["data"]["clips"]
    assert str(tmp_path / "absent") in refusal("evaluate", settings, tmp_path, capsys, "--device", "cpu", "--matching", str(tmp_path / "absent"))


@pytest.mark.parametrize("command", ["evaluate", "profile"])
def test_held_out_clips_that_are_too_small_are_named_with_their_size(settings: dict, tmp_path: Path, capsys, command: str):
    assert call("train", settings, tmp_path, "--until", "1", "--device", "cpu") == 0
    capsys.readouterr()
    settings["data"] |= {"validation": settings["data"]["clips"], "crop": [80, 64]}
    message = refusal(command, settings, tmp_path, capsys, "--device", "cpu")
    assert "0.npz: 8 frames of 96x64" in message and "frames of 64x80" in message and "remove the file" not in message
