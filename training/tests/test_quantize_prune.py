# SPDX-License-Identifier: MIT
"""Structured pruning: what is removed, how much of it, what it saves, and that a pruned network is a network like any other."""

import dataclasses
import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from rough_scales import save_tiny, shorten
from tiny_run import SIZES, losses_of, tiny_config, tiny_trainer

from qpvo_train.checkpoint import load_checkpoint, network_of
from qpvo_train.config import Config, DataConfig, PruneConfig, SensitivityConfig
from qpvo_train.errors import TrainingError
from qpvo_train.inner_widths import INNER_WIDTHS
from qpvo_train.network import NetworkSizes, PatchNetwork
from qpvo_train.quantize.channels import choose_widths, cost_of, strongest, widths_of, without_channels
from qpvo_train.quantize.macs import correlation_macs, layer_macs
from qpvo_train.quantize.prune import prune
from qpvo_train.train import Trainer
from qpvo_train.weights import load_network

HALF = {"patchify.fnet.layer1.0.conv1": 2, "patchify.inet.layer2.0.conv1": 5, "update.corr.0": 7, "update.gru.3.res.0": 9, "update.agg_kk.f": 8}


@pytest.fixture
def network() -> PatchNetwork:
    """With biases that matter."""
    network = PatchNetwork(SIZES).eval()
    for name, value in network.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(value, std=0.3)
    return network


@torch.no_grad()
def outputs(network: PatchNetwork) -> list[torch.Tensor]:
    torch.manual_seed(3)
    images = torch.randint(0, 256, (1, 2, 1, 32, 48)).float()
    hidden, context = torch.randn(1, 3, 3, 4, 16), torch.randn(1, 3, 4, 16)
    return [*network.encode(images), *network.update(hidden, context, torch.randn(1, 3, 3, 4, SIZES.correlation_columns))]


@torch.no_grad()
def with_zeros(network: PatchNetwork, widths: dict[str, int]) -> PatchNetwork:
    """The same with the weakest channels made zero where they are made, and read as they were."""
    zeroed = PatchNetwork(SIZES).eval()
    zeroed.load_state_dict(network.state_dict())
    for inner in INNER_WIDTHS:
        if inner.name in widths:
            gone = torch.ones(widths_of(network)[inner.name], dtype=torch.bool)
            gone[strongest(network, inner, widths[inner.name])] = False
            for name in inner.producers:
                zeroed.get_parameter(f"{name}.weight")[gone] = 0
                zeroed.get_parameter(f"{name}.bias")[gone] = 0
    return zeroed


