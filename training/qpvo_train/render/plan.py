# SPDX-License-Identifier: MIT
"""What a clip shows: place, path, intrinsics, and the time step that gives the wanted motion.

A clip teaches translation only if it has parallax: the step is chosen for a mean flow that is log-uniform, and the draw is kept
only when the translation is also a fair share of the depth and no pair of frames jumps.
"""

import math
from dataclasses import dataclass

import numpy as np

from .flow import mean_flow, rotation_degrees, steps
from .paths import KINDS, SHARES, Path
from .places import Place, furnish, random_place
from .raster_cpu import depth_cpu
from .scene import Motion, Scene, SceneBuilder

SPAN = 3.0
FLOW_RANGE = (1.5, 22.0)
PARALLAX_RANGE = (0.01, 0.09)
ATTEMPTS = 24


@dataclass
class ClipPlan:
    """times [n] s, poses [n,3,4] world -> camera at the middle of the exposure, interval [n]: frame intervals s, K: fx fy cx cy in pixels."""

    scene: Scene
    path: Path
    place: Place
    K: tuple
    times: np.ndarray
    poses: np.ndarray
    interval: np.ndarray
    depth: float


def random_intrinsics(rng, h, w) -> tuple:
    f = w / 2 / math.tan(math.radians(rng.uniform(55, 100)) / 2)
    return f, f * rng.uniform(0.97, 1.03), w / 2 + rng.uniform(-0.04, 0.04) * w, h / 2 + rng.uniform(-0.04, 0.04) * h


def plan_clip(seed: int, textures: int, frames: int, h: int, w: int, *, kind=None, place=None) -> ClipPlan:
    """Deterministic in the seed; draws again until the motion is inside the limits (at most ATTEMPTS times, then the calmest draw)."""
    best, best_badness = None, np.inf
    theme = np.random.default_rng((seed, 7))
    kind = kind or str(theme.choice(KINDS, p=SHARES))
    target = np.exp(theme.uniform(*np.log(FLOW_RANGE))) * w / 320
    any_parallax = theme.random() < 0.06
    for attempt in range(ATTEMPTS):
        rng = np.random.default_rng((seed, 8, attempt))
        rotation = 2 ** rng.uniform(-3.5, 0) * 0.85**attempt
        plan = _draw(rng, textures, frames, h, w, kind, place, target, rotation)
        badness = _badness(plan, w, any_parallax)
        if badness < best_badness:
            best, best_badness = plan, badness
        if badness == 0:
            break
    rng = np.random.default_rng((seed, 9))
    light_up(best.scene, best.place, rng)
    if rng.random() < 0.1:
        _add_movers(best, rng, textures)
    return best


def _draw(rng, textures, frames, h, w, kind, place, target, rotation) -> ClipPlan:
    spot = random_place(rng, place)
    path = Path(rng, spot.half, kind, rotation)
    K = random_intrinsics(rng, h, w)
    start = rng.uniform(0, 100)
    builder = SceneBuilder(rng, textures, path.position(np.linspace(start - 0.2, start + SPAN, 120)), plain_walls=rng.uniform(0.05, 0.35))
    furnish(builder, spot)
    scene = builder.finish(sky=rng.uniform(0.4, 1.0))
    inverse, _ = depth_cpu(scene, path.poses(start)[0], start, K, h, w, 8)
    pace = _pace(rng, frames)
    dt = _time_step(path, start, inverse, K, None if kind == "fast_rotation" else target, SPAN / max(pace.sum(), 1), rng)
    times = start + dt * np.concatenate([[0], np.cumsum(pace)])
    interval = dt * np.concatenate([pace, pace[-1:]])
    seen = inverse[inverse > 0]
    return ClipPlan(scene, path, spot, K, times, path.poses(times), interval, float(1 / np.median(seen)) if seen.size else 1e3)


def light_up(scene: Scene, spot: Place, rng) -> None:
    """One to three lamps in the upper half; half of the halls are gloomy (weak ambient light)."""
    lamps = rng.uniform(-0.8, 0.8, (rng.integers(1, 4), 3)) * spot.half
    lamps[:, 1] = -np.abs(lamps[:, 1])
    power = rng.uniform(0.6, 1.8, len(lamps))
    gloomy = spot.kind == "hall" and rng.random() < 0.5
    ambient = rng.uniform(0.08, 0.3) if gloomy else rng.uniform(0.25, 0.8)
    falloff = rng.uniform(0.5, 1.2 if gloomy else 2.0) * min(spot.half.mean(), 3 * spot.half.min())
    scene.light_up(rng, lamps, power, ambient, falloff)


