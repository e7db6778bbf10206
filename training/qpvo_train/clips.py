# SPDX-License-Identifier: MIT
"""Clips on disk -> training samples: temporal and geometric augmentation, photometric drift, normalised depth, first pose = identity."""

import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .errors import TrainingError

KEYS = ("im", "poses", "inv", "K")
MAX_INVERSE = 10.0
MAX_ZOOM = 2.0
EDGE_RATIO = 1.1  # between inverse depths of neighbouring cells; beyond, a cell in between has none of its own


@dataclass(frozen=True)
class Motion:
    """How far the image moves from frame to frame: shares of the clips that are made harder than they were rendered."""

    skip: float = 0.25  # every second frame only, where the clip is long enough
    zoom: float = 0.0  # magnified by up to MAX_ZOOM, as a camera of higher resolution or longer focal length sees it


USUAL_MOTION = Motion()


def read_clip(path) -> dict:
    """The arrays of a clip file (render/clip.py says which). Raises ValueError when it is truncated, incomplete or not finite."""
    try:
        with open(path, "rb") as file, np.load(file) as z:
            clip = {k: z[k] for k in z.files}
    except Exception as error:
        raise ValueError(f"{path}: {error}") from error
    check_clip(clip, path)
    return clip


def clip_size(path) -> tuple[int, int, int]:
    """(frames, height, width) of a clip file, from the head of its images alone. Raises ValueError when it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("im.npy") as file:
            np.lib.format.read_magic(file)
            frames, height, width = np.lib.format.read_array_header_1_0(file)[0]
            return frames, height, width
    except Exception as error:
        raise ValueError(f"{path}: {error}") from error


def size_text(size: tuple[int, int, int]) -> str:
    frames, height, width = size
    return f"{frames} frames of {width}x{height}"


def check_clip(clip: dict, name) -> None:
    """Raises ValueError, with the name of the clip, for arrays that are missing, of another type or shape, not finite or impossible."""
    missing = [k for k in KEYS if k not in clip]
    if missing:
        raise ValueError(f"{name}: no {', '.join(missing)}")
    if clip["im"].dtype != np.uint8 or clip["im"].ndim != 3:
        raise ValueError(f"{name}: images are {clip['im'].dtype} {clip['im'].shape}, not uint8 [n, h, w]")
    n, h, w = clip["im"].shape
    expected = {"poses": (n, 3, 4), "inv": (n, h // 4, w // 4), "K": (4,), "moving": (n, h // 4, w // 4)}
    wrong = [f"{key} {clip[key].shape} instead of {shape}" for key, shape in expected.items() if key in clip and clip[key].shape != shape]
    if wrong:
        raise ValueError(f"{name}: {', '.join(wrong)}")
    if not all(np.isfinite(clip[key]).all() for key in ("poses", "inv", "K")):
        raise ValueError(f"{name}: values that are not finite")
    if (clip["K"][:2] <= 0).any():
        raise ValueError(f"{name}: focal lengths {clip['K'][:2]} are not positive")


def choose_frames(n: int, frames: int, rng, augment: bool, skip: float = Motion.skip) -> np.ndarray:
    """Indices of `frames` frames out of n: random start, stride 1 or (a share `skip`) 2, half of them reversed, some running there and back."""
    if n < frames:
        raise ValueError(f"clip of {n} frames, {frames} wanted")
    if not augment:
        return np.arange(frames)
    stride = 2 if n >= 2 * frames - 1 and rng.random() < skip else 1
    start = rng.integers(0, n - stride * (frames - 1))
    index = start + stride * np.arange(frames)
    if rng.random() < 0.1:
        index = np.concatenate([index[::2], index[1::2][::-1]])
    return index[::-1].copy() if rng.random() < 0.5 else index


def mirrored(clip: dict) -> dict:
    """Left and right exchanged, on the same 4-pixel grid: column x goes to W - 4 - x, the last 3 columns and the first are dropped, W becomes W - 4."""
    w = clip["im"].shape[2]
    flip = np.diag([-1.0, 1.0, 1.0])
    poses, K = clip["poses"], clip["K"].copy()
    K[2] = w - 4 - K[2]
    poses = np.concatenate([flip @ poses[..., :3] @ flip, flip @ poses[..., 3:]], -1)
    out = dict(clip, im=clip["im"][:, :, : w - 3][:, :, ::-1][:, :, : w - 4], K=K, poses=poses)
    for key in ("inv", "moving"):
        out[key] = clip[key][:, :, ::-1][:, :, : w // 4 - 1]
    return out


def cropped(clip: dict, y: int, x: int, h: int, w: int) -> dict:
    """The window [y, y + h) x [x, x + w); all multiples of 4."""
    out = dict(clip, im=clip["im"][:, y : y + h, x : x + w], K=clip["K"] - [0, 0, x, y])
    for key in ("inv", "moving"):
        out[key] = clip[key][:, y // 4 : (y + h) // 4, x // 4 : (x + w) // 4]
    return out


def zoomed(clip: dict, factor: float, crop: tuple[int, int], rng) -> dict:
    """A random window, magnified by `factor` >= 1 to `crop` = (height, width) pixels. New pixel x shows the old x / factor + the window's left edge, and
    lengths in K grow by the factor. Inverse depth, affine over a plane, is interpolated linearly; cells across a depth edge count as moving."""
    import cv2  # here, so that a machine with a GPU and little else can time a frame without it

    height, width = clip["im"].shape[1:]
    room = [have - 1 - (want - 1) / factor for have, want in zip((height, width), crop)]
    if min(room) < 0:
        raise ValueError(f"clip of {(height, width)} pixels, crop {tuple(crop)} magnified by {factor:.2f} wanted")
    top, left = (float(rng.uniform(0, r)) for r in room)
    rows, columns = (np.arange(want, dtype=np.float32) / np.float32(factor) + np.float32(at) for want, at in zip(crop, (top, left)))
    x, y = np.meshgrid(columns, rows)
    images = np.stack([cv2.remap(image, x, y, cv2.INTER_LINEAR) for image in clip["im"]])
    gx, gy = x[::4, ::4] / 4, y[::4, ::4] / 4
    inner = (gx <= clip["inv"].shape[2] - 1) & (gy <= clip["inv"].shape[1] - 1)
    inverse = np.stack([cv2.remap(cells, gx, gy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for cells in clip["inv"]])
    least, most = (np.stack([_extreme(cells, gx, gy, choose) for cells in clip["inv"]]) for choose in (np.minimum, np.maximum))
    touched = np.stack([_extreme(cells.astype(np.float32), gx, gy, np.maximum) for cells in clip["moving"]]) > 0
    moving = touched | (most > EDGE_RATIO * least) | ~inner
    return dict(clip, im=images, inv=inverse, moving=moving, K=factor * (clip["K"] - [0, 0, left, top]))


def _extreme(cells: np.ndarray, x: np.ndarray, y: np.ndarray, choose) -> np.ndarray:
    """Least or greatest (`choose`) of the four cells round each place."""
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    x1, y1 = np.minimum(x0 + 1, cells.shape[1] - 1), np.minimum(y0 + 1, cells.shape[0] - 1)
    x0, y0 = np.minimum(x0, x1), np.minimum(y0, y1)
    return choose(choose(cells[y0, x0], cells[y0, x1]), choose(cells[y1, x0], cells[y1, x1]))


def photometric(images: np.ndarray, rng) -> np.ndarray:
    """float32 [N,H,W] in 0..255 from uint8: one gamma, contrast and brightness a clip, gain and offset that drift, noise, rarely a negative."""
    n = len(images)
    grey = np.arange(256, dtype=np.float32) / 255
    if rng.random() < 0.03:
        grey = 1 - grey
    grey = grey ** np.float32(rng.uniform(0.65, 1.5))
    mean = np.float32(images[0, ::8, ::8].mean() / 255)
    grey = (grey - mean) * rng.uniform(0.65, 1.4) + mean + rng.uniform(-0.12, 0.12)
    size = rng.choice([0, 0.01, 0.03, 0.06])
    gain, offset = np.exp(np.cumsum(rng.normal(0, size, n))).clip(0.5, 2), np.cumsum(rng.normal(0, size / 3, n)).clip(-0.2, 0.2)
    out = np.stack([(255 * (grey * gain[k] + offset[k])).astype(np.float32)[images[k]] for k in range(n)])
    noise = float(rng.choice([0, 0, 0.006, 0.015, 0.025]))
    if noise:
        out += rng.standard_normal(out.shape, np.float32) * np.float32(255 * noise)
    return np.clip(out, 0, 255).round()


def load_sample(source, rng=None, frames: int = 8, crop=(208, 288), augment: bool = True, motion: Motion = USUAL_MOTION) -> dict:
    """A clip (path or dict) -> one training sample of torch tensors.

    images float32 [N,1,H,W] in 0..255; poses float32 [N,3,4] world -> camera with poses[0] = identity; inv float32 [N,H/4,W/4];
    static float32 [N,H/4,W/4], 0 on moving cells and on cells nearer than the limit MAX_INVERSE, to which inv is clamped; K float32 [4] on
    the quarter grid. Inverse depths are divided by 0.7 x their 98th percentile, translations multiplied by it.

    Raises ValueError for a clip that is corrupt, too short or too small.
    """
    rng = rng or np.random.default_rng(0)
    clip = source if isinstance(source, dict) else read_clip(source)
    index = choose_frames(len(clip["im"]), frames, rng, augment, motion.skip)
    moving = clip.get("moving")
    clip = dict(im=clip["im"][index], poses=clip["poses"][index], inv=clip["inv"][index].astype(np.float32), K=clip["K"].astype(np.float64))
    clip["moving"] = np.zeros(clip["inv"].shape, bool) if moving is None else moving[index]
    wide = clip["im"].shape[2]
    if augment and wide - 4 >= crop[1] and rng.random() < 0.5:
        clip = mirrored(clip)
    if augment and rng.random() < motion.zoom:
        clip = zoomed(clip, float(rng.uniform(1, MAX_ZOOM)), crop, rng)
    else:
        clip = _window(clip, crop, rng if augment else None)
    images = photometric(clip["im"], rng) if augment else clip["im"].astype(np.float32)
    return _normalised(clip, images)


def _window(clip: dict, crop: tuple[int, int], rng) -> dict:
    """A crop at a random place, without `rng` in the middle."""
    room = [(have - want) // 4 for have, want in zip(clip["im"].shape[1:], crop)]
    if min(room) < 0:
        raise ValueError(f"clip of {clip['im'].shape[1:]} pixels, crop {tuple(crop)} wanted")
    y, x = (4 * (r // 2) if rng is None else 4 * int(rng.integers(0, r + 1)) for r in room)
    return cropped(clip, y, x, *crop)


def depth_scale(inverse: np.ndarray) -> float:
    """0.7 x the 98th percentile of inverse depths: what they are divided by, and translations multiplied by. Raises ValueError without depth."""
    scale = 0.7 * float(np.quantile(inverse, 0.98))
    if scale <= 0:
        raise ValueError("clip without depth")
    return scale


def _normalised(clip: dict, images: np.ndarray) -> dict:
    scale = depth_scale(clip["inv"])
    R, t = clip["poses"][:, :, :3], clip["poses"][:, :, 3]
    relative = R @ R[0].T
    shift = (t - relative @ t[0]) * scale
    inverse = clip["inv"] / scale
    f = lambda a: torch.from_numpy(np.ascontiguousarray(a, np.float32))
    return dict(
        images=f(images)[:, None],
        poses=f(np.concatenate([relative, shift[:, :, None]], -1)),
        inv=f(np.minimum(inverse, MAX_INVERSE)),
        static=f(~clip["moving"] & (inverse <= MAX_INVERSE)),
        K=f(clip["K"] / 4),
    )


def collate(samples: list[dict]) -> dict:
    """Samples of equal shapes -> batch with a leading B."""
    return {k: torch.stack([s[k] for s in samples]) for k in samples[0]}


def check_state(state: dict, own: dict) -> None:
    """Raises TrainingError when `state` is not that of a source of the same kind, over as many folders, as the one whose state is `own`."""
    text = lambda s: f"{len(s['files'])} clip folders" if "files" in s else "clips rendered while training" if "taken" in s else ", ".join(s)
    if state.keys() != own.keys() or text(state) != text(own):
        advice = "The data section differs from that of the checkpoint: use the same one, or start afresh."
        raise TrainingError("the checkpoint continues other clips", expected=text(own), received=text(state), advice=advice)


class ClipFolder:
    """Infinite sampler over the clips of one or more folders; sees clips that a renderer adds. Draws depend on its state alone.

    weights: relative share of each folder; prefixes: for each folder, the beginnings of the names that count (default: all clips). Raises TrainingError when a
    folder is missing or holds no clip.
    """

    RESCAN = 64

    def __init__(self, folders, *, seed=0, frames=8, crop=(208, 288), augment=True, weights=None, prefixes=None) -> None:
        self.folders = [Path(f) for f in ([folders] if isinstance(folders, (str, Path)) else folders)]
        self.prefixes = dict(zip(self.folders, prefixes or [("",)] * len(self.folders)))
        self.weights = np.asarray(weights or np.ones(len(self.folders)), float)
        self.weights /= self.weights.sum()
        self.frames, self.crop, self.augment, self.motion = frames, tuple(crop), augment, USUAL_MOTION
        self.rng, self.drawn, self.broken = np.random.default_rng(seed), 0, set()
        self.files = [self._scan(folder) for folder in self.folders]

    def _scan(self, folder: Path) -> list[Path]:
        advice = "Render clips first: python -m qpvo_train render --config <file>."
        if not folder.is_dir():
            raise TrainingError("clip folder missing", expected="a folder with .npz clips", received=str(folder), advice=advice)
        found = sorted(p for p in folder.glob("*.npz") if not p.name.startswith(".") and self._counts(p, folder))
        usable = [p for p in found if p not in self.broken]
        if not usable:
            raise TrainingError("clip folder without usable clips", expected=".npz clips", received=f"{folder}: {len(found)} clips, all broken", advice=advice)
        return usable

    def _counts(self, path: Path, folder: Path) -> bool:
        return path.name.startswith(tuple(self.prefixes[folder]))

    def __iter__(self):
        return self

    def __next__(self) -> dict:
        """One sample. A clip that cannot be used is named in one warning and never tried again; one that has gone may come back."""
        while True:
            if self.drawn % self.RESCAN == 0:
                self.files = [self._scan(folder) for folder in self.folders]
            self.drawn += 1
            files = self.files[self.rng.choice(len(self.files), p=self.weights)]
            path = files[self.rng.integers(len(files))]
            try:
                return load_sample(path, self.rng, self.frames, self.crop, self.augment, self.motion)
            except (ValueError, OSError) as error:
                warnings.warn(f"clip skipped: {error}", stacklevel=2)
                self.broken |= {path} if path.exists() else set()
                self.files = [self._scan(folder) for folder in self.folders]

    def check_sizes(self, frames: int) -> None:
        """Raises TrainingError when a clip is too short for `frames` frames or smaller than the crop. One that cannot be read is left to be skipped."""
        wanted, wrong = (frames, *self.crop), []
        for path in sorted({path for files in self.files for path in files}):
            try:
                size = clip_size(path)
            except ValueError:
                continue
            if any(have < want for have, want in zip(size, wanted)):
                wrong.append((path, size))
        if wrong:
            path, size = wrong[0]
            received = f"{path}: {size_text(size)}" + (f" (and {len(wrong) - 1} more)" if wrong[1:] else "")
            advice = "Move these clips away and render again, or change train: stages and data: crop."
            raise TrainingError("clips too short or too small", expected=f"at least {size_text(wanted)}", received=received, advice=advice)

    def batch(self, size: int) -> dict:
        return collate([next(self) for _ in range(size)])

    def state_dict(self) -> dict:
        files = [list(map(str, f)) for f in self.files]
        return {"rng": self.rng.bit_generator.state, "drawn": self.drawn, "broken": sorted(map(str, self.broken)), "files": files}

    def load_state_dict(self, state: dict) -> None:
        """Continues where state_dict was taken, with the list of clips of that moment, as far as they count and are there, until the next rescan. Raises
        TrainingError for another kind of state."""
        check_state(state, self.state_dict())
        self.rng.bit_generator.state = state["rng"]
        self.drawn, self.broken = state["drawn"], {path for path in map(Path, state["broken"]) if path.exists()}
        known = [[path for path in map(Path, files) if self._counts(path, folder) and path.exists()] for folder, files in zip(self.folders, state["files"])]
        self.files = [files or self._scan(folder) for folder, files in zip(self.folders, known)]

    def clip_counts(self) -> list[int]:
        """How many clips each folder has."""
        return [len(files) for files in self.files]

    def close(self) -> None:
        """Nothing to end: clips are read when they are drawn."""
