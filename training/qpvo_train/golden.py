# SPDX-License-Identifier: MIT
"""Golden tensors: inputs and outputs of every stage for one network, computed here in fp32, against which all runtimes are tested.

Two frames, all four pairs (0 0) (0 1) (1 0) (1 1). C input channels, F and D feature and hidden width, M patches, grid h x w; lengths are grid pixels.

    image        u8  [2, C, 4 h, 4 w] 0..255              poses       [2, 7] world -> camera, t xyz, q xyzw
    cells        i32 [2, M] y * w + x                     depths      [2, M] inverse
    features     [2, F, h, w]                             intrinsics  [4] fx fy cx cy
    context      [2, M, D]                                coords      [4, M, 9, 2] reprojected patch pixels, x y
    patches      [2, M, 9, F]                             correlation [4, M, 882], [level][py][px][dy][dx]
    hidden, hiddenOut [4, M, D]                           delta, weight [4, M, 2]

A bundle adjustment of its own, two iterations, the first two poses held: adjust.poses [N, 7], adjust.centres [N, K, 2], adjust.depths [N, K],
adjust.intrinsics [4], adjust.target and adjust.weight [N, N, K, 2] (no weight where source = target), adjust.size [2] (h, w), and the
result in adjust.posesOut and adjust.depthsOut. It is solved in double precision: the system amplifies rounding.
"""

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from . import geometry, se3
from .bundle_adjust import bundle_adjust
from .network import PatchNetwork

HEIGHT, WIDTH, PATCHES = 32, 64, 5
ODOMETRY_DAMPING = 1.0  # of the poses, as the product has it
ADJUST_FRAMES, ADJUST_PATCHES, ADJUST_SIZE = 4, 6, (24, 32)


@torch.no_grad()
def golden_tensors(network: PatchNetwork, seed: int = 1) -> dict[str, np.ndarray]:
    """All tensors by name. The network must be on the CPU and in fp32; the inputs depend on the seed and the sizes alone."""
    rng = np.random.default_rng(seed)
    return _stages(network, rng) | {f"adjust.{name}": value for name, value in _adjustment(rng).items()}


def _stages(network: PatchNetwork, rng: np.random.Generator) -> dict[str, np.ndarray]:
    sizes, height, width = network.sizes, HEIGHT // 4, WIDTH // 4
    image = _images(rng, sizes.input_channels)
    centres = np.stack([rng.integers(1, width - 1, (2, PATCHES)), rng.integers(1, height - 1, (2, PATCHES))], -1)
    hidden = rng.normal(0, 0.5, (2, 2, PATCHES, sizes.hidden_dim)).astype(np.float32)
    depths = rng.uniform(0.2, 1, (2, PATCHES)).astype(np.float32)
    poses = _seven(_disturbed(rng, 2, 0.08))
    intrinsics = np.array([0.8 * width, 0.85 * width, (width - 1) / 2, (height - 1) / 2], np.float32)

    features, context = network.encode(torch.from_numpy(image)[None].float())
    at = torch.from_numpy(centres)[None].float()
    patches, patch_context = network.sample(features, context, at)
    matrices = torch.from_numpy(_matrices(poses))[None].float()
    coords = geometry.transfer_patches(matrices, at, torch.from_numpy(depths)[None], torch.from_numpy(intrinsics)[None], network.offsets)
    correlation = network.volume(features, patches).lookup(coords, 2)
    out, delta, weight = network.update(torch.from_numpy(hidden)[None], patch_context, correlation)
    stages = {
        "features": features[0].permute(0, 3, 1, 2),
        "context": patch_context[0],
        "patches": patches[0],
        "coords": coords[0].flatten(0, 1),
        "correlation": product_columns(correlation[0].flatten(0, 1), network),
        "hiddenOut": out[0].flatten(0, 1),
        "delta": delta[0].flatten(0, 1),
        "weight": weight[0].flatten(0, 1),
    }
    cells = (centres[..., 1] * width + centres[..., 0]).astype(np.int32)
    inputs = {"image": image, "cells": cells, "hidden": hidden.reshape(4, PATCHES, -1), "poses": poses, "depths": depths, "intrinsics": intrinsics}
    return inputs | {name: np.ascontiguousarray(value.numpy(), np.float32) for name, value in stages.items()}


