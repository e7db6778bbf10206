# SPDX-License-Identifier: MIT
"""Fake quantization against values worked out by hand, its gradients against finite differences, the fused form against the unfused one."""

import math
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
import torch
from torch import Tensor

from qpvo_train.errors import TrainingError
from qpvo_train.quantize.fake import fake_quantize, gradient_factor
from qpvo_train.quantize.fake_timing import fake_quantize_times

FORMS = [pytest.param(True, id="fused"), pytest.param(False, id="unfused")]
SIGNED, UNSIGNED, WEIGHT = (-128, 127), (0, 255), (-127, 127)
nan = math.nan


def quantized(values: list, scale: list, limits: tuple[int, int], fused: bool) -> list:
    return fake_quantize(torch.tensor(values), torch.tensor(scale), *limits, fused=fused).tolist()


@pytest.mark.parametrize("fused", FORMS)
def test_ties_go_to_the_even_neighbour(fused: bool):
    values = [0.25, 0.75, 1.25, 1.75, -0.25, -0.75, -1.25, 0.2500001, 0.2499999]
    assert quantized(values, [0.5], SIGNED, fused) == [0, 1, 1, 2, 0, -1, -1, 0.5, 0]


@pytest.mark.parametrize("fused", FORMS)
def test_zero_stays_zero_and_nan_stays_nan(fused: bool):
    out = quantized([0.0, -0.0, nan, 3.0], [0.1], SIGNED, fused)
    assert out[:2] == [0, 0] and math.isnan(out[2]) and out[3] == pytest.approx(3.0)


@pytest.mark.parametrize("fused", FORMS)
@pytest.mark.parametrize(
    ("limits", "expected"),
    [(SIGNED, [-64, -64, 63.5, 63.5, 63.5]), (UNSIGNED, [0, 0, 63.5, 64, 127.5]), (WEIGHT, [-63.5, -63.5, 63.5, 63.5, 63.5])],
)
def test_values_beyond_the_range_take_its_ends(limits: tuple[int, int], expected: list, fused: bool):
    assert quantized([-1000.0, -64.3, 63.6, 63.9, 1e30], [0.5], limits, fused) == expected


@pytest.mark.parametrize("fused", FORMS)
def test_a_scale_a_channel_belongs_to_axis_0(fused: bool):
    assert quantized([[0.3, 5.0], [0.3, 5.0]], [0.25, 2.0], WEIGHT, fused) == [[0.25, 5.0], [0.0, 4.0]]


@pytest.mark.parametrize("fused", FORMS)
def test_a_scale_of_another_length_is_refused(fused: bool):
    with pytest.raises(TrainingError, match="1 or 3 numbers"):
        fake_quantize(torch.zeros(3, 4), torch.ones(4), *SIGNED, fused=fused)


@pytest.mark.parametrize("fused", FORMS)
def test_nothing_comes_out_of_nothing(fused: bool):
    assert fake_quantize(torch.zeros(0, 4), torch.ones(1), *SIGNED, fused=fused).shape == (0, 4)


def gradients(x: Tensor, scale: Tensor, limits: tuple[int, int], grad: Tensor, fused: bool) -> tuple[Tensor, Tensor, Tensor]:
    x, scale = x.clone().requires_grad_(), scale.clone().requires_grad_()
    y = fake_quantize(x, scale, *limits, fused=fused)
    y.backward(grad)
    return y.detach(), x.grad, scale.grad


@pytest.mark.parametrize("fused", FORMS)
def test_gradients_by_hand(fused: bool):
    """Scale 0.5 in [-2, 1]: x / s = 0.6, -3, 1, 5; rounded and clamped 1, -2, 1, 1. Of the scale: 1 - 0.6, -2, 0, 1, each times its gradient."""
    grad = torch.tensor([1.0, 2, 3, 4])
    _, of_x, of_scale = gradients(torch.tensor([0.3, -1.5, 0.5, 2.5]), torch.tensor([0.5]), (-2, 1), grad, fused)
    assert of_x.tolist() == [1, 0, 3, 0]
    assert of_scale.item() == pytest.approx((0.4 - 4 + 0 + 4) / math.sqrt(4 * 1), rel=1e-5)


