# SPDX-License-Identifier: MIT
"""The lens against OpenCV's, in formula and in rendered images, and the antialiasing of what is seen through it."""

import cv2
import numpy as np
import pytest
from small_bank import checker_bank

from qpvo_train.errors import TrainingError
from qpvo_train.render.lens import FINER, distort, lens_view, undistort
from qpvo_train.render.raster import pixel_offsets
from qpvo_train.render.raster_cpu import frame_cpu
from qpvo_train.render.scene import TABLE, SceneBuilder

H, W = 96, 128
K = (83.0, 82.8, 64.5, 47.6)
BARREL = (-0.15, 0.04, 0.0004, -0.0003)
LENSES = [BARREL, (0.12, -0.02, 0.0, 0.001), (0.0, 0.0, -0.003, 0.002)]
STRAIGHT = np.eye(3, 4)


def in_pixels(points, coefficients):
    """Pixels [n, 2] of points [n, 3] of the camera frame, by OpenCV."""
    matrix = np.array([[K[0], 0, K[2]], [0, K[1], K[3]], [0, 0, 1]])
    return cv2.projectPoints(np.asarray(points, float), np.zeros(3), np.zeros(3), matrix, np.array(coefficients))[0][:, 0]


def surfaces(*rectangles):
    """A lit scene of (centre, U, V, disc, grey, contrast, texels on a half side); the first texture of the bank."""
    builder = SceneBuilder(np.random.default_rng(0), 2, np.zeros((1, 3)))
    for centre, U, V, disc, grey, contrast, texels in rectangles:
        row = np.zeros(TABLE, np.float32)
        row[[1, 4, 7, 16]] = texels, texels, contrast, grey
        builder.add(centre, U, V, disc=disc, texture=row)
    scene = builder.finish()
    scene.light_up(np.random.default_rng(0), [[0.0, 0.0, 0.0]], [0.0], 1.0, 2.0)
    return scene


def wall(texels=1.0, contrast=0.0, grey=0.5):
    """A wall 4 m away, beyond the image on all sides, with so many texels on half of its 32 m."""
    return [0, 0, 4], [16, 0, 0], [0, 16, 0], False, grey, contrast, texels


def seen(scene, coefficients=BARREL, pose=STRAIGHT):
    view = lens_view(K, coefficients, H, W)
    return view.through_lens(frame_cpu(scene, checker_bank(), [pose] * 4, [0.0] * 4, view.K, view.height, view.width, pixel_offsets(4)))


@pytest.mark.parametrize("coefficients", LENSES)
def test_distortion_is_that_of_opencv(coefficients):
    points = np.random.default_rng(0).uniform(-0.8, 0.8, (500, 2))
    own = distort(points, coefficients) * [K[0], K[1]] + [K[2], K[3]]
    np.testing.assert_allclose(own, in_pixels(np.c_[points, np.ones(500)], coefficients), atol=1e-9)


@pytest.mark.parametrize("coefficients", LENSES)
def test_undistortion_is_the_inverse(coefficients):
    points = np.random.default_rng(1).uniform(-0.8, 0.8, (20, 25, 2))
    np.testing.assert_allclose(distort(undistort(points, coefficients), coefficients), points, atol=1e-10)
    np.testing.assert_allclose(undistort(distort(points, coefficients), coefficients), points, atol=1e-9)


def test_a_lens_that_folds_its_image_over_is_refused():
    """Distorted radii of 1 - 0.5 r^2 reach 0.54 at most; the corners of the image are at 0.96."""
    with pytest.raises(TrainingError, match="folds its image over"):
        lens_view(K, (-0.5, 0.0, 0.0, 0.0), H, W)


@pytest.mark.parametrize("coefficients", LENSES)
def test_the_finer_image_covers_the_view(coefficients):
    view = lens_view(K, coefficients, H, W)
    assert view.K[0] == FINER * K[0] and view.K[1] == FINER * K[1]
    np.testing.assert_allclose(view.resampling.sum(1), 1, atol=1e-6)
    used = np.asarray(view.resampling.sum(0)).reshape(view.height, view.width) > 0
    assert used.any(1).sum() >= view.height - 2 and used.any(0).sum() >= view.width - 2


