# SPDX-License-Identifier: MIT
"""Long sequences with exact ground truth: what the product is demonstrated and measured on. Their seeds are among those that config.py reserves."""

import math
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

import numpy as np

from ..errors import TrainingError
from .asl import write_asl
from .bank import TextureBank
from .camera_effects import random_look
from .clip import render_plan
from .clocks import ClockedPath, stretch
from .flow import mean_flow, rotation_degrees, steps
from .paths import ROUND, Path
from .places import furnish, random_place
from .plan import ClipPlan, light_up, random_intrinsics
from .raster_cpu import depth_cpu, frame_cpu
from .scene import SceneBuilder


@dataclass(frozen=True)
class SequenceSpec:
    """still, turning, fast: (first, last) frame of a stretch of standstill, of pure rotation, of fast rotation. flow: median px a frame at 320 px width.
    held: degrees a second that the fast stretch keeps to, 0 for a path whose turns are only made faster.

    distortion: k1 k2 p1 p2 of the lens, none for a pinhole camera; jpeg: quality of JPEG files, 0 for PNG.
    """

    name: str
    seed: int
    kind: str
    place: str = "room"
    frames: int = 300
    width: int = 384
    height: int = 288
    rate: float = 20.0
    flow: float = 4.5
    rotation: float = 0.2
    light: str = "ordinary"
    blur: float = 0.0
    still: tuple[int, int] | None = None
    turning: tuple[int, int] | None = None
    fast: tuple[int, int] | None = None
    held: float = 0.0
    distortion: tuple[float, ...] = ()
    jpeg: int = 0


HELD_OUT = (
    SequenceSpec("mav_hall", 910000, "mav", "hall", flow=5.0),
    SequenceSpec("handheld_room", 910001, "handheld", flow=3.5),
    SequenceSpec("wheeled_hall", 910002, "wheeled", "hall", flow=4.0),
    SequenceSpec("free_room", 910003, "free", flow=5.0),
    SequenceSpec("orbit_room", 910004, "orbit", flow=5.0),
    SequenceSpec("forward_corridor", 910005, "forward", "corridor", flow=2.5),
    SequenceSpec("fast_rotation", 910006, "free", flow=4.0, fast=(90, 210)),
    SequenceSpec("pure_rotation", 910007, "free", flow=4.0, turning=(100, 180)),
    SequenceSpec("standstill", 910008, "free", flow=4.0, still=(60, 276)),
    SequenceSpec("dark_blurred", 910009, "mav", "room", flow=4.5, light="dark", blur=0.3),
)
# Rotation of more than 100 degrees a second over most of the sequence, where quantized networks are reported to lose accuracy.
FAST_ROTATION = (
    SequenceSpec("fast_free_room", 911000, "free", flow=4.0, rotation=0.6, fast=(60, 290), held=120.0),
    SequenceSpec("fast_handheld_room", 911001, "handheld", flow=3.5, rotation=0.6, fast=(60, 290), held=120.0),
    SequenceSpec("fast_free_hall", 911002, "free", "hall", flow=4.0, rotation=0.6, fast=(60, 290), held=120.0),
)
# What INT8 is calibrated on: the kinds of the held-out sequences in other scenes, on other paths, so that those stay unseen; and an overexposed one.
CALIBRATION = (
    *(replace(spec, name=f"calibration_{spec.name}", seed=spec.seed + 10_000) for spec in HELD_OUT),
    SequenceSpec("calibration_bright", 920010, "mav", "room", flow=4.5, light="bright"),
)
# In the form of the sequence in demo/ of the project.
DEMO = (SequenceSpec("demo_room", 912382, ROUND, "parlour", frames=200, width=640, height=480, flow=3.2, distortion=(-0.15, 0.04, 0.0004, -0.0003), jpeg=72),)
SETS = {"sequences": HELD_OUT, "fast": FAST_ROTATION, "calibration": CALIBRATION, "demo": DEMO}
FAST_DEGREES = 6.5
MOST_PACE = 15.0
ATTEMPTS = 200


def render_sequences(out, specs, bank: TextureBank, report=print) -> list[FilePath]:
    """One ASL folder a spec under `out`, with meta.json (median depth, extent, stretches). Folders that exist are kept.

    Raises TrainingError when no draw of a spec meets its limits.
    """
    folders = []
    for spec in specs:
        folder = FilePath(out) / spec.name
        folders.append(folder)
        if (folder / "meta.json").exists():
            continue
        render_sequence(folder, spec, bank)
        report(f"sequence {spec.name}: {spec.frames} frames")
    return folders


