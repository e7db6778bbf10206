# SPDX-License-Identifier: MIT
"""Procedural grey textures of many spectra; every generator returns float32 [SIZE, SIZE] in 0..1 and tiles or nearly tiles."""

import cv2
import numpy as np
from scipy.spatial import cKDTree

SIZE = 512


def _stretched(x: np.ndarray) -> np.ndarray:
    low, high = np.quantile(x, [0.01, 0.99])
    return np.clip((x - low) / (high - low + 1e-9), 0, 1).astype(np.float32)


def noise(rng, slope=None):
    """Gaussian noise with amplitude spectrum 1 / f^slope, sometimes stretched along one axis."""
    slope = rng.uniform(0.6, 2.3) if slope is None else slope
    stretch = 2 ** rng.uniform(0, 3) if rng.random() < 0.25 else 1.0
    f = np.hypot(np.fft.fftfreq(SIZE)[:, None] * SIZE * stretch, np.fft.rfftfreq(SIZE)[None] * SIZE)
    f[0, 0] = 1
    spectrum = (rng.normal(size=f.shape) + 1j * rng.normal(size=f.shape)) / f**slope
    spectrum[0, 0] = 0
    return _stretched(np.fft.irfft2(spectrum, s=(SIZE, SIZE)))


def marble(rng):
    y, x = np.mgrid[:SIZE, :SIZE] * (2 * np.pi / SIZE)
    kx, ky = rng.integers(-8, 9, 2)
    return _stretched(np.sin(kx * x + ky * y + rng.uniform(3, 25) * noise(rng, rng.uniform(1.2, 2.0))))


def camouflage(rng):
    field = noise(rng, rng.uniform(1.0, 1.8))
    steps = [rng.normal() * (field > level) for level in rng.uniform(0.1, 0.9, rng.integers(1, 6))]
    return cv2.GaussianBlur(_stretched(np.sum(steps, 0)), (0, 0), 0.7)


def voronoi(rng):
    count = int(2 ** rng.uniform(5, 12))
    grid = np.stack(np.mgrid[:SIZE, :SIZE], -1).reshape(-1, 2)
    distance, cell = cKDTree(rng.uniform(0, SIZE, (count, 2)), boxsize=SIZE).query(grid, k=2)
    shade = rng.uniform(0, 1, count)[cell[:, 0]]
    edge = np.clip((distance[:, 1] - distance[:, 0]) / rng.uniform(1, 5), 0, 1)
    look = [shade, shade * edge, edge * (0.5 + 0.5 * shade)][rng.integers(3)]
    return cv2.GaussianBlur(_stretched(look.reshape(SIZE, SIZE)), (0, 0), 0.6)


