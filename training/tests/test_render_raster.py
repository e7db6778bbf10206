# SPDX-License-Identifier: MIT
"""The renderer's two forms, its geometry against reprojection, and its antialiasing."""

import cv2
import numpy as np
import pytest
from small_bank import checker_bank, small_bank

from qpvo_train.render.flow import flow, relative
from qpvo_train.render.plan import plan_clip
from qpvo_train.render.raster import depth_torch, frame_torch, pixel_offsets, plane_rows
from qpvo_train.render.raster_cpu import depth_cpu, frame_cpu
from qpvo_train.render.scene import TABLE, Motion, SceneBuilder

H, W = 96, 128
K = (110.0, 108.0, 63.0, 48.5)
STRAIGHT = np.eye(3, 4)


def board(texture=0, distance=4.0, half=4.0, texels=512.0, tilt=0.0):
    """A lit rectangle in front of the camera: `texels` texels on a half side, no second layer."""
    builder = SceneBuilder(np.random.default_rng(0), 2, np.zeros((1, 3)))
    row = np.zeros(TABLE, np.float32)
    row[[0, 1, 4, 7, 16]] = texture, texels, texels, 0.9, 0.5
    builder.add([0, 0, distance], [half * np.cos(tilt), 0, half * np.sin(tilt)], [0, half, 0], texture=row)
    scene = builder.finish()
    scene.light_up(np.random.default_rng(0), [[0.0, 0.0, 0.0]], [0.0], 1.0, 2.0)
    return scene


def shifted(x=0.0, y=0.0, z=0.0):
    return np.concatenate([np.eye(3), [[-x], [-y], [-z]]], 1)


def draw(scene, bank, pose=STRAIGHT, samples=4, h=H, w=W, k=K):
    return frame_cpu(scene, bank, [pose] * samples, [0.0] * samples, k, h, w, pixel_offsets(samples))


@pytest.mark.parametrize("seed", [3, 4])
def test_both_forms_agree(seed):
    bank = small_bank()
    plan = plan_clip(seed, bank.count, 4, H, W)
    native = frame_cpu(plan.scene, bank, plan.poses, plan.times, plan.K, H, W, pixel_offsets(4))
    reference = frame_torch(plan.scene, bank, plan.poses, plan.times, plan.K, H, W, pixel_offsets(4)).numpy()
    difference = np.abs(native - reference)
    # A pixel on an edge may see the other side of it; elsewhere float32 rounding.
    assert np.quantile(difference, 0.995) < 1e-4 and difference.max() < 0.6
    inverse, index = depth_cpu(plan.scene, plan.poses[1], plan.times[1], plan.K, H, W)
    inverse_t, index_t = depth_torch(plan.scene, plan.poses[1], plan.times[1], plan.K, H, W)
    assert (index != index_t.numpy()).mean() < 0.002
    assert np.quantile(np.abs(inverse - inverse_t.numpy()) / inverse.clip(1e-3), 0.995) < 1e-4


def test_sizes_that_are_no_multiple_of_the_tile():
    bank = small_bank()
    plan = plan_clip(5, bank.count, 4, H, W)
    large = frame_cpu(plan.scene, bank, [plan.poses[0]], [plan.times[0]], plan.K, H, W, [(0.0, 0.0)])
    odd = frame_cpu(plan.scene, bank, [plan.poses[0]], [plan.times[0]], plan.K, 37, 53, [(0.0, 0.0)])
    np.testing.assert_allclose(odd, large[:37, :53], atol=1e-4)


