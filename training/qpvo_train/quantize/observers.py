# SPDX-License-Identifier: MIT
"""What the values of a tensor are like, gathered while a network runs, and the range that INT8 should cover.

Values are symmetric round zero or not negative, so magnitudes are enough: a histogram of |x| whose upper edge doubles when a value lies beyond.
"""

import numpy as np
import torch
from torch import Tensor

from ..config import CALIBRATION_METHODS, QuantizeConfig
from ..errors import TrainingError

BINS = 1 << 13  # at least half of them below the largest magnitude: 16 for each of 255 steps
COARSE = 1.1  # ratio of neighbouring ranges that are tried, from the largest magnitude
SMALLEST = 1 / 32  # down to this share of it
FINE = 16  # ranges then tried between the neighbours of the best
ENTROPY_RANGES = 160
NUMBERS = ("top", "minimum", "maximum", "zeros", "total")  # of a histogram's state beside its counts


class MagnitudeHistogram:
    """Call it with tensors. Raises TrainingError for values that are not finite."""

    def __init__(self) -> None:
        self.counts = torch.zeros(BINS, dtype=torch.float64)
        self.top = 0.0  # upper edge of the last bin
        self.zeros = 0
        self.total = 0
        self.minimum, self.maximum = np.inf, -np.inf

    def __call__(self, values: Tensor) -> None:
        values = values.detach().float().flatten()
        low, high = (v.item() for v in torch.aminmax(values))
        if not (np.isfinite(low) and np.isfinite(high)):
            raise TrainingError("the network runs into values that are not finite", expected="finite activations", received=f"{low} to {high}")
        self.minimum, self.maximum = min(self.minimum, low), max(self.maximum, high)
        self.total += len(values)
        self._make_room(max(-low, high))
        zeros = int((values == 0).sum())
        self.zeros += zeros
        if self.top > 0:
            counts = torch.histc(values.abs(), BINS, 0, self.top).double().cpu()
            counts[0] -= zeros
            self.counts += counts

    def _make_room(self, peak: float) -> None:
        if peak > 0 and self.top == 0:
            self.top = float(2 ** np.ceil(np.log2(peak)))
        while peak > self.top:
            self.counts = torch.cat([self.counts.view(-1, 2).sum(1), torch.zeros(BINS // 2, dtype=torch.float64)])
            self.top *= 2

    def state(self) -> dict[str, Tensor | float]:
        return {"counts": self.counts, **{name: float(getattr(self, name)) for name in NUMBERS}}

    def load_state(self, state: dict[str, Tensor | float]) -> None:
        self.counts = state["counts"].clone()
        self.top, self.minimum, self.maximum = (float(state[name]) for name in ("top", "minimum", "maximum"))
        self.zeros, self.total = int(state["zeros"]), int(state["total"])

    @property
    def peak(self) -> float:
        """Largest magnitude."""
        return max(self.maximum, -self.minimum, 0.0)

    def magnitudes(self) -> np.ndarray:
        """Centres of the bins."""
        return (np.arange(BINS) + 0.5) * (self.top / BINS)

    def percentile(self, percent: float) -> float:
        """The magnitude below which so much of all values lie, zeros included; exact to a bin."""
        below = self.zeros + np.cumsum(self.counts.numpy())
        index = int(np.searchsorted(below, percent / 100 * self.total))
        return min(self.peak, (index + 1) * self.top / BINS) if percent / 100 * self.total > self.zeros else 0.0

    def share_beyond(self, limit: float) -> float:
        """Share of the values whose magnitude is larger, exact to a bin; 0 for the largest magnitude."""
        return float(self.counts.numpy()[int(np.ceil(limit / self.top * BINS)) :].sum() / max(1, self.total)) if self.top > 0 else 0.0

    def squared_errors(self, limits: np.ndarray, levels: int) -> np.ndarray:
        """Sum of the squared errors of values quantized to 0 .. levels steps, for each range 0 .. limit."""
        filled = self.counts.numpy() > 0
        values, counts = self.magnitudes()[filled], self.counts.numpy()[filled]
        sums = []
        for step in np.asarray(limits, float) / levels:
            quantized = np.minimum(np.rint(values / step), levels) * step
            sums.append(float(counts @ np.square(quantized - values)))
        return np.array(sums)

    def signal_to_noise(self, limit: float, levels: int) -> float:
        """Power of the values over that of their quantization error, in decibels."""
        power = float(self.counts.numpy() @ np.square(self.magnitudes()))
        return 10 * float(np.log10(power / max(self.squared_errors([limit], levels)[0], 1e-300)))


def choose_range(histogram: MagnitudeHistogram, method: str, levels: int, percent: float = QuantizeConfig.percentile) -> float:
    """The largest magnitude that INT8 keeps; `levels` steps lie between 0 and it. Raises TrainingError when all values were zero, and for an unknown method."""
    if method not in CALIBRATION_METHODS:
        raise TrainingError("unknown calibration method", expected=", ".join(CALIBRATION_METHODS), received=method)
    if histogram.peak == 0:
        raise TrainingError("nothing to calibrate", expected="values other than zero", received=f"{histogram.total} zeros")
    if method == "minmax":
        return histogram.peak
    if method == "percentile":
        return histogram.percentile(percent) or histogram.peak
    return _least_error(histogram, levels) if method == "mse" else _least_entropy(histogram, levels)


def _least_error(histogram: MagnitudeHistogram, levels: int) -> float:
    limits = histogram.peak * COARSE ** -np.arange(np.log(1 / SMALLEST) / np.log(COARSE))
    best = limits[np.argmin(histogram.squared_errors(limits, levels))]
    limits = np.append(np.geomspace(best / COARSE, min(best * COARSE, histogram.peak), FINE), best)
    return float(limits[np.argmin(histogram.squared_errors(limits, levels))])


def _least_entropy(histogram: MagnitudeHistogram, levels: int) -> float:
    """The range whose quantized distribution tells most of the true one: least Kullback-Leibler divergence (S. Migacz, 8-bit Inference with TensorRT,
    GTC 2017). Zeros are exact in any range and do not count."""
    counts = histogram.counts.numpy().reshape(-1, 2).sum(1)
    used = int(np.ceil(histogram.peak / histogram.top * len(counts)))
    ends = np.unique(np.linspace(levels + 1, used, ENTROPY_RANGES).round().astype(int))
    best = ends[int(np.argmin([_divergence(counts, end, levels + 1) for end in ends]))]
    return float(min(histogram.peak, best * histogram.top / len(counts)))


def _divergence(counts: np.ndarray, end: int, steps: int) -> float:
    """Of the values clipped to the first `end` bins, from the same values told apart by `steps` steps only."""
    kept = counts[:end]
    true = kept.copy()
    true[-1] += counts[end:].sum()
    first = np.arange(steps) * end // steps
    sums, filled = np.add.reduceat(kept, first), np.add.reduceat((true > 0).astype(float), first)
    spread = np.repeat(sums / np.maximum(filled, 1), np.diff(np.append(first, end))) * (true > 0)
    if spread.sum() == 0:
        return np.inf
    p, q = true / true.sum(), spread / spread.sum()
    seen = p > 0
    return float(np.sum(p[seen] * np.log(p[seen] / np.maximum(q[seen], 1e-12))))


def weight_scales(weight: Tensor, method: str, levels: int) -> Tensor:
    """One scale for each weight[o]: its largest magnitude, or for `mse` the range of least squared error, over `levels`. A channel of zeros gets a tiny one."""
    rows = weight.detach().flatten(1).double()
    peaks = rows.abs().amax(1).clamp(min=1e-9)
    if method != "mse":
        return (peaks / levels).float()
    best, least = peaks / levels, torch.full_like(peaks, torch.inf)
    for share in np.linspace(1, 0.4, 61):
        step = (share * peaks / levels)[:, None]
        errors = ((rows / step).round().clamp(-levels, levels) * step - rows).square().sum(1)
        better = errors < least
        best, least = torch.where(better, step[:, 0], best), torch.where(better, errors, least)
    return best.float()