def product_columns(correlation: Tensor, network: PatchNetwork) -> Tensor:
    """Columns [dx][dy][py][px][level] of training -> [level][py][px][dy][dx] of the product; [..., 882]."""
    sizes = network.sizes
    window, patch = 2 * sizes.radius + 1, sizes.patch_size
    split = correlation.unflatten(-1, (window, window, patch, patch, len(sizes.levels)))
    lead = split.dim() - 5
    order = [*range(lead), *(lead + axis for axis in (4, 2, 3, 1, 0))]
    return split.permute(order).flatten(lead)


def _images(rng: np.random.Generator, channels: int) -> np.ndarray:
    """Waves of many lengths seen twice, the second time shifted, turned and with some noise: u8 [2, channels, H, W]."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    turn, shift = rng.normal(0, 0.03), rng.uniform(1, 3, 2)
    views = [(columns, rows), (columns + shift[0] - turn * rows, rows + shift[1] + turn * columns)]
    length, phase, direction = 4 * 10 ** rng.uniform(0, 1, 24), rng.uniform(0, 2 * np.pi, (24, channels)), rng.uniform(0, 2 * np.pi, 24)
    images = []
    for x, y in views:
        wave = 2 * np.pi * (x[..., None] * np.cos(direction) + y[..., None] * np.sin(direction)) / length
        images.append(127 + 12 * np.cos(wave[..., None] + phase).sum(2).transpose(2, 0, 1) + rng.normal(0, 2, (channels, HEIGHT, WIDTH)))
    return np.stack(images).clip(0, 255).round().astype(np.uint8)


def _adjustment(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Frames on a gentle arc; targets are the true projections plus noise, the start is disturbed."""
    n, m, (height, width) = ADJUST_FRAMES, ADJUST_PATCHES, ADJUST_SIZE
    centres = np.stack([rng.integers(1, width - 1, (n, m)), rng.integers(1, height - 1, (n, m))], -1).astype(np.float32)
    intrinsics = np.array([25, 26, (width - 1) / 2, (height - 1) / 2], np.float32)
    true_depths = rng.uniform(0.3, 0.9, (n, m))
    path = np.arange(n)[:, None] * np.array([-0.12, 0.02, 0.03, 0, 0.03, 0]) + rng.normal(0, 0.01, (n, 6))
    truth = se3.exp(torch.from_numpy(path))
    tangent = rng.normal(0, 0.02, (n, 6)) * (np.arange(n) >= 2)[:, None]
    poses = _seven(se3.compose(se3.exp(torch.from_numpy(tangent)), truth).numpy())
    depths = (true_depths * np.exp(rng.normal(0, 0.1, (n, m)))).astype(np.float32)

    double = lambda array: torch.from_numpy(array)[None].double()
    seen = geometry.project(geometry.transfer(truth[None], double(centres), double(true_depths), double(intrinsics))[0], double(intrinsics))
    target = (seen[0].numpy() + rng.normal(0, 0.3, seen.shape[1:])).astype(np.float32)
    weight = (rng.uniform(0.05, 0.95, target.shape) * (1 - np.eye(n))[..., None, None]).astype(np.float32)
    arguments = (double(_matrices(poses)), double(centres), double(depths), double(intrinsics), double(target), double(weight))
    poses_out, depths_out = bundle_adjust(*arguments, ADJUST_SIZE, iterations=2, fixed=2, damping=ODOMETRY_DAMPING)
    inputs = {"poses": poses, "centres": centres, "depths": depths, "intrinsics": intrinsics, "target": target, "weight": weight}
    inputs["size"] = np.array(ADJUST_SIZE, np.int32)
    return inputs | {"posesOut": _seven(poses_out[0].numpy()), "depthsOut": depths_out[0].numpy().astype(np.float32)}


def _disturbed(rng: np.random.Generator, count: int, sigma: float) -> np.ndarray:
    return se3.exp(torch.from_numpy(rng.normal(0, sigma, (count, 6)))).numpy()


def _seven(matrices: np.ndarray) -> np.ndarray:
    """[n, 3, 4] -> float32 [n, 7], translation and quaternion xyzw."""
    return np.concatenate([matrices[..., 3], Rotation.from_matrix(matrices[..., :3]).as_quat(canonical=True)], -1).astype(np.float32)


def _matrices(poses: np.ndarray) -> np.ndarray:
    """[n, 7] -> float64 [n, 3, 4]."""
    rotation = Rotation.from_quat(poses[:, 3:].astype(np.float64)).as_matrix()
    return np.concatenate([rotation, poses[:, :3, None].astype(np.float64)], -1)
