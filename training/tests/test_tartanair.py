# SPDX-License-Identifier: MIT
"""TartanAir-format sequences: the recording beside the project when it is there, and a small one that the test writes."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from qpvo_train.clips import load_sample
from qpvo_train.errors import TrainingError
from qpvo_train.render.flow import flow, mean_flow
from qpvo_train.tartanair import list_frames, read_poses, to_clips, write_clips

RECORDING = Path(__file__).parents[3] / "shared/data/tartanair_201"
recorded = pytest.mark.skipif(not RECORDING.is_dir(), reason=f"recording absent: {RECORDING}")


@pytest.fixture
def small(tmp_path):
    """Six frames of 64 x 32 that look at a wall 4 m ahead (its world: x forward) and move 0.1 m forward each."""
    rng = np.random.default_rng(0)
    for name in ("image_left", "depth_left"):
        (tmp_path / name).mkdir()
    for k in range(6):
        cv2.imwrite(str(tmp_path / f"image_left/{k:06d}.png"), rng.integers(0, 255, (32, 64), np.uint8))
        cv2.imwrite(str(tmp_path / f"depth_left/{k:06d}.png"), np.full((32, 64), round(16384 / (4 - 0.1 * k)), np.uint16))
    np.savetxt(tmp_path / "pose_left.txt", [[1 + 0.1 * k, 2, 3, 0, 0, 0, 1] for k in range(6)])
    return tmp_path


def test_forward_in_ned_is_along_the_optical_axis(small):
    poses = read_poses(small / "pose_left.txt")
    np.testing.assert_allclose(poses[:, :, :3], np.broadcast_to(np.eye(3), (6, 3, 3)), atol=1e-12)
    np.testing.assert_allclose(poses[3, :, 3] - poses[0, :, 3], [0, 0, -0.3], atol=1e-12)


def test_clips_have_the_depth_of_the_file(small):
    clips = list(to_clips(small, frames=4, step=2, shrink=1))
    assert len(clips) == 2
    np.testing.assert_allclose(1 / clips[0]["inv"][3], 3.7, rtol=1e-3)
    assert clips[0]["im"].shape == (4, 32, 64) and clips[0]["inv"].shape == (4, 8, 16)


def test_depth_as_npy_is_read(small):
    for path in (small / "depth_left").glob("*.png"):
        np.save(path.with_name(path.stem + "_left_depth.npy"), np.full((32, 64), 5.0, np.float32))
        path.unlink()
    np.testing.assert_allclose(next(to_clips(small, frames=4, shrink=2))["inv"], 0.2)


def test_written_clips_are_samples(small):
    assert write_clips(small, small / "clips", frames=4, step=2, shrink=1) == 2
    sample = load_sample(sorted((small / "clips").glob("*.npz"))[0], frames=4, crop=(32, 64), augment=False)
    assert sample["images"].shape == (4, 1, 32, 64)


def test_what_is_missing_is_said(small, tmp_path):
    with pytest.raises(TrainingError, match="folder missing"):
        list_frames(tmp_path / "none")
    next((small / "depth_left").iterdir()).unlink()
    with pytest.raises(TrainingError, match="6 images, 5 depths, 6 poses"):
        list_frames(small)
    (small / "pose_left.txt").write_text("1 2 3\n")
    with pytest.raises(TrainingError, match="7 finite numbers"):
        list_frames(small)
    (small / "pose_left.txt").unlink()
    with pytest.raises(TrainingError, match="poses missing"):
        list_frames(small)


@recorded
def test_the_recording_agrees_with_reprojection():
    """The true flow explains the next image: better than flow off by 0.75 px in any direction, and far better than none."""
    ratios, closer = [], 0
    for clip in to_clips(RECORDING, frames=2, step=25, shrink=2):
        im = [cv2.GaussianBlur(i.astype(np.float32), (0, 0), 0.6) for i in clip["im"]]
        f = flow(clip["inv"][0], *clip["poses"], clip["K"], 4)
        y, x = np.mgrid[:60, :80] * 4.0

        def misfit(dx, dy):
            there = cv2.remap(im[1], (x + dx).astype(np.float32), (y + dy).astype(np.float32), cv2.INTER_LINEAR)
            return np.median(np.abs(there - im[0][::4, ::4])[3:-3, 3:-3])

        true = misfit(f[0], f[1])
        ratios.append(true / misfit(0, 0))
        closer += all(true < misfit(f[0] + dx, f[1] + dy) for dx, dy in [(0.75, 0), (-0.75, 0), (0, 0.75), (0, -0.75)])
    assert len(ratios) == 8 and np.median(ratios) < 0.4 and closer >= 6


@recorded
def test_the_recording_has_motion_to_learn_from():
    flows = [mean_flow(c["inv"][0], *c["poses"], c["K"], 4) for c in to_clips(RECORDING, frames=2, step=20, shrink=2)]
    assert 1 < np.median(flows) < 40
