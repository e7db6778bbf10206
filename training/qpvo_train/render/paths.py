# SPDX-License-Identifier: MIT
"""Smooth camera paths by kind of motion. World: y down, metres, seconds; poses are world -> camera (x right, y down, z forward)."""

import numpy as np

KINDS = ("mav", "handheld", "wheeled", "free", "orbit", "forward", "fast_rotation", "pure_rotation")
SHARES = (0.24, 0.17, 0.12, 0.17, 0.09, 0.12, 0.05, 0.04)

ROUND = "round"  # drawn only where it is asked for: a loop round the middle of the space, which the camera looks at
DOLLY_RATE = 0.35


def _sines(rng, rows, count, low_hz, high_hz, roll_off):
    """Frequencies [rad/s], phases and weights that sum to 1 of `rows` sums of `count` sinusoids."""
    f = rng.uniform(low_hz, high_hz, (rows, count)) * 2 * np.pi
    w = rng.uniform(0.2, 1, f.shape) / f**roll_off
    return f, rng.uniform(0, 2 * np.pi, f.shape), w / w.sum(1, keepdims=True)


def _eval(sines, t):
    f, phase, w = sines
    return (w * np.sin(f * t[:, None, None] + phase)).sum(-1)


def rotation_camera_world(yaw, pitch, roll):
    """[n,3,3] from yaw about y (down), pitch about x, roll about z, applied camera first: R_world_camera = Ry Rx Rz, transposed."""
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    o, i = np.zeros_like(cy), np.ones_like(cy)
    make = lambda *v: np.stack(v, -1).reshape(-1, 3, 3)
    world_camera = make(cy, o, sy, o, i, o, -sy, o, cy) @ make(i, o, o, o, cp, -sp, o, sp, cp) @ make(cr, -sr, o, sr, cr, o, o, o, i)
    return world_camera.transpose(0, 2, 1)


