# SPDX-License-Identifier: MIT
"""Configurations: those that come with the project are right, and what is wrong is refused by name."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from qpvo_train.config import RESERVED_SEEDS, Config, check_config, check_exportable, load_config
from qpvo_train.errors import TrainingError
from qpvo_train.network import NetworkSizes
from qpvo_train.render.sequence import SETS

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))


def load(tmp_path: Path, settings: object) -> Config:
    path = tmp_path / "config.yaml"
    path.write_text(settings if isinstance(settings, str) else yaml.safe_dump(settings))
    return load_config(path)


def test_there_are_configurations():
    assert {"small", "base", "smoke"} <= {path.stem for path in CONFIGS}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_configurations_of_the_project_are_right(path: Path):
    config, model = load_config(path), path.stem.removesuffix("_int8")
    assert config.name == model and Path(config.run).name == model
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


@pytest.mark.parametrize(("textures", "folders"), [(None, []), ("a", ["a"]), (["a", "b"], ["a", "b"]), ([], [])])
def test_textures_come_of_one_folder_or_several(tmp_path: Path, textures: object, folders: list[str]):
    assert load(tmp_path, {"render": {"textures": textures}}).render.texture_folders == folders


WRONG = [
    ({"render": {"textures": 3}}, "render: textures\n  expected: str\n  received: 3"),
    ({"render": {"textures": ["a", 3]}}, "render: textures.1.\n  expected: str\n  received: 3"),
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
    ({"sizes": {"patch_size": 5}}, "sizes: patch_size\n  expected: 3, as the product's networks have it"),
    ({"sizes": {"radius": 8}}, "sizes: radius\n  expected: 3, as"),
    ({"sizes": {"levels": [1, 2]}}, r"sizes: levels\n  expected: \(1, 4\), as"),
    ({"render": {"height": 192}}, r"render: height\n  expected: at least data: crop\[0\] = 208"),
    ({"render": {"width": 272}}, r"render: width\n  expected: at least data: crop\[1\] = 288"),
    ({"render": {"first": 899_999, "count": 2}}, "seeds below 900000, .*\n  received: seeds up to 900000"),
    ({"render": {"first": 999}}, "render: first\n  expected: at least 1000: lower seeds are those of held-out clips"),
    ({"render": {"height": 250}}, "render: height and width\n  expected: multiples of 16"),
    ({"train": {"clip_norm": 0}}, "train: clip_norm\n  expected: a positive number"),
    ({"train": {"final_rate": 0}}, "train: final_rate\n  expected: more than 0 and at most 1"),
    ({"train": {"weight_decay": -0.1}}, "train: weight_decay\n  expected: 0 or more"),
    ({"train": {"losses": {"flow": -1}}}, "train: losses: flow\n  expected: 0 or more"),
    ({"train": {"stages": [{"true_poses": 1.5}]}}, r"stages\[0\]: true_poses\n  expected: between 0 and 1"),
    ({"render": {"workers": -1}}, "render: workers\n  expected: 0 or more"),
    ({"data": {"tartanair_share": 1.5}}, "data: tartanair_share\n  expected: between 0 and 1"),
    ({"train": {"log_every": 0}}, "train: log_every\n  expected: a positive number"),
    ({"train": {"warmup_steps": -1}}, "train: warmup_steps\n  expected: 0 or more"),
    ({"train": {"ema_decay": 1.0}}, "train: ema_decay\n  expected: at least 0 and less than 1"),
    ({"train": {"correlation_keep": 0.0}}, "train: correlation_keep\n  expected: more than 0 and at most 1"),
    ({"train": {"checkpoint_minutes": -1.0}}, "train: checkpoint_minutes\n  expected: 0 or more"),
    ({"sizes": {"width": 0}}, "sizes: width\n  expected: a positive number"),
    ({"train": {"steps": 0}}, "train: steps\n  expected: a positive number"),
    ({"train": {"seed": -1}}, "train: seed\n  expected: between 0 and 2\\*\\*32 - 1"),
    ({"train": {"learning_rate": 2.0}}, "between 0 and 1"),
    ({"sensitivity": {"clips": 0}}, "sensitivity: clips\\n  expected: a positive number"),
    ({"sensitivity": {"pruned": 1.0}}, "sensitivity: pruned\\n  expected: between 0 and 1"),
    ({"sensitivity": {"latency": 0.2}}, "sensitivity: latency\\n  expected: between 0.25, all in int8, and 1"),
    ({"sensitivity": {"flow_px": -1.0}}, "sensitivity: flow_px\\n  expected: 0 or more"),
    ({"quantize": {"runs": 1}}, "quantize: runs\\n  expected: 2 or more"),
    ({"quantize": {"clips": 1}}, "quantize: clips\\n  expected: 0 or at least 2"),
    ({"quantize": {"clips": -1}}, "quantize: clips\\n  expected: 0 or at least 2"),
    ({"prune": {"macs": 1.0}}, "prune: macs\\n  expected: at least 0 and less than 1"),
    ({"prune": {"largest": 1.0}}, "prune: largest\\n  expected: between 0 and 1"),
    ({"prune": {"rounds": 0}}, "prune: rounds\\n  expected: a positive number"),
    ({"qat": {"mode": "weights"}}, "qat: mode\\n  expected: scales or all\\n  received: weights"),
    ({"qat": {"scale_rate": 0.0}}, "qat: scale_rate\\n  expected: between 0 and 1"),
    ({"qat": {"warmup_steps": -1}}, "qat: warmup_steps\\n  expected: 0 or more"),
    ({"qat": {"distill": {"flow": -1.0}}}, "qat: distill: flow\\n  expected: 0 or more"),
    ({"train": {"stages": []}}, "train: stages\n  expected: at least one"),
    ({"train": {"stages": [{"until": 0.5}]}}, "the last 1.0"),
    ({"train": {"stages": [{"until": 0.9}, {"until": 0.5}, {"until": 1.0}]}}, "`until` rising"),
    ({"train": {"stages": [{"start": 9, "frames": 8}]}}, "between 2 and frames"),
    ({"train": {"stages": [{"frames": 20}]}}, "at most render: frames = 16"),
    ({"train": {"stages": [{"patches": 0}]}}, "positive patches and warm"),
    ({"sizes": {"input_channels": 2}}, r"sizes: input_channels\n  expected: 1 \(grey\) or 3 \(colour\)\n  received: 2"),
    ({"train": {"weight_decay": float("inf")}}, "train: weight_decay\n  expected: a finite number\n  received: inf"),
    ({"train": {"stages": [{"motion": {"zoom": float("nan")}}]}}, "motion: zoom\n  expected: a finite number"),
    ({"train": {"learning_rate": 10**400}}, "train: learning_rate\n  expected: a finite number"),
    ("train: { learning_rate: 8e-4 }", "received: '8e-4' .str.\n  YAML takes this for text: write 8.0e-4, with a point and a sign"),
    ("train: { clip_norm: 2.5e1 }", "write 2.5e.1, with a point and a sign"),
    ("train: { learning_rate: fast }", "received: 'fast' .str.$"),
    ("train:\n  steps: 3\n  batch: 1\n  steps: 4\n", "(?s)is not YAML.*the key steps stands twice.*line 4"),
    ("name: a\nrun: b\nname: c\n", "the key name stands twice"),
    ("name: 2020-13-45", "is not YAML"),
    ("[1, 2", "is not YAML"),
    ("- 1", "expected: a mapping"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG, ids=[str(settings) for settings, _ in WRONG])
def test_what_is_wrong_is_refused_by_name(tmp_path: Path, settings: object, message: str):
    with pytest.raises(TrainingError, match=message):
        load(tmp_path, settings)


def test_rendered_sequences_have_reserved_seeds_and_share_none():
    specs = [spec for sequences in SETS.values() for spec in sequences]
    assert min(spec.seed for spec in specs) >= RESERVED_SEEDS
    assert len({spec.seed for spec in specs}) == len({spec.name for spec in specs}) == len(specs) == 25


def test_calibration_has_the_kinds_of_the_held_out_sequences():
    kind = lambda spec: (spec.kind, spec.place, spec.flow, spec.light, spec.blur, spec.still, spec.turning, spec.fast)  # noqa: E731
    *same, bright = SETS["calibration"]
    assert [kind(spec) for spec in same] == [kind(spec) for spec in SETS["sequences"]]
    assert bright.light == "bright"


def test_the_fast_set_turns_fast_most_of_the_time():
    assert all(spec.fast[1] - spec.fast[0] > 0.7 * spec.frames for spec in SETS["fast"])


def test_a_configuration_changed_afterwards_can_be_checked_again():
    check_config(Config(), "here")
    with pytest.raises(TrainingError, match="wrong value of here: train: steps"):
        check_config(replace(Config(), train=replace(Config().train, steps=-3)), "here")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path):
    (tmp_path / "config.yaml").write_bytes("name: größe".encode("latin-1"))
    with pytest.raises(TrainingError, match=r"config\.yaml is no text\n  expected: UTF-8"):
        load_config(tmp_path / "config.yaml")


@pytest.mark.parametrize(("sizes", "message"), [({"feature_dim": 24}, "feature_dim\n  expected: a multiple of 16"), ({"hidden_dim": 4097}, "hidden_dim")])
def test_widths_that_the_product_cannot_run_are_trained_but_not_exported(sizes: dict, message: str):
    check_exportable(NetworkSizes(feature_dim=16, hidden_dim=21), "here")
    config = replace(Config(), sizes=NetworkSizes(**sizes))
    check_config(config, "here")
    with pytest.raises(TrainingError, match=f"wrong value of here: sizes: {message}"):
        check_exportable(config.sizes, "here")


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(TrainingError, match=r"cannot read the configuration .*absent\.yaml"):
        load_config(tmp_path / "absent.yaml")
