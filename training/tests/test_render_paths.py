# SPDX-License-Identifier: MIT
"""Every kind of motion has the property that its name promises."""

import numpy as np
import pytest
from small_bank import small_bank

from qpvo_train.render.clocks import ClockedPath, stretch
from qpvo_train.render.flow import mean_flow, rotation_degrees, steps
from qpvo_train.render.paths import KINDS, ROUND, Path
from qpvo_train.render.plan import FLOW_RANGE, PARALLAX_RANGE, plan_clip
from qpvo_train.render.raster_cpu import depth_cpu

HALF = np.array([3.0, 1.5, 4.0])
TIMES = np.linspace(0, 6, 400)


def centres(poses):
    return -np.einsum("nji,nj->ni", poses[:, :, :3], poses[:, :, 3])


def own_motion(poses):
    """Displacement between frames in the camera's own axes [n - 1, 3]."""
    return np.einsum("nij,nj->ni", poses[:-1, :, :3], np.diff(centres(poses), axis=0))


def paths(kind, count=8):
    return [Path(np.random.default_rng((1, k)), HALF, kind) for k in range(count)]


@pytest.mark.parametrize("kind", [*KINDS, ROUND])
def test_poses_are_rotations_inside_the_place_and_smooth(kind):
    for path in paths(kind):
        poses = path.poses(TIMES)
        np.testing.assert_allclose(poses[:, :, :3] @ poses[:, :, :3].transpose(0, 2, 1), np.broadcast_to(np.eye(3), (400, 3, 3)), atol=1e-12)
        np.testing.assert_allclose(np.linalg.det(poses[:, :, :3]), 1, atol=1e-12)
        assert (np.abs(centres(poses)) < HALF).all()
        assert steps(path.poses(TIMES[:1] + np.arange(20) * 1e-4)).max() < 0.01


def test_pure_rotation_stays_where_it_is_and_turns():
    for path in paths("pure_rotation"):
        poses = path.poses(TIMES)
        assert np.ptp(centres(poses), axis=0).max() < 1e-9
        assert rotation_degrees(poses).sum() > 5


def test_wheeled_is_level_forward_and_never_at_rest():
    for path in paths("wheeled"):
        path.look = 0.0
        poses = path.poses(TIMES)
        assert np.ptp(centres(poses)[:, 1]) < 0.02
        roll = np.degrees(np.arcsin(poses[:, 0, 1]))
        assert np.abs(roll).max() < 4
        own, length = own_motion(path_without_tremor(path).poses(TIMES)), None
        length = np.linalg.norm(own, axis=1)
        assert length.min() > 0.05 * length.max()
        assert np.median(own[:, 2] / length) > 0.95


def path_without_tremor(path):
    path.tremor_size = np.zeros(6)
    return path


def test_forward_goes_along_its_optical_axis():
    for path in paths("forward"):
        path.look = 0.0
        own = own_motion(path.poses(TIMES))
        assert np.median(np.abs(own[:, 2]) / np.linalg.norm(own, axis=1)) > 0.75


def test_orbit_keeps_its_target_in_view():
    for path in paths("orbit"):
        poses = path.poses(TIMES)
        seen = poses[:, :, :3] @ path.target + poses[:, :, 3]
        far = np.linalg.norm(seen[:, [0, 2]], axis=1) > 0.3
        assert np.median(np.degrees(np.abs(np.arctan2(seen[far, 0], seen[far, 2])))) < 25


def test_round_goes_on_round_the_middle_and_keeps_it_in_view():
    for path in (Path(np.random.default_rng((1, k)), HALF, ROUND, 0.2) for k in range(8)):
        poses = path.poses(TIMES)
        seen = poses[:, :, :3] @ path.centre + poses[:, :, 3]
        assert np.degrees(np.abs(np.arctan2(seen[:, 0], seen[:, 2]))).max() < 10
        x, _, z = (centres(poses) - path.centre).T
        turns = np.diff(np.unwrap(np.arctan2(x, z))) * -path.loop_rate
        assert turns.min() > 0 and steps(poses).min() > 0.05 * steps(poses).max()


def test_handheld_trembles_and_stays_near():
    for path in paths("handheld"):
        assert np.linalg.norm(np.ptp(centres(path.poses(TIMES)), axis=0)) < 3.5
        shaken = rotation_degrees(path.poses(np.arange(60) / 30)).mean()
        assert shaken > rotation_degrees(path_without_tremor(path).poses(np.arange(60) / 30)).mean()


def test_mav_banks_into_its_turns():
    rolls = [np.degrees(np.arcsin(np.clip(p.poses(TIMES)[:, 0, 1], -1, 1))) for p in paths("mav")]
    assert np.median([np.abs(r).max() for r in rolls]) > 2


@pytest.mark.parametrize("kind", ["mav", "handheld", "wheeled", "free", "orbit", "forward"])
def test_clips_have_parallax_and_no_jumps(kind):
    """The mean flow is in its range at the first pair, and translation is a fair share of the depth (rare clips are let off)."""
    fair = 0
    for seed in range(4):
        plan = plan_clip(500 + seed, small_bank().count, 6, 96, 128, kind=kind)
        inverse, _ = depth_cpu(plan.scene, plan.poses[0], plan.times[0], plan.K, 96, 128, 8)
        moving = plan.interval[:-1] > 0
        parallax = np.median(steps(plan.poses)[moving]) / plan.depth
        fair += PARALLAX_RANGE[0] * 0.9 <= parallax <= PARALLAX_RANGE[1] * 1.1
        assert rotation_degrees(plan.poses).max() < 12
        assert mean_flow(inverse, plan.poses[0], plan.poses[1], plan.K, 8) < 2 * FLOW_RANGE[1] * 128 / 320
    assert fair >= 3


def test_fast_rotation_turns_at_100_degrees_a_second():
    """At 20 frames a second that is 5 degrees a frame; the kind spans 3.5 to 7."""
    degrees = [np.median(rotation_degrees(plan_clip(600 + s, small_bank().count, 6, 96, 128, kind="fast_rotation").poses)) for s in range(6)]
    assert max(degrees) > 5 and np.median(degrees) > 3.0


def test_clocks_stand_still_or_only_turn():
    path = path_without_tremor(paths("free")[0])
    still, turn = stretch(100, 30, 70, 0.0, ease=4), np.ones(99)
    frames = np.arange(100) / 20
    halted = ClockedPath(path, 1.0, 0.05, still, still, 20).poses(frames)
    turning = ClockedPath(path, 1.0, 0.05, still, turn, 20).poses(frames)
    assert steps(halted)[36:64].max() < 1e-9 and rotation_degrees(halted)[36:64].max() < 1e-5
    assert steps(turning)[36:64].max() < 1e-9 and rotation_degrees(turning)[36:64].sum() > 1
    assert steps(halted)[:20].min() > 1e-4
