# SPDX-License-Identifier: MIT
"""A rendered clip: images, poses, inverse depth and intrinsics, deterministic in its seed; and its file.

Keys: im uint8 [n,h,w]; poses float64 [n,3,4] world -> camera; inv float32 [n,h/4,w/4] inverse depth at the image pixels (4x, 4y), 0: nothing
there; K float64 [4] fx fy cx cy in pixels, pixel centres at integers; moving bool [n,h/4,w/4] where a moving thing is seen.
"""

import cv2
import numpy as np
import torch

from ..errors import TrainingError
from ..whole_file import whole_file
from .bank import TextureBank
from .camera_effects import automatic_exposure, develop, exposure_for, gains, random_look
from .flow import mean_flow
from .lens import LensView, lens_view
from .plan import ClipPlan, plan_clip
from .raster import depth_torch, frame_torch, pixel_offsets
from .raster_cpu import depth_cpu, frame_cpu


def random_clip(seed: int, bank: TextureBank, frames=16, height=240, width=320, *, kind=None, place=None, light=None) -> dict:
    """A clip of seed `seed`, rendered where the bank's texels live. Raises TrainingError when the size is no multiple of 16."""
    if height % 16 or width % 16 or frames < 2:
        expected, received = "frames >= 2, height and width multiples of 16", (frames, height, width)
        raise TrainingError("clip size", expected=expected, received=received, advice="Change the clip's size.")
    plan = plan_clip(seed, bank.count, frames, height, width, kind=kind, place=place)
    look = random_look(np.random.default_rng((seed, 1_000_003)), light)
    return render_plan(plan, look, bank, height, width)


def render_plan(plan: ClipPlan, look, bank: TextureBank, height: int, width: int, distortion: tuple = ()) -> dict:
    """With a distortion (k1 k2 p1 p2) im is seen through the lens, while inv and moving stay those of the pinhole camera K. Raises TrainingError as lens_view."""
    lens = lens_view(plan.K, distortion, height, width) if distortion else None
    frames = len(plan.times)
    geometry = [_depth(plan, bank, k, height, width) for k in range(frames)]
    inv = np.stack([inverse for inverse, _ in geometry])
    mover = np.append(plan.scene.mover, -1)
    moving = np.stack([mover[index] >= 0 for _, index in geometry])
    radiance = [_radiance(plan, look, bank, k, inv[k], height, width, lens) for k in range(frames)]
    exposure = exposure_for(radiance, look) * gains(look, frames) * automatic_exposure(radiance, look)
    images = np.stack([develop(radiance[k], look, exposure[k], k) for k in range(frames)])
    return dict(im=images, poses=plan.poses, inv=inv.astype(np.float32), K=np.array(plan.K), moving=moving)


def _depth(plan, bank, k, h, w):
    arguments = (plan.scene, plan.poses[k], plan.times[k], plan.K, h, w, 4)
    if bank.texels.device.type == "cpu":
        return depth_cpu(*arguments)
    return tuple(t.cpu().numpy() for t in depth_torch(*arguments, device=bank.texels.device))


def _radiance(plan, look, bank, k, inv, h, w, lens: LensView | None) -> np.ndarray:
    """One frame; with motion blur the samples are spread over the exposure, more of them the longer the streaks."""
    times = np.full(4, plan.times[k])
    poses, exposure = [plan.poses[k]] * 4, look.blur * plan.interval[k]
    if exposure > 0:
        ends = plan.path.poses(plan.times[k] + exposure * np.array([-0.5, 0.5]))
        streak = mean_flow(inv[::2, ::2], ends[0], ends[1], plan.K, 8)
        times = plan.times[k] + exposure * (np.arange(n := int(np.clip(np.ceil(1.5 * streak), 4, 16))) / (n - 1) - 0.5)
        poses = plan.path.poses(times)
    camera = (lens.K, lens.height, lens.width) if lens else (plan.K, h, w)
    draw = (plan.scene, bank, poses, times, *camera, pixel_offsets(len(times)))
    radiance = frame_cpu(*draw) if bank.texels.device.type == "cpu" else frame_torch(*draw).cpu().numpy()
    return lens.through_lens(radiance) if lens else radiance


def save_clip(path, clip: dict) -> None:
    """Uncompressed .npz, complete or absent."""
    with whole_file(path) as part:
        np.savez(part, **{**clip, "inv": clip["inv"].astype(np.float32)})


def use_one_thread() -> None:
    """For workers that share a machine with the training."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
