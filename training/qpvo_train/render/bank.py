# SPDX-License-Identifier: MIT
"""The texture bank: procedural textures and user folders as one mip pyramid that kernels can index."""

import hashlib
import os
from pathlib import Path

import cv2
import numpy as np
import torch

from ..errors import TrainingError
from ..whole_file import whole_file
from .textures import SIZE, draw_texture

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")


def check_texture_folders(folders) -> list[Path]:
    """All image files of the folders, sorted. Raises TrainingError for a folder that is missing or holds no image."""
    files = []
    for folder in map(Path, folders):
        advice = "Correct the texture folders of the configuration, or leave them empty to use procedural textures alone."
        if not folder.is_dir():
            raise TrainingError("texture folder missing", expected="a folder of images", received=str(folder), advice=advice)
        found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
        if not found:
            raise TrainingError("texture folder without images", expected=" ".join(IMAGE_SUFFIXES), received=str(folder), advice=advice)
        files += found
    return files


class TextureBank:
    """uint8 textures [n, SIZE, SIZE] and their mip levels.

    `texels` holds level after level; within a level texture after texture as (s + 1) x (s + 1) with the first row and column repeated
    at the end, so that bilinear neighbours need no wrapping. `base[level]` is the first texel of a level.
    """

    def __init__(self, textures: np.ndarray, device: str | torch.device = "cpu") -> None:
        self.count, self.size = textures.shape[0], textures.shape[1]
        levels, level = [], torch.from_numpy(textures).float()
        while True:
            stored = level.round().clamp(0, 255).to(torch.uint8)
            stored = torch.cat([stored, stored[:, :1]], 1)
            levels.append(torch.cat([stored, stored[:, :, :1]], 2).flatten())
            if level.shape[-1] == 1:
                break
            level = torch.nn.functional.avg_pool2d(level[:, None], 2)[:, 0]
        self.top = len(levels) - 1
        self.base = torch.tensor(np.cumsum([0] + [len(v) for v in levels[:-1]]), dtype=torch.int32, device=device)
        self.texels = torch.cat(levels).to(device)

    def to(self, device) -> "TextureBank":
        moved = object.__new__(TextureBank)
        moved.count, moved.size, moved.top = self.count, self.size, self.top
        moved.base, moved.texels = self.base.to(device), self.texels.to(device)
        return moved


def load_bank(count: int = 192, seed: int = 0, folders=(), share: float = 0.5, device="cpu") -> TextureBank:
    """`count` textures; with folders, about `share` of them are squares of the users' images. Cached under ~/.cache/qpvo_train.

    Raises TrainingError as check_texture_folders does.
    """
    files = check_texture_folders(folders)
    rng = np.random.default_rng((seed, 77))
    chosen = [files[rng.integers(len(files))] if files and rng.random() < share else None for _ in range(count)]
    stamps = [f"{p}:{p.stat().st_mtime_ns}" if p else "-" for p in chosen]
    source = Path(__file__).with_name("textures.py").read_bytes()
    key = hashlib.sha256(source + "\n".join([str(count), str(seed), *stamps]).encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "qpvo_train" / f"textures-{key}.npy"
    if not cache.exists():
        made = np.stack([_image(path, rng) if path else draw_texture(i, seed) for i, path in enumerate(chosen)])
        with whole_file(cache) as part:
            np.save(part, made)
    return TextureBank(np.load(cache), device)


def _image(path: Path, rng) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise TrainingError("texture image unreadable", expected="an image that OpenCV reads", received=str(path), advice="Remove or convert the file.")
    side = min(image.shape)
    y, x = (rng.integers(0, n - side + 1) for n in image.shape)
    return cv2.resize(image[y : y + side, x : x + side], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