def render_sequence(folder, spec: SequenceSpec, bank: TextureBank) -> None:
    plan = plan_sequence(spec, bank)
    look = random_look(np.random.default_rng((spec.seed, 2)), spec.light)
    look = replace(look, blur=spec.blur, jump=0.0, band=0.0, defocus=0.0, jpeg=0, adapts=0.7)
    clip = render_plan(plan, look, bank, spec.height, spec.width, spec.distortion)
    seen = clip["inv"][clip["inv"] > 0]
    centres = -np.einsum("nji,nj->ni", plan.poses[:, :, :3], plan.poses[:, :, 3])
    meta = dict(name=spec.name, seed=spec.seed, kind=spec.kind, frames=spec.frames, rate_hz=spec.rate, median_depth_m=float(1 / np.median(seen)))
    meta |= dict(path_m=float(steps(plan.poses).sum()), extent_m=float(np.linalg.norm(np.ptp(centres, axis=0))))
    meta |= dict(still=spec.still, turning=spec.turning, fast=spec.fast)
    meta |= dict(degrees_a_second_max=float(rotation_degrees(plan.poses).max() * spec.rate), light=spec.light, blur=spec.blur)
    files = dict(distortion=spec.distortion, jpeg=spec.jpeg)
    write_asl(folder, clip["im"], clip["poses"], clip["K"], spec.rate, f"rendered sequence {spec.name}", meta, **files)


def plan_sequence(spec: SequenceSpec, bank: TextureBank) -> ClipPlan:
    """Deterministic in the seed; draws again until nothing jumps, nothing comes too close, the first frames have parallax and all frames texture."""
    reasons = []
    for attempt in range(ATTEMPTS):
        rng = np.random.default_rng((spec.seed, 8, attempt))
        plan = _draw(rng, spec, bank.count)
        reason = _fault(plan, spec)
        if reason is None:
            light_up(plan.scene, plan.place, rng)
            reason = None if _textured(plan, spec, bank) else "too little texture"
        if reason is None:
            return plan
        reasons.append(reason)
    received = "; ".join(sorted(set(reasons)))
    raise TrainingError(f"no sequence for {spec.name}", expected="a draw inside the limits", received=received, advice="Change flow, kind or seed of the spec.")


def _draw(rng, spec: SequenceSpec, textures) -> ClipPlan:
    spot = random_place(rng, spec.place)
    path = Path(rng, spot.half, spec.kind, spec.rotation * rng.uniform(0.6, 1.2))
    if spec.kind == "handheld":
        path.reach = np.array([0.5, 0.3, 0.5]) * np.minimum(spot.half, 2.0)
    start = rng.uniform(0, 100)
    if path.loops:
        path.look = 0.0
    if path.dolly:
        path.run_forward_from(start)
        path.reach[path.axis] = 0.6 * spot.half[path.axis]
    K = random_intrinsics(rng, spec.height, spec.width)
    span = 45.0
    builder = SceneBuilder(rng, textures, path.position(np.linspace(start - 0.5, start + span, 500)), plain_walls=0.15)
    furnish(builder, spot)
    scene = builder.finish(sky=0.7)
    step = _step(path, start, span, scene, K, spec)
    move, turn = _paces(path, start, step, spec)
    clocked = ClockedPath(path, start, step, move, turn, spec.rate)
    times = np.arange(spec.frames) / spec.rate
    poses = clocked.poses(times)
    inverse = np.concatenate([_depth(scene, poses[k], K, spec).ravel() for k in range(0, spec.frames, 20)])
    return ClipPlan(scene, clocked, spot, K, times, poses, np.full(spec.frames, 1 / spec.rate), float(1 / np.median(inverse[inverse > 0])))


def _depth(scene, pose, K, spec):
    return depth_cpu(scene, pose, 0.0, K, spec.height, spec.width, 8)[0]


def _step(path, start, span, scene, K, spec) -> float:
    """The time step with the wanted median flow over the path."""
    samples = start + np.linspace(0, 0.6 * span, 10)
    depths = [_depth(scene, path.poses(t)[0], K, spec) for t in samples]
    low, high = 1e-4, span / spec.frames
    for _ in range(14):
        middle = math.sqrt(low * high)
        size = np.median([mean_flow(d, *path.poses(np.array([t, t + middle])), K, 8) for d, t in zip(depths, samples)])
        low, high = (middle, high) if size < spec.flow * spec.width / 320 else (low, middle)
    return low


