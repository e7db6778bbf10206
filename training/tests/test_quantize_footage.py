# SPDX-License-Identifier: MIT
"""Calibration images: spread over whole sequences, told by their content, and refused when they cannot be used."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from qpvo_train.errors import TrainingError
from qpvo_train.quantize.footage import read_footage
from qpvo_train.render.asl import write_asl

RNG = np.random.default_rng(0)


def frames_of(count: int, height: int = 48, width: int = 64) -> np.ndarray:
    """Images that tell their number: the first pixel."""
    images = RNG.integers(0, 255, (count, height, width), dtype=np.uint8)
    images[:, 0, 0] = np.arange(count)
    return images


def write_sequence(folder: Path, images: np.ndarray) -> Path:
    poses = np.tile(np.eye(4)[:3], (len(images), 1, 1))
    write_asl(folder, images, poses, (50.0, 51, 31, 23), 20, "a test", {})
    return folder


def test_runs_are_spread_over_the_whole_sequence(tmp_path: Path):
    write_sequence(tmp_path / "all" / "walk", frames_of(100))
    write_sequence(tmp_path / "all" / "dark", frames_of(20))
    found = read_footage([tmp_path / "all"], runs=3, frames=10, clips=5)
    dark, walk = ([(name, first, total) for first in starts] for name, total, starts in (("dark", 20, (0, 5, 10)), ("walk", 100, (0, 45, 90))))
    assert [(f.name, f.first, f.total) for f in found] == dark + walk
    for footage in found:
        assert footage.images.shape == (10, 48, 64) and footage.images[:, 0, 0].tolist() == list(range(footage.first, footage.first + 10))
        assert footage.intrinsics.tolist() == [50, 51, 31, 23]


def test_a_sequence_may_be_named_itself_and_sides_are_cut_to_multiples_of_16(tmp_path: Path):
    found = read_footage([write_sequence(tmp_path / "walk", frames_of(9, 50, 79))], runs=1, frames=9, clips=1)
    assert [f.images.shape for f in found] == [(9, 48, 64)]


def test_clips_are_spread_over_the_files(tmp_path: Path):
    for n in range(9):
        poses, inverse = np.tile(np.eye(4)[:3], (4, 1, 1)), np.ones((4, 12, 16), np.float32)
        np.savez(tmp_path / f"{n}.npz", im=frames_of(4), poses=poses, inv=inverse, K=np.array([50.0, 50, 31, 23]))
    assert [f.name for f in read_footage([tmp_path], runs=1, frames=30, clips=3)] == ["0", "4", "8"]
    assert len(read_footage([tmp_path], runs=1, frames=30, clips=50)) == 9


def test_tartanair_sequences_are_read(tmp_path: Path):
    for name in ("image_left", "depth_left"):
        (tmp_path / "house" / name).mkdir(parents=True)
    for n in range(5):
        cv2.imwrite(str(tmp_path / "house" / "image_left" / f"{n:06d}_left.png"), frames_of(6)[n])
        np.save(tmp_path / "house" / "depth_left" / f"{n:06d}_left_depth.npy", np.ones((48, 64), np.float32))
    (tmp_path / "house" / "pose_left.txt").write_text("0 0 0 0 0 0 1\n" * 5)
    found = read_footage([tmp_path], runs=1, frames=5, clips=1)
    assert [(f.name, f.total) for f in found] == [("house", 5)] and found[0].intrinsics.tolist() == [320, 320, 320, 240]


def test_distortion_is_taken_out(tmp_path: Path):
    images = np.repeat(np.repeat(RNG.integers(0, 255, (3, 6, 8), dtype=np.uint8), 8, 1), 8, 2)
    folder = write_sequence(tmp_path / "walk", images)
    sensor = folder / "mav0" / "cam0" / "sensor.yaml"
    text = sensor.read_text().replace("coefficients: []", "coefficients: [-0.3, 0.1, 0, 0]")
    sensor.write_text(text.replace("distortion_model: none", "distortion_model: radial-tangential"))
    found = read_footage([folder], runs=1, frames=3, clips=1)[0].images
    assert not np.array_equal(found, images) and abs(int(found[0, 23, 31]) - int(images[0, 23, 31])) < 4
    sensor.write_text(text.replace("distortion_model: none", "distortion_model: equidistant"))
    assert "equidistant" in refusal([folder])


def refusal(folders: list, frames: int = 3) -> str:
    with pytest.raises(TrainingError) as caught:
        read_footage(folders, runs=1, frames=frames, clips=2)
    return str(caught.value)


def test_an_empty_set_is_refused(tmp_path: Path):
    assert "nothing to calibrate with" in refusal([tmp_path])
    assert "an empty calibration set" in refusal([])
    assert "absent" in refusal([tmp_path / "absent"])


def test_a_short_sequence_is_refused(tmp_path: Path):
    message = refusal([write_sequence(tmp_path / "walk", frames_of(5))], frames=6)
    assert "expected: 6 frames" in message and "walk: 5" in message


def test_a_constant_set_is_refused(tmp_path: Path):
    grey = np.full((4, 48, 64), 90, np.uint8)
    assert "one grey level" in refusal([write_sequence(tmp_path / "grey", grey)])
    assert "all the same" in refusal([write_sequence(tmp_path / "still", np.repeat(frames_of(1), 4, 0))])


def test_images_of_another_size_are_refused(tmp_path: Path):
    folder = write_sequence(tmp_path / "walk", frames_of(4))
    image = sorted((folder / "mav0" / "cam0" / "data").iterdir())[2]
    cv2.imwrite(str(image), frames_of(1, 48, 80)[0])
    message = refusal([folder])
    assert "64 x 48, as sensor.yaml says" in message and "80 x 48" in message
    assert "too small" in refusal([write_sequence(tmp_path / "tiny", frames_of(4, 16, 64))])


def test_unreadable_files_are_refused(tmp_path: Path):
    folder = write_sequence(tmp_path / "walk", frames_of(4))
    image = sorted((folder / "mav0" / "cam0" / "data").iterdir())[1]
    image.write_bytes(b"nothing")
    assert str(image) in refusal([folder])
    (folder / "mav0" / "cam0" / "sensor.yaml").write_text("rate_hz: 20\n")
    assert "not an ASL sequence" in refusal([folder])
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "1.npz").write_bytes(b"nothing")
    assert "1.npz" in refusal([tmp_path / "clips"])
