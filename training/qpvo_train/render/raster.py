# SPDX-License-Identifier: MIT
"""Ray casting of textured rectangles and discs in torch, on any device: the reference of native/raster.cpp, and the form a GPU uses.

The ray of a pixel hits the rectangle (P, U, V) seen from C where ray = a U + b V + c (P - C): a, b, c are linear in the pixel,
u = a / c and v = b / c are in [-1, 1] on the rectangle, c is the inverse depth, and the nearest hit has the largest c.
Antialiasing: several sub-pixel samples, each with a trilinear mip lookup at the level of its analytic footprint.
"""

import numpy as np
import torch

from .bank import TextureBank
from .scene import Scene

FAR = 1e-4
NEAREST = 20.0
SHARPNESS = -0.5
HALF_PIXEL = ((-0.125, -0.375), (0.375, -0.125), (0.125, 0.375), (-0.375, 0.125))


def plane_rows(P: np.ndarray, U: np.ndarray, V: np.ndarray, pose: np.ndarray, K) -> tuple[np.ndarray, np.ndarray]:
    """Linear maps pixel (x, y, 1) -> (a, b, c): float32 [R, 3, 3], and the camera centre [3]. pose: world -> camera [3, 4]."""
    fx, fy, cx, cy = K
    R, t = pose[:, :3], pose[:, 3]
    centre = -R.T @ t
    rays = R.T @ np.array([[1 / fx, 0, -cx / fx], [0, 1 / fy, -cy / fy], [0, 0, 1]])
    N, D = np.cross(U, V), P - centre
    height = (N * D).sum(1)
    height = np.where(np.abs(height) < 1e-12, 1e-12, height)
    u, v = U / (U * U).sum(1, keepdims=True), V / (V * V).sum(1, keepdims=True)
    c = (N / height[:, None]) @ rays
    a = u @ rays - (u * D).sum(1)[:, None] * c
    b = v @ rays - (v * D).sum(1)[:, None] * c
    return np.stack([a, b, c], 1).astype(np.float32), centre


def pixel_offsets(samples: int) -> np.ndarray:
    """Sub-pixel positions [samples, 2]: the rotated grid for 4, a rank-1 lattice else (neighbouring samples are far apart in the pixel)."""
    if samples == 4:
        return np.array(HALF_PIXEL, np.float32)
    k = np.arange(samples)
    return np.stack([(k * 0.7548777 + 0.5) % 1 - 0.5, (k * 0.5698403 + 0.5) % 1 - 0.5], 1).astype(np.float32)


def trace(rows, disc, pixels, chunk=1 << 16):
    """rows [R,3,3], disc bool [R], pixels [3,N] -> index of the nearest rectangle (-1: none) and inverse depth (0: none), [N].

    Written without a matrix product, which a GPU may be set to compute in TF32: ten bits of mantissa are no geometry.
    """
    index, inverse = [], []
    for part in pixels.split(chunk, 1):
        a, b, c = (rows[:, i, :1] * part[0] + rows[:, i, 1:2] * part[1] + rows[:, i, 2:] for i in range(3))
        edge = torch.maximum(torch.maximum(a.abs(), b.abs()), torch.where(disc[:, None], torch.hypot(a, b), a.abs()))
        hit = (edge <= c) & (c < NEAREST) & (c > FAR)
        best, who = torch.where(hit, c, torch.zeros_like(c)).max(0)
        inverse.append(best)
        index.append(torch.where(best > 0, who, -torch.ones_like(who)))
    return torch.cat(index), torch.cat(inverse)


def _grid(h, w, step, device, offset=(0.0, 0.0)):
    y, x = torch.meshgrid(torch.arange(0, h, step, device=device), torch.arange(0, w, step, device=device), indexing="ij")
    return torch.stack([x + offset[0], y + offset[1], torch.ones_like(x)]).reshape(3, -1).float()


def _in_view(rows, h, w):
    corners = np.array([[-1, w, -1, w], [-1, -1, h, h], [1, 1, 1, 1]], np.float32)
    a, b, c = np.moveaxis(rows @ corners, 1, 0)
    outside = [(c <= FAR).all(1)] + [(s * v > c).all(1) for v in (a, b) for s in (-1, 1)]
    return np.nonzero(~np.any(outside, 0))[0]


