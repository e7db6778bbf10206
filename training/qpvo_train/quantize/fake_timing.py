# SPDX-License-Identifier: MIT
"""The fused fake quantization against the unfused one, forward and backward, on the sizes of the `small` network."""

import time

import torch

from .fake import fake_quantize
from .layers import SIGNED_RANGE

# Name -> shape, number of scales.
SIZES = {"update activations": ((3456, 128), 1), "encoder activations": ((8, 16, 104, 144), 1), "weights": ((128, 882), 128)}


def fake_quantize_times(device: torch.device, repeats: int) -> dict[str, dict[str, float]]:
    """Milliseconds of the fastest of `repeats` turns, each form in turn, and how many times as fast the fused one is."""
    return {name: _times(*size, device, repeats) for name, size in SIZES.items()}


def _times(shape: tuple[int, ...], channels: int, device: torch.device, repeats: int) -> dict[str, float]:
    x = torch.randn(shape, device=device, requires_grad=True)
    scale = (torch.rand(channels, device=device) * 0.02 + 0.01).requires_grad_()
    grad = torch.randn(shape, device=device)
    best = {True: float("inf"), False: float("inf")}
    for n in range(repeats + 1):
        for fused in best:
            seconds = _seconds(x, scale, grad, fused)
            best[fused] = min(best[fused], seconds) if n else best[fused]
    return {"fused_ms": 1e3 * best[True], "unfused_ms": 1e3 * best[False], "ratio": best[False] / best[True]}


def _seconds(x: torch.Tensor, scale: torch.Tensor, grad: torch.Tensor, fused: bool) -> float:
    x.grad = scale.grad = None
    begin = time.perf_counter()
    fake_quantize(x, scale, *SIGNED_RANGE, fused=fused).backward(grad)
    if x.device.type == "cuda":
        torch.cuda.synchronize(x.device)
    return time.perf_counter() - begin
