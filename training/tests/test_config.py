# SPDX-License-Identifier: MIT
"""Configurations: those that come with the project are right, and what is wrong is refused by name."""

from pathlib import Path

import pytest
import yaml

from qpvo_train.config import Config, load_config
from qpvo_train.errors import TrainingError
from qpvo_train.network import NetworkSizes

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))


def load(tmp_path: Path, settings: object) -> Config:
    path = tmp_path / "config.yaml"
    path.write_text(settings if isinstance(settings, str) else yaml.safe_dump(settings))
    return load_config(path)


def test_there_are_configurations():
    assert {"small", "base", "smoke", "tiny"} <= {path.stem for path in CONFIGS}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_configurations_of_the_project_are_right(path: Path):
    config = load_config(path)
    assert config.name == path.stem and Path(config.run).name == path.stem
    assert config.data.crop[0] <= config.render.height and config.data.crop[1] <= config.render.width
    assert config.data.clips != config.data.validation


def test_base_has_the_published_shapes():
    sizes = load_config(CONFIGS[0].with_name("base.yaml")).sizes
    assert sizes == NetworkSizes(input_channels=3, width=32, feature_dim=128, hidden_dim=384)
    assert load_config(CONFIGS[0].with_name("base.yaml")).train.stages[-1].frames == 15


def test_values_are_taken_and_the_rest_is_default(tmp_path: Path):
    config = load(tmp_path, {"name": "x", "train": {"learning_rate": 1e-3, "steps": 7}, "data": {"clips": None, "tartanair": ["a", "b"], "crop": [32, 48]}})
    assert (config.name, config.train.steps, config.train.learning_rate) == ("x", 7, 1e-3)
    assert (config.data.clips, config.data.tartanair, config.data.crop) == (None, ("a", "b"), (32, 48))
    assert config.sizes == NetworkSizes()
    assert load(tmp_path, "") == Config()


WRONG = [
    ({"trian": {}}, "unknown key in .*: trian"),
    ({"train": {"lr": 1}}, "unknown key in .*train: lr"),
    ({"train": {"stages": [{"frams": 8}]}}, r"unknown key in .*stages\[0\]: frams"),
    ({"train": {"steps": "many"}}, "wrong value of .*train: steps\n  expected: int\n  received: 'many'"),
    ({"train": {"steps": 1.5}}, "expected: int"),
    ({"train": {"steps": True}}, "expected: int"),
    ({"train": {"bfloat16": 1}}, "expected: bool"),
    ({"train": 3}, "expected: a mapping"),
    ({"data": {"crop": [208]}}, "expected: 2 numbers"),
    ({"data": {"crop": 208}}, "expected: a list"),
    ({"data": {"crop": [200, 288]}}, "data: crop\n  expected: multiples of 16"),
    ({"sizes": {"patch_size": 2}}, "sizes: patch_size\n  expected: an odd number"),
    ({"sizes": {"width": 0}}, "sizes: width\n  expected: a positive number"),
    ({"train": {"steps": 0}}, "train: steps\n  expected: a positive number"),
    ({"train": {"learning_rate": 2.0}}, "between 0 and 1"),
    ({"train": {"stages": []}}, "train: stages\n  expected: at least one"),
    ({"train": {"stages": [{"until": 0.5}]}}, "the last 1.0"),
    ({"train": {"stages": [{"until": 0.9}, {"until": 0.5}, {"until": 1.0}]}}, "`until` rising"),
    ({"train": {"stages": [{"start": 9, "frames": 8}]}}, "between 2 and frames"),
    ({"train": {"stages": [{"frames": 20}]}}, "at most render: frames = 16"),
    ({"train": {"stages": [{"patches": 0}]}}, "positive patches and warm"),
    ("[1, 2", "is not YAML"),
    ("- 1", "expected: a mapping"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG, ids=[str(settings) for settings, _ in WRONG])
def test_what_is_wrong_is_refused_by_name(tmp_path: Path, settings: object, message: str):
    with pytest.raises(TrainingError, match=message):
        load(tmp_path, settings)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(TrainingError, match=r"cannot read the configuration .*absent\.yaml"):
        load_config(tmp_path / "absent.yaml")