def _paces(path, start, step, spec):
    move, turn = np.ones(spec.frames - 1), np.ones(spec.frames - 1)
    if spec.still:
        move, turn = stretch(spec.frames, *spec.still, 0.0), stretch(spec.frames, *spec.still, 0.0)
    if spec.turning:
        move = move * stretch(spec.frames, *spec.turning, 0.0)
    if spec.held:
        turn = _held(path, start, step, spec)
    elif spec.fast:
        rates = rotation_degrees(path.poses(start + step * np.arange(spec.frames)))
        turn = turn * stretch(spec.frames, *spec.fast, FAST_DEGREES / max(np.median(rates), 1e-3) * 0.6, ease=20)
    return move, turn


def _held(path, start, step, spec) -> np.ndarray:
    """Paces of the free rotation that keep the fast stretch at `held` degrees a second, except where the path turns back."""
    usual, clock, paces = stretch(spec.frames, *spec.fast, 0.0, ease=20), start, np.empty(spec.frames - 1)
    for k, share in enumerate(usual):
        at, pace = start + step * np.array([k, k + 1]), 1.0
        for _ in range(4):
            turned = rotation_degrees(path.poses(at, clock + step * np.array([0, pace])))[0]
            pace = min(pace * spec.held / spec.rate / max(turned, 1e-3), MOST_PACE)
        paces[k] = share + (1 - share) * pace
        clock += step * paces[k]
    return paces


def _fault(plan: ClipPlan, spec: SequenceSpec) -> str | None:
    """Why a draw is refused; None: it is fine."""
    degrees, lengths = rotation_degrees(plan.poses), steps(plan.poses)
    if degrees.max() > (8.5 if spec.fast else 5.0):
        return "rotation jumps"
    if spec.fast and np.quantile(degrees[spec.fast[0] + 20 : spec.fast[1] - 20], 0.75) * spec.rate < 100:
        return "fast stretch too slow"
    if spec.held and (degrees * spec.rate > 100).mean() < 0.5:
        return "fast in less than half of the frames"
    if lengths[:24].sum() / plan.depth < 0.12 or degrees[:24].mean() > 1.6:
        return "too little parallax at the start"
    if spec.kind == "forward" and _forward_share(plan.poses) < 0.85:
        return "not forward"
    if spec.turning and degrees[slice(*spec.turning)].sum() < 15:
        return "turning stretch turns too little"
    if not (spec.still or spec.turning) and lengths.sum() < 1.5 * plan.depth:
        return "path too short"
    for k in range(0, spec.frames, 6):
        inverse = _depth(plan.scene, plan.poses[k], plan.K, spec)
        if (inverse > 5 / plan.depth).mean() > 0.35 or (inverse == 0).mean() > 0.4:
            return "too close to a surface, or into the void"
        if k + 1 < spec.frames and mean_flow(inverse, plan.poses[k], plan.poses[k + 1], plan.K, 8) > (45 if spec.fast else 20) * spec.width / 320:
            return "flow jumps"
    return None


def _textured(plan: ClipPlan, spec: SequenceSpec, bank: TextureBank) -> bool:
    """Whether in every 20th frame half of the blocks of 16 x 16 pixels have a contrast (deviation over mean) of 8 %."""
    for k in range(0, spec.frames, 20):
        image = frame_cpu(plan.scene, bank, [plan.poses[k]], [0.0], plan.K, spec.height, spec.width, [(0.0, 0.0)])
        blocks = image.reshape(spec.height // 16, 16, spec.width // 16, 16)
        if (blocks.std((1, 3)) > 0.08 * blocks.mean((1, 3))).mean() < 0.5:
            return False
    return True


def _forward_share(poses: np.ndarray) -> float:
    """Share of the frames that move more along the optical axis than across it, and ahead."""
    centres = -np.einsum("nji,nj->ni", poses[:, :, :3], poses[:, :, 3])
    own = np.einsum("nij,nj->ni", poses[:-1, :, :3], np.diff(centres, axis=0))
    return float((own[:, 2] > np.hypot(own[:, 0], own[:, 1])).mean())
