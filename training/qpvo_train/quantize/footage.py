# SPDX-License-Identifier: MIT
"""Images to calibrate with: runs of consecutive frames spread evenly over whole sequences, of all scenes that there are.

A folder is told by its content: an ASL / EuRoC sequence (mav0/cam0), a TartanAir sequence (image_left), rendered clips (*.npz), or a folder of these.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import yaml

from ..clips import read_clip
from ..errors import TrainingError
from ..tartanair import INTRINSICS, list_frames

SIDE = 16  # images are cut to multiples of it, at the bottom and on the right, as in the product
LEAST_CONTRAST = 2  # grey levels between the darkest and the brightest pixel; below, a run of frames shows nothing
ADVICE = "Give sequences of the scenes in which the network will run: quantize: footage, or --footage."


@dataclass(frozen=True)
class Footage:
    """images uint8 [n, h, w], sides multiples of 16; intrinsics fx fy cx cy in their pixels; frames first .. first + n - 1 of `total`."""

    name: str
    images: np.ndarray
    intrinsics: np.ndarray
    first: int
    total: int


def read_footage(folders: list[str | Path], runs: int, frames: int, clips: int) -> list[Footage]:
    """`runs` runs of `frames` frames of every sequence, and `clips` clips of every folder of clips, spread over its files.

    Raises TrainingError for a folder that is missing or holds nothing of the kind, a sequence that is too short, unreadable images, images of different
    sizes, and runs that show nothing or always the same.
    """
    found = [footage for folder in folders for footage in _folder(Path(folder), runs, frames, clips)]
    if not found:
        raise TrainingError("an empty calibration set", expected="sequences or clips", received="none", advice=ADVICE)
    for footage in found:
        _check(footage)
    return found


def _folder(folder: Path, runs: int, frames: int, clips: int) -> Iterator[Footage]:
    if not folder.is_dir():
        raise TrainingError("calibration folder missing", expected="a folder of sequences or clips", received=folder, advice=ADVICE)
    files = sorted(folder.glob("[!.]*.npz"))
    sequences = [path for path in (folder, *sorted(folder.iterdir())) if _reader(path) is not None]
    if not files and not sequences:
        expected = "mav0/cam0, image_left, *.npz, or folders with these"
        raise TrainingError("nothing to calibrate with", expected=expected, received=f"{folder}: none of them", advice=ADVICE)
    chosen = np.unique(np.linspace(0, len(files) - 1, clips).round().astype(int)) if files and clips else []
    for index in chosen:
        yield _clip(files[index])
    for path in sequences:
        yield from _runs(path, runs, frames)


def _reader(folder: Path):
    if (folder / "mav0" / "cam0").is_dir():
        return _asl
    return _tartanair if (folder / "image_left").is_dir() else None


def _runs(folder: Path, runs: int, frames: int) -> Iterator[Footage]:
    images, intrinsics, resolution, distortion = _reader(folder)(folder)
    if len(images) < frames:
        raise TrainingError("a calibration sequence is too short", expected=f"{frames} frames", received=f"{folder}: {len(images)}", advice=ADVICE)
    for first in np.unique(np.linspace(0, len(images) - frames, runs).round().astype(int)):
        loaded = [_image(path) for path in images[first : first + frames]]
        _check_sizes(folder, loaded, resolution)
        straight = [_undistorted(image, intrinsics, distortion) for image in loaded]
        yield _cut(folder.name, np.stack(straight), np.array(intrinsics, float), int(first), len(images))


def _asl(folder: Path) -> tuple[list[Path], list[float], tuple[int, int] | None, list[float]]:
    """Images in the order of time, intrinsics, (width, height), distortion k1 k2 p1 p2."""
    camera = folder / "mav0" / "cam0"
    try:
        about = yaml.safe_load((camera / "sensor.yaml").read_text())
        with (camera / "data.csv").open() as file:
            names = [row[1].strip() for row in csv.reader(file) if row and not row[0].startswith("#")]
        intrinsics, resolution = [float(v) for v in about["intrinsics"]], tuple(int(v) for v in about["resolution"])
        model, distortion = about.get("distortion_model", "none"), [float(v) for v in about.get("distortion_coefficients") or []]
    except (OSError, yaml.YAMLError, KeyError, IndexError, TypeError, ValueError) as error:
        expected = "mav0/cam0 with sensor.yaml and data.csv"
        raise TrainingError("not an ASL sequence", expected=expected, received=f"{folder}: {error!r}", advice=ADVICE) from None
    if model not in ("none", "radial-tangential", "radtan", "plumb_bob") or len(intrinsics) != 4:
        expected = "a pinhole with or without radial-tangential distortion"
        raise TrainingError("a camera that calibration cannot use", expected=expected, received=f"{folder}: {model}")
    return [camera / "data" / name for name in names], intrinsics, resolution, distortion


def _tartanair(folder: Path) -> tuple[list[Path], list[float], tuple[int, int] | None, list[float]]:
    return list_frames(folder)[0], list(INTRINSICS), None, []


def _image(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise TrainingError("a calibration image cannot be read", expected="an image", received=path)
    return image


def _check_sizes(folder: Path, images: list[np.ndarray], resolution: tuple[int, int] | None) -> None:
    width, height = resolution or images[0].shape[::-1]
    other = next((image.shape for image in images if image.shape != (height, width)), None)
    if other is not None:
        expected = f"{width} x {height}, as {'sensor.yaml says' if resolution else 'the first one is'}"
        raise TrainingError("calibration images of different sizes", expected=expected, received=f"{folder}: {other[1]} x {other[0]}", advice=ADVICE)


def _undistorted(image: np.ndarray, intrinsics: list[float], distortion: list[float]) -> np.ndarray:
    if not any(distortion):
        return image
    fx, fy, cx, cy = intrinsics
    return cv2.undistort(image, np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]]), np.array(distortion))


def _clip(path: Path) -> Footage:
    try:
        clip = read_clip(path)
    except ValueError as error:
        raise TrainingError("a clip cannot be used", received=error, advice="Remove the file and render it again.") from None
    return _cut(path.stem, clip["im"], np.asarray(clip["K"], float), 0, len(clip["im"]))


def _cut(name: str, images: np.ndarray, intrinsics: np.ndarray, first: int, total: int) -> Footage:
    height, width = (side // SIDE * SIDE for side in images.shape[1:])
    return Footage(name, images[:, :height, :width], intrinsics, first, total)


def _check(footage: Footage) -> None:
    images = footage.images
    place = f"{footage.name}, frames {footage.first} to {footage.first + len(images) - 1}"
    if min(images.shape[1:]) < 2 * SIDE:
        expected = f"sides of {2 * SIDE} pixels or more"
        raise TrainingError("calibration images too small", expected=expected, received=f"{place}: {images.shape[1:]}", advice=ADVICE)
    contrast = max(int(image.max()) - int(image.min()) for image in images)
    if contrast < LEAST_CONTRAST:
        raise TrainingError("a constant calibration set", expected="images that show something", received=f"{place}: one grey level", advice=ADVICE)
    if len(images) > 1 and all(np.array_equal(image, images[0]) for image in images[1:]):
        raise TrainingError("a constant calibration set", expected="images that differ", received=f"{place}: all the same", advice=ADVICE)