def test_depth_of_a_tilted_board_is_analytic():
    tilt = 0.6
    inverse, _ = depth_cpu(board(tilt=tilt), STRAIGHT, 0.0, K, H, W)
    y, x = np.mgrid[: H // 4, : W // 4] * 4.0
    ray = np.stack([(x - K[2]) / K[0], (y - K[3]) / K[1], np.ones_like(x)])
    normal = np.array([-np.sin(tilt), 0, np.cos(tilt)])
    expected = np.einsum("i,ihw->hw", normal, ray) / (normal[2] * 4.0)
    np.testing.assert_allclose(inverse[inverse > 0], expected[inverse > 0], rtol=1e-5)
    assert (inverse > 0).mean() > 0.8


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_depth_and_poses_agree_with_reprojection(seed):
    """Cells of one frame land on the same rectangle in another frame within 0.1 px of where its depth says."""
    bank = small_bank()
    plan = plan_clip(seed, bank.count, 6, 240, 320)
    a, b = 0, 2
    inv_a, seen_a = depth_cpu(plan.scene, plan.poses[a], plan.times[a], plan.K, 240, 320)
    inv_b, seen_b = depth_cpu(plan.scene, plan.poses[b], plan.times[b], plan.K, 240, 320, 1)
    there = flow(inv_a, plan.poses[a], plan.poses[b], plan.K, 4) + np.mgrid[:60, :80][::-1] * 4.0
    near = np.round(there).astype(int)
    inside = (near[0] >= 1) & (near[0] < 319) & (near[1] >= 1) & (near[1] < 239) & (inv_a > 0)
    x, y = near[0].clip(0, 319), near[1].clip(0, 239)
    same = inside & (plan.scene.mover[seen_a] < 0) & (seen_b[y, x] == seen_a)
    assert same.mean() > 0.3
    # Back from the very place in b, with the inverse depth of the rectangle there, which is linear in the pixel.
    scene = plan.scene
    planes = plane_rows(scene.P, scene.U, scene.V, plan.poses[b], plan.K)[0][seen_a, 2]
    inverse = (planes * np.stack([*there, np.ones_like(there[0])], -1)).sum(-1)
    rotation, translation = relative(plan.poses[a], plan.poses[b])
    fx, fy, cx, cy = plan.K
    point = np.stack([(there[0] - cx) / fx, (there[1] - cy) / fy, np.ones_like(there[0])])
    point = np.einsum("ij,jhw->ihw", rotation, point) + translation[:, None, None] * inverse
    back = np.stack([fx * point[0] / point[2] + cx, fy * point[1] / point[2] + cy])
    error = np.hypot(*(back - np.mgrid[:60, :80][::-1] * 4.0))[same]
    assert error.max() < 0.1 and np.median(error) < 0.01
    # And the depth that b holds at the nearest pixel is that of the plane there.
    nearest = (planes * np.stack([x, y, np.ones_like(x)], -1)).sum(-1)
    np.testing.assert_allclose(inv_b[y, x][same], nearest[same], rtol=1e-3, atol=1e-5)


def test_images_move_as_depth_and_poses_say():
    """Sub-pixel: the warp by the true flow fits better than the same warp off by 0.1 px."""
    bank, k = checker_bank(), (220.0, 220.0, 127.5, 95.5)
    scene, other = board(texture=1, tilt=0.4, texels=256), shifted(0.13, -0.05, 0.3)
    first, second = draw(scene, bank, h=192, w=256, k=k), draw(scene, bank, other, h=192, w=256, k=k)
    inverse, _ = depth_cpu(scene, STRAIGHT, 0.0, k, 192, 256, 1)
    f = flow(inverse, STRAIGHT, other, k, 1)
    y, x = np.mgrid[:192, :256]

    def misfit(dx, dy):
        warped = cv2.remap(second, (x + f[0] + dx).astype(np.float32), (y + f[1] + dy).astype(np.float32), cv2.INTER_CUBIC)
        return np.abs(warped - first)[24:-24, 24:-24].mean()

    exact = misfit(0, 0)
    assert all(exact < 0.9 * misfit(dx, dy) for dx, dy in [(0.1, 0), (-0.1, 0), (0, 0.1), (0, -0.1)])


def test_a_fine_checker_far_away_is_its_mean():
    """16 texels a pixel: an even grey, no alias pattern."""
    image = draw(board(texels=16 * 110.0), checker_bank())
    np.testing.assert_allclose(image, 0.5, atol=0.01)


def test_contrast_fades_as_texels_shrink():
    """From 4 pixels a texel down to 1/4 pixel the contrast falls steadily: no ring of alias energy."""
    contrast = [draw(board(texels=110.0 / pixels), checker_bank()).std() for pixels in (4, 2, 1, 0.5, 0.25)]
    assert contrast[0] > 0.12 and contrast[-1] < 0.02
    assert all(a > b for a, b in zip(contrast, contrast[1:]))


def test_a_sub_pixel_shift_moves_the_image_smoothly():
    """Ten steps of 0.1 px: every step changes the image by about the same small amount."""
    scene, bank = board(texture=1, texels=220.0), checker_bank()
    images = [draw(scene, bank, shifted(x=0.1 * k * 4.0 / K[0])) for k in range(11)]
    changes = np.array([np.abs(b - a).mean() for a, b in zip(images, images[1:])])
    assert changes.max() < 1.3 * changes.min() and changes.max() < 0.02
    np.testing.assert_allclose(images[10][:, :-2], images[0][:, 1:-1], atol=0.02)


def test_a_moving_rectangle_is_drawn_and_marked_where_it_is():
    scene = board(distance=6.0, half=8.0)
    builder = SceneBuilder(np.random.default_rng(1), 2, np.zeros((1, 3)))
    builder.add([0, 0, 3], [0.5, 0, 0], [0, 0.5, 0])
    extra = builder.finish()
    scene.P, scene.U, scene.V = (np.concatenate(pair) for pair in ((scene.P, extra.P), (scene.U, extra.U), (scene.V, extra.V)))
    scene.disc, scene.mover = np.append(scene.disc, False), np.array([-1, 0])
    scene.motions = [Motion(np.array([0, 0, 3.0]), np.array([1.0, 0, 0]), np.zeros(3), 1.0, 0.0, 0.0)]
    _, before = depth_cpu(scene, STRAIGHT, 0.0, K, H, W, 1)
    _, after = depth_cpu(scene, STRAIGHT, 0.5, K, H, W, 1)
    columns = [np.nonzero((index == 1).any(0))[0].mean() for index in (before, after)]
    assert columns[0] == pytest.approx(K[2], abs=0.6)
    assert columns[1] - columns[0] == pytest.approx(0.5 / 3 * K[0], abs=0.6)


def test_shadow_lies_behind_the_blocker():
    builder = SceneBuilder(np.random.default_rng(0), 2, np.zeros((1, 3)))
    builder.add([0, 0, 4], [4, 0, 0], [0, 4, 0], wall=True)
    builder.add([0, 0, 2], [0.5, 0, 0], [0, 0.5, 0])
    scene = builder.finish()
    scene.light_up(np.random.default_rng(0), [[0.0, 0.0, 0.0]], [1.0], 0.2, 4.0)
    side = scene.light.side[0]
    wall = scene.light.maps[: side * side].reshape(side, side)
    middle, corner = wall[side // 2, side // 2], wall[side // 2, side // 8]
    assert middle < 0.5 * wall.max() and corner > middle
