# SPDX-License-Identifier: MIT
"""Each variant trains without its losses, from the same start on the same clips; what is done is not done again; what cannot work is refused first."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from tiny_run import tiny_config

from qpvo_train.ablation import VARIANTS, ablate, config_of, table_text
from qpvo_train.checkpoint import load_checkpoint
from qpvo_train.config import Config, LossConfig
from qpvo_train.errors import TrainingError
from qpvo_train.processes import join_processes
from qpvo_train.sources import clip_source
from qpvo_train.train import Trainer


@pytest.fixture
def config(tmp_path: Path, plane_clips: Path) -> Config:
    config = tiny_config(tmp_path / "run", steps=3)
    return dataclasses.replace(config, data=dataclasses.replace(config.data, clips=str(plane_clips), validation=str(plane_clips)))


def test_a_variant_leaves_out_its_losses_alone(config: Config):
    without = {name: config_of(config, name).train for name in VARIANTS}
    assert without["after-ba-only"].losses == dataclasses.replace(LossConfig(), flow=0.0, confidence=0.0, matching=0.0)
    assert without["all"] == config.train
    assert without["all-again"] == dataclasses.replace(config.train, seed=config.train.seed + 1)
    names = {field.name for field in dataclasses.fields(LossConfig)}
    assert names == {name for left_out in VARIANTS.values() for name in left_out}, "every loss is left out by some variant"


def test_variants_differ_by_their_losses_and_are_made_once(config: Config, capsys):
    processes = join_processes("cpu")
    table = ablate(config, processes, ["all", "no-matching"], clips=2)
    weights = {name: load_checkpoint(Path(config.run) / name / "checkpoint.pt")["average"] for name in ("all", "no-matching")}
    key = "patchify.fnet.conv1.weight"
    assert not torch.equal(weights["all"][key], weights["no-matching"][key])
    rows = json.loads((Path(config.run) / "ablation.json").read_text())
    assert list(rows) == ["all", "no-matching"]
    assert rows["no-matching"]["training"]["train"]["losses"]["matching"] == 0
    assert rows["all"]["training"]["train"]["steps"] == 3 and rows["all"]["held_out"]["clips"] == 2
    before = table.read_text()
    capsys.readouterr()
    again = ablate(config, processes, ["no-matching"], clips=2)
    assert again.read_text() == before and capsys.readouterr().out == "", "a measured variant was trained again"


def test_more_clips_are_measured_anew_without_another_training(config: Config, capsys):
    processes = join_processes("cpu")
    ablate(config, processes, ["all"], clips=1)
    capsys.readouterr()
    ablate(config, processes, ["all"], clips=2)
    assert json.loads((Path(config.run) / "ablation.json").read_text())["all"]["held_out"]["clips"] == 2
    assert capsys.readouterr().out == ""


def test_an_interrupted_variant_goes_on(config: Config, tmp_path: Path):
    processes = join_processes("cpu")
    ablate(config, processes, ["no-flow"], clips=1)
    other = dataclasses.replace(config, run=str(tmp_path / "interrupted"))
    variant = config_of(other, "no-flow")
    source = clip_source(variant, processes)
    Trainer(variant, source, processes).run(until=1)
    source.close()
    ablate(other, processes, ["no-flow"], clips=1)
    whole, resumed = (load_checkpoint(Path(run) / "no-flow" / "checkpoint.pt")["average"] for run in (config.run, other.run))
    assert all(torch.equal(whole[name], value) for name, value in resumed.items())


def test_a_variant_of_another_configuration_is_refused(config: Config):
    processes = join_processes("cpu")
    ablate(config, processes, ["all"], clips=1)
    longer = dataclasses.replace(config, train=dataclasses.replace(config.train, steps=4))
    with pytest.raises(TrainingError, match="all was trained by another configuration"):
        ablate(longer, processes, ["no-flow", "all"], clips=1)
    assert not (Path(config.run) / "no-flow").exists()


def test_the_table_says_what_was_not_measured():
    held_out = {"within_1px": 0.5, "within_quarter_px": 0.25, "epe_px": 3.0, "translation_error_median": 0.1, "rotation_error_deg_median": 2.0}
    text = table_text({"all": {"held_out": held_out, "matching": {"half_resolution": {"gap_1": 0.8, "gap_3": 0.6}}}, "no-flow": {"held_out": held_out}})
    lines = text.splitlines()
    assert lines[2] == "| all | 50.0 | 25.0 | 3.00 | 0.1000 | 2.00 | 80.0 / 60.0 |"
    assert lines[3].endswith("| not measured |") and len({line.count("|") for line in lines}) == 1


def test_an_unknown_variant_missing_clips_and_a_missing_sequence_are_refused_before_any_training(config: Config, tmp_path: Path):
    processes = join_processes("cpu")
    with pytest.raises(TrainingError, match=r"unknown variant\n.*no-flow.*\n.*no-flaw"):
        ablate(config, processes, ["no-flaw"])
    with pytest.raises(TrainingError, match="absent"):
        ablate(config, processes, ["all"], clips=1, matching=str(tmp_path / "absent"))
    empty = dataclasses.replace(config, data=dataclasses.replace(config.data, validation=str(tmp_path / "nothing")))
    with pytest.raises(TrainingError, match="no held-out clips"):
        ablate(empty, processes, ["all"])
    assert not Path(config.run).exists()
