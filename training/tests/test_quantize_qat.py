# SPDX-License-Identifier: MIT
"""Training with fake quantization: what learns, that it resumes exactly, what the teacher adds; and forms of a network side by side."""

import copy
import dataclasses
import json
from pathlib import Path

import pytest
import torch
from rough_scales import rough_scales, save_tiny, shorten
from tiny_run import SIZES, losses_of, tiny_config

from qpvo_train.__main__ import _parser
from qpvo_train.checkpoint import load_checkpoint, network_of, save_checkpoint
from qpvo_train.clips import ClipFolder
from qpvo_train.config import Config, DataConfig, QatConfig, SensitivityConfig
from qpvo_train.errors import TrainingError
from qpvo_train.evaluate import held_out_batch, held_out_files
from qpvo_train.network import PatchNetwork
from qpvo_train.processes import join_processes
from qpvo_train.quantize.comparison import compare_forms
from qpvo_train.quantize.distill import TERM, DistilledUnroll, confidence_distance, flow_distance, relative_distance
from qpvo_train.quantize.model import QuantizedNetwork
from qpvo_train.quantize.qat import QatTrainer, qat
from qpvo_train.quantize.scales import load_scales, rounded, save_scales
from qpvo_train.unroll import UnrollOptions

CROP = (48, 64)
GROWING = UnrollOptions(patches=5, start=3, warm=2, through_ba=True, correlation_keep=1.0)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    shorten(monkeypatch)


@pytest.fixture
def teacher() -> PatchNetwork:
    return PatchNetwork(SIZES).eval()


@pytest.fixture
def scales(teacher: PatchNetwork, plane_clips: Path) -> dict[str, torch.Tensor]:
    return rough_scales(teacher, plane_clips)


def tiny(folder: Path, clips: Path, **settings) -> Config:
    config, data = tiny_config(folder), DataConfig(clips=str(clips), validation=str(clips), crop=CROP)
    return dataclasses.replace(
        config, name="tiny", data=data, qat=QatConfig(**{"steps": 4, "warmup_steps": 1, **settings}), sensitivity=SensitivityConfig(clips=1)
    )


def trainer_of(config: Config, teacher: PatchNetwork, scales: dict, seed: int = 5) -> QatTrainer:
    network = QuantizedNetwork(teacher)
    network.set_scales(scales)
    return QatTrainer(config, ClipFolder(config.data.clips, seed=seed, crop=CROP), join_processes("cpu"), network, teacher)


def test_distances_by_hand():
    assert relative_distance(torch.tensor([3.0, 4.0]), torch.tensor([3.0, -4.0])).item() == pytest.approx(8 / 5)
    flow, confidence = torch.zeros(1, 2, 2, 1, 2), torch.zeros(1, 2, 2, 1, 2)
    reference, weight = flow.clone(), torch.full_like(confidence, 0.2)
    reference[0, 0, 0], reference[0, 0, 1], reference[0, 1, 0] = 100, torch.tensor([3.0, 4.0]), torch.tensor([0.0, 1.0])
    weight[0, 1, 0] = 0.6
    assert flow_distance(flow, reference, weight).item() == pytest.approx((0.2 * 5 + 0.6 * 1) / 0.8)
    assert confidence_distance(confidence, weight).item() == pytest.approx(0.4)


def distilled(student: torch.nn.Module, teacher: PatchNetwork, clips: Path, options: UnrollOptions = GROWING) -> dict[str, torch.Tensor]:
    batch = held_out_batch(held_out_files(clips, 1)[0], CROP)
    return DistilledUnroll(student, teacher, batch, options).run()


@pytest.mark.parametrize("term", ["translation", "rotation", "reprojection"])
def test_the_trajectory_reaches_the_scales_through_the_bundle_adjustment(teacher: PatchNetwork, scales: dict, plane_clips: Path, term: str):
    network = QuantizedNetwork(teacher)
    network.set_scales(scales)
    batch = held_out_batch(held_out_files(plane_clips, 1)[0], CROP)
    flight = DistilledUnroll(network, teacher, batch, GROWING).run()
    flight.backward(flight.terms[term])
    grads = [scale.grad for scale in network.scale_parameters() if scale.grad is not None]
    assert len(grads) > 10 and all(torch.isfinite(grad).all() for grad in grads)
    assert sum((grad != 0).any().item() for grad in grads) > 10


