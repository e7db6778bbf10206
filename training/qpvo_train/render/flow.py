# SPDX-License-Identifier: MIT
"""Size of the motion between frames: optical flow from inverse depth, rotation angle, translation against depth."""

import numpy as np


def relative(pose_b: np.ndarray, pose_a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotation and translation camera a -> camera b of two world -> camera poses [3,4]."""
    R = pose_b[:, :3] @ pose_a[:, :3].T
    return R, pose_b[:, 3] - R @ pose_a[:, 3]


def flow(inverse, pose_a, pose_b, K, step) -> np.ndarray:
    """Displacement in pixels [2, h, w] from a to b of the pixels (step x, step y) with the inverse depths [h, w] in a."""
    fx, fy, cx, cy = K
    h, w = inverse.shape
    y, x = np.mgrid[:h, :w] * float(step)
    R, t = relative(pose_b, pose_a)
    ray = np.stack([(x - cx) / fx, (y - cy) / fy, np.ones_like(x)])
    moved = np.einsum("ij,jhw->ihw", R, ray) + t[:, None, None] * inverse
    z = np.maximum(moved[2], 0.1)
    return np.stack([fx * moved[0] / z + cx - x, fy * moved[1] / z + cy - y])


def mean_flow(inverse, pose_a, pose_b, K, step) -> float:
    return float(np.minimum(np.hypot(*flow(inverse, pose_a, pose_b, K, step)), 200).mean())


def rotation_degrees(poses: np.ndarray) -> np.ndarray:
    """Angles between consecutive poses [n,3,4]."""
    R = poses[1:, :, :3] @ poses[:-1, :, :3].transpose(0, 2, 1)
    return np.degrees(np.arccos(np.clip((np.trace(R, axis1=1, axis2=2) - 1) / 2, -1, 1)))


def steps(poses: np.ndarray) -> np.ndarray:
    """Distances between consecutive camera centres of [n,3,4]."""
    centres = -np.einsum("nji,nj->ni", poses[:, :, :3], poses[:, :, 3])
    return np.linalg.norm(np.diff(centres, axis=0), axis=1)
