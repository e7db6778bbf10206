# SPDX-License-Identifier: MIT
"""The frame that stands in for the reference implementation: its pairs, its layers and its geometry are those of the training code, and it can be timed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from qpvo_train import geometry
from qpvo_train.__main__ import main
from qpvo_train.errors import TrainingError
from qpvo_train.network import NetworkSizes, PatchNetwork
from qpvo_train.pair_update import PairUpdate
from qpvo_train.steady_frame import SteadyFrame
from qpvo_train.windows import NAMED_WINDOWS, Windows, parse_windows

SIZES = NetworkSizes(width=4, feature_dim=8, hidden_dim=16)
TINY = Windows(patches=5, removal=4, optimization=2, lifetime=3)


def pairs_by_age(windows: Windows) -> int:
    """Counted as the odometry does: a source of age a has r pairs backward and min(a, r - 1) forward."""
    r = windows.lifetime
    return sum(r + min(age, r - 1) for age in range(windows.removal + 1))


@pytest.mark.parametrize(("name", "count", "frames"), [("default", 497, 35), ("fast", 302, 27)])
def test_the_steady_state_has_the_pairs_of_the_published_windows(name: str, count: int, frames: int):
    windows = NAMED_WINDOWS[name]
    source, target = windows.pairs()
    assert len(source) == count == pairs_by_age(windows) and windows.frames == frames
    assert len({*zip(source.tolist(), target.tolist())}) == count
    assert source.max() == target.max() == frames - 1 and target.min() == 0
    order = source * frames + target
    assert torch.equal(order, order.sort().values)


@pytest.mark.parametrize("text", ["slow", "8/4/3", "0/4/3/2", "8/4/5/2", "8/4/0/2", "8/4/3/0"])
def test_other_windows_are_refused(text: str):
    with pytest.raises(TrainingError, match="--windows"):
        parse_windows(text)


@torch.no_grad()
def test_the_update_over_pairs_is_that_of_the_dense_form_where_all_pairs_are_there():
    """Four frames, all sixteen pairs: other orders of fp32 sums only."""
    count, patches = 4, 3
    network = PatchNetwork(SIZES)
    hidden, context = torch.randn(1, count, count, patches, 16), torch.randn(1, count, patches, 16)
    correlation = torch.randn(1, count, count, patches, SIZES.correlation_columns)
    dense = network.update(hidden, context, correlation)
    source = torch.arange(count).repeat_interleave(count)
    listed = PairUpdate(network.update, source)(hidden[0].flatten(0, 1), context[0], correlation[0].flatten(0, 1))
    for one, other in zip(listed, dense):
        torch.testing.assert_close(one, other[0].flatten(0, 1), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_a_source_sees_nothing_of_the_others():
    """Chains of two and of three targets at once, and each alone."""
    network = PatchNetwork(SIZES)
    source = torch.tensor([0, 0, 1, 1, 1])
    hidden, context, correlation = torch.randn(5, 2, 16), torch.randn(2, 2, 16), torch.randn(5, 2, SIZES.correlation_columns)
    both = PairUpdate(network.update, source)(hidden, context, correlation)
    for which in (0, 1):
        mine = source == which
        alone = PairUpdate(network.update, torch.zeros(int(mine.sum()), dtype=torch.long))(hidden[mine], context[which:][:1], correlation[mine])
        for one, other in zip(alone, both):
            torch.testing.assert_close(one, other[mine], rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_a_frame_has_the_reprojections_and_correlations_of_the_training_code():
    network = PatchNetwork(SIZES)
    frame = SteadyFrame(network, TINY, (64, 48), torch.device("cpu"), half=False)
    for part in frame.parts.values():
        part()
    coords = geometry.transfer_patches(frame.poses, frame.centres, frame.depths, frame.intrinsics, network.offsets)
    torch.testing.assert_close(frame.coords, coords[0, frame.source, frame.target], rtol=1e-5, atol=1e-4)
    features, _ = network.encode(frame.image.expand(TINY.frames, -1, -1, -1, -1).transpose(0, 1).float())
    patches, _ = network.sample(features, torch.zeros(*features.shape[:4], 1), frame.centres)
    rows = network.volume(features, patches).lookup(coords, TINY.frames)
    torch.testing.assert_close(frame.correlation, rows[0, frame.source, frame.target], rtol=1e-3, atol=1e-3)
    poses, depths = frame.result
    assert poses.shape == (1, TINY.frames, 3, 4) and depths.shape == (1, TINY.frames, TINY.patches)
    fixed = TINY.frames - TINY.optimization
    assert torch.equal(poses[:, :fixed], frame.poses[:, :fixed]) and not torch.equal(poses[:, fixed:], frame.poses[:, fixed:])


@torch.inference_mode()
def test_a_frame_in_half_precision_is_near_the_one_in_full():
    """Root mean square below a hundredth of the spread: eleven bits through the layers of an update."""
    network = PatchNetwork(SIZES)
    flows = []
    for half in (False, True):
        torch.manual_seed(3)
        frame = SteadyFrame(network, TINY, (64, 48), torch.device("cpu"), half)
        for part in frame.parts.values():
            part()
        flows.append(frame.flow)
    full, halved = flows
    assert (full - halved).square().mean().sqrt() < 0.01 * full.std()


def run(tmp_path: Path, *options: str) -> int:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"name": "tiny", "sizes": {"width": 4, "feature_dim": 8, "hidden_dim": 16}}))
    return main(["time-frame", "--config", str(tmp_path / "config.yaml"), "--device", "cpu", *options])


def test_the_command_writes_what_it_measured(tmp_path: Path, capsys):
    out = tmp_path / "new" / "folder" / "frame.json"
    assert run(tmp_path, "--windows", "5/4/2/3", "--size", "64x48", "--frames", "3", "--out", str(out)) == 0
    report = json.loads(out.read_text())
    assert report == json.loads(capsys.readouterr().out)
    assert report["kind"] == "pytorch frame" and report["network"] == "tiny" and report["precision"] == "fp32"
    assert report["windows"] == {"patches": 5, "removal": 4, "optimization": 2, "lifetime": 3} and report["size"] == {"width": 64, "height": 48}
    assert report["pairs"] == pairs_by_age(TINY) and report["frames"] == 3 and report["peakDeviceBytes"] is None
    assert report["frameMs"]["p99"] >= report["frameMs"]["p50"] > 0
    assert sum(report["stageMs"].values()) <= 1.5 * report["frameMs"]["p99"] and "correlation" in report["stageMs"]


def test_the_command_needs_no_more_than_pytorch_and_yaml():
    """On a machine with a GPU and little else the other packages are missing."""
    missing = ("cv2", "scipy", "matplotlib", "safetensors", "onnxruntime")
    program = f"import sys; sys.modules.update(dict.fromkeys({missing})); import qpvo_train.commands, qpvo_train.frame_time"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    finished = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize(("option", "value"), [("--size", "60x48"), ("--size", "752"), ("--size", "32x32"), ("--windows", "huge"), ("--frames", "0")])
def test_what_cannot_be_timed_is_refused(tmp_path: Path, capsys, option: str, value: str):
    assert run(tmp_path, option, value) == 2
    assert option in capsys.readouterr().err
