# SPDX-License-Identifier: MIT
"""A scene: textured rectangles and discs in a world with y down (metres), some of them moving, and its light."""

from dataclasses import dataclass, field

import numpy as np

from .light import LightMaps, bake_light

TABLE = 20


@dataclass
class Motion:
    """Rigid motion of one distractor: a line through `pivot` with a swing along it, turning about the vertical."""

    pivot: np.ndarray
    velocity: np.ndarray
    swing: np.ndarray
    frequency: float
    turn: float
    start: float

    def at(self, time: float) -> tuple[np.ndarray, np.ndarray]:
        """Rotation [3,3] and translation [3] of the points of the rest position."""
        t = time - self.start
        a = self.turn * t
        R = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
        return R, self.pivot + self.velocity * t + self.swing * np.sin(self.frequency * t) - R @ self.pivot


@dataclass
class Scene:
    """Rectangle r has centre P[r] and orthogonal half extents U[r], V[r]; `mover[r]` indexes `motions`, -1: static."""

    P: np.ndarray
    U: np.ndarray
    V: np.ndarray
    disc: np.ndarray
    table: np.ndarray
    mover: np.ndarray
    casts: np.ndarray
    sky: float
    motions: list[Motion] = field(default_factory=list)
    light: LightMaps | None = None

    def light_up(self, rng, lamps, power, ambient, falloff) -> None:
        """Lamps [L, 3] world with powers [L]; `falloff` in metres is also the scale of the light maps' cells."""
        self.light = bake_light(self.P, self.U, self.V, self.disc, np.asarray(lamps), power, ambient, falloff, rng, cell=0.08 * falloff, casts=self.casts)

    def geometry(self, time: float):
        """P, U, V float64 [R, 3] at a time."""
        if not self.motions:
            return self.P, self.U, self.V
        P, U, V = self.P.copy(), self.U.copy(), self.V.copy()
        for k, motion in enumerate(self.motions):
            R, t = motion.at(time)
            mine = self.mover == k
            P[mine], U[mine], V[mine] = P[mine] @ R.T + t, U[mine] @ R.T, V[mine] @ R.T
        return P, U, V

    @staticmethod
    def world_table(P, U, V) -> np.ndarray:
        """float32 [R, 12]: P, U, V and the unit normal."""
        N = np.cross(U, V)
        N = N / np.linalg.norm(N, axis=1, keepdims=True)
        return np.concatenate([P, U, V, N], 1).astype(np.float32)


class SceneBuilder:
    """Collects surfaces. Texture density follows the distance from which the path sees a surface (about one texel a pixel)."""

    def __init__(self, rng, textures: int, path_points: np.ndarray, plain_walls: float = 0.3) -> None:
        self.rng, self.textures, self.path_points, self.plain_walls = rng, textures, path_points, plain_walls
        self.rows: list[tuple] = []
        self.motions: list[Motion] = []

    def add(self, P, U, V, *, disc=False, wall=False, texture=None, mover=-1, casts=True) -> None:
        table = self._material(P, U, V, wall) if texture is None else texture
        self.rows.append((np.asarray(P, float), np.asarray(U, float), np.asarray(V, float), disc, table, mover, casts and not wall))

    def add_box(self, centre, axes, extents, *, mover=-1, texture=None) -> None:
        """axes [3,3] unit rows, extents [3] half sizes."""
        for k in range(3):
            i, j = (k + 1) % 3, (k + 2) % 3
            for sign in (-1, 1):
                self.add(centre + sign * axes[k] * extents[k], axes[i] * extents[i], axes[j] * extents[j], mover=mover, texture=texture)

    def clear_of_path(self, centre, radius, margin) -> bool:
        return np.linalg.norm(self.path_points - centre, axis=1).min() > radius + margin

    def turned(self, upright: bool) -> np.ndarray:
        """Random rotation matrix, about the vertical only when upright."""
        q = self.rng.normal(size=4)
        if upright:
            q[[1, 3]] = 0
        w, x, y, z = q / np.linalg.norm(q)
        return np.array([
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ])  # fmt: skip

    def _material(self, P, U, V, wall) -> np.ndarray:
        """One row of the kernels' table: two layers (texture, 2x2 map, offset, gain), albedo, specular strength, shininess."""
        rng = self.rng
        lu, lv = np.linalg.norm(U), np.linalg.norm(V)
        if wall:
            away = np.abs((self.path_points - P) @ np.cross(U, V) / (lu * lv)).min()
        else:
            away = np.linalg.norm(self.path_points - P, axis=1).min() - 0.5 * max(lu, lv)
        density = 280 / max(away, 0.3 * min(lu, lv), 0.05)
        plain = rng.random() < (self.plain_walls if wall else 0.1)
        out = np.zeros(TABLE, np.float32)
        for layer in range(2):
            texels = density * 2 ** rng.uniform(-1.4, 0.9) * (1 if layer == 0 else 2 ** rng.uniform(-4, -1))
            angle = rng.uniform(0, 2 * np.pi) if rng.random() < 0.4 else rng.choice([0, np.pi / 2])
            c, s = np.cos(angle), np.sin(angle)
            gain = rng.uniform(0.04, 0.16) if plain else rng.uniform(0.45, 1.1) if layer == 0 else rng.uniform(0.1, 0.6)
            a, b = lu * texels, lv * texels
            out[8 * layer : 8 * layer + 8] = rng.integers(self.textures), c * a, -s * b, s * a, c * b, *rng.uniform(0, 512, 2), gain
        out[16] = rng.uniform(0.25, 0.75)
        if rng.random() < 0.12:
            out[17], out[18] = rng.uniform(0.1, 0.7), 2 ** rng.uniform(3, 7)
        return out

    def finish(self, sky: float = 0.5) -> Scene:
        """The scene without light; `light_up` bakes it."""
        P, U, V, disc, table, mover, casts = (np.array(column) for column in zip(*self.rows))
        return Scene(P, U, V, disc, table.astype(np.float32), mover, casts & (mover < 0), sky, self.motions)
