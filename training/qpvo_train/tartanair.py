# SPDX-License-Identifier: MIT
"""TartanAir-format sequences (images, depth, poses) as clips.

A folder holds image_left/, depth_left/ and pose_left.txt (x y z qx qy qz qw, world NED, camera x forward, y right, z down). Depth is
either .npy (float32 metres) or 16-bit .png with round(16384 / depth in metres), 0 meaning very far.
Source: W. Wang et al., TartanAir: A Dataset to Push the Limits of Visual SLAM, IROS 2020.
"""

import hashlib
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from .errors import TrainingError
from .render.clip import save_clip

PNG_SCALE = 16384.0
INTRINSICS = (320.0, 320.0, 320.0, 240.0)  # of all images, 640 x 480
# Camera or world of this project (x right, y down, z forward) -> NED.
NED = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
LEAST_QUATERNION = 1e-3  # length; it is brought to 1
ADVICE = "The folder must hold image_left/, depth_left/ (000000*.png, ...) and pose_left.txt, as in TartanAir."


def read_poses(path) -> np.ndarray:
    """World -> camera [n, 3, 4] float64 (x right, y down, z forward) from a TartanAir pose file. Raises TrainingError."""
    path = Path(path)
    if not path.is_file():
        raise TrainingError("TartanAir poses missing", expected="pose_left.txt", received=str(path), advice=ADVICE)
    try:
        rows = np.loadtxt(path, ndmin=2)
    except ValueError as error:
        raise TrainingError("TartanAir poses unreadable", expected="7 finite numbers a line", received=f"{path}: {error}", advice=ADVICE) from None
    if rows.shape[1] != 7 or not np.isfinite(rows).all():
        raise TrainingError("TartanAir poses unreadable", expected="7 finite numbers a line", received=f"{path}: {rows.shape[1]} columns", advice=ADVICE)
    lengths = np.linalg.norm(rows[:, 3:], axis=1)
    if (lengths < LEAST_QUATERNION).any():
        received = f"{path}, line {lengths.argmin() + 1}: {rows[lengths.argmin(), 3:]}"
        raise TrainingError("TartanAir pose without rotation", expected="a quaternion qx qy qz qw, not zero", received=received, advice=ADVICE)
    R = NED.T @ Rotation.from_quat(rows[:, 3:]).as_matrix() @ NED
    camera_world = R.transpose(0, 2, 1)
    return np.concatenate([camera_world, -camera_world @ (rows[:, :3] @ NED)[:, :, None]], -1)


