# SPDX-License-Identifier: MIT
"""Calibration from images to scales, report and picture, through the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from plane_scene import plane_clip

from qpvo_train.__main__ import main
from qpvo_train.checkpoint import load_checkpoint, save_checkpoint, sizes_state
from qpvo_train.config import QuantizeConfig
from qpvo_train.errors import TrainingError
from qpvo_train.network import NetworkSizes, PatchNetwork
from qpvo_train.quantize.calibrate import collect_histograms, collect_ranges
from qpvo_train.quantize.footage import Footage
from qpvo_train.quantize.layers import quantizable_layers
from qpvo_train.quantize.model import QuantizedNetwork
from qpvo_train.quantize.odometry import OdometryOptions, SlidingOdometry
from qpvo_train.quantize.scales import load_scales, rounded
from qpvo_train.render.asl import write_asl

TINY = NetworkSizes(width=4, feature_dim=8, hidden_dim=16)
OPTIONS = OdometryOptions(window=8, patches=4, start=4, warm=2)


def footage(seed: int = 0, frames: int = 11) -> Footage:
    clip = plane_clip(seed, frames)
    return Footage(f"plane {seed}", clip["im"], clip["K"], 0, frames)


@pytest.fixture
def network() -> PatchNetwork:
    return PatchNetwork(TINY).eval()


@pytest.fixture
def work(tmp_path: Path, network: PatchNetwork) -> Path:
    """A checkpoint, two sequences, three held-out clips, and a configuration that names them."""
    state = {"sizes": sizes_state(TINY), "name": "tiny", "step": 1, "network": network.state_dict(), "average": network.state_dict()}
    save_checkpoint(tmp_path / "run" / "checkpoint.pt", state)
    for seed in range(2):
        clip = plane_clip(seed, 14)
        write_asl(tmp_path / "sequences" / f"s{seed}", clip["im"], clip["poses"], clip["K"], 20, "a test", {})
    (tmp_path / "val").mkdir()
    for seed in range(3):
        np.savez(tmp_path / "val" / f"{seed}.npz", **plane_clip(seed + 5))
    write_config(tmp_path)
    return tmp_path


def write_config(work: Path, **quantize) -> None:
    sections = {
        "run": str(work / "run"),
        "sizes": {"width": 4, "feature_dim": 8, "hidden_dim": 16},
        "data": {"clips": str(work / "val"), "validation": str(work / "val"), "crop": [48, 64]},
        "quantize": {"footage": [str(work / "sequences")], "runs": 2, "frames": 10, "window": 8, "patches": 4, **quantize},
    }
    (work / "tiny.yaml").write_text(yaml.safe_dump(sections))


def calibrate(work: Path, *options: str) -> int:
    return main(["calibrate", "--config", str(work / "tiny.yaml"), *options])


def test_calibration_writes_scales_report_and_picture(work: Path, network: PatchNetwork, capsys):
    assert calibrate(work) == 0
    folder = work / "run" / "int8"
    assert capsys.readouterr().out.strip().endswith(str(folder / "scales.safetensors"))
    assert sorted(path.name for path in folder.iterdir()) == ["calibration.json", "calibration.png", "calibration_seen.pt", "scales.safetensors"]
    scales = load_scales(folder / "scales.safetensors", network)
    assert len(scales) == 2 * 39
    report = json.loads((folder / "calibration.json").read_text())
    assert report["method"] == "mse" and report["checkpoint"] == "checkpoint.pt" and report["config"] == "tiny.yaml"
    runs = [(f["name"], f["first"], f["frames"], f["of"]) for f in report["footage"]]
    assert runs == [("s0", 0, 10, 14), ("s0", 4, 10, 14), ("s1", 0, 10, 14), ("s1", 4, 10, 14)]
    for row, layer in zip(report["layers"], quantizable_layers(network)):
        read = row["input"]
        assert row["name"] == layer.name and read["signed"] == layer.signed and read["ranges"].keys() == {"minmax", "percentile", "mse", "entropy"}
        assert layer.signed or read["min"] >= 0
        assert read["ranges"]["minmax"]["clipped"] == 0 and read["ranges"]["mse"]["sqnr_db"] >= read["ranges"]["minmax"]["sqnr_db"] - 0.1
        assert read["ranges"]["minmax"]["range"] >= read["ranges"]["mse"]["range"] and read["outlier_ratio"] >= 0.99
        expected = read["ranges"]["mse"]["range"] / layer.input_range[1]
        assert read["scale"] == pytest.approx(expected, rel=2**-11 + 1e-4)
        assert scales[f"{layer.name}.input_scale"].item() == pytest.approx(read["scale"], rel=1e-4)
        assert row["weight"]["sqnr_db"] > 30
    quantized = QuantizedNetwork(network)
    quantized.set_scales(scales)
    image = torch.from_numpy(plane_clip(0, 1)["im"])[None, None].float()
    near = lambda a, b: ((a - b).square().mean() / b.square().mean()).sqrt() < 0.1  # noqa: E731
    assert all(near(a, b) for a, b in zip(quantized.encode(image), network.encode(image)))


def count_tracked(monkeypatch, interrupt_at: int | None = None) -> list[int]:
    """Counts the images that run from now on; the one of a number is interrupted."""
    count, track = [0], SlidingOdometry.track

    def counting(self, image):
        count[0] += 1
        if count[0] == interrupt_at:
            raise KeyboardInterrupt
        track(self, image)

    monkeypatch.setattr(SlidingOdometry, "track", counting)
    return count


def test_an_interrupted_calibration_goes_on_to_the_same_end(work: Path, monkeypatch):
    folder = work / "run" / "int8"
    with monkeypatch.context() as patched:
        count_tracked(patched, interrupt_at=25)  # in the third of four runs of ten images
        assert calibrate(work) == 130
    assert not (folder / "scales.safetensors").exists()
    with monkeypatch.context() as patched:
        count = count_tracked(patched)
        assert calibrate(work) == 0 and count == [20]
        went_on = (folder / "calibration.json").read_text()
        assert calibrate(work, "--method", "minmax", "--out", str(work / "other")) == 0 and count == [20]
    for damage in (lambda seen: seen.unlink(), lambda seen: seen.write_bytes(b"PK damaged")):
        damage(folder / "calibration_seen.pt")
        with monkeypatch.context() as patched:
            count = count_tracked(patched)
            assert calibrate(work) == 0 and count == [40]
        assert (folder / "calibration.json").read_text() == went_on


def test_what_others_have_seen_counts_for_nothing(work: Path, monkeypatch):
    assert calibrate(work) == 0
    count = count_tracked(monkeypatch)
    assert calibrate(work, "--footage", str(work / "sequences" / "s1")) == 0 and count == [20]
    state = load_checkpoint(work / "run" / "checkpoint.pt")
    state["average"]["update.d.1.bias"] += 1
    save_checkpoint(work / "run" / "checkpoint.pt", state)
    assert calibrate(work, "--footage", str(work / "sequences" / "s1")) == 0 and count == [40]


@pytest.mark.slow
def test_methods_are_compared_on_held_out_clips(work: Path):
    assert calibrate(work, "--method", "minmax", "--measure", "1", "--out", str(work / "other")) == 0
    report = json.loads((work / "other" / "calibration.json").read_text())
    names = {f"{method}/{weights}" for method in ("minmax", "percentile", "mse", "entropy") for weights in ("minmax", "mse")}
    assert report["method"] == "minmax" and report["methods"].keys() == {"float", *names}
    assert all({"features", "flow_px", "epe_px"} <= report["methods"][name].keys() for name in names)


def test_layers_may_stay_in_float(work: Path, network: PatchNetwork):
    write_config(work, float_layers=["update.agg_kk.f", "update.agg_kk.g"])
    assert calibrate(work) == 0
    scales = load_scales(work / "run" / "int8" / "scales.safetensors", network)
    assert len(scales) == 2 * 37 and "update.agg_kk.h.input_scale" in scales and "update.agg_kk.g.input_scale" not in scales


def test_what_layers_read_does_not_depend_on_being_watched(network: PatchNetwork):
    """The corners of two histograms: the image after the stem, the correlation."""
    histograms = collect_histograms(network, [footage()], OPTIONS)
    image = torch.from_numpy(footage().images)[None, :, None].float()
    stem = lambda encoder: encoder.norm(encoder.conv1(2 * image[0] / 255 - 0.5)).relu()  # noqa: E731
    for name, encoder in (("fnet", network.patchify.fnet), ("inet", network.patchify.inet)):
        assert histograms[f"patchify.{name}.layer1.0.conv1"].maximum == pytest.approx(stem(encoder).max().item(), rel=1e-5)
    updates = 2 + 7  # the window of eight frames is full after the eighth
    pairs = 2 * 4**2 + sum(min(n, 8) ** 2 for n in range(5, 12))
    assert updates == OPTIONS.warm + 11 - OPTIONS.start
    assert histograms["update.corr.0"].total == pairs * 4 * 882 and histograms["update.gru.3.gate.0"].total == pairs * 4 * 16


def test_more_scenes_widen_the_range_of_min_max(network: PatchNetwork):
    settings = QuantizeConfig(window=8, patches=4)
    one, two = (collect_ranges(network, [footage(seed) for seed in seeds], "minmax", settings=settings) for seeds in ((0,), (0, 1, 2)))
    inputs = [name for name in one if name.endswith("input_scale")]
    assert all(two[name] >= one[name] for name in inputs) and any(two[name] > one[name] for name in inputs)


def test_scales_are_those_that_a_file_holds(network: PatchNetwork):
    scales = collect_ranges(network, [footage()], "mse", settings=QuantizeConfig(window=8, patches=4))
    assert all(torch.equal(value, rounded(value)) for value in scales.values())


def test_an_empty_set_and_an_unknown_method_are_refused(network: PatchNetwork):
    with pytest.raises(TrainingError, match="empty calibration set"):
        collect_ranges(network, [], "mse")
    with pytest.raises(TrainingError, match="unknown calibration method"):
        collect_ranges(network, [footage()], "largest")


def test_a_dead_layer_is_refused(network: PatchNetwork):
    with torch.no_grad():
        network.update.c1[0].weight.zero_()
        network.update.c1[0].bias.fill_(-1)
    with pytest.raises(TrainingError, match="update.c1.2 read nothing but zeros"):
        collect_ranges(network, [footage()], "mse", settings=QuantizeConfig(window=8, patches=4))


def refusal(work: Path, capsys, *options: str) -> str:
    """The message of a calibration that was refused and has written nothing."""
    before = sorted(work.rglob("*"))
    assert calibrate(work, *options) == 2
    assert sorted(work.rglob("*")) == before
    message = capsys.readouterr().err
    assert message.startswith("qpvo_train: ") and "Traceback" not in message
    return message


def test_wrong_input_is_refused_before_work(work: Path, capsys):
    assert "absent" in refusal(work, capsys, "--footage", str(work / "absent"))
    assert "nothing to calibrate with" in refusal(work, capsys, "--footage", str(work / "run"))
    assert "minmax, percentile, mse, entropy" in refusal(work, capsys, "--method", "largest")
    assert "no checkpoint at" in refusal(work, capsys, "--checkpoint", str(work / "absent.pt"))
    (work / "val").rename(work / "elsewhere")
    assert "no held-out clips" in refusal(work, capsys, "--measure", "1")
    clip = plane_clip(0, 14)
    write_asl(work / "grey", np.full_like(clip["im"], 77), clip["poses"], clip["K"], 20, "a test", {})
    assert "constant" in refusal(work, capsys, "--footage", str(work / "grey"))


@pytest.mark.parametrize(
    ("quantize", "words"),
    [
        ({"methods": "mse"}, "unknown key"),
        ({"method": "median"}, "quantize: method"),
        ({"weights": "entropy"}, "quantize: weights"),
        ({"percentile": 100.0}, "quantize: percentile"),
        ({"frames": 8}, "quantize: frames"),
        ({"window": 2}, "quantize: window"),
        ({"footage": []}, "quantize: footage"),
        ({"runs": 1}, "quantize: runs"),
        ({"float_layers": ["update.d.1"]}, "update.d.1"),
        ({"float_layers": ["update.agg_kk.g"]}, "share an input"),
    ],
)
def test_a_wrong_configuration_is_refused(work: Path, capsys, quantize: dict, words: str):
    write_config(work, **quantize)
    assert words in refusal(work, capsys)
