# SPDX-License-Identifier: MIT
"""Long sequences: the ASL folder and its exact ground truth, and what the held-out presets promise."""

import json
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import yaml
from scipy.spatial.transform import Rotation
from small_bank import small_bank

from qpvo_train.errors import TrainingError
from qpvo_train.render.asl import UP, camera_poses, write_asl
from qpvo_train.render.flow import rotation_degrees, steps
from qpvo_train.render.sequence import DEMO, FAST_ROTATION, HELD_OUT, plan_sequence, render_sequences

SMALL = replace(HELD_OUT[3], frames=48, width=128, height=96)


def rows(path):
    return [line.split(",") for line in path.read_text().splitlines() if not line.startswith("#")]


def test_the_folder_holds_images_and_their_exact_poses(tmp_path):
    (folder,) = render_sequences(tmp_path, [SMALL], small_bank(), report=lambda line: None)
    plan = plan_sequence(SMALL, small_bank())
    frames, truth = rows(folder / "mav0/cam0/data.csv"), rows(folder / "mav0/state_groundtruth_estimate0/data.csv")
    assert len(frames) == len(truth) == 48
    assert [f[0] for f in frames] == [t[0] for t in truth]
    assert {int(b[0]) - int(a[0]) for a, b in zip(frames, frames[1:])} == {50_000_000}
    assert all(cv2.imread(str(folder / "mav0/cam0/data" / name), 0).shape == (96, 128) for _, name in frames)
    for k in (0, 17, 47):
        numbers = np.array(truth[k][1:8], float)
        R = Rotation.from_quat(numbers[[4, 5, 6, 3]]).as_matrix()
        camera_world = R.T @ UP
        np.testing.assert_allclose(camera_world, plan.poses[k, :, :3], atol=1e-7)
        np.testing.assert_allclose(-R.T @ numbers[:3], plan.poses[k, :, 3], atol=1e-7)
    meta = json.loads((folder / "meta.json").read_text())
    assert meta["frames"] == 48 and 0.1 < meta["median_depth_m"] < 20
    assert "distortion_model: none" in (folder / "mav0/cam0/sensor.yaml").read_text()


def test_a_lens_is_in_the_images_and_in_the_camera(tmp_path):
    """The JPEG images, undistorted by OpenCV with what the camera's file says, are those of the pinhole camera."""
    pinhole = replace(SMALL, frames=30)
    lens = replace(pinhole, name="lens", distortion=(-0.3, 0.1, 0.001, -0.002), jpeg=95)
    straight, bent = render_sequences(tmp_path, [pinhole, lens], small_bank(), report=lambda line: None)
    camera = yaml.safe_load((bent / "mav0/cam0/sensor.yaml").read_text())
    assert (camera["distortion_model"], tuple(camera["distortion_coefficients"])) == ("radial-tangential", lens.distortion)
    fx, fy, cx, cy = camera["intrinsics"]
    for (_, png), (_, jpg) in list(zip(rows(straight / "mav0/cam0/data.csv"), rows(bent / "mav0/cam0/data.csv"), strict=True))[::10]:
        image, wanted = cv2.imread(str(bent / "mav0/cam0/data" / jpg), 0), cv2.imread(str(straight / "mav0/cam0/data" / png), 0)
        undone = cv2.undistort(image, np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), np.array(lens.distortion))
        likeness = [np.corrcoef(seen[8:-8, 8:-8].ravel(), wanted[8:-8, 8:-8].ravel())[0, 1] for seen in (undone, image)]
        assert likeness[0] > 0.95 and 1 - likeness[0] < 0.3 * (1 - likeness[1])


def test_a_demo_moves_from_the_first_frame_on_and_turns_slowly(monkeypatch):
    """What is planned depends on how many textures there are, not on what is on them."""
    (spec,) = DEMO
    monkeypatch.setattr("qpvo_train.render.sequence._textured", lambda *_: True)
    plan = plan_sequence(spec, SimpleNamespace(count=192))
    assert len(plan.poses) == spec.frames and rotation_degrees(plan.poses).max() < 3 and steps(plan.poses).min() * spec.rate > 0.3


