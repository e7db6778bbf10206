# SPDX-License-Identifier: MIT
"""Correlation of patches with windows of feature maps (DPVO, section 6 of the specification): a C++ kernel on the CPU, plain torch elsewhere.

The features are looked at again in every iteration of the unrolled network. Their gradients are therefore summed in one buffer, which is handed to the
encoders once at the end (`CorrelationVolume.backward`), instead of one map-sized gradient per iteration.
"""

import ctypes

import torch
from torch import Tensor

from .native import build_library

EDGES_AT_ONCE = 8192  # by gathers, which need 576 C floats an edge and level


class CorrelationVolume:
    """Patch features and feature pyramid of a clip, and the gradient that the look-ups leave in them.

    patches [B, S, M, P, C]; maps: one [B, N, H, W, C] (channels last) per level; scales: 1 / the stride of each level; keep: share of the edges through
    which a gradient flows (a random subset; DPVO keeps 20 %).
    """

    def __init__(self, patches: Tensor, maps: list[Tensor], scales: list[float], radius: int, keep: float = 1.0):
        self.sources = [patches, *maps]
        self.patches, *self.maps = (t.detach().float().contiguous() for t in self.sources)
        self.scales, self.radius, self.keep = scales, radius, keep
        self.differentiable = torch.is_grad_enabled() and patches.requires_grad
        self.grads = [torch.zeros_like(t) for t in (self.patches, *self.maps)] if self.differentiable else []
        self.token = torch.zeros((), device=patches.device, requires_grad=self.differentiable)

    def lookup(self, coords: Tensor, count: int) -> Tensor:
        """Windows of the patches of the first `count` frames in those frames.

        coords [B, count, count, M, P, 2] (grid pixels, x y) -> [B, count, count, M, (2r+1)^2 P levels], columns [dx][dy][py][px][level].
        """
        return _Lookup.apply(self.token, self, coords.detach().float().contiguous(), count)

    def backward(self) -> None:
        """Sends the gathered gradients into the features. Call once, after the losses of the look-ups went backward."""
        if self.differentiable:
            torch.autograd.backward(self.sources, [g.view_as(s).to(s.dtype) for g, s in zip(self.grads, self.sources)])

    def edges(self, count: int) -> tuple[Tensor, Tensor]:
        """Indices of patch and map for each edge of [B, count, count, M], over the flattened batch."""
        batch, frames, patches = self.patches.shape[:3]
        device = self.patches.device
        b = torch.arange(batch, device=device).view(-1, 1, 1, 1) * frames
        s = torch.arange(count, device=device).view(1, -1, 1, 1)
        t = torch.arange(count, device=device).view(1, 1, -1, 1)
        m = torch.arange(patches, device=device).view(1, 1, 1, -1)
        shape = (batch, count, count, patches)
        return ((b + s) * patches + m).expand(shape).reshape(-1), (b + t).expand(shape).reshape(-1)


class _Lookup(torch.autograd.Function):
    @staticmethod
    def forward(ctx, token, volume: CorrelationVolume, coords, count: int):
        patch, map_ = volume.edges(count)
        ctx.volume, ctx.indices = volume, (patch, map_)
        ctx.save_for_backward(coords)
        native = coords.device.type == "cpu"
        out = (_native if native else correlate_reference)(volume, coords.flatten(0, 3), patch, map_)
        return out.unflatten(0, coords.shape[:4])

    @staticmethod
    def backward(ctx, grad):
        (coords,), volume = ctx.saved_tensors, ctx.volume
        patch, map_ = ctx.indices
        grad = grad.float().flatten(0, 3).contiguous()
        chosen = torch.rand(len(patch), device=patch.device) < volume.keep if volume.keep < 1 else torch.ones_like(patch, dtype=torch.bool)
        chosen = chosen.nonzero()[:, 0]
        if coords.device.type == "cpu":
            _native_backward(volume, coords, patch, map_, chosen, grad)
        else:
            _reference_backward(volume, coords, patch, map_, chosen, grad)
        return None, None, None, None


