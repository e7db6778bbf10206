# SPDX-License-Identifier: MIT
"""TartanAir-format sequences: the recording beside the project when it is there, and a small one that the test writes."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from qpvo_train.clips import clip_size, load_sample
from qpvo_train.errors import TrainingError
from qpvo_train.render.flow import flow, mean_flow
from qpvo_train.tartanair import check_sequence, list_frames, read_poses, sequence_name, to_clips, write_clips

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


def test_clips_that_were_cut_before_are_replaced(small):
    for name in ("kept.npz", f"{sequence_name(small / 'other')}-00003.npz"):
        (small / "clips").mkdir(exist_ok=True)
        (small / "clips" / name).write_bytes(b"")
    assert write_clips(small, small / "clips", frames=2, step=2, shrink=1) == 3
    assert write_clips(small, small / "clips", frames=4, step=2, shrink=1) == 2
    assert {clip_size(path)[0] for path in (small / "clips").glob(f"{sequence_name(small)}-*")} == {4}
    assert len(list((small / "clips").iterdir())) == 4


def test_sequences_with_the_same_last_folder_keep_their_clips_apart(small, tmp_path):
    folders = [tmp_path / "env_a/P001", tmp_path / "env_b/P001"]
    for folder in folders:
        folder.mkdir(parents=True)
        for part in ("image_left", "depth_left", "pose_left.txt"):
            (folder / part).symlink_to(small / part)
        assert write_clips(folder, tmp_path / "clips", frames=4, step=2, shrink=1) == 2
    assert len(list((tmp_path / "clips").iterdir())) == 4
    assert sequence_name(folders[0]) == sequence_name(tmp_path / "env_b/../env_a/P001") != sequence_name(folders[1])


def test_what_is_missing_is_said(small, tmp_path):
    with pytest.raises(TrainingError, match="folder missing"):
        list_frames(tmp_path / "none")
    (small / "depth_left/000002.png").unlink()
    with pytest.raises(TrainingError, match="frame 000002 has no depth .6 images, 5 depths, 6 poses"):
        list_frames(small)
    (small / "pose_left.txt").write_text("1 2 3\n")
    with pytest.raises(TrainingError, match="7 finite numbers"):
        list_frames(small)
    (small / "pose_left.txt").unlink()
    with pytest.raises(TrainingError, match="poses missing"):
        list_frames(small)


def test_frames_are_paired_by_number(small):
    (small / "image_left/000001.png").unlink()
    (small / "depth_left/000004.png").unlink()
    with pytest.raises(TrainingError, match="frame 000001 has no image, frame 000004 has no depth"):
        list_frames(small)
    (small / "image_left/000004.png").unlink()
    (small / "depth_left/000001.png").unlink()
    images, depths, poses = list_frames(small)
    assert [p.name for p in images] == [p.name for p in depths] == [f"{k:06d}.png" for k in (0, 2, 3, 5)]
    np.testing.assert_allclose(poses[:, 2, 3] - poses[0, 2, 3], [0, -0.2, -0.3, -0.5], atol=1e-12)


def test_a_frame_without_pose_is_named(small):
    np.savetxt(small / "pose_left.txt", [[0, 0, 0, 0, 0, 0, 1]] * 4)
    with pytest.raises(TrainingError, match="frame 000004 has no pose"):
        list_frames(small)


@pytest.mark.parametrize("name", ["preview.png", "000003_again.png"])
def test_a_file_without_a_frame_of_its_own_is_refused(small, name):
    (small / "image_left" / name).write_bytes(b"")
    with pytest.raises(TrainingError, match=f"one file a frame.*\n.*{name}"):
        list_frames(small)


@pytest.mark.parametrize(
    ("line", "what"), [("1 2 3 0 0 0 one", "poses unreadable.*\n.*7 finite numbers a line"), ("1 2 3 0 0 0 0", "without rotation.*\n.*\n.*line 6")]
)
def test_poses_that_are_none_are_refused(small, line, what):
    lines = (small / "pose_left.txt").read_text().splitlines()
    (small / "pose_left.txt").write_text("\n".join([*lines[:5], line]))
    with pytest.raises(TrainingError, match=what):
        read_poses(small / "pose_left.txt")


def test_the_images_are_shrunk_as_far_as_the_crop_allows(small):
    assert check_sequence(small, 6, (16, 32)) == 2 and check_sequence(small, 6, (32, 32)) == 1
    with pytest.raises(TrainingError, match="images too small\n.*crop = .48, 64."):
        check_sequence(small, 6, (48, 64))


def test_a_sequence_shorter_than_a_clip_is_refused(small):
    with pytest.raises(TrainingError, match="too short\n  expected: 7 frames.*\n  received: .*: 6"):
        check_sequence(small, 7, (16, 32))


@pytest.mark.parametrize(("name", "dtype", "what"), [("depth_left", np.uint16, "depth of another size"), ("image_left", np.uint8, "images of different sizes")])
def test_every_frame_has_the_same_size(small, name, dtype, what):
    cv2.imwrite(str(small / name / "000005.png"), np.ones((16, 32), dtype))
    with pytest.raises(TrainingError, match=f"{what}\n.*\n.*000005.png: .16, 32."):
        check_sequence(small, 6, (16, 32))
    with pytest.raises(TrainingError, match=what):
        list(to_clips(small, frames=6))


@pytest.mark.parametrize(("name", "what"), [("depth_left/000001.png", "depth unreadable"), ("image_left/000001.png", "image unreadable")])
def test_an_unreadable_file_is_named(small, name, what):
    (small / name).write_bytes(b"no image")
    with pytest.raises(TrainingError, match=f"{what}\n.*\n.*{name}"):
        next(to_clips(small, frames=4, shrink=1))


def test_an_unreadable_npy_is_named(small):
    (small / "depth_left/000001.png").unlink()
    (small / "depth_left/000001_left_depth.npy").write_bytes(b"no array")
    with pytest.raises(TrainingError, match="depth unreadable\n.*\n.*000001_left_depth.npy"):
        next(to_clips(small, frames=4, shrink=1))


def test_a_depth_of_zero_or_less_is_none(small):
    depth = np.full((32, 64), 5.0, np.float32)
    depth[:8], depth[8:16], depth[16:20] = 0, -2, np.inf
    for path in (small / "depth_left").glob("*.png"):
        np.save(path.with_suffix(".npy"), depth)
        path.unlink()
    inv = next(to_clips(small, frames=4, shrink=1))["inv"]
    assert (inv[:, :5] == 0).all() and (inv[:, 5:] == np.float32(0.2)).all()


def test_the_optical_axis_is_that_of_the_data_set(small):
    np.testing.assert_allclose(next(to_clips(small, frames=2, shrink=1))["K"], [320, 320, 320, 240])
    np.testing.assert_allclose(next(to_clips(small, frames=2, shrink=2))["K"], [160, 160, 159.75, 119.75])


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
