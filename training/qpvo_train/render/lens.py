# SPDX-License-Identifier: MIT
"""A lens with radial-tangential distortion: where it shows a ray, and images through it, made from a finer pinhole image of the same view.

Points are normalised (x / z, y / z of the camera frame), pixels have their centres at integers. The coefficients are k1, k2, p1, p2 of OpenCV, ROS (plumb_bob)
and ASL: distorted = p (1 + k1 r^2 + k2 r^4) + (2 p1 x y + p2 (r^2 + 2 x^2), p1 (r^2 + 2 y^2) + 2 p2 x y) of the undistorted p = (x, y), r = |p|.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from ..errors import TrainingError

FINER = 2  # pixels of the pinhole image to one of the lens' image, in the middle and along each axis
SUB_PIXELS = 4  # along each axis of a pixel
ITERATIONS = 20
MISFIT = 1e-11  # normalised, after which Newton's method ends


def distort(points: np.ndarray, coefficients) -> np.ndarray:
    """Where the lens shows undistorted points: [..., 2] -> [..., 2], normalised."""
    k1, k2, p1, p2 = coefficients
    x, y = points[..., 0], points[..., 1]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * k2)
    return np.stack([x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x), y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y], -1)


def undistort(points: np.ndarray, coefficients) -> np.ndarray:
    """Inverse of `distort` by Newton's method. Raises TrainingError where a point of the image has no undistorted one in reach."""
    found = np.array(points, float)
    for _ in range(ITERATIONS):
        away = points - distort(found, coefficients)
        xx, xy, yy = _slopes(found, coefficients)
        area = xx * yy - xy * xy
        if not (area > 0).all():
            break
        if np.abs(away).max() < MISFIT:
            return found
        found += np.stack([yy * away[..., 0] - xy * away[..., 1], xx * away[..., 1] - xy * away[..., 0]], -1) / area[..., None]
    raise TrainingError("the lens folds its image over", expected="a distortion that can be undone in all of the image", received=tuple(coefficients))


def _slopes(points: np.ndarray, coefficients) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Derivative of `distort`, a symmetric matrix: d x / d x, d x / d y = d y / d x, d y / d y, each [...]."""
    k1, k2, p1, p2 = coefficients
    x, y = points[..., 0], points[..., 1]
    r2 = x * x + y * y
    radial, bend = 1 + r2 * (k1 + r2 * k2), 2 * k1 + 4 * k2 * r2
    mixed = bend * x * y + 2 * p1 * x + 2 * p2 * y
    return radial + bend * x * x + 2 * p1 * y + 6 * p2 * x, mixed, radial + bend * y * y + 6 * p1 * y + 2 * p2 * x


@dataclass(frozen=True)
class LensView:
    """The pinhole image that covers what a lens sees (K: fx fy cx cy in pixels, height, width), and the sparse matrix [h w, height width] that takes radiance in
    it to that of the lens' h x w pixels: the mean over SUB_PIXELS^2 places of a pixel, each interpolated bilinearly at its undistorted point.
    """

    K: tuple
    height: int
    width: int
    resampling: csr_matrix
    shape: tuple[int, int]

    def through_lens(self, radiance: np.ndarray) -> np.ndarray:
        """Radiance [height, width] of the pinhole image -> float32 [h, w] of the lens' image."""
        return (self.resampling @ radiance.ravel()).reshape(self.shape)


def lens_view(K, coefficients, h: int, w: int) -> LensView:
    """The view of a lens with the intrinsics K (fx fy cx cy, pixels) and an image of h x w pixels. Raises TrainingError as `undistort` does."""
    fx, fy, cx, cy = K
    shift = (np.arange(SUB_PIXELS) + 0.5) / SUB_PIXELS - 0.5
    y, x = np.meshgrid((np.arange(h)[:, None] + shift).ravel(), (np.arange(w)[:, None] + shift).ravel(), indexing="ij")
    places = undistort(np.stack([(x - cx) / fx, (y - cy) / fy], -1), coefficients) * FINER * np.array([fx, fy])
    first = np.floor(places.min((0, 1)))
    places -= first
    width, height = (int(n) + 2 for n in places.max((0, 1)))
    row = np.arange(h).repeat(SUB_PIXELS)[:, None] * w + np.arange(w).repeat(SUB_PIXELS)
    return LensView((FINER * fx, FINER * fy, -first[0], -first[1]), height, width, _bilinear(places, row, (h * w, height * width), width), (h, w))


def _bilinear(places: np.ndarray, row: np.ndarray, shape: tuple[int, int], width: int) -> csr_matrix:
    """Places (x, y) [.., 2] in an image of that width, each a part of the matrix row `row` [..]: their bilinear weights, shared out evenly."""
    corner = np.floor(places).astype(np.int32)
    part = (places - corner).astype(np.float32) / np.float32(SUB_PIXELS)
    rest = np.float32(1 / SUB_PIXELS) - part
    weights, columns = [], []
    for across, down, dx, dy in ((rest, rest, 0, 0), (part, rest, 1, 0), (rest, part, 0, 1), (part, part, 1, 1)):
        weights.append((across[..., 0] * down[..., 1]).ravel())
        columns.append(((corner[..., 1] + dy) * width + corner[..., 0] + dx).ravel())
    rows = np.tile(row.ravel().astype(np.int32), 4)
    return csr_matrix((np.concatenate(weights), (rows, np.concatenate(columns))), shape, np.float32)