def test_radiance_that_is_linear_in_the_place_is_resampled_exactly():
    """The mean over a pixel of the undistorted place is that at its middle, up to the curvature of the lens in a pixel."""
    view = lens_view(K, BARREL, H, W)
    x, y = view.through_lens(np.arange(view.width) + np.zeros((view.height, 1))), view.through_lens(np.arange(view.height)[:, None] + np.zeros(view.width))
    rays = np.stack([(x - view.K[2]) / view.K[0], (y - view.K[3]) / view.K[1], np.ones_like(x)], -1).reshape(-1, 3)
    np.testing.assert_allclose(in_pixels(rays, BARREL).reshape(H, W, 2), np.stack(np.meshgrid(np.arange(W), np.arange(H)), -1), atol=1e-3)


@pytest.mark.parametrize("coefficients", LENSES)
def test_rendered_points_are_where_opencv_projects_them(coefficients):
    points = np.array([[x, y, 3.0] for x in (-1.75, -0.9, 0.1, 1.0, 1.7) for y in (-1.2, -0.4, 0.5, 1.25)])
    discs = [(point, [0.06, 0, 0], [0, 0.06, 0], True, 1.0, 0.0, 1.0) for point in points]
    light = seen(surfaces(wall(grey=0.1), *discs), coefficients) - 0.1
    for x, y in in_pixels(points, coefficients):
        left, top = round(x) - 4, round(y) - 4
        spot = light[top : top + 9, left : left + 9]
        centre = np.array([(spot * np.arange(9)).sum(), (spot * np.arange(9)[:, None]).sum()]) / spot.sum() + [left, top]
        assert np.hypot(*(centre - [x, y])) < 0.1


def test_without_distortion_it_is_the_pinhole_image():
    scene = surfaces(wall(texels=16 * 83.0 / 4 / 6, contrast=0.9))
    pinhole = frame_cpu(scene, checker_bank(), [STRAIGHT] * 16, [0.0] * 16, K, H, W, pixel_offsets(16))
    difference = seen(scene, (0.0, 0.0, 0.0, 0.0)) - pinhole
    assert np.abs(difference).mean() < 0.1 * pinhole.std() and abs(difference.mean()) < 1e-3


def test_an_edge_is_sharp_and_where_opencv_projects_it():
    """In every row from 10 to 90 % within two pixels, and half of it at its place; upright edges are known to a quarter of a pixel of the finer image."""
    image = (seen(surfaces(wall(grey=0.1), ([8.3, 0, 3.9], [8, 0, 0], [0, 16, 0], False, 0.9, 0.0, 1.0))) - 0.1) / 0.8
    edge = in_pixels(np.c_[np.full(400, 0.3), np.linspace(-4, 4, 400), np.full(400, 3.9)], BARREL)
    for row in range(H):
        at = np.interp([0.1, 0.5, 0.9], image[row, 60:90], np.arange(60, 90))
        assert at[2] - at[0] < 2 and abs(at[1] - np.interp(row, edge[:, 1], edge[:, 0])) < 0.1


def test_a_fine_checker_far_away_is_its_mean():
    np.testing.assert_allclose(seen(surfaces(wall(texels=16 * 16 * 83.0 / 4, contrast=0.9))), 0.5, atol=0.01)


def test_contrast_fades_as_texels_shrink():
    """From 4 pixels a texel down to half a pixel the contrast falls steadily, and below that there is none: no ring of alias energy."""
    contrast = [seen(surfaces(wall(texels=16 * 83.0 / 4 / pixels, contrast=0.9))).std() for pixels in (4, 2, 1, 0.7, 0.5, 0.35, 0.25)]
    assert contrast[0] > 0.12 and max(contrast[4:]) < 0.01
    assert all(a > b for a, b in zip(contrast[:4], contrast[1:5]))


def test_a_sub_pixel_shift_moves_the_image_smoothly():
    """Ten steps of 0.1 px: every step changes the image by about the same small amount."""
    scene = surfaces(wall(texels=16 * 83.0 / 4 / 6, contrast=0.9))
    shifted = lambda x: np.concatenate([np.eye(3), [[-x], [0], [0]]], 1)
    images = [seen(scene, pose=shifted(0.1 * k * 4.0 / K[0])) for k in range(11)]
    changes = np.array([np.abs(b - a).mean() for a, b in zip(images, images[1:])])
    assert changes.max() < 1.3 * changes.min() and changes.max() < 0.06
