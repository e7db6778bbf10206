# SPDX-License-Identifier: MIT
"""Held-out metrics are the same for the same network, and bad clips are refused; the matching yardstick finds what is there and nothing else."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from qpvo_train.__main__ import main
from qpvo_train.checkpoint import save_checkpoint, sizes_state
from qpvo_train.errors import TrainingError
from qpvo_train.evaluate import evaluate_clips
from qpvo_train.matching import best_places, matching_shares
from qpvo_train.network import NetworkSizes, PatchNetwork

TINY = NetworkSizes(width=4, feature_dim=8, hidden_dim=16)
CROP = (48, 64)


@pytest.fixture
def network() -> PatchNetwork:
    return PatchNetwork(TINY).eval()


def test_the_same_network_gets_the_same_metrics(network: PatchNetwork, plane_clips: Path):
    first = evaluate_clips(network, plane_clips, 3, CROP)
    torch.rand(5)
    assert evaluate_clips(network, plane_clips, 3, CROP) == first
    assert first["clips"] == 3 and 0 <= first["within_quarter_px"] <= first["within_1px"] <= 1
    assert first["epe_px"] > 0 and first["rotation_error_deg_median"] > 0


def test_a_bundle_adjustment_with_true_flow_is_within_a_pixel(network: PatchNetwork, plane_clips: Path, monkeypatch):
    """The metrics see a good network: here one whose corrections are the truth."""
    from qpvo_train import unroll

    def exact(run, n):
        run.target = run.truth.coords
        run.confidence = run.truth.visible[..., None].float().expand_as(run.target)
        run._adjust()
        return {}

    monkeypatch.setattr(unroll.Unroll, "_iterate", exact)
    good = evaluate_clips(network, plane_clips, 2, CROP)
    assert good["within_1px"] > 0.95 and good["within_quarter_px"] > 0.5 and good["epe_px"] < 0.5


def test_a_missing_folder_and_a_broken_clip_are_refused(network: PatchNetwork, plane_clips: Path, tmp_path: Path):
    with pytest.raises(TrainingError, match=r"no held-out clips\n.*absent"):
        evaluate_clips(network, tmp_path / "absent", 3, CROP)
    shutil.copy(plane_clips / "0.npz", tmp_path)
    (tmp_path / "1.npz").write_bytes(b"broken")
    with pytest.raises(TrainingError, match=r"cannot be used\n.*1\.npz"):
        evaluate_clips(network, tmp_path, 3, CROP)


@pytest.mark.parametrize("count", [0, -1])
def test_a_number_of_clips_that_cannot_be_is_refused(network: PatchNetwork, plane_clips: Path, count: int):
    with pytest.raises(TrainingError, match=f"wrong number of held-out clips\n  expected: 1 or more\n  received: {count}"):
        evaluate_clips(network, plane_clips, count, CROP)


def test_the_best_place_is_that_of_the_largest_product():
    source, target = torch.randn(2, 5, 12, 14)
    centres = torch.tensor([[1.0, 1.0], [12.0, 10.0], [6.0, 4.0]])
    for (x, y), found in zip(centres.int().tolist(), best_places(source, target, centres).int().tolist()):
        patch, padded = source[:, y - 1 : y + 2, x - 1 : x + 2], torch.nn.functional.pad(target, (1, 1, 1, 1))
        scores = {(u, v): float((padded[:, v : v + 3, u : u + 3] * patch).sum()) for u in range(14) for v in range(12)}
        assert tuple(found) == max(scores, key=scores.get)


def sideways_clip(frames: int = 8) -> dict:
    """A wall at depth 2 seen by a camera that moves by 2 grid pixels a frame; the images count the frames."""
    height, width = 64, 96
    poses = np.tile(np.eye(3, 4), (frames, 1, 1))
    poses[:, 0, 3] = -0.2 * np.arange(frames)
    images = np.tile(np.arange(frames, dtype=np.uint8)[:, None, None], (1, height, width))
    return {"im": images, "poses": poses, "inv": np.full((frames, height // 4, width // 4), 0.5), "K": np.array([80.0, 80, 47.5, 31.5])}


def wall_network(shift: int) -> SimpleNamespace:
    """Features of a wall that moves `shift` grid pixels to the left with every frame; as unlike each other as random vectors are."""
    wall = torch.nn.functional.normalize(torch.randn(16, 200, 64), dim=-1)

    def encode(images: torch.Tensor) -> tuple[torch.Tensor, None]:
        n = shift * int(images[0, 0, 0, 0, 0])
        return wall[None, None, :, 50 + n : 74 + n], None

    return SimpleNamespace(encode=encode)


def test_the_yardstick_gives_full_marks_to_features_that_move_with_the_scene():
    shares = matching_shares(wall_network(2), sideways_clip())
    assert shares[1] > 0.99 and shares[3] > 0.99


def test_the_yardstick_gives_none_to_features_that_move_otherwise():
    shares = matching_shares(wall_network(5), sideways_clip())
    assert shares[1] < 0.02 and shares[3] < 0.02


def test_the_command_prints_and_writes_json(plane_clips: Path, tmp_path: Path, capsys, network: PatchNetwork):
    state = {"sizes": sizes_state(TINY), "name": "tiny", "step": 5, "average": network.state_dict(), "network": network.state_dict()}
    save_checkpoint(tmp_path / "checkpoint.pt", state)
    config = tmp_path / "config.yaml"
    config.write_text(f"data: {{ validation: {plane_clips}, crop: [48, 64] }}\n")
    out = tmp_path / "report.json"
    options = ["--checkpoint", str(tmp_path / "checkpoint.pt"), "--clips", "2", "--device", "cpu", "--out", str(out)]
    assert main(["evaluate", "--config", str(config), *options]) == 0
    report = json.loads(out.read_text())
    assert report == json.loads(capsys.readouterr().out)
    assert report["step"] == 5 and report["held_out"] == evaluate_clips(network, plane_clips, 2, CROP)


def test_encoders_alone_leave_nothing_to_measure_without_a_sequence(tmp_path: Path, capsys, network: PatchNetwork):
    torch.save({f"patchify.{name}": value for name, value in network.patchify.state_dict().items()}, tmp_path / "encoders.pt")
    (tmp_path / "config.yaml").write_text("name: tiny\n")
    assert main(["evaluate", "--config", str(tmp_path / "config.yaml"), "--weights", str(tmp_path / "encoders.pt")]) == 2
    assert "nothing to measure" in capsys.readouterr().err
