# SPDX-License-Identifier: MIT
"""Clips of one slanted plane with a smooth texture, exact in image, pose and depth: the clips of tests that do not test the renderer."""

import numpy as np
import torch

from qpvo_train import se3

WAVES = 24


def straight_path(rng: np.random.Generator, frames: int, speed: float = 0.05) -> np.ndarray:
    """World -> camera poses [frames, 3, 4] of a steady motion with a little rotation; the first is the identity."""
    direction = rng.normal(size=6) * [1, 1, 0.5, 0.15, 0.15, 0.3]
    tangent = torch.from_numpy(direction / np.linalg.norm(direction[:3]) * speed)
    return se3.exp(torch.arange(frames, dtype=torch.float64)[:, None] * tangent).numpy()


def plane_clip(seed: int, frames: int = 8, height: int = 64, width: int = 96) -> dict:
    """A clip as on disk: im, poses, inv, K, moving. The plane is about 2 units away."""
    rng = np.random.default_rng(seed)
    intrinsics = np.array([0.9 * width, 0.9 * width, width / 2 - 0.5, height / 2 - 0.5])
    normal = np.array([*rng.uniform(-0.3, 0.3, 2), 1.0])
    waves, phases = rng.normal(size=(WAVES, 3)) * np.geomspace(2, 20, WAVES)[:, None], rng.uniform(0, 2 * np.pi, WAVES)
    poses = straight_path(rng, frames)
    images, inverses = zip(*(_view(pose, intrinsics, normal, waves, phases, height, width) for pose in poses))
    inverse = np.stack(inverses)[:, ::4, ::4].astype(np.float32)
    return {"im": np.stack(images), "poses": poses, "inv": inverse, "K": intrinsics, "moving": np.zeros(inverse.shape, bool)}


def _view(pose, intrinsics, normal, waves, phases, height, width):
    """Image and inverse depth of the plane normal . X = 2."""
    fx, fy, cx, cy = intrinsics
    y, x = np.mgrid[:height, :width].astype(float)
    rays = np.stack([(x - cx) / fx, (y - cy) / fy, np.ones_like(x)], -1)
    rotation, centre = pose[:, :3], -pose[:, :3].T @ pose[:, 3]
    world = rays @ rotation
    inverse = (world @ normal) / (2.0 - normal @ centre)
    points = centre + world / inverse[..., None]
    brightness = np.sin(points @ waves.T + phases).sum(-1) * (40 / np.sqrt(WAVES / 2))
    return (127.5 + brightness).clip(0, 255).round().astype(np.uint8), inverse
