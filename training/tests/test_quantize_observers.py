# SPDX-License-Identifier: MIT
"""Ranges on distributions whose best range is known, and the histogram behind them."""

import math

import numpy as np
import pytest
import torch

from qpvo_train.errors import TrainingError
from qpvo_train.quantize.observers import BINS, MagnitudeHistogram, choose_range, weight_scales


def seen(*tensors: torch.Tensor) -> MagnitudeHistogram:
    histogram = MagnitudeHistogram()
    for tensor in tensors:
        histogram(tensor)
    return histogram


def test_values_are_counted_wherever_they_come():
    """The upper edge starts at 1 and doubles three times; nothing is lost."""
    histogram = seen(torch.tensor([0.0, 0.5, -0.75]), torch.zeros(5), torch.tensor([[-8.0, 3.0]]))
    assert (histogram.minimum, histogram.maximum, histogram.peak, histogram.top) == (-8, 3, 8, 8)
    assert (histogram.total, histogram.zeros, histogram.counts.sum().item()) == (10, 6, 4)
    found = histogram.magnitudes()[histogram.counts.numpy() > 0]
    np.testing.assert_allclose(found, [0.5, 0.75, 3, 8], atol=8 / BINS)


def test_percentiles_are_those_of_the_values():
    values = torch.cat([torch.rand(60_000), torch.zeros(40_000)])
    histogram = seen(*values.split(7000))
    for percent in (50, 90, 99, 99.9):
        assert histogram.percentile(percent) == pytest.approx(np.percentile(values.numpy(), percent), abs=1e-3)
    assert histogram.percentile(30) == 0 and histogram.percentile(100) == histogram.peak


def test_the_share_beyond_a_limit_is_counted():
    assert seen(torch.linspace(-1, 1, 20_001)).share_beyond(0.9) == pytest.approx(0.1, abs=1e-3)


def test_errors_are_those_of_the_quantizer():
    values = torch.randn(50_000)
    histogram = seen(values)
    limits = np.array([4.0, 2.0, 1.0])
    for limit, error in zip(limits, histogram.squared_errors(limits, 127)):
        step = limit / 127
        true = ((values / step).round().clamp(-127, 127) * step - values).square().sum().item()
        assert error == pytest.approx(true, rel=0.02)


def test_the_noise_of_a_uniform_signal_is_that_of_its_steps():
    """Uniform in [0, 1] with 255 steps: power 1/3 over step^2 / 12."""
    decibels = seen(torch.rand(200_000)).signal_to_noise(1.0, 255)
    assert decibels == pytest.approx(10 * math.log10(255**2 * 4), abs=0.1)


def test_min_max_takes_the_largest_magnitude():
    assert choose_range(seen(torch.tensor([-3.0, 2.0])), "minmax", 127) == 3


def test_the_percentile_leaves_out_the_share_that_it_says():
    histogram = seen(torch.linspace(0, 1, 100_001))
    assert choose_range(histogram, "percentile", 255, percent=99.0) == pytest.approx(0.99, abs=1e-3)
    assert choose_range(histogram, "percentile", 255, percent=99.9) == pytest.approx(0.999, abs=1e-3)


def test_a_uniform_distribution_keeps_its_whole_range():
    """Clipping a uniform distribution costs more than the finer steps save."""
    histogram = seen(torch.rand(100_000) * 5)
    for method in ("mse", "entropy"):
        assert choose_range(histogram, method, 255) == pytest.approx(5, rel=0.03)


def test_a_normal_distribution_is_clipped_where_theory_says():
    """Least squared error with 8 bits: 3.92 standard deviations for 256 levels over the whole (Banner et al., arXiv 1810.05723)."""
    torch.manual_seed(3)
    assert choose_range(seen(torch.randn(4_000_000)), "mse", 127) == pytest.approx(3.92, abs=0.15)


@pytest.mark.parametrize("method", ["percentile", "mse", "entropy"])
def test_an_outlier_does_not_stretch_the_range(method: str):
    histogram = seen(torch.randn(1_000_000), torch.tensor([60.0]))
    limit = choose_range(histogram, method, 127)
    assert 2.5 < limit < 12
    assert histogram.signal_to_noise(limit, 127) > histogram.signal_to_noise(60, 127) + 7


@pytest.mark.parametrize("method", ["minmax", "percentile", "mse", "entropy"])
@pytest.mark.parametrize("values", [torch.tensor([0.3]), torch.full((100,), 2.0), torch.tensor([1e-6, 2e-6]), torch.tensor([0.0] * 999_999 + [1.0])])
def test_ranges_of_odd_sets_are_usable(method: str, values: torch.Tensor):
    limit = choose_range(seen(values), method, 255)
    assert 0 < limit <= values.max().item() * 1.001


def test_nothing_but_zeros_is_refused():
    with pytest.raises(TrainingError, match="4 zeros"):
        choose_range(seen(torch.zeros(4)), "mse", 127)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_values_that_are_not_finite_are_refused(value: float):
    with pytest.raises(TrainingError, match="not finite"):
        seen(torch.tensor([1.0, value]))


def test_an_unknown_method_is_refused():
    with pytest.raises(TrainingError, match="minmax, percentile, mse, entropy"):
        choose_range(seen(torch.ones(1)), "median", 127)


def test_weights_have_a_scale_a_channel():
    weight = torch.tensor([[1.0, -2.54], [0.0, 0.0], [0.635, 0.1]])
    scales = weight_scales(weight, "minmax", 127)
    assert scales.tolist() == pytest.approx([0.02, 1e-9 / 127, 0.005])
    assert (weight_scales(weight, "mse", 127) > 0).all()


def test_the_range_of_least_error_is_no_worse_than_the_largest_weight():
    weight = torch.randn(4, 100_000)
    error = lambda scales: ((weight / scales[:, None]).round().clamp(-127, 127) * scales[:, None] - weight).square().sum(1)  # noqa: E731
    least, widest = (error(weight_scales(weight, method, 127)) for method in ("mse", "minmax"))
    assert (least < 0.95 * widest).all()