def test_a_training_without_the_trajectory_is_refused(teacher: PatchNetwork, scales: dict, plane_clips: Path, tmp_path: Path):
    config = tiny(tmp_path / "run", plane_clips)
    last = dataclasses.replace(config.train.stages[-1], through_ba=False)
    blind = dataclasses.replace(config, train=dataclasses.replace(config.train, stages=(*config.train.stages[:-1], last)))
    save_scales(config.quantize_folder / "scales.safetensors", scales)
    with pytest.raises(TrainingError, match="without regard to the trajectory"):
        qat(blind, "tiny.yaml", checkpoint=save_tiny(tmp_path, teacher))


def test_a_teacher_equal_to_its_student_is_at_no_distance(teacher: PatchNetwork, plane_clips: Path):
    """While frames join, through the bundle adjustment."""
    terms = distilled(copy.deepcopy(teacher), teacher, plane_clips).terms
    assert {name for name in terms if name.startswith(TERM)} == {TERM + name for name in ("features", "context", "correlation", "flow", "confidence")}
    assert all(value < 2e-5 for name, value in terms.items() if name.startswith(TERM))


NEAREST = {
    "features": "patchify.fnet.conv2",
    "context": "patchify.inet.conv2",
    "correlation": "patchify.fnet.conv2",
    "flow": "update.d.1",
    "confidence": "update.w.1",
}


@pytest.mark.parametrize(("name", "weight"), NEAREST.items())
def test_each_distance_pulls_the_student_to_the_teacher(teacher: PatchNetwork, plane_clips: Path, name: str, weight: str):
    """One step against the gradient of one distance brings the student nearer; the teacher has no gradient."""
    student = copy.deepcopy(teacher)
    with torch.no_grad():
        student.get_parameter(f"{weight}.weight").mul_(1.2)
    before = distilled(student, teacher, plane_clips)
    before.backward(before.terms[TERM + name])
    parameter = student.get_parameter(f"{weight}.weight")
    assert parameter.grad.norm() > 0 and all(value.grad is None for value in teacher.parameters())
    with torch.no_grad():
        parameter -= 0.02 * parameter.norm() / parameter.grad.norm() * parameter.grad
    assert distilled(student, teacher, plane_clips).terms[TERM + name] < before.terms[TERM + name]


def test_scales_alone_learn_while_the_weights_stay(teacher: PatchNetwork, scales: dict, plane_clips: Path, tmp_path: Path):
    trainer = trainer_of(tiny(tmp_path, plane_clips), teacher, scales)
    values = [trainer.train_step() for _ in range(3)]
    assert all(value > 0 for name, value in values[-1].items() if name.startswith(TERM)) and trainer.skipped == 0
    for name, value in trainer.network.float_weights().items():
        assert torch.equal(value, teacher.state_dict()[name]), name
    learnt = trainer.network.scales()
    assert all(not torch.equal(learnt[name], value) for name, value in scales.items() if name.startswith("update.c") and "input" in name)
    torch.testing.assert_close(learnt, scales, rtol=0.01, atol=0)
    assert torch.equal(learnt["update.agg_kk.f.input_scale"], learnt["update.agg_kk.g.input_scale"])


def test_all_learn(teacher: PatchNetwork, scales: dict, plane_clips: Path, tmp_path: Path):
    trainer = trainer_of(tiny(tmp_path, plane_clips, mode="all"), teacher, scales)
    trainer.train_step()
    assert [group["lr"] for group in trainer.optimizer.param_groups] == [pytest.approx(8e-4 / 2), pytest.approx(8e-4 / 2 * 0.05)]
    weights = trainer.network.float_weights()
    assert not torch.equal(weights["update.corr.0.weight"], teacher.update.corr[0].weight)
    assert not torch.equal(weights["patchify.fnet.conv1.weight"], teacher.patchify.fnet.conv1.weight)
    assert not torch.equal(trainer.network.scales()["update.corr.0.input_scale"], scales["update.corr.0.input_scale"])


def test_layers_in_float_have_no_scales_to_learn(teacher: PatchNetwork, scales: dict, plane_clips: Path, tmp_path: Path):
    """Mixed precision: only a part of the update operator is quantized, the encoders have nothing to learn."""
    few = {name: value for name, value in scales.items() if name.startswith(("update.c1", "update.gru"))}
    trainer = trainer_of(tiny(tmp_path, plane_clips), teacher, few)
    trainer.train_step()
    assert trainer.skipped == 0 and set(trainer.network.scales()) == set(few)
    assert not torch.equal(trainer.network.scales()["update.c1.0.input_scale"], few["update.c1.0.input_scale"])


