# SPDX-License-Identifier: MIT
"""Kinds of places: furnished rooms, corridors, machine halls and open yards, each around a given camera path."""

from dataclasses import dataclass

import numpy as np

from .scene import SceneBuilder

AXES = np.eye(3)


@dataclass
class Place:
    """half: half sizes of the space (x, y down, z) in metres; the path stays in about 60 % of it."""

    kind: str
    half: np.ndarray


def random_place(rng, kind: str | None = None) -> Place:
    kind = kind or str(rng.choice(["room", "hall", "corridor", "yard"], p=[0.55, 0.22, 0.11, 0.12]))
    if kind == "room":
        half = np.array([1, rng.uniform(0.5, 0.9), rng.uniform(0.6, 1.6)]) * rng.uniform(1.2, 4)
    elif kind == "parlour":
        half = np.array([rng.uniform(2.6, 3.2), rng.uniform(1.3, 1.6), rng.uniform(2.8, 3.6)])
    elif kind == "hall":
        half = np.array([rng.uniform(3, 7), rng.uniform(1.8, 4), rng.uniform(5, 12.5)])
    elif kind == "corridor":
        half = np.array([rng.uniform(0.8, 1.6), rng.uniform(0.9, 1.6), rng.uniform(4, 12)])
    else:
        half = np.array([rng.uniform(3, 8), rng.uniform(1.2, 3), rng.uniform(3, 8)])
    if rng.random() < 0.5:
        half = half[[2, 1, 0]]
    return Place(kind, half)


def furnish(builder: SceneBuilder, place: Place) -> None:
    """Walls, posters and objects of the place."""
    rng, half = builder.rng, place.half
    if place.kind == "yard":
        _ground_and_backdrop(builder, half)
    else:
        _walls(builder, half)
        _posters(builder, half, rng.integers(6, 22))
    if place.kind == "hall":
        _columns(builder, half)
        _machines(builder, half, rng.integers(4, 12))
        _clutter(builder, half, rng.integers(4, 12), (-4, -1.5))
    elif place.kind == "parlour":
        _furniture(builder, half, rng.integers(12, 20))
    elif place.kind == "corridor":
        _clutter(builder, half, rng.integers(6, 18), (-3.5, -1.2))
    else:
        _clutter(builder, half, rng.integers(10, 30), (-3.8, -0.9))
    if place.kind != "parlour" and rng.random() < 0.4:
        _near_clutter(builder, rng.integers(2, 8))


def _walls(builder, half):
    for k in range(3):
        i, j = (k + 1) % 3, (k + 2) % 3
        for sign in (-1, 1):
            builder.add(sign * AXES[k] * half[k], AXES[i] * half[i] * 1.001, AXES[j] * half[j] * 1.001, wall=True)


def _ground_and_backdrop(builder, half):
    """A wide ground, and panels far outside in a ring: depths up to ten times the yard; the rest is sky."""
    rng, wide = builder.rng, 6 * half.max()
    builder.add(AXES[1] * half[1], AXES[2] * wide, AXES[0] * wide, wall=True)
    for angle in np.arange(0, 2 * np.pi, 2 * np.pi / rng.integers(10, 24)):
        distance = half.max() * rng.uniform(1.3, 9)
        a = angle + rng.uniform(-0.2, 0.2)
        out, along = np.array([np.sin(a), 0, np.cos(a)]), np.array([np.cos(a), 0, -np.sin(a)])
        high = distance * rng.uniform(0.1, 0.6)
        builder.add(out * distance + AXES[1] * (half[1] - high), along * distance * rng.uniform(0.15, 0.6), AXES[1] * high)


def _posters(builder, half, count):
    rng = builder.rng
    for _ in range(count):
        k, sign = rng.integers(3), rng.choice([-1, 1])
        a, b = (k + 1) % 3, (k + 2) % 3
        extent = rng.uniform(0.05, 0.4, 2) * half[[a, b]]
        centre = np.zeros(3)
        centre[k] = sign * half[k] * (1 - rng.uniform(0.002, 0.01))
        centre[a], centre[b] = rng.uniform(-1, 1, 2) * (half[[a, b]] - extent)
        builder.add(centre, AXES[a] * extent[0], AXES[b] * extent[1], disc=rng.random() < 0.15)


def _clutter(builder, half, count, octaves):
    """Boxes, panels and discs of sizes 2^octaves x the room, standing on the floor or free in space, clear of the path."""
    rng, mean, tries = builder.rng, min(half.mean(), 2.5 * half.min()), 0
    while count and tries < 300:
        tries += 1
        extent = 2 ** rng.uniform(*octaves, 3) * mean
        centre = rng.uniform(-1, 1, 3) * half
        if rng.random() < 0.55:
            centre[1] = half[1] - extent[1]
        axes = builder.turned(upright=rng.random() < 0.7)
        if not builder.clear_of_path(centre, np.linalg.norm(extent), 0.06 * mean):
            continue
        count -= 1
        if rng.random() < 0.7:
            builder.add_box(centre, axes, extent)
        else:
            builder.add(centre, axes[0] * extent[0], axes[1] * extent[1], disc=rng.random() < 0.3)


