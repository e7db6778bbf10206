# SPDX-License-Identifier: MIT
"""What is said of the data: what a training drew from, not what a configuration names afterwards."""

from dataclasses import replace
from pathlib import Path

from tiny_run import tiny_config, tiny_trainer

from qpvo_train.checkpoint import load_checkpoint
from qpvo_train.config import Config
from qpvo_train.provenance import describe_data, recorded_data


def with_sequences(config: Config, *folders: str) -> Config:
    return replace(config, data=replace(config.data, tartanair=folders))


def test_a_checkpoint_knows_its_sequences(plane_clips: Path, tmp_path: Path):
    config = with_sequences(tiny_config(tmp_path), "data/flight")
    tiny_trainer(config, plane_clips).run(until=1)
    state = load_checkpoint(tmp_path / "checkpoint.pt")
    assert describe_data(with_sequences(config), state).endswith(", a share of 0.2 from flight (TartanAir)")
    assert describe_data(with_sequences(config, "data/walk"), {}).endswith(", a share of 0.2 from walk (TartanAir)")
    second = tiny_trainer(with_sequences(config), plane_clips)
    second.resume(second.checkpoint_path)
    second.run(until=2)
    text = describe_data(config, load_checkpoint(tmp_path / "checkpoint.pt"))
    assert text.endswith("4 rendered clips of 16 frames of 320x240, a share of 0.2 from flight (TartanAir), later no recorded data")


def test_folders_are_named_by_what_tells_them_apart():
    named = lambda *folders: recorded_data(with_sequences(Config(), *folders))
    assert named("a/P001", "b/P001", "a/P001") == "a share of 0.2 from a/P001, b/P001 (TartanAir)"
    assert named("a/P001", "b/P002") == "a share of 0.2 from P001, P002 (TartanAir)"
    assert named() == "no recorded data"


def test_folders_of_textures_are_named():
    config = replace(Config(), render=replace(Config().render, textures=("a/photos", "b/walls")))
    assert "with the images of photos, walls among the textures" in describe_data(config, {})


def test_the_numbers_of_clips_of_all_parts_are_told():
    history = [{"files": [1035]}, {"files": [1035]}, {"files": [187, 3]}]
    assert describe_data(Config(), {"history": history}).startswith("1035, later 187 rendered clips of 16 frames")
    older = {"history": [{}], "random": [{"source": {"files": [["a", "b"]]}}]}
    assert describe_data(Config(), older).startswith("2 rendered clips")
    assert describe_data(Config(), {"history": [{}]}).startswith("2000 rendered clips")