def _pointer(tensor: Tensor) -> ctypes.c_void_p:
    return ctypes.c_void_p(tensor.data_ptr())


def _native(volume: CorrelationVolume, coords: Tensor, patch: Tensor, map_: Tensor) -> Tensor:
    edges, pixels, levels = len(patch), coords.shape[-2], len(volume.maps)
    out = torch.empty(edges, (2 * volume.radius + 1) ** 2 * pixels * levels)
    for level, (features, scale) in enumerate(zip(volume.maps, volume.scales)):
        height, width, channels = features.shape[-3:]
        build_library("correlation").correlate(
            *map(_pointer, (volume.patches, features, coords, patch, map_, out)),
            ctypes.c_int64(edges), pixels, channels, height, width, volume.radius, ctypes.c_float(scale), level, levels,
        )  # fmt: skip
    return out


def _native_backward(volume: CorrelationVolume, coords: Tensor, patch: Tensor, map_: Tensor, chosen: Tensor, grad: Tensor) -> None:
    grad_patches, *grad_maps = volume.grads
    for level, (features, scale, grad_map) in enumerate(zip(volume.maps, volume.scales, grad_maps)):
        height, width, channels = features.shape[-3:]
        build_library("correlation").correlate_backward(
            *map(_pointer, (volume.patches, features, coords, patch, map_, chosen, grad, grad_patches, grad_map)),
            ctypes.c_int64(len(chosen)), coords.shape[-2], channels, height, width, volume.radius, ctypes.c_float(scale), level, len(volume.maps),
        )  # fmt: skip


def correlate_reference(volume: CorrelationVolume, coords: Tensor, patch: Tensor, map_: Tensor) -> Tensor:
    """The same by gathers of torch: the reference, and the form of other devices. coords [E, P, 2] -> [E, (2r+1)^2 P levels]."""
    features, maps = volume.patches.flatten(0, 2), [m.flatten(0, 1) for m in volume.maps]
    parts = zip(coords.split(EDGES_AT_ONCE), patch.split(EDGES_AT_ONCE), map_.split(EDGES_AT_ONCE))
    return torch.cat([_gather(features[chosen], maps, volume.scales, volume.radius, where, target) for where, chosen, target in parts])


def _gather(features: Tensor, maps: list[Tensor], scales: list[float], radius: int, coords: Tensor, map_: Tensor) -> Tensor:
    steps = torch.arange(-radius, radius + 2, device=coords.device)
    levels = []
    for grid, scale in zip(maps, scales):
        _, height, width, channels = grid.shape
        x, y = (coords * scale).clamp(-1e4, 1e4).unbind(-1)
        columns = x.floor().long()[..., None, None] + steps
        rows = y.floor().long()[..., None, None] + steps[:, None]
        inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        cells = (map_.view(-1, 1, 1, 1) * height + rows.clamp(0, height - 1)) * width + columns.clamp(0, width - 1)
        raw = torch.einsum("epijc,epc->epij", grid.reshape(-1, channels)[cells], features) * inside
        fx, fy = (v - v.floor() for v in (x[..., None, None], y[..., None, None]))
        top = (1 - fx) * raw[..., :-1, :-1] + fx * raw[..., :-1, 1:]
        bottom = (1 - fx) * raw[..., 1:, :-1] + fx * raw[..., 1:, 1:]
        levels.append(((1 - fy) * top + fy * bottom).permute(0, 3, 2, 1))
    return torch.stack(levels, -1).flatten(1)


def _reference_backward(volume: CorrelationVolume, coords: Tensor, patch: Tensor, map_: Tensor, chosen: Tensor, grad: Tensor) -> None:
    features = [t.detach().requires_grad_() for t in (volume.patches, *volume.maps)]
    for edges in chosen.split(EDGES_AT_ONCE):
        with torch.enable_grad():
            flat = features[0].flatten(0, 2)[patch[edges]]
            out = _gather(flat, [m.flatten(0, 1) for m in features[1:]], volume.scales, volume.radius, coords.flatten(0, 3)[edges], map_[edges])
        for total, part in zip(volume.grads, torch.autograd.grad(out, features, grad[edges])):
            total += part
