# SPDX-License-Identifier: MIT
"""Fake quantization on CUDA devices: one Triton kernel each way. fake.py has the definition, native/fake_quantize.cpp the same for CPUs."""

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK = 4096  # elements of a program; each adds up its part of a scale's gradient
# Adding and taking away 1.5 x 2^23 leaves no bits behind the point and rounds half to even, for values below 2^22.
ROUNDING = tl.constexpr(12582912.0)


@triton.jit
def _levels(v, low, high):
    """Clamped and rounded; a NaN stays NaN."""
    v = tl.where(v < low, low, v)
    v = tl.where(v > high, high, v)
    return v, (v + ROUNDING) - ROUNDING


@triton.jit
def _forward_kernel(x, scale, y, inner, blocks, low, high, block: tl.constexpr):
    channel = tl.program_id(0) // blocks
    offsets = (tl.program_id(0) % blocks) * block + tl.arange(0, block)
    at = channel.to(tl.int64) * inner + offsets
    mine = offsets < inner
    step = tl.load(scale + channel)
    _, q = _levels(tl.div_rn(tl.load(x + at, mask=mine, other=0.0), step), low, high)
    tl.store(y + at, q * step, mask=mine)


@triton.jit
def _backward_kernel(x, scale, grad, grad_x, partial, inner, blocks, low, high, block: tl.constexpr):
    channel = tl.program_id(0) // blocks
    offsets = (tl.program_id(0) % blocks) * block + tl.arange(0, block)
    at = channel.to(tl.int64) * inner + offsets
    mine = offsets < inner
    v = tl.div_rn(tl.load(x + at, mask=mine, other=0.0), tl.load(scale + channel))
    g = tl.load(grad + at, mask=mine, other=0.0)
    c, q = _levels(v, low, high)
    inside = c == v
    tl.store(grad_x + at, tl.where(inside, g, 0.0), mask=mine)
    tl.store(partial + tl.program_id(0), tl.sum(g * (q - tl.where(inside, v, 0.0)), 0))


def forward(x: Tensor, scale: Tensor, low: int, high: int) -> Tensor:
    y, (inner, blocks) = torch.empty_like(x), _tiling(x, scale)
    _forward_kernel[(scale.numel() * blocks,)](x, scale, y, inner, blocks, float(low), float(high), block=BLOCK)
    return y


def backward(x: Tensor, scale: Tensor, grad: Tensor, low: int, high: int, factor: float) -> tuple[Tensor, Tensor]:
    grad_x, (inner, blocks) = torch.empty_like(x), _tiling(x, scale)
    partial = torch.empty(scale.numel(), blocks, device=x.device)
    _backward_kernel[(scale.numel() * blocks,)](x, scale, grad, grad_x, partial, inner, blocks, float(low), float(high), block=BLOCK)
    return grad_x, (partial.double().sum(1) * factor).float()


def _tiling(x: Tensor, scale: Tensor) -> tuple[int, int]:
    """Elements of a channel and programs for them."""
    inner = x.numel() // scale.numel()
    return inner, triton.cdiv(inner, BLOCK)