def test_finished_sequences_are_kept_and_seeds_decide(tmp_path):
    short = replace(SMALL, frames=30)
    render_sequences(tmp_path / "a", [short], small_bank(), report=lambda line: None)
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "a").rglob("*")}
    render_sequences(tmp_path / "a", [short], small_bank(), report=lambda line: None)
    assert before == {p: p.stat().st_mtime_ns for p in (tmp_path / "a").rglob("*")}
    render_sequences(tmp_path / "b", [short], small_bank(), report=lambda line: None)
    files = [sorted((tmp_path / name).rglob("*.png")) for name in "ab"]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(*files, strict=True))


def test_the_world_of_the_file_has_z_up():
    R, up = np.eye(3), np.array([0, -1.0, 0])
    poses = np.concatenate([R, -(R @ up)[:, None]], 1)[None]
    position, _ = camera_poses(poses)
    np.testing.assert_allclose(position[0], [0, 0, 1])


def test_a_broken_write_leaves_no_folder(tmp_path):
    with pytest.raises(IndexError):
        write_asl(tmp_path / "x", np.zeros((2, 16, 16), np.uint8), np.zeros((1, 3, 4)), (1, 1), 20, "", {})
    assert not (tmp_path / "x").exists()


def test_a_folder_without_its_description_is_never_seen(tmp_path):
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_asl(tmp_path / "x", np.zeros((2, 16, 16), np.uint8), np.tile(np.eye(3, 4), (2, 1, 1)), (1, 1, 0, 0), 20, "", {"depth": object()})
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("spec", HELD_OUT, ids=lambda s: s.name)
def test_held_out_sequences_keep_their_promise(spec):
    plan = plan_sequence(spec, small_bank())
    degrees, lengths = rotation_degrees(plan.poses), steps(plan.poses)
    assert len(plan.poses) == 300 and degrees.max() < 9
    assert lengths[:24].sum() > 0.12 * plan.depth
    if spec.still:
        first, last = spec.still
        standing = slice(first + 8, last - 8)
        assert (last - first - 16) / spec.rate >= 10 and lengths[standing].max() < 1e-9 and degrees[standing].max() < 1e-4
    if spec.turning:
        assert lengths[spec.turning[0] + 8 : spec.turning[1] - 8].max() < 1e-9 and degrees[slice(*spec.turning)].sum() > 15
    if spec.fast:
        assert np.quantile(degrees[spec.fast[0] + 20 : spec.fast[1] - 20], 0.75) * spec.rate > 100


@pytest.mark.parametrize("spec", FAST_ROTATION, ids=lambda s: s.name)
def test_the_fast_set_turns_by_more_than_100_degrees_a_second_most_of_the_time(spec):
    rates = rotation_degrees(plan_sequence(spec, small_bank()).poses) * spec.rate
    assert (rates > 100).mean() > 0.5 and rates.max() <= 8.5 * spec.rate
    within = rates[spec.fast[0] + 20 : spec.fast[1] - 20]
    assert np.median(within) == pytest.approx(spec.held, rel=0.02)


def test_held_out_seeds_are_apart_from_those_of_training():
    assert len({s.seed for s in HELD_OUT}) == len({s.name for s in HELD_OUT}) == 10
    assert all(910_000 <= s.seed < 1_000_000 for s in HELD_OUT)


def test_an_impossible_spec_is_refused(monkeypatch):
    monkeypatch.setattr("qpvo_train.render.sequence.ATTEMPTS", 5)
    with pytest.raises(TrainingError, match="no sequence for"):
        plan_sequence(replace(SMALL, kind="pure_rotation", name="impossible"), small_bank())