def list_frames(folder) -> tuple[list[Path], list[Path], np.ndarray]:
    """Images, depth files and poses of a sequence folder. File names begin with six digits, the frame number; line k of the poses is of frame k.

    Raises TrainingError when something is missing, naming the frame.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise TrainingError("TartanAir folder missing", expected="a sequence folder", received=str(folder), advice=ADVICE)
    poses = read_poses(folder / "pose_left.txt")
    images = _by_frame(folder / "image_left", (".png", ".jpg", ".jpeg"))
    depths = _by_frame(folder / "depth_left", (".png", ".npy"))
    lacks = {"image": depths.keys() - images.keys(), "depth": images.keys() - depths.keys(), "pose": {k for k in images if k >= len(poses)}}
    received = [f"frame {min(frames):06d} has no {what}" for what, frames in lacks.items() if frames]
    if received or not images:
        received = f"{folder}: {', '.join(received) or 'no frame'} ({len(images)} images, {len(depths)} depths, {len(poses)} poses)"
        raise TrainingError("TartanAir sequence incomplete", expected="an image, a depth and a pose a frame", received=received, advice=ADVICE)
    frames = sorted(images)
    return [images[k] for k in frames], [depths[k] for k in frames], poses[frames]


def _by_frame(folder: Path, suffixes: tuple[str, ...]) -> dict[int, Path]:
    """The files of a folder by frame number. Raises TrainingError for a name without one and for two files of a frame."""
    files = {}
    for path in sorted(p for p in folder.glob("*") if p.suffix.lower() in suffixes):
        number = path.name[:6]
        if not (len(number) == 6 and number.isascii() and number.isdigit()) or int(number) in files:
            expected = "one file a frame, its name beginning with six digits"
            raise TrainingError("TartanAir file out of order", expected=expected, received=path, advice=ADVICE)
        files[int(number)] = path
    return files


def to_clips(folder, *, frames=16, step=8, strides=(1,), shrink=2):
    """Yields clips (render/clip.py says what they hold) of `frames` frames, one every `step` frames, taking every stride-th frame for each
    stride; images are shrunk by the whole number `shrink` (area mean)."""
    images, depths, poses = list_frames(folder)
    sides = _image(images[0]).shape
    if not _divides(shrink, sides):
        received = f"{images[0]}: {sides}"
        raise TrainingError("TartanAir image", expected=f"sides that are multiples of {16 * shrink}", received=received, advice=ADVICE)
    for stride in strides:
        for first in range(0, len(images) - stride * (frames - 1), step):
            chosen = range(first, first + stride * frames, stride)
            im = np.stack([_shrunk(_image(images[k], sides), shrink) for k in chosen])
            inv = np.stack([_shrunk_depth(_inverse_depth(depths[k], sides), shrink) for k in chosen])
            yield dict(im=im, poses=poses[list(chosen)], inv=inv, K=_intrinsics(shrink), moving=np.zeros(inv.shape, bool))


def check_sequence(folder, frames: int, crop: tuple[int, int]) -> int:
    """Reads every file of a sequence that clips of `frames` frames are to be cut from; returns the number by which its images are shrunk: 2, or 1 where the crop
    needs their whole size.

    Raises TrainingError for what is missing or unreadable, frames of different sizes, and a sequence that is too short or too small.
    """
    images, depths, _ = list_frames(folder)
    if len(images) < frames:
        advice = "Leave it out of data: tartanair, or render shorter clips (render: frames)."
        raise TrainingError("TartanAir sequence too short", expected=f"{frames} frames, as a clip has", received=f"{folder}: {len(images)}", advice=advice)
    sides = _image(images[0]).shape
    shrink = next((n for n in (2, 1) if _divides(n, sides) and all(side // n >= want for side, want in zip(sides, crop))), None)
    if shrink is None:
        expected, advice = f"multiples of 16 that hold data: crop = {tuple(crop)}", "Leave it out of data: tartanair, or make the crop smaller."
        raise TrainingError("TartanAir images too small", expected=expected, received=f"{folder}: {sides}", advice=advice)
    for image, depth in zip(images, depths):
        _image(image, sides)
        _inverse_depth(depth, sides)
    return shrink


def _divides(shrink: int, sides: tuple[int, int]) -> bool:
    """Whether the shrunk image has sides that are multiples of 16."""
    return all(side % (16 * shrink) == 0 for side in sides)


def sequence_name(folder) -> str:
    """What the clips of a sequence are named after: its folder and a digest of the whole path, as folders of other environments have the same name."""
    path = Path(folder).resolve()
    return f"{path.name}-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"


def write_clips(folder, out, **options) -> int:
    """Saves the clips of to_clips as <out>/<sequence_name>-<number>.npz, instead of those that were cut from the sequence before; returns their number."""
    name, written = sequence_name(folder), set()
    for count, clip in enumerate(to_clips(folder, **options), 1):
        written.add(path := Path(out) / f"{name}-{count:05d}.npz")
        save_clip(path, clip)
    for path in Path(out).glob("*.npz"):
        if path.name.startswith(f"{name}-") and path not in written:
            path.unlink()
    return len(written)


def _intrinsics(shrink):
    fx, fy, cx, cy = INTRINSICS
    return np.array([fx / shrink, fy / shrink, (cx + 0.5) / shrink - 0.5, (cy + 0.5) / shrink - 0.5])


def _image(path, sides: tuple[int, int] | None = None) -> np.ndarray:
    """Grey; `sides`: height and width that it must have."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise TrainingError("TartanAir image unreadable", expected="an image that OpenCV reads", received=path, advice=ADVICE)
    if image.shape != (sides or image.shape):
        raise TrainingError("TartanAir images of different sizes", expected=f"{sides}, as the first one", received=f"{path}: {image.shape}", advice=ADVICE)
    return image


def _shrunk(image: np.ndarray, shrink: int) -> np.ndarray:
    return cv2.resize(image, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)


def _inverse_depth(path, sides: tuple[int, int]) -> np.ndarray:
    """1 / metres at every pixel of the image, whose height and width are `sides`. A depth of 0 or less is none (0)."""
    inverse = _read_npy(path) if path.suffix.lower() == ".npy" else _read_png(path)
    if inverse.shape != sides:
        raise TrainingError("TartanAir depth of another size", expected=f"{sides}, as the image", received=f"{path}: {inverse.shape}", advice=ADVICE)
    return inverse


def _shrunk_depth(inverse: np.ndarray, shrink: int) -> np.ndarray:
    """[h/4, w/4] of the shrunk image at its pixels (4x, 4y): the median of the source pixels that make up that pixel."""
    around = [inverse[i :: 4 * shrink, j :: 4 * shrink] for i in range(shrink) for j in range(shrink)]
    return np.median(np.stack(around), 0).astype(np.float32)


def _read_npy(path) -> np.ndarray:
    try:
        depth = np.load(path).astype(np.float32)
    except (OSError, ValueError, EOFError) as error:
        raise TrainingError("TartanAir depth unreadable", expected="metres as .npy", received=f"{path}: {error}", advice=ADVICE) from None
    if depth.ndim != 2:
        raise TrainingError("TartanAir depth unreadable", expected="metres [h, w]", received=f"{path}: shape {depth.shape}", advice=ADVICE)
    return np.divide(1, depth, out=np.zeros_like(depth), where=depth > 0)


def _read_png(path) -> np.ndarray:
    stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if stored is None or stored.dtype != np.uint16 or stored.ndim != 2:
        received = f"{path}: {'no image' if stored is None else f'{stored.dtype} {stored.shape}'}"
        raise TrainingError("TartanAir depth unreadable", expected="a grey PNG of 16 bit", received=received, advice=ADVICE)
    return stored.astype(np.float32) / PNG_SCALE