@pytest.mark.parametrize("mode", ["scales", "all"])
def test_a_resumed_training_goes_on_bit_for_bit(teacher: PatchNetwork, scales: dict, plane_clips: Path, tmp_path: Path, mode: str):
    settings = tiny(tmp_path / "whole", plane_clips, mode=mode)
    settings = dataclasses.replace(settings, train=dataclasses.replace(settings.train, steps=4))
    whole = trainer_of(settings, teacher, scales)
    expected = losses_of(whole)
    parts = dataclasses.replace(settings, run=str(tmp_path / "parts"))
    first = losses_of(trainer_of(parts, teacher, scales), until=2)
    torch.manual_seed(999)
    again = trainer_of(parts, teacher, scales, seed=123)
    again.resume(again.checkpoint_path)
    assert first + losses_of(again) == expected
    learnt, there = again.averaged().scales(), whole.averaged().scales()
    assert all(torch.equal(value, there[name]) for name, value in learnt.items())


def test_only_what_was_begun_goes_on(teacher: PatchNetwork, scales: dict, plane_clips: Path, tmp_path: Path):
    """Not with other scales, other layers, another teacher, nor from a training without quantization."""
    config = tiny(tmp_path, plane_clips)
    trainer = trainer_of(config, teacher, scales)
    trainer.run(until=1)
    few = {name: value for name, value in scales.items() if not name.startswith("update.c1.0")}
    others = [(teacher, few), (teacher, {name: value * 2 for name, value in scales.items()}), (PatchNetwork(SIZES), scales)]
    for network, start in others:
        with pytest.raises(TrainingError, match="(?s)was begun from another network.*--fresh"):
            trainer_of(config, network, start).resume(trainer.checkpoint_path)
    with pytest.raises(TrainingError, match="(?s)expected: all .*received: scales "):
        trainer_of(tiny(tmp_path, plane_clips, mode="all"), teacher, scales).resume(trainer.checkpoint_path)
    trainer.resume(trainer.checkpoint_path)
    state = load_checkpoint(trainer.checkpoint_path)
    del state["origin"]
    save_checkpoint(trainer.checkpoint_path, state)
    with pytest.raises(TrainingError, match="was begun from another network"):
        trainer.resume(trainer.checkpoint_path)


def test_the_command_writes_scales_checkpoint_and_evaluation(teacher: PatchNetwork, scales: dict, plane_clips: Path, tmp_path: Path):
    config, checkpoint = tiny(tmp_path / "run", plane_clips), save_tiny(tmp_path, teacher)
    save_scales(config.quantize_folder / "scales.safetensors", scales)
    path = qat(config, "tiny.yaml", checkpoint=checkpoint, device="cpu", steps=2, until=1)
    assert path == config.quantize_folder / "qat-scales" / "scales.safetensors"
    assert qat(config, "tiny.yaml", checkpoint=checkpoint, device="cpu", steps=2) == path
    state = load_checkpoint(path.with_name("checkpoint.pt"))
    assert (state["step"], state["clips"]) == (7, 7) and state["history"][0]["commit"] == "c0"
    network = network_of(state)
    assert all(torch.equal(value, teacher.state_dict()[name]) for name, value in network.state_dict().items())
    learnt = load_scales(path, network)
    assert set(learnt) == set(scales) and any(not torch.equal(learnt[name], value) for name, value in scales.items())
    report = json.loads(path.with_name("evaluation.json").read_text())
    assert list(report["forms"]) == ["fp32", "calibrated", "qat_scales"] and report["step"] == 2
    assert report["forms"]["fp32"]["flow_px"] < 1e-4 < report["forms"]["qat_scales"]["flow_px"]
    lines = (path.parent / "training" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2] and "teacher_flow" in lines[0]


def test_what_is_measured_is_what_is_saved(teacher: PatchNetwork, scales: dict, plane_clips: Path, tmp_path: Path):
    trainer = trainer_of(tiny(tmp_path, plane_clips), teacher, scales)
    trainer.train_step()
    learnt = trainer.averaged().scales()
    assert all(torch.equal(value, rounded(value)) for value in learnt.values())
    fine = trainer.network.scales()
    assert any(not torch.equal(value, rounded(value)) for value in fine.values())


