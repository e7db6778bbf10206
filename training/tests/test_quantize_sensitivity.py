# SPDX-License-Identifier: MIT
"""The damage of quantizing and pruning: where it shows, that it grows, and what is chosen from it."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import torch
from rough_scales import rough_scales, save_tiny, shorten
from tiny_run import SIZES, tiny_config

from qpvo_train.config import DataConfig, SensitivityConfig
from qpvo_train.errors import TrainingError
from qpvo_train.inner_widths import INNER_WIDTHS
from qpvo_train.network import PatchNetwork
from qpvo_train.quantize import sensitivity as module
from qpvo_train.quantize.damage import Damage, damage_of, references
from qpvo_train.quantize.latencies import read_latencies
from qpvo_train.quantize.layers import groups_of
from qpvo_train.quantize.macs import layer_macs
from qpvo_train.quantize.model import QuantizedNetwork
from qpvo_train.quantize.scales import load_scales, save_scales
from qpvo_train.quantize.sensitivity import choose_precision, latency_share, pruning_damage, quantization_damage, sensitivity, table_of

CROP = (48, 64)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    shorten(monkeypatch)


@pytest.fixture
def network() -> PatchNetwork:
    return PatchNetwork(SIZES).eval()


@pytest.fixture
def form(network: PatchNetwork, plane_clips: Path) -> QuantizedNetwork:
    form = QuantizedNetwork(network)
    form.set_scales(rough_scales(network, plane_clips))
    return form


def test_a_network_does_itself_no_damage(network: PatchNetwork, plane_clips: Path):
    own = dataclasses.asdict(damage_of(network, references(network, plane_clips, 2, CROP)))
    assert all(value < 1e-5 for value in own.values())
    assert dataclasses.asdict(damage_of(QuantizedNetwork(network), references(network, plane_clips, 2, CROP))) == own


def test_the_damage_is_that_of_the_outputs(network: PatchNetwork, plane_clips: Path):
    """A head that adds 0.5 and -1 grid pixels to every flow; features of a larger scale."""
    clips = references(network, plane_clips, 1, CROP)
    with torch.no_grad():
        network.update.d[1].bias += torch.tensor([0.5, -1.0])
        assert damage_of(network, clips).flow_px == pytest.approx(4 * 1.25**0.5, rel=1e-4)
        network.patchify.inet.conv2.weight *= 1.1
        network.patchify.inet.conv2.bias *= 1.1
    measured = damage_of(network, clips)
    assert measured.context == pytest.approx(0.1, rel=1e-3) and measured.features < 1e-5


def test_each_group_does_damage_where_it_works(network: PatchNetwork, form: QuantizedNetwork, plane_clips: Path):
    clips, whole = references(network, plane_clips, 1, CROP), form.enabled
    rows = quantization_damage(form, clips)
    assert list(rows) == [*groups_of(form.layers), "all"] and form.enabled == whole
    for group, row in rows.items():
        assert row["flow_px"] > 2e-5, group
        assert (row["features"] > 1e-5) == (group.startswith("patchify.fnet.") or group == "all"), group
        assert (row["context"] > 1e-5) == (group.startswith("patchify.inet.") or group == "all"), group
    assert rows["all"]["features"] > max(row["features"] for group, row in rows.items() if group != "all")


def test_groups_without_scales_are_left_out(network: PatchNetwork, form: QuantizedNetwork, plane_clips: Path):
    form.enabled = {"update.c1.0", "update.agg_kk.f", "update.agg_kk.g"}
    rows = quantization_damage(form, references(network, plane_clips, 1, CROP))
    assert list(rows) == ["update.c1.0", "update.agg_kk.f", "all"]


def test_coarser_steps_do_more_damage(network: PatchNetwork, form: QuantizedNetwork, plane_clips: Path):
    clips, fine = references(network, plane_clips, 1, CROP), form.scales()
    form.enabled = {"patchify.fnet.conv2"}
    before = damage_of(form, clips)
    form.set_scales({name: value * (8 if name == "patchify.fnet.conv2.weight_scale" else 1) for name, value in fine.items()})
    form.enabled = {"patchify.fnet.conv2"}
    after = damage_of(form, clips)
    assert after.features > 3 * before.features and after.correlation > before.correlation and after.flow_px > before.flow_px


def test_pruning_is_measured_for_every_inner_width(network: PatchNetwork, plane_clips: Path):
    with torch.no_grad():
        network.update.c2[2].weight[:, :4] = 0
    rows = pruning_damage(network, references(network, plane_clips, 1, CROP), 0.25, trajectories=lambda pruned: float(pruned.training))
    assert list(rows) == [inner.name for inner in INNER_WIDTHS]
    assert rows["update.c2.0"]["flow_px"] < 1e-4 < rows["update.c1.0"]["flow_px"] and rows["update.c1.0"]["translation_error_median"] == 0


def test_latency_counts_int8_as_a_quarter():
    macs = {"a": 100, "b": 300, "c": 600}
    assert latency_share(macs, []) == 1
    assert latency_share(macs, ["c"]) == pytest.approx(0.55) and latency_share(macs, ["a", "b", "c"]) == 0.25


@pytest.fixture
def errors(monkeypatch) -> None:
    """The flow error of a form is the sum of those of the groups that are in int8: c1.0 10, c1.2 4, c2.0 1, c2.2 1."""
    alone = {"update.c1.0": 10.0, "update.c1.2": 4.0, "update.c2.0": 1.0, "update.c2.2": 1.0}
    total = lambda form, clips: Damage(0, 0, 0, sum(error for name, error in alone.items() if name in form.enabled), 0)  # noqa: E731
    monkeypatch.setattr(module, "damage_of", total)
    return alone


def chosen(form: QuantizedNetwork, alone: dict[str, float], **config) -> dict:
    form.enabled = set(alone)
    return choose_precision(form, alone, [], SensitivityConfig(**config))


def test_the_worst_go_back_to_float_until_the_error_is_small(form: QuantizedNetwork, errors: dict):
    result = chosen(form, errors, latency=1.0, flow_px=2.5)
    assert result["float"] == ["update.c1.0", "update.c1.2"] and form.enabled == {"update.c2.0", "update.c2.2"}
    assert result["quantized"] == ["update.c2.0", "update.c2.2"] and result["flow_px"] == 2
    assert [step["flow_px"] for step in result["steps"]] == [16, 6, 2]
    assert chosen(form, errors, latency=1.0, flow_px=20)["float"] == []


def test_the_budget_is_kept(form: QuantizedNetwork, errors: dict):
    macs = layer_macs(form.network)
    budget = latency_share(macs, set(errors) - {"update.c1.0"}) + 1e-9
    result = chosen(form, errors, latency=budget, flow_px=0)
    assert result["float"] == ["update.c1.0"] and result["flow_px"] == 6
    assert result["latency"] == pytest.approx(budget, abs=1e-4)


def test_cheap_layers_come_first(form: QuantizedNetwork, errors: dict, monkeypatch):
    """Equal damage for a third of the cost."""
    monkeypatch.setattr(module, "layer_macs", lambda network: dict.fromkeys(errors, 900) | {"update.c2.2": 300, "rest": 3000})
    assert chosen(form, dict.fromkeys(errors, 4.0), latency=1.0, flow_px=0)["float"][0] == "update.c2.2"


def tiny(tmp_path: Path, clips: Path, **settings):
    config = tiny_config(tmp_path / "run")
    settings = {"clips": 1, "latency": 0.9, "flow_px": 0.0, **settings}
    return dataclasses.replace(config, data=DataConfig(validation=str(clips), crop=CROP), sensitivity=SensitivityConfig(**settings))


def test_the_command_writes_report_table_chart_and_scales(network: PatchNetwork, plane_clips: Path, tmp_path: Path):
    config, checkpoint = tiny(tmp_path, plane_clips, latency=0.95), save_tiny(tmp_path, network)
    few = {name: value for name, value in rough_scales(network, plane_clips).items() if name.startswith(("update.c", "patchify.inet.conv2"))}
    save_scales(config.quantize_folder / "scales.safetensors", few)
    path = sensitivity(config, "tiny.yaml", checkpoint=checkpoint)
    report = json.loads(path.read_text())
    assert path == config.quantize_folder / "sensitivity.json" and report["clips"] == 1
    assert {"features", "flow_px", "confidence", "translation_error_median"} <= set(report["quantized"]["update.corr.0"])
    assert set(report["pruned"]) == {inner.name for inner in INNER_WIDTHS}
    mixed = load_scales(path.with_name("scales_mixed.safetensors"), network)
    assert {f"{name}.input_scale" for name in report["mixed"]["quantized"]} == {name for name in mixed if name.endswith("input_scale")}
    assert report["mixed"]["float"] and report["mixed"]["latency"] <= 0.95 and len(mixed) < len(few)
    assert path.with_name("sensitivity.png").read_bytes().startswith(b"\x89PNG")
    table = path.with_name("sensitivity.md").read_text()
    assert table == table_of(report) and "| update.corr.0 |" in table


def test_an_interrupted_command_goes_on_with_the_rows_it_has(network: PatchNetwork, plane_clips: Path, tmp_path: Path, monkeypatch):
    config, checkpoint = tiny(tmp_path, plane_clips, latency=0.95), save_tiny(tmp_path, network)
    few = {name: value for name, value in rough_scales(network, plane_clips).items() if name.startswith("update.c")}
    save_scales(config.quantize_folder / "scales.safetensors", few)
    measure, count = module._row, [0]

    def counting(*arguments):
        count[0] += 1
        if count[0] == 4:
            raise KeyboardInterrupt
        return measure(*arguments)

    monkeypatch.setattr(module, "_row", counting)
    with pytest.raises(KeyboardInterrupt):
        sensitivity(config, "tiny.yaml", checkpoint=checkpoint)
    went_on = sensitivity(config, "tiny.yaml", checkpoint=checkpoint).read_text()
    rows = len(json.loads(went_on)["quantized"]) + len(json.loads(went_on)["pruned"])
    assert count == [rows + 1]  # three before, one interrupted, the rest after
    assert sensitivity(config, "tiny.yaml", checkpoint=checkpoint).read_text() == went_on and count == [rows + 1]
    (config.quantize_folder / "sensitivity_known.json").write_text("{")
    assert sensitivity(config, "tiny.yaml", checkpoint=checkpoint).read_text() == went_on and count == [2 * rows + 1]
    other = dataclasses.replace(config, sensitivity=dataclasses.replace(config.sensitivity, pruned=0.5))
    sensitivity(other, "tiny.yaml", checkpoint=checkpoint)
    assert count == [3 * rows + 1]


def test_rows_of_other_clips_are_measured_anew(network: PatchNetwork, plane_clips: Path, tmp_path: Path, monkeypatch):
    clips = tmp_path / "clips"
    clips.mkdir()
    shutil.copy(plane_clips / "0.npz", clips / "0.npz")
    config, checkpoint = tiny(tmp_path, clips, latency=1.0), save_tiny(tmp_path, network)
    few = {name: value for name, value in rough_scales(network, plane_clips).items() if name.startswith("update.c1")}
    save_scales(config.quantize_folder / "scales.safetensors", few)
    measure, count = module._row, [0]
    monkeypatch.setattr(module, "_row", lambda *arguments: (count.__setitem__(0, count[0] + 1), measure(*arguments))[1])
    sensitivity(config, "tiny.yaml", checkpoint=checkpoint)
    rows = count[0]
    shutil.copy(plane_clips / "1.npz", clips / "0.npz")
    sensitivity(config, "tiny.yaml", checkpoint=checkpoint)
    assert count == [2 * rows]


def test_measured_latencies_are_added_up(form: QuantizedNetwork, tmp_path: Path):
    groups = groups_of(form.layers)
    file = tmp_path / "layers.json"
    file.write_text(json.dumps({"floatMs": 80, "int8Ms": 20, "extraMs": dict.fromkeys(groups, 1.0) | {"update.corr.0": 10, "update.agg_kk.f": -0.5}}))
    share, names = read_latencies(file, form.layers), {layer.name for layer in form.layers}
    assert share(names) == 0.25 and share(names - {"update.corr.0"}) == 30 / 80
    assert share(names - {"update.agg_kk.g"}) == 19.5 / 80  # in float with the layer that shares its input
    assert share([]) == pytest.approx((20 + len(groups) - 2 + 9.5) / 80)


def test_the_choice_weighs_damage_by_measured_time(form: QuantizedNetwork, errors: dict):
    """Equal damage, one group ten times as slow in float; and a group that costs nothing is no division by zero."""
    slow = {"update.c1.0": 0.4, "update.c1.2": 0.04, "update.c2.0": 0.0, "update.c2.2": 0.04}
    form.enabled = set(errors)
    share = lambda quantized: 0.2 + sum(time for name, time in slow.items() if name not in quantized)  # noqa: E731
    result = choose_precision(form, dict.fromkeys(errors, 4.0), [], SensitivityConfig(latency=0.3, flow_px=0), share)
    assert result["float"] == ["update.c2.0", "update.c1.2", "update.c2.2"] and result["latency"] == 0.28


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot use the latencies"),
        ('{"floatMs": 1, "int8Ms": 1}', "KeyError"),
        ('{"floatMs": 0, "int8Ms": 1, "extraMs": {}}', "positive"),
        ('{"floatMs": 1, "int8Ms": NaN, "extraMs": {}}', "finite"),
        ('{"floatMs": 2, "int8Ms": 1, "extraMs": {"update.corr.0": 1}}', "none of .*update.c1.0"),
    ],
)
def test_latencies_that_cannot_be_used_are_refused(form: QuantizedNetwork, tmp_path: Path, text: str, message: str):
    (tmp_path / "layers.json").write_text(text)
    with pytest.raises(TrainingError, match=f"(?s){message}.*bench -- layers"):
        read_latencies(tmp_path / "layers.json", form.layers)
    with pytest.raises(TrainingError, match="absent"):
        read_latencies(tmp_path / "absent.json", form.layers)


def test_the_table_tells_where_the_latencies_come_from():
    mixed = {"float": [], "latency": 0.3, "flow_px": 0.02, "latencies": "layers.json"}
    assert "Latency 0.300 of float (measured: layers.json)" in table_of({"quantized": {}, "pruned": {}, "mixed": mixed})


def test_the_table_has_the_largest_flow_error_first():
    row = lambda flow: dict.fromkeys(module.COLUMNS, 0.0) | {"flow_px": flow}  # noqa: E731
    mixed = {"float": ["b"], "latency": 0.3, "flow_px": 0.02}
    lines = table_of({"quantized": {"a": row(0.1), "b": row(0.5)}, "pruned": {"c": row(0.25)}, "mixed": mixed}).splitlines()
    assert [line.split(" ")[1] for line in lines if line.startswith("| ") and "features" not in line] == ["b", "a", "c"]
    assert "In float beside stem and heads: b. Assumed cost 0.300" in lines[-1]


def test_what_cannot_be_measured_is_refused(network: PatchNetwork, plane_clips: Path, tmp_path: Path):
    checkpoint, scales = save_tiny(tmp_path, network), tmp_path / "scales.safetensors"
    with pytest.raises(TrainingError, match="no scales at"):
        sensitivity(tiny(tmp_path, plane_clips), "tiny.yaml", checkpoint=checkpoint)
    save_scales(scales, rough_scales(network, plane_clips))
    with pytest.raises(TrainingError, match="(?s)budget cannot be kept.*latency of at least 0.3.*received: 0.25"):
        sensitivity(tiny(tmp_path, plane_clips, latency=0.25), "tiny.yaml", checkpoint=checkpoint, scales=scales)
    with pytest.raises(TrainingError, match="no held-out clips"):
        sensitivity(tiny(tmp_path, tmp_path / "absent"), "tiny.yaml", checkpoint=checkpoint, scales=scales)
    with pytest.raises(TrainingError, match="no checkpoint"):
        sensitivity(tiny(tmp_path, plane_clips), "tiny.yaml", scales=scales)
