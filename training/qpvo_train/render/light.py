# SPDX-License-Identifier: MIT
"""Light maps: ambient light, Lambert shading, fall-off and soft shadows of point lamps, computed once a scene for every rectangle."""

import ctypes
from dataclasses import dataclass

import numpy as np

from ..native import build_library


@dataclass
class LightMaps:
    """maps: all maps one after the other, float32; rectangle r has side[r] x side[r] values from at[r] on (rows along V, columns along U)."""

    maps: np.ndarray
    at: np.ndarray
    side: np.ndarray
    lamps: np.ndarray


def bake_light(P, U, V, disc, lamps, power, ambient, falloff, rng, cell, casts) -> LightMaps:
    """P, U, V [R, 3]; lamps [L, 3] world; power [L]; falloff in metres; cell: wanted size of a map cell in metres; casts bool [R]: throws shadows."""
    reach = np.maximum(np.linalg.norm(U, axis=1), np.linalg.norm(V, axis=1))
    side = np.clip(np.ceil(2 * reach / cell) + 1, 4, 48).astype(np.int32)
    at = np.concatenate([[0], np.cumsum(side**2)[:-1]]).astype(np.int32)
    points, normals, own = _sample_points(P, U, V, side)
    caster = np.nonzero(casts)[0]
    blockers = _blocker_table(P[caster], U[caster], V[caster])
    renumber = np.full(len(P), -1, np.int32)
    renumber[caster] = np.arange(len(caster))
    own_caster = renumber[own]
    total = np.full(len(points), ambient, np.float32)
    for lamp, strength in zip(lamps, power):
        away = lamp - points
        d2 = (away**2).sum(1) + 1e-6
        facing = np.abs((away * normals).sum(1)) / np.sqrt(d2)
        visible = np.zeros(len(points), np.float32)
        for _ in range(3):
            jitter = lamp + rng.normal(size=3) * 0.05 * falloff
            visible += shadow_cpu(points, own_caster, jitter, blockers, disc[caster]) / 3
        total += (strength * (0.1 + 0.9 * visible) * facing / (1 + d2 / falloff**2)).astype(np.float32)
    return LightMaps(total, at, side, np.asarray(lamps))


def _sample_points(P, U, V, side):
    """World points of all map cells, their unit normals and the rectangle each belongs to; kept off the very edge."""
    points, normals, own = [], [], []
    for r, n in enumerate(side):
        g = np.linspace(-0.995, 0.995, n)
        normal = np.cross(U[r], V[r])
        points.append((P[r] + g[None, :, None] * U[r] + g[:, None, None] * V[r]).reshape(-1, 3))
        normals.append(np.broadcast_to(normal / np.linalg.norm(normal), (n * n, 3)))
        own.append(np.full(n * n, r))
    return np.concatenate(points), np.concatenate(normals), np.concatenate(own)


def _blocker_table(P, U, V):
    N = np.cross(U, V)
    N = N / np.linalg.norm(N, axis=1, keepdims=True)
    return np.concatenate([P, U / (U * U).sum(1, keepdims=True), V / (V * V).sum(1, keepdims=True), N], 1).astype(np.float32)


def shadow_cpu(points, own, lamp, blockers, disc) -> np.ndarray:
    """1 where the segment from the point [n, 3] to the lamp [3] is free, else 0; own: the blocker each point lies on (-1: none)."""
    points, lamp, disc = np.ascontiguousarray(points.T, np.float32), np.asarray(lamp, np.float32), disc.astype(np.uint8)
    own = np.ascontiguousarray(own, np.int32)
    visible = np.empty(points.shape[1], np.float32)
    p = lambda a: ctypes.c_void_p(a.ctypes.data)
    build_library("raster").raster_shadow(points.shape[1], p(points), p(own), p(lamp), len(blockers), p(blockers), p(disc), p(visible))
    return visible
