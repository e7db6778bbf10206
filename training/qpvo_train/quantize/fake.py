# SPDX-License-Identifier: MIT
"""Fake quantization: what INT8 does to a tensor, in floating point, with gradients (LSQ: Esser et al., Learned Step Size Quantization, arXiv 1902.08153).

    q = clamp(round_half_to_even(x / scale), low, high)      y = q scale

The gradient of x passes straight through the rounding and is zero outside [low, high] scale. That of the scale is the sum of g (q - x / scale) inside and
g q outside, times 1 / sqrt(n high), n being the number of elements that share a scale.

Three forms: `unfused` in plain torch, the reference; C++ for CPUs and Triton for CUDA, one pass over the data each way.
"""

import ctypes
import functools
import importlib.util
import math

import torch
from torch import Tensor

from ..errors import TrainingError
from ..native import build_library


def fake_quantize(x: Tensor, scale: Tensor, low: int, high: int, *, fused: bool = True) -> Tensor:
    """x float of any shape; scale positive: one number for the tensor, or one for each x[i] (axis 0) -> float32 of x's shape.

    Raises TrainingError for a scale of another length.
    """
    if scale.numel() != 1 and scale.numel() != x.shape[0]:
        raise TrainingError("the scale does not fit the tensor", expected=f"1 or {x.shape[0]} numbers for {tuple(x.shape)}", received=scale.numel())
    x, scale = x.float(), scale.float().reshape(-1)
    kernels = _kernels(x.device.type) if fused and x.numel() > 0 else None
    if kernels is None:
        return unfused(x, scale, low, high)
    return _Fused.apply(x, scale, low, high, kernels)


@functools.cache
def _kernels(device: str):
    """The two passes for a kind of device, or None where there are none."""
    if device == "cpu":
        return _cpu_forward, _cpu_backward
    if device == "cuda" and importlib.util.find_spec("triton") is not None:
        from . import fake_triton

        return fake_triton.forward, fake_triton.backward
    return None


def gradient_factor(count: int, high: int) -> float:
    """What the gradient of a scale is multiplied by that `count` elements share."""
    return 1 / math.sqrt(max(1, count) * high)


def unfused(x: Tensor, scale: Tensor, low: int, high: int) -> Tensor:
    """The definition, one torch operation after the other. x float32, scale float32 [1] or [x.shape[0]]."""
    factor = gradient_factor(x.numel() // scale.numel(), high)
    step = _ScaledGradient.apply(scale, factor)
    if scale.numel() > 1:
        step = step.view(-1, *[1] * (x.dim() - 1))
    return _RoundThrough.apply((x / step).clamp(low, high)) * step


class _RoundThrough(torch.autograd.Function):
    """Rounds half to even; the gradient passes as it is."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, grad):
        return grad


class _ScaledGradient(torch.autograd.Function):
    """Identity whose gradient is multiplied by a number."""

    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.factor, None


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, low: int, high: int, kernels):
        x, scale = _dense(x, scale), scale.contiguous()
        ctx.save_for_backward(x, scale)
        ctx.range, ctx.kernels = (low, high), kernels
        return kernels[0](x, scale, low, high)

    @staticmethod
    def backward(ctx, grad):
        x, scale = ctx.saved_tensors
        if grad.stride() != x.stride():
            grad = torch.empty_like(x).copy_(grad)
        factor = gradient_factor(x.numel() // scale.numel(), ctx.range[1])
        grad_x, grad_scale = ctx.kernels[1](x, scale, grad, *ctx.range, factor)
        return grad_x, grad_scale, None, None, None


def _dense(x: Tensor, scale: Tensor) -> Tensor:
    """x without gaps in memory; for one scale any order of the axes will do, which keeps images channels last."""
    if scale.numel() == 1 and x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last):
        return x
    return x.contiguous()


def _pointer(tensor: Tensor) -> ctypes.c_void_p:
    return ctypes.c_void_p(tensor.data_ptr())


def _shape(x: Tensor, scale: Tensor) -> tuple[ctypes.c_int64, ctypes.c_int64]:
    return ctypes.c_int64(scale.numel()), ctypes.c_int64(x.numel() // scale.numel())


def _cpu_forward(x: Tensor, scale: Tensor, low: int, high: int) -> Tensor:
    y = torch.empty_like(x)
    kernel = build_library("fake_quantize", exact=True).fake_quantize
    kernel(*map(_pointer, (x, scale, y)), *_shape(x, scale), ctypes.c_float(low), ctypes.c_float(high))
    return y


def _cpu_backward(x: Tensor, scale: Tensor, grad: Tensor, low: int, high: int, factor: float) -> tuple[Tensor, Tensor]:
    grad_x, grad_scale = torch.empty_like(x), torch.empty_like(scale)
    kernel = build_library("fake_quantize", exact=True).fake_quantize_backward
    numbers = map(ctypes.c_float, (low, high, factor))
    kernel(*map(_pointer, (x, scale, grad, grad_x, grad_scale)), *_shape(x, scale), *numbers)
    return grad_x, grad_scale