def test_another_teacher_than_the_network_that_is_trained(teacher: PatchNetwork, scales: dict, plane_clips: Path, tmp_path: Path):
    """As for a pruned network: distances and the evaluation are from the teacher, and the training goes on with it only."""
    config, checkpoint = tiny(tmp_path / "run", plane_clips), save_tiny(tmp_path, teacher)
    master = save_tiny(tmp_path / "master", PatchNetwork(SIZES))
    save_scales(config.quantize_folder / "scales.safetensors", scales, teacher)
    assert _parser().parse_args(["qat", "--config", "tiny.yaml", "--teacher", str(master)]).teacher == str(master)
    path = qat(config, "tiny.yaml", checkpoint=checkpoint, teacher=master, device="cpu", steps=2, until=1)
    rows = json.loads(path.with_name("evaluation.json").read_text())["forms"]
    assert list(rows) == ["fp32", "start", "calibrated", "qat_scales"]
    assert rows["fp32"]["flow_px"] < 1e-4 and rows["fp32"]["features"] < 1e-5 < rows["start"]["features"]
    with pytest.raises(TrainingError, match="was begun from another network"):
        qat(config, "tiny.yaml", checkpoint=checkpoint, device="cpu", steps=2)
    assert qat(config, "tiny.yaml", checkpoint=checkpoint, teacher=master, device="cpu", steps=2) == path
    with pytest.raises(TrainingError, match="belongs to other weights"):
        load_scales(path, network_of(load_checkpoint(master)))


def test_bad_input_is_refused_before_work(teacher: PatchNetwork, scales: dict, plane_clips: Path, tmp_path: Path):
    config, checkpoint = tiny(tmp_path / "run", plane_clips), save_tiny(tmp_path, teacher)
    with pytest.raises(TrainingError, match="no scales at"):
        qat(config, "tiny.yaml", checkpoint=checkpoint)
    with pytest.raises(TrainingError, match="(?s)qat: mode.*scales or all.*received: both"):
        qat(config, "tiny.yaml", checkpoint=checkpoint, mode="both")
    save_scales(config.quantize_folder / "scales.safetensors", scales)
    with pytest.raises(TrainingError, match="no checkpoint"):
        qat(config, "tiny.yaml")
    with pytest.raises(TrainingError, match="no checkpoint"):
        qat(config, "tiny.yaml", checkpoint=checkpoint, teacher=tmp_path / "absent.pt")
    blind = dataclasses.replace(config, data=dataclasses.replace(config.data, validation=None))
    with pytest.raises(TrainingError, match="no folder of held-out clips"):
        qat(blind, "tiny.yaml", checkpoint=checkpoint)
    for key, message in (("validation", "no held-out clips"), ("clips", "absent")):
        lost = dataclasses.replace(config, data=dataclasses.replace(config.data, **{key: str(tmp_path / "absent")}))
        with pytest.raises(TrainingError, match=message):
            qat(lost, "tiny.yaml", checkpoint=checkpoint, device="cpu")
    assert not (config.quantize_folder / "qat-scales").exists()


def test_forms_side_by_side(teacher: PatchNetwork, scales: dict, plane_clips: Path, tmp_path: Path):
    config, checkpoint = tiny(tmp_path / "run", plane_clips), save_tiny(tmp_path, teacher)
    save_scales(tmp_path / "fine.safetensors", scales)
    save_scales(tmp_path / "coarse.safetensors", {name: value * 8 for name, value in scales.items()})
    other = save_tiny(tmp_path / "other", PatchNetwork(SIZES))
    forms = [f"fine={tmp_path / 'fine.safetensors'}", f"coarse={tmp_path / 'coarse.safetensors'},{checkpoint}", f"other=,{other}"]
    rows = json.loads(compare_forms(config, "tiny.yaml", checkpoint=checkpoint, forms=forms, clips=2).read_text())["forms"]
    assert list(rows) == ["fp32", "fine", "coarse", "other"]
    assert rows["fp32"]["features"] < 1e-5 < rows["fine"]["features"] < rows["coarse"]["features"] < rows["other"]["features"]
    assert {"within_1px", "translation_error_median"} <= set(rows["other"])


@pytest.mark.parametrize("form", ["fine", "=scales", "fine=", "fp32=scales"])
def test_a_form_that_is_none_is_refused(teacher: PatchNetwork, plane_clips: Path, tmp_path: Path, form: str):
    with pytest.raises(TrainingError, match=f"(?s)wrong form.*received: {form}"):
        compare_forms(tiny(tmp_path, plane_clips), "tiny.yaml", checkpoint=save_tiny(tmp_path, teacher), forms=[form])