def bricks(rng):
    high = int(rng.choice([8, 16, 32, 64, 128]))
    wide = min(int(high * rng.choice([1, 1, 2, 2, 4])), 256)
    y, x = np.mgrid[:SIZE, :SIZE]
    course = y // high
    x = (x + (course % 2) * (wide // 2) * rng.integers(2)) % SIZE
    if rng.random() < 0.7:
        out = rng.uniform(0.3, 1, (SIZE // high + 1, SIZE // wide + 1))[course, x // wide]
    else:
        out = ((course + x // wide) % 2).astype(float)
    joint = rng.integers(0, max(2, high // 8))
    out = np.where((y % high < joint) | (x % wide < joint), rng.uniform(0, 1), out)
    return _stretched(cv2.GaussianBlur((out + rng.uniform(0, 0.4) * noise(rng)).astype(np.float32), (0, 0), 0.7))


def _draw_shape(rng, image, side, big):
    centre = rng.uniform(0, side, 2)
    radius = side * 2 ** rng.uniform(-6, -2 if big else -3.5)
    colour, at = float(rng.uniform(0, 255)), tuple(int(v) for v in centre)
    kind = rng.integers(4)
    if kind == 0:
        angle = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 8)))
        ring = centre + radius * rng.uniform(0.4, 1, (len(angle), 1)) * np.stack([np.cos(angle), np.sin(angle)], -1)
        cv2.fillPoly(image, [ring.astype(np.int32)], colour)
    elif kind == 1:
        end = centre + rng.normal(size=2) * radius * 2
        cv2.line(image, at, tuple(int(v) for v in end), colour, int(rng.integers(1, 12)))
    elif kind == 2:
        thickness = -1 if rng.random() < 0.7 else int(rng.integers(1, 8))
        cv2.ellipse(image, at, (int(radius), int(radius * rng.uniform(0.3, 1)) + 1), rng.uniform(0, 180), 0, 360, colour, thickness)
    else:
        cv2.putText(image, _glyphs(rng, rng.integers(1, 9)), at, int(rng.integers(0, 8)), radius / 40 + 0.4, colour, int(rng.integers(1, 6)), cv2.LINE_AA)


def _glyphs(rng, count):
    return "".join(chr(rng.integers(33, 126)) if rng.random() > 0.12 else " " for _ in range(count))


def shapes(rng):
    side = 2 * SIZE
    image = np.full((side, side), rng.uniform(0, 255), np.uint8)
    big = rng.random() < 0.5
    for _ in range(int(2 ** rng.uniform(4, 8.5))):
        _draw_shape(rng, image, side, big)
    return cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def page(rng):
    """Rows of glyphs: a printed page, a label, a shelf of book backs."""
    image = np.full((SIZE, SIZE), 255 * rng.uniform(0.6, 1), np.uint8)
    y, ink = 0, float(255 * rng.uniform(0, 0.4))
    while y < SIZE:
        scale = rng.uniform(0.3, 1.6)
        y += int(24 * scale) + rng.integers(1, 14)
        at = (int(rng.integers(-20, 100)), int(y))
        cv2.putText(image, _glyphs(rng, rng.integers(5, 100)), at, int(rng.integers(0, 8)), scale, ink, int(rng.integers(1, 3)), cv2.LINE_AA)
    return image.astype(np.float32) / 255


def panel(rng):
    """Machine fronts: nested plates with seams, rows of knobs and vents."""
    image = np.full((SIZE, SIZE), rng.uniform(80, 200), np.float32)
    for _ in range(int(2 ** rng.uniform(3, 6))):
        x, y = rng.integers(0, SIZE, 2)
        w, h = (SIZE * 2 ** rng.uniform(-5, -1.2, 2)).astype(int)
        cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + h)), float(rng.uniform(20, 240)), -1 if rng.random() < 0.6 else 2)
        if rng.random() < 0.4:
            pitch = int(rng.integers(4, 20))
            for k in range(0, h, pitch):
                cv2.line(image, (int(x), int(y + k)), (int(x + w), int(y + k)), float(rng.uniform(0, 255)), int(rng.integers(1, max(2, pitch // 2))))
        elif rng.random() < 0.4:
            pitch = int(rng.integers(10, 40))
            for k in range(pitch, w, pitch):
                cv2.circle(image, (int(x + k), int(y + h // 2)), max(2, pitch // 4), float(rng.uniform(0, 255)), -1)
    return np.clip(cv2.GaussianBlur(image, (0, 0), 0.8) / 255 + rng.uniform(0, 0.15) * (noise(rng) - 0.5), 0, 1).astype(np.float32)


def smooth(rng):
    soft = _stretched(cv2.GaussianBlur(noise(rng, 2.4), (0, 0), rng.uniform(4, 30)))
    return soft * 0.8 + 0.2 * noise(rng, 0.8)


KINDS = (noise, noise, marble, camouflage, voronoi, voronoi, bricks, bricks, shapes, shapes, shapes, page, panel, panel, smooth)


def draw_texture(index: int, seed: int = 0) -> np.ndarray:
    """Texture number `index` of the stream `seed`: uint8 [SIZE, SIZE], often a blend of two kinds."""
    rng = np.random.default_rng((seed, index))
    out = KINDS[index % len(KINDS)](rng)
    if rng.random() < 0.35:
        other = KINDS[rng.integers(len(KINDS))](rng)
        out = out * (0.3 + 0.7 * other) if rng.random() < 0.5 else 0.6 * out + 0.4 * other
    out = _stretched(out) + rng.normal(size=out.shape) * rng.uniform(0, 0.04)
    return (np.clip(out, 0, 1) * 255).astype(np.uint8)