@pytest.mark.parametrize("fused", FORMS)
@pytest.mark.parametrize("limits", [SIGNED, UNSIGNED])
@pytest.mark.parametrize("channels", [1, 5])
def test_gradients_by_finite_differences(limits: tuple[int, int], channels: int, fused: bool):
    """Inside the range the rounding is replaced by adding what it added, which is what straight through means; outside nothing need be replaced."""
    x = torch.randn(5, 40, dtype=torch.float64) * 3
    scale = torch.rand(channels, dtype=torch.float64) * 0.03 + 0.01
    low, high = limits
    v = x / scale.view(-1, 1)
    x = torch.where(((v - low).abs() < 0.1) | ((v - high).abs() < 0.1), torch.zeros_like(x), x)  # away from the ends
    rounding = (x / scale.view(-1, 1)).round() - x / scale.view(-1, 1)
    weight = torch.randn_like(x)

    def surrogate(x: Tensor, scale: Tensor) -> float:
        v = x / scale.view(-1, 1)
        inside = (v >= low) & (v <= high)
        return (torch.where(inside, v + rounding, v.clamp(low, high)) * scale.view(-1, 1) * weight).sum().item()

    _, of_x, of_scale = gradients(x.float(), scale.float(), limits, weight.float(), fused)
    step, factor = 1e-7, gradient_factor(x.numel() // channels, high)
    for way in [torch.randn_like(x) for _ in range(5)]:
        difference = (surrogate(x + step * way, scale) - surrogate(x - step * way, scale)) / (2 * step)
        assert difference == pytest.approx((of_x * way).sum().item(), rel=1e-4, abs=1e-3)
    for channel in range(channels):
        way = torch.zeros_like(scale)
        way[channel] = step
        difference = (surrogate(x, scale + way) - surrogate(x, scale - way)) / (2 * step)
        assert difference * factor == pytest.approx(of_scale[channel].item(), rel=1e-3, abs=1e-3)


CASES = [
    pytest.param((3456, 128), 1, UNSIGNED, id="activations"),
    pytest.param((2, 16, 33, 47), 1, UNSIGNED, id="image"),
    pytest.param((128, 882), 128, WEIGHT, id="linear"),
    pytest.param((32, 16, 3, 3), 32, WEIGHT, id="convolution"),
    pytest.param((1,), 1, SIGNED, id="one"),
    pytest.param((3, 4099), 3, SIGNED, id="odd"),
]


@pytest.mark.parametrize(("shape", "channels", "limits"), CASES)
def test_the_fused_form_is_the_unfused_one(shape: tuple[int, ...], channels: int, limits: tuple[int, int]):
    x, grad, scale = torch.randn(shape), torch.randn(shape), torch.rand(channels) * 0.02 + 0.005
    x.view(-1)[0] = 2.5 * scale[0]  # a tie
    mine, theirs = (gradients(x, scale, limits, grad, fused) for fused in (True, False))
    assert torch.equal(mine[0], theirs[0])
    torch.testing.assert_close(mine[1], theirs[1], atol=1e-6, rtol=1e-6)
    summed = scale_terms(x, scale, limits, grad)
    assert ((mine[2] - summed.sum(1)).abs() <= 1e-6 * summed.abs().sum(1)).all()  # relative to what is added up, most of which cancels
    torch.testing.assert_close(mine[2], theirs[2], atol=1e-5, rtol=1e-5)  # the unfused form adds up g q and g v apart


def scale_terms(x: Tensor, scale: Tensor, limits: tuple[int, int], grad: Tensor) -> Tensor:
    """What the gradient of each scale is the sum of, in float64 but for the division, on which the rounding depends."""
    v = (x.view(len(scale), -1) / scale[:, None]).double()
    inside = (v >= limits[0]) & (v <= limits[1])
    terms = grad.double().view(len(scale), -1) * (v.clamp(*limits).round() - torch.where(inside, v, 0))
    return terms * gradient_factor(v.shape[1], limits[1])


def test_the_fused_form_keeps_the_order_in_memory():
    x = torch.randn(2, 16, 9, 11).to(memory_format=torch.channels_last).requires_grad_()
    y = fake_quantize(x, torch.tensor([0.02]), *SIGNED)
    y.backward(torch.randn(2, 16, 9, 11))
    assert y.is_contiguous(memory_format=torch.channels_last) and x.grad.shape == x.shape
    torch.testing.assert_close(y, fake_quantize(x, torch.tensor([0.02]), *SIGNED, fused=False), atol=0, rtol=0)


def test_views_with_gaps_and_other_gradients_are_right():
    base = torch.randn(6, 10)
    x, scale = base.t()[::2], torch.tensor([0.02])
    grad = torch.randn(6, 5).t()
    mine, theirs = (gradients(x, scale, SIGNED, grad, fused) for fused in (True, False))
    for a, b in zip(mine, theirs):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)


def test_bfloat16_comes_out_as_float32():
    x = torch.randn(7, 5).bfloat16().requires_grad_()
    y = fake_quantize(x, torch.tensor([0.02]), *SIGNED)
    y.sum().backward()
    assert y.dtype == torch.float32 and x.grad.dtype == torch.bfloat16
    torch.testing.assert_close(y, fake_quantize(x.float(), torch.tensor([0.02]), *SIGNED, fused=False))


def test_sums_do_not_depend_on_the_number_of_threads():
    x, grad = torch.randn(301, 997), torch.randn(301, 997)
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(gradients(x, torch.tensor([0.02]), SIGNED, grad, True)[2])
    torch.set_num_threads(1)
    assert torch.equal(*found)


INTERPRETED = """
import torch
from qpvo_train.quantize import fake, fake_triton
torch.manual_seed(0)
for shape, channels in (((5, 1700), 1), ((6, 4100), 6), ((3, 4), 3)):
    x, grad, scale = torch.randn(shape), torch.randn(shape), torch.rand(channels) * 0.02 + 0.01
    x.view(-1)[:2] = torch.tensor([2.5 * scale[0], -1000])
    arguments = (x, scale, grad, -128, 127, 0.25)
    assert torch.equal(fake_triton.forward(x, scale, -128, 127), fake._cpu_forward(x, scale, -128, 127))
    mine, theirs = fake_triton.backward(*arguments), fake._cpu_backward(*arguments)
    assert torch.equal(mine[0], theirs[0])
    torch.testing.assert_close(mine[1], theirs[1], atol=1e-4, rtol=1e-5)
"""


@pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed: its kernels are not compared with the C++ ones")
def test_the_triton_form_is_the_native_one():
    """In Triton's interpreter, which needs no GPU."""
    environment = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", INTERPRETED], check=True, env=environment)


def test_the_fused_form_is_twice_as_fast_both_ways():
    for _ in range(4):  # another process may disturb a measurement
        times = fake_quantize_times(torch.device("cpu"), 10)
        print({name: {key: round(value, 3) for key, value in row.items()} for name, row in times.items()})
        if min(row["ratio"] for row in times.values()) >= 2:
            return
    raise AssertionError(times)