def _near_clutter(builder, count):
    """Small things close to the path, so that near and far share a frame."""
    rng = builder.rng
    scale = np.linalg.norm(builder.path_points - builder.path_points.mean(0), axis=1).max() + 0.5
    for _ in range(4 * count):
        extent = 2 ** rng.uniform(-5.5, -3.5, 3) * scale
        radius = np.linalg.norm(extent)
        way = rng.normal(size=3)
        centre = builder.path_points[rng.integers(len(builder.path_points))] + way / np.linalg.norm(way) * (radius + scale * rng.uniform(0.12, 0.5))
        if count and builder.clear_of_path(centre, radius, 0.1 * scale):
            builder.add_box(centre, builder.turned(upright=False), extent)
            count -= 1


def _columns(builder, half):
    """Rows of equal columns along the long side, with beams under the roof: repeated structure that invites wrong matches."""
    rng = builder.rng
    long = int(np.argmax(half))
    across = 2 if long == 0 else 0
    thick, pitch = rng.uniform(0.12, 0.4), rng.uniform(1.5, 4)
    look = builder._material(AXES[across] * half[across] * 0.8, AXES[long] * thick, AXES[1] * half[1], wall=False)
    for z in np.arange(-half[long] + pitch / 2, half[long], pitch):
        for sign in (-1, 1):
            centre = AXES[long] * z + AXES[across] * sign * half[across] * rng.uniform(0.84, 0.86)
            if builder.clear_of_path(centre, thick * 1.5, 0.1):
                builder.add_box(centre, AXES, np.where(np.arange(3) == 1, half[1], thick), texture=look)
        beam = np.array([0.1, 0.15, 0.1])
        beam[across] = half[across]
        builder.add_box(AXES[long] * z - AXES[1] * (half[1] - 0.3), AXES, beam, texture=look)


def _machines(builder, half, count):
    """Big boxes with smaller ones on and beside them, and pipes."""
    rng, tries = builder.rng, 0
    while count and tries < 200:
        tries += 1
        extent = rng.uniform([0.4, 0.4, 0.4], [1.8, min(1.8, 0.9 * half[1]), 1.8])
        centre = rng.uniform(-0.95, 0.95, 3) * (half - extent)
        centre[1] = half[1] - extent[1]
        axes = AXES if rng.random() < 0.7 else builder.turned(upright=True)
        if not builder.clear_of_path(centre, np.linalg.norm(extent), 0.25):
            continue
        count -= 1
        _loaded_box(builder, centre, axes, extent)
        pipe = np.array([0.06, 0.06, 0.06]) * rng.uniform(0.6, 2)
        pipe[rng.integers(3)] = rng.uniform(0.5, 2)
        spot = centre - AXES[1] * (extent[1] + rng.uniform(0.1, 0.8))
        if builder.clear_of_path(spot, pipe.max(), 0.2):
            builder.add_box(spot, axes, pipe)


def _loaded_box(builder, centre, axes, extent):
    """A box with smaller ones on it."""
    rng = builder.rng
    builder.add_box(centre, axes, extent)
    for _ in range(rng.integers(1, 5)):
        small = extent * rng.uniform(0.1, 0.45, 3)
        spot = centre + (rng.uniform(-0.8, 0.8, 3) * extent) * [1, 0, 1] - AXES[1] * (extent[1] + small[1] * rng.uniform(0.2, 1))
        if builder.clear_of_path(spot, np.linalg.norm(small), 0.15):
            builder.add_box(spot, axes, small)


def _furniture(builder, half, count):
    """Upright boxes that stand apart on the floor, with smaller ones on them."""
    rng, tries, standing = builder.rng, 0, []
    while len(standing) < count and tries < 300:
        tries += 1
        extent = rng.uniform([0.15, 0.2, 0.15], [0.6, 0.6 * half[1], 0.6])
        reach = np.hypot(extent[0], extent[2])
        axes, aside = (AXES, extent) if rng.random() < 0.6 else (builder.turned(upright=True), reach)
        centre = rng.uniform(-1, 1, 3) * (half - aside)
        centre[1] = half[1] - extent[1]
        apart = all(np.hypot(*(centre - other)[[0, 2]]) > reach + other_reach for other, other_reach in standing)
        if apart and builder.clear_of_path(centre, np.linalg.norm(extent), 0.2):
            standing.append((centre, reach))
            _loaded_box(builder, centre, axes, extent)