def _pace(rng, frames) -> np.ndarray:
    """Relative lengths of the frame intervals: steady, waving, with dropped frames, or with a standstill."""
    pace = np.ones(frames - 1)
    k = np.arange(frames - 1)
    if rng.random() < 0.5:
        pace *= np.exp(rng.uniform(0, 0.5) * np.sin(rng.uniform(0.05, 0.8) * k + rng.uniform(0, 6)))
    if rng.random() < 0.06:
        pace[rng.integers(frames - 1)] = 2
    if rng.random() < 0.08:
        first = rng.integers(frames - 1)
        pace[first : first + rng.integers(1, 5)] = 0
    return pace


def _time_step(path, start, inverse, K, target, longest, rng) -> float:
    """The step with the wanted mean flow in pixels, or (target None) with 3.5-7 degrees of rotation."""
    if target is None:
        target = rng.uniform(3.5, 7)
        size = lambda dt: rotation_degrees(path.poses(start + dt * np.arange(6))).mean()
    else:
        at = lambda dt: path.poses(np.array([start, start + dt]))
        size = lambda dt: mean_flow(inverse, *at(dt), K, 8)
    low, high = 1e-4, longest
    for _ in range(13):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if size(middle) < target else (low, middle)
    return low


def _badness(plan: ClipPlan, w, any_parallax) -> float:
    """0: fine. Larger: jumps, too little or too much translation, or a camera too close to a surface."""
    h = int(plan.K[3] * 2)
    degrees = rotation_degrees(plan.poses).max()
    moving = plan.interval[:-1] > 0
    parallax = np.median(steps(plan.poses)[moving]) / plan.depth if moving.any() else 0.0
    sample = sorted({0, (len(plan.times) - 1) // 2, len(plan.times) - 2})
    depths = [depth_cpu(plan.scene, plan.poses[k], plan.times[k], plan.K, h, w, 8)[0] for k in sample]
    largest = max(mean_flow(d, plan.poses[k], plan.poses[k + 1], plan.K, 8) for d, k in zip(depths, sample))
    bad = max(0.0, degrees - 10) + max(0.0, largest - 42 * w / 320)
    bad += sum(max(0.0, (d > 4 / plan.depth).mean() - 0.6) * 20 for d in depths) + sum(max(0.0, (d == 0).mean() - 0.5) * 20 for d in depths)
    if plan.path.kind not in ("pure_rotation", "fast_rotation") and not any_parallax:
        low, high = PARALLAX_RANGE
        outside = max(0.0, low / max(parallax, 1e-6) - 1) + max(0.0, parallax / high - 1)
        bad += outside
    return bad


def _add_movers(plan: ClipPlan, rng, textures) -> None:
    """One to three boxes that cross the view of the middle frame at 30-80 % of the median depth."""
    middle = len(plan.times) // 2
    pose, time = plan.poses[middle], plan.times[middle]
    duration = max(plan.times[-1] - plan.times[0], 1e-3)
    scene = plan.scene
    builder = SceneBuilder(rng, textures, (-pose[:, :3].T @ pose[:, 3])[None])
    for k in range(rng.integers(1, 4)):
        away = plan.depth * rng.uniform(0.3, 0.8)
        spot = pose[:, :3].T @ (np.array([rng.uniform(-0.6, 0.6), rng.uniform(-0.4, 0.4), 1]) * away - pose[:, 3])
        travel = rng.normal(size=3) * [1, 0.3, 1] * away * 0.4 / duration
        swing = rng.normal(size=3) * [1, 0.5, 1] * away * 0.1
        scene.motions.append(Motion(spot, travel, swing, rng.uniform(2, 12) / duration, rng.uniform(-1.5, 1.5) / duration, time))
        builder.add_box(spot, builder.turned(upright=True), away * 2 ** rng.uniform(-3.5, -1.8, 3), mover=k)
    _append(scene, builder, rng)


def _append(scene: Scene, builder: SceneBuilder, rng) -> None:
    """Adds unshadowed, evenly lit surfaces to a finished scene."""
    count = len(builder.rows)
    P, U, V, disc, table, mover, _ = (np.array(column) for column in zip(*builder.rows))
    scene.P, scene.U, scene.V = (np.concatenate(pair) for pair in ((scene.P, P), (scene.U, U), (scene.V, V)))
    scene.disc, scene.mover = np.concatenate([scene.disc, disc]), np.concatenate([scene.mover, mover])
    scene.table = np.concatenate([scene.table, table.astype(np.float32)])
    light = scene.light
    level = float(np.median(light.maps)) * rng.uniform(0.6, 1.4, (count, 1))
    light.at = np.concatenate([light.at, len(light.maps) + 16 * np.arange(count)]).astype(np.int32)
    light.side = np.concatenate([light.side, np.full(count, 4)]).astype(np.int32)
    light.maps = np.concatenate([light.maps, np.broadcast_to(level, (count, 16)).ravel()]).astype(np.float32)