def depth_torch(scene: Scene, pose, time, K, h, w, step=4, device="cpu"):
    """Inverse depth [h/step, w/step] at the pixels (step x, step y) and the rectangle index (-1: nothing)."""
    P, U, V = scene.geometry(time)
    rows, _ = plane_rows(P, U, V, pose, K)
    keep = _in_view(rows, h, w)
    index, inverse = trace(torch.from_numpy(rows[keep]).to(device), torch.from_numpy(scene.disc[keep]).to(device), _grid(h, w, step, device))
    keep = torch.from_numpy(np.append(keep, -1)).to(device)
    shape = (-(-h // step), -(-w // step))
    return inverse.view(shape), keep[index].view(shape)


def frame_torch(scene: Scene, bank: TextureBank, poses, times, K, h, w, offsets) -> torch.Tensor:
    """Radiance float32 [h, w] on the bank's device: the mean over the samples, each with its pose, time and sub-pixel offset."""
    device = bank.texels.device
    total = torch.zeros(h * w, device=device)
    table, maps = torch.from_numpy(scene.table).to(device), torch.from_numpy(scene.light.maps).to(device)
    places = torch.from_numpy(np.stack([scene.light.at, scene.light.side], 1)).to(device)
    for pose, time, offset in zip(poses, times, offsets):
        P, U, V = scene.geometry(time)
        rows, centre = plane_rows(P, U, V, pose, K)
        keep = _in_view(rows, h, w)
        pixels = _grid(h, w, 1, device, offset)
        rows_t = torch.from_numpy(rows[keep]).to(device)
        index, _ = trace(rows_t, torch.from_numpy(scene.disc[keep]).to(device), pixels)
        world = torch.from_numpy(scene.world_table(P, U, V)[keep]).to(device)
        kept = torch.from_numpy(keep).to(device)
        hit = index.clamp(min=0)
        value = _shade(rows_t.reshape(-1, 9)[hit], table[kept][hit], world[hit], places[kept][hit], maps, centre, scene.light.lamps[0], pixels, bank)
        total += torch.where(index >= 0, value, torch.full_like(value, scene.sky))
    return (total / len(poses)).view(h, w)


def _shade(r, t, world, places, maps, eye, lamp, pixels, bank):
    x, y = pixels[0], pixels[1]
    linear = lambda k: r[:, k] * x + r[:, k + 1] * y + r[:, k + 2]
    c = 1 / linear(6).clamp(min=FAR)
    u, v = linear(0) * c, linear(3) * c
    ux, uy = (r[:, 0] - u * r[:, 6]) * c, (r[:, 1] - u * r[:, 7]) * c
    vx, vy = (r[:, 3] - v * r[:, 6]) * c, (r[:, 4] - v * r[:, 7]) * c
    value = t[:, 16]
    for layer in (t[:, :8], t[:, 8:16]):
        texture, m00, m01, m10, m11, ox, oy, gain = layer.unbind(1)
        px = (m00 * ux + m01 * vx) ** 2 + (m10 * ux + m11 * vx) ** 2 + 1e-12
        py = (m00 * uy + m01 * vy) ** 2 + (m10 * uy + m11 * vy) ** 2 + 1e-12
        lod = 0.5 * (0.75 * torch.log2(torch.maximum(px, py)) + 0.25 * torch.log2(torch.minimum(px, py))) + SHARPNESS
        value = value + gain * (_trilinear(bank, texture.long(), m00 * u + m01 * v + ox, m10 * u + m11 * v + oy, lod) - 0.5)
    value = value.clamp(0.02, 1.2) + _highlight(t, world, u, v, eye, lamp)
    return value * _light(maps, places, u, v)


def _trilinear(bank, texture, x, y, lod):
    lod = lod.clamp(0, bank.top - 1e-3)
    low = lod.floor()
    f, low = lod - low, low.long()
    return ((1 - f) * _bilinear(bank, texture, x, y, low) + f * _bilinear(bank, texture, x, y, low + 1)) / 255


def _bilinear(bank, texture, x, y, level):
    size = torch.bitwise_right_shift(torch.full_like(level, bank.size), level)
    scale = size.float() / bank.size
    x, y = x * scale - 0.5, y * scale - 0.5
    x0, y0 = x.floor(), y.floor()
    fx, fy = x - x0, y - y0
    stride = size + 1
    at = bank.base[level] + (texture * stride + (y0.long() & (size - 1))) * stride + (x0.long() & (size - 1))
    texel = lambda shift: bank.texels[at + shift].float()
    return (1 - fy) * ((1 - fx) * texel(0) + fx * texel(1)) + fy * ((1 - fx) * texel(stride) + fx * texel(stride + 1))


def _light(maps, places, u, v):
    at, n = places[:, 0].long(), places[:, 1].long()
    last = (n - 1).float()
    gu, gv = (torch.minimum(((q + 1) * 0.5 * last).clamp(min=0), last - 1e-3) for q in (u, v))
    iu, iv = gu.long(), gv.long()
    fu, fv, at = gu - iu, gv - iv, at + iv * n + iu
    return (1 - fv) * ((1 - fu) * maps[at] + fu * maps[at + 1]) + fv * ((1 - fu) * maps[at + n] + fu * maps[at + n + 1])


def _highlight(t, world, u, v, eye, lamp):
    """Blinn-Phong highlight of the first lamp (J. Blinn, 1977); world rows are P, U, V, N."""
    P, U, V, N = world.view(-1, 4, 3).unbind(1)
    at = P + u[:, None] * U + v[:, None] * V
    unit = lambda q: q * torch.rsqrt((q * q).sum(1, keepdim=True) + 1e-9)
    half = unit(torch.as_tensor(eye, dtype=at.dtype, device=at.device) - at) + unit(torch.as_tensor(lamp, dtype=at.dtype, device=at.device) - at)
    cosine2 = (half * N).sum(1) ** 2 / ((half * half).sum(1) + 1e-9)
    return torch.where(t[:, 17] > 0, t[:, 17] * (cosine2 + 1e-9) ** (0.5 * t[:, 18]), torch.zeros_like(u))