@pytest.mark.parametrize("inner", INNER_WIDTHS, ids=lambda inner: inner.name)
def test_each_width_without_channels_equals_them_at_zero(network: PatchNetwork, inner):
    widths = {inner.name: widths_of(network)[inner.name] // 2}
    pruned = outputs(without_channels(network, widths))
    assert any(not torch.equal(a, b) for a, b in zip(pruned, outputs(network)))
    for actual, expected in zip(pruned, outputs(with_zeros(network, widths)), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


def test_all_widths_at_once(network: PatchNetwork):
    pruned = without_channels(network, HALF)
    assert widths_of(pruned) == widths_of(network) | HALF
    for actual, expected in zip(outputs(pruned), outputs(with_zeros(network, HALF)), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


def test_the_channels_that_are_read_least_go(network: PatchNetwork):
    inner = next(inner for inner in INNER_WIDTHS if inner.name == "update.c1.0")
    with torch.no_grad():
        network.update.c1[2].weight[:, [3, 11]] *= 1e-3
    kept = strongest(network, inner, 14)
    assert kept.tolist() == [n for n in range(16) if n not in (3, 11)]
    pruned = without_channels(network, {inner.name: 14})
    assert torch.equal(pruned.update.c1[0].weight, network.update.c1[0].weight[kept])
    assert torch.equal(pruned.update.c1[0].bias, network.update.c1[0].bias[kept])
    assert torch.equal(pruned.update.c1[2].weight, network.update.c1[2].weight[:, kept])


@pytest.mark.parametrize(("widths", "message"), [({"update.corr.2": 4}, "one of patchify"), ({"update.c1.0": 17}, "1 to 16"), ({"update.c1.0": 0}, "1 to 16")])
def test_what_is_no_inner_width_is_refused(network: PatchNetwork, widths: dict, message: str):
    with pytest.raises(TrainingError, match=f"(?s)cannot prune.*{message}"):
        without_channels(network, widths)


def test_multiplications_of_the_published_shapes():
    """The numbers of DPVO at 480 x 752: encoders in millions, the update operator for each edge, its aggregations for each group."""
    network = PatchNetwork(NetworkSizes(input_channels=3, width=32, feature_dim=128, hidden_dim=384))
    macs = layer_macs(network)
    total = lambda prefix: sum(count for name, count in macs.items() if name.startswith(prefix))  # noqa: E731
    assert round(total("patchify.fnet.") / 1e6) == 6893 and round(total("patchify.inet.") / 1e6) == 7263
    groups = macs.pop("update.agg_kk.h") + macs.pop("update.agg_ij.h")
    assert groups == 384 * 384 * (17 * 48 + 258)
    assert total("update.") == 258 * 48 * 2_699_520
    assert correlation_macs(network) == 258 * 48 * 147_456


def test_widths_save_what_was_asked_for_and_spare_what_is_sensitive():
    network = PatchNetwork(NetworkSizes())
    damage = {inner.name: 0.05 for inner in INNER_WIDTHS} | {"update.corr.0": 5.0, "update.c1.0": 0.001}
    config = PruneConfig()
    widths = choose_widths(network, damage, config)
    before, after = cost_of(network), cost_of(without_channels(network, widths))
    assert after.parameters <= 0.8 * before.parameters and after.macs <= 0.811 * before.macs
    assert after.parameters > 0.7 * before.parameters or after.macs > 0.75 * before.macs
    assert widths["update.c1.0"] == 64 and widths["update.corr.0"] >= 124
    assert all(width % 4 == 0 and width >= widths_of(network)[name] / 2 for name, width in widths.items())
    gentler = choose_widths(network, damage, dataclasses.replace(config, parameters=0.1, macs=0.1))
    assert all(gentler[name] >= width for name, width in widths.items()) and gentler != widths


def test_nothing_goes_when_nothing_is_asked_for():
    network = PatchNetwork(SIZES)
    damage = {inner.name: 0.0 for inner in INNER_WIDTHS}
    assert choose_widths(network, damage, PruneConfig(parameters=0, macs=0, multiple=3)) == widths_of(network)


def test_too_much_and_missing_sensitivities_are_refused():
    network, damage = PatchNetwork(SIZES), {inner.name: 1.0 for inner in INNER_WIDTHS}
    with pytest.raises(TrainingError, match="(?s)so much cannot be pruned.*60.0% of the parameters.*at most 50%"):
        choose_widths(network, damage, PruneConfig(parameters=0.6, multiple=1))
    del damage["update.agg_ij.f"]
    with pytest.raises(TrainingError, match="(?s)no sensitivity.*agg_ij"):
        choose_widths(network, damage, PruneConfig())


def test_a_pruned_checkpoint_and_weight_file_make_the_same_network(network: PatchNetwork, tmp_path: Path):
    pruned = without_channels(network, HALF)
    read = network_of(load_checkpoint(save_tiny(tmp_path, pruned)))
    safetensors.torch.save_file(pruned.state_dict(), tmp_path / "weights.safetensors")
    for other in (read, load_network(tmp_path / "weights.safetensors")):
        assert widths_of(other) == widths_of(pruned)
        assert all(torch.equal(a, b) for a, b in zip(outputs(other), outputs(pruned), strict=True))


def test_a_width_that_only_one_side_has_is_refused(network: PatchNetwork, tmp_path: Path):
    state = without_channels(network, HALF).state_dict() | {"update.corr.2.weight": network.state_dict()["update.corr.2.weight"]}
    safetensors.torch.save_file(state, tmp_path / "weights.safetensors")
    with pytest.raises(TrainingError, match=r"do not form a network(?s:.*)update\.corr\.2\.weight"):
        load_network(tmp_path / "weights.safetensors")


def test_training_goes_on_from_a_pruned_network(network: PatchNetwork, plane_clips: Path, tmp_path: Path):
    """Started from its weights as `train --init` does, and resumed bit for bit."""
    pruned = without_channels(network, HALF).state_dict()

    def started(name: str) -> Trainer:
        trainer = tiny_trainer(tiny_config(tmp_path / name, steps=4), plane_clips)
        trainer.start_from(pruned)
        return trainer

    expected, first = losses_of(started("whole")), losses_of(started("parts"), until=2)
    again = tiny_trainer(tiny_config(tmp_path / "parts", steps=4), plane_clips, seed=77)
    again.resume(again.checkpoint_path)
    assert first + losses_of(again) == expected
    assert widths_of(again.network)["update.corr.0"] == 7
    assert not torch.equal(again.network.update.corr[0].weight, pruned["update.corr.0.weight"])


def pruning_config(tmp_path: Path, clips: Path, **changes) -> Config:
    settings = {"parameters": 0.15, "macs": 0.1, "multiple": 1, "rounds": 2, "steps": 2, **changes}
    data = DataConfig(clips=str(clips), validation=str(clips), crop=(48, 64))
    config = tiny_config(tmp_path / "run")
    return dataclasses.replace(config, name="tiny", data=data, prune=PruneConfig(**settings), sensitivity=SensitivityConfig(clips=1))


def report_of(folder: Path) -> Path:
    path = folder / "sensitivity.json"
    path.write_text(json.dumps({"pruned": {inner.name: {"flow_px": 0.1 + n} for n, inner in enumerate(INNER_WIDTHS)}}))
    return path


def test_pruning_in_rounds_goes_on_where_it_was_interrupted(network: PatchNetwork, plane_clips: Path, tmp_path: Path, monkeypatch):
    config, checkpoint, report = pruning_config(tmp_path, plane_clips), save_tiny(tmp_path, network), report_of(tmp_path)
    options = {"checkpoint": checkpoint, "sensitivity": report, "device": "cpu"}
    expected = load_checkpoint(prune(config, "tiny.yaml", out=tmp_path / "whole", **options))

    run, calls = Trainer.run, []

    def dies(trainer: Trainer, **kwargs) -> None:
        calls.append(trainer)
        run(trainer, until=1 if len(calls) == 2 else None)
        if len(calls) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "run", dies)
        prune(config, "tiny.yaml", out=tmp_path / "parts", **options)
    actual = load_checkpoint(prune(config, "tiny.yaml", out=tmp_path / "parts", **options))
    for name, value in expected["average"].items():
        assert torch.equal(actual["average"][name], value), name
    assert actual["history"][:2] == expected["history"][:2] and len(actual["history"]) == len(expected["history"]) + 1
    assert (expected["step"], expected["clips"]) == (9, 9) and [part["commit"] for part in expected["history"]][0] == "c0"
    last = json.loads((tmp_path / "whole" / "pruning.json").read_text())["rounds"][-1]
    assert last["parameters"]["gone"] >= 0.15 and last["macs"]["gone"] >= 0.1
    assert widths_of(network_of(expected)) == last["widths"]
    other = pruning_config(tmp_path, plane_clips, parameters=0.3)
    with pytest.raises(TrainingError, match="(?s)was begun from another network.*--fresh"):
        prune(other, "tiny.yaml", out=tmp_path / "parts", **options)


def test_sensitivities_are_measured_where_there_is_no_report(network: PatchNetwork, plane_clips: Path, tmp_path: Path, monkeypatch):
    shorten(monkeypatch)
    config = pruning_config(tmp_path, plane_clips, rounds=1, steps=1)
    pruned = network_of(load_checkpoint(prune(config, "tiny.yaml", checkpoint=save_tiny(tmp_path, network), device="cpu")))
    assert cost_of(pruned).parameters <= 0.85 * cost_of(network).parameters
    assert (config.quantize_folder / "pruned" / "checkpoint.pt").exists()


@pytest.mark.parametrize("content", [None, "{", "{}", '{"pruned": {"update.c1.0": {}}}', "[]"])
def test_a_report_that_is_none_is_refused(network: PatchNetwork, plane_clips: Path, tmp_path: Path, content: str | None):
    path = tmp_path / "sensitivity.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(TrainingError, match="cannot read the sensitivity"):
        prune(pruning_config(tmp_path, plane_clips), "tiny.yaml", checkpoint=save_tiny(tmp_path, network), sensitivity=path)


@pytest.mark.parametrize(("key", "message"), [("clips", "absent"), ("validation", "no held-out clips")])
def test_missing_clips_are_refused(network: PatchNetwork, plane_clips: Path, tmp_path: Path, key: str, message: str):
    config = pruning_config(tmp_path, plane_clips)
    lost = dataclasses.replace(config, data=dataclasses.replace(config.data, **{key: str(tmp_path / "absent")}))
    with pytest.raises(TrainingError, match=message):
        prune(lost, "tiny.yaml", checkpoint=save_tiny(tmp_path, network), device="cpu")
    assert not config.quantize_folder.exists()