class Path:
    """A closed-form path inside a space of half sizes `half`; `rotation` scales the free rotation (1: about 1.5 rad of yaw)."""

    def __init__(self, rng, half, kind: str | None = None, rotation: float | None = None) -> None:
        self.kind = kind or str(rng.choice(KINDS, p=SHARES))
        self.rotation = 2 ** rng.uniform(-3.5, 0) if rotation is None else rotation
        self.dolly = self.kind == "forward" and rng.random() < 0.6
        self.loops = self.kind in ("wheeled", ROUND) or (self.kind == "forward" and not self.dolly) or (self.kind == "mav" and rng.random() < 0.5)
        self.centre = rng.uniform(-0.1, 0.1, 3) * half
        self.reach = np.array([0.55, 0.35, 0.55]) * half * rng.uniform(0.4, 1.0)
        if self.kind == "handheld":
            self.reach = np.minimum(self.reach, rng.uniform(0.15, 0.8))
        if self.kind == ROUND:
            self.reach = np.array([0.65, 0.25, 0.65]) * half
        self.drift = _sines(rng, 3, 4, 0.1, 1.0, 0.7)
        self.turn = _sines(rng, 3, 4, 0.15, 1.2, 0.8)
        self.turn_size = self.rotation * np.array([rng.uniform(0.5, 3.0), rng.uniform(0.2, 0.6), rng.uniform(0.1, 0.5)])
        if self.kind == "fast_rotation":
            self.turn_size = np.array([rng.uniform(1.5, 4.0), rng.uniform(0.3, 0.8), rng.uniform(0.2, 0.6)])
        self.yaw0 = rng.uniform(0, 2 * np.pi)
        self.target = rng.uniform(-0.4, 0.4, 3) * half
        self.tremor = _sines(rng, 6, 3, 3, 9, 0.0)
        shake = {"handheld": rng.uniform(0.4, 1.5), "mav": rng.uniform(0, 0.4), "wheeled": rng.uniform(0, 0.5)}.get(self.kind, 0.0)
        self.tremor_size = shake * np.array([0.006, 0.006, 0.006, 0.005, 0.005, 0.004]) * (np.array([0, 1, 0, 0.2, 0.5, 0.3]) if self.kind == "wheeled" else 1)
        self._make_loop(rng)
        self.bank, self.look = rng.uniform(0.05, 0.35), rng.choice([0, np.pi / 2, -np.pi / 2, np.pi], p=[0.7, 0.12, 0.12, 0.06])
        self.tilt = rng.uniform(-0.15, 0.35) if self.kind in ("mav", "handheld") else rng.uniform(-0.08, 0.15)

    def _make_loop(self, rng):
        self.loop_rate = rng.choice([-1, 1]) * 2 * np.pi / rng.uniform(5, 16)
        self.loop_phase = rng.uniform(0, 2 * np.pi)
        self.loop_wave = [(k, rng.uniform(0, 0.25) / k, rng.uniform(0, 2 * np.pi)) for k in (2, 3, 4)]
        self.axis = 0 if self.reach[0] > self.reach[2] else 2
        self.pace = (rng.uniform(0, 0.3), rng.uniform(1, 4), rng.uniform(0, 2 * np.pi))

    def _loop(self, t):
        """A closed curve in the plane that is never at rest."""
        size, rate, phase = self.pace
        a = self.loop_phase + self.loop_rate * t
        a = a + size / rate * np.sin(rate * a + phase)
        r = 0.75 * (1 + sum(w * np.cos(k * a + p) for k, w, p in self.loop_wave))
        return np.stack([r * np.cos(a) * self.reach[0], np.zeros_like(a), r * np.sin(a) * self.reach[2]], -1)

    def run_forward_from(self, start: float) -> None:
        """For a dolly: at the time `start` the long way ahead begins."""
        self.loop_rate = abs(self.loop_rate)
        self.loop_phase = -1.3 - DOLLY_RATE * self.loop_rate * start

    def position(self, t) -> np.ndarray:
        """Camera centre [n, 3] at the times t [n], without tremor."""
        if self.kind == "pure_rotation":
            return np.broadcast_to(self.centre, (len(t), 3)).copy()
        free = _eval(self.drift, t) * self.reach
        if self.dolly:
            along = np.zeros_like(free)
            along[:, self.axis] = 1.3 * self.reach[self.axis] * np.sin(DOLLY_RATE * self.loop_rate * t + self.loop_phase)
            return self.centre + along + free * [0.15, 0.3, 0.15]
        if not self.loops:
            return self.centre + free
        aside = {"wheeled": 0.0, ROUND: 0.03}.get(self.kind, 0.15)
        height = 0.0 if self.kind == "wheeled" else 0.7
        return self.centre + self._loop(t) + free * [aside, height, aside]

    def angles(self, t, turn_time) -> np.ndarray:
        """Yaw, pitch, roll [n, 3] without tremor: what follows the course at the times t, free rotation at turn_time."""
        a = _eval(self.turn, turn_time) * self.turn_size
        h = 0.05
        before, here, after = self.position(t - h), self.position(t), self.position(t + h)
        velocity, acceleration = (after - before) / (2 * h), (after - 2 * here + before) / h**2
        yaw = self.yaw0 + a[:, 0]
        if self.kind in ("orbit", ROUND):
            way = (self.centre if self.kind == ROUND else self.target) - here
            yaw = np.unwrap(np.arctan2(way[:, 0], way[:, 2])) + 0.15 * a[:, 0]
        elif self.loops:
            course = np.unwrap(np.arctan2(velocity[:, 0], velocity[:, 2]))
            yaw = course + self.look + (0.0 if self.kind == "wheeled" else 0.3) * a[:, 0]
        elif self.dolly:
            yaw = np.pi / 2 * (self.axis == 0) + 0.5 * a[:, 0]
        pitch, roll = self.tilt + a[:, 1], a[:, 2]
        if self.kind == "wheeled":
            pitch, roll = self.tilt + 0.03 * a[:, 1], 0.03 * a[:, 2]
        if self.kind == "mav":
            right = acceleration[:, 0] * np.cos(yaw) - acceleration[:, 2] * np.sin(yaw)
            ahead = acceleration[:, 0] * np.sin(yaw) + acceleration[:, 2] * np.cos(yaw)
            scale = np.abs(self.reach).mean() + 0.5
            roll, pitch = 0.4 * roll + self.bank * np.tanh(right / scale), self.tilt + 0.4 * a[:, 1] - self.bank * np.tanh(ahead / scale)
        return np.stack([yaw, pitch, roll], -1)

    def poses(self, t, turn_time=None) -> np.ndarray:
        """World -> camera [n, 3, 4] float64 at the times t; with turn_time, the free part of the rotation is that of those times."""
        t = np.atleast_1d(np.asarray(t, float))
        u = t if turn_time is None else np.atleast_1d(np.asarray(turn_time, float))
        moves = 0.0 if self.kind == "pure_rotation" else 1.0
        p = self.position(t) + moves * (_eval(self.tremor, t) * self.tremor_size)[:, :3]
        R = rotation_camera_world(*(self.angles(t, u) + (_eval(self.tremor, u) * self.tremor_size)[:, 3:]).T)
        return np.concatenate([R, -R @ p[:, :, None]], -1)
