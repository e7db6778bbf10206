# SPDX-License-Identifier: MIT
"""Correlation: the C++ kernel, the form in torch and the sampled reference agree, forward and backward, at awkward sizes."""

import pytest
import torch
from torch import Tensor
from window_reference import correlate_windows

from qpvo_train import correlation
from qpvo_train.correlation import CorrelationVolume, correlate_reference

# channels, height, width, scales of the levels, radius, patch pixels
CASES = [
    (64, 13, 17, (1, 4), 3, 9),
    (128, 9, 6, (1, 4), 3, 9),
    (20, 7, 11, (1, 2, 4), 3, 9),
    (1, 5, 3, (1,), 1, 1),
    (33, 8, 8, (1, 4), 4, 25),
]


def coordinates(height: int, width: int, pixels: int, frames: int, dtype=torch.float32) -> Tensor:
    """[2, frames, frames, 3, pixels, 2]: inside, across every border, at whole pixels, and far outside."""
    coords = (torch.rand(2, frames, frames, 3, pixels, 2, dtype=dtype) * 1.6 - 0.3) * torch.tensor([width, height])
    coords[0, 0, 0, 0] = coords[0, 0, 0, 0].round()
    coords[1, 0, 1, 1] = 1e9
    coords[1, 1, 0, 2] = -1e9
    return coords


def volume_of(case, keep: float = 1.0) -> CorrelationVolume:
    channels, height, width, strides, radius, pixels = case
    patches = torch.randn(2, 3, 3, pixels, channels, requires_grad=True)
    maps = [torch.randn(2, 3, -(-height // s), -(-width // s), channels, requires_grad=True) for s in strides]
    return CorrelationVolume(patches, maps, [1 / s for s in strides], radius, keep)


def reference_of(volume: CorrelationVolume, coords: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Values in float64, and the leaves that they depend on."""
    leaves = [t.detach().double().requires_grad_() for t in volume.sources]
    return correlate_windows(leaves[0], leaves[1:], volume.scales, volume.radius, coords.double()), leaves


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("frames", [2, 3])
def test_all_forms_give_the_same_windows(case, frames: int, monkeypatch):
    monkeypatch.setattr(correlation, "EDGES_AT_ONCE", 7)
    volume = volume_of(case)
    coords = coordinates(case[1], case[2], case[5], frames)
    actual = volume.lookup(coords, frames)
    expected, _ = reference_of(volume, coords)
    assert actual.shape == (2, frames, frames, 3, (2 * case[4] + 1) ** 2 * case[5] * len(case[3]))
    torch.testing.assert_close(actual.double(), expected, atol=1e-4, rtol=1e-4)
    gathered = correlate_reference(volume, coords.flatten(0, 3), *volume.edges(frames)).view_as(actual)
    torch.testing.assert_close(actual, gathered, atol=1e-4, rtol=1e-4)


def test_columns_are_dx_dy_py_px_level():
    """One bright cell: the column that sees it."""
    patches, grid = torch.ones(1, 1, 1, 9, 1), torch.zeros(1, 1, 12, 12, 1)
    grid[0, 0, 6, 7] = 1
    volume = CorrelationVolume(patches, [grid, torch.zeros(1, 1, 3, 3, 1)], [1, 0.25], 3)
    coords = torch.full((1, 1, 1, 1, 9, 2), 100.0)
    coords[..., 4, :] = torch.tensor([5.0, 7.0])  # the centre pixel looks at x = 5, y = 7: the cell lies at dx = 2, dy = -1
    seen = volume.lookup(coords, 1).view(7, 7, 3, 3, 2)
    assert seen.nonzero().tolist() == [[2 + 3, -1 + 3, 1, 1, 0]]


@pytest.mark.parametrize("case", CASES)
def test_all_forms_give_the_same_gradients(case, monkeypatch):
    monkeypatch.setattr(correlation, "EDGES_AT_ONCE", 7)
    volume = volume_of(case)
    coords = coordinates(case[1], case[2], case[5], 2)
    expected, leaves = reference_of(volume, coords)
    grad = torch.randn_like(expected)
    wanted = torch.autograd.grad(expected, leaves, grad)
    (volume.lookup(coords, 2) * grad.float()).sum().backward()
    volume.backward()
    for source, gradient in zip(volume.sources, wanted):
        torch.testing.assert_close(source.grad.double(), gradient, atol=2e-4, rtol=1e-3)

    other = CorrelationVolume(*_fresh(volume), volume.scales, volume.radius)
    chosen = torch.arange(len(coords.flatten(0, 3)))
    correlation._reference_backward(other, coords, *other.edges(2), chosen, grad.float().flatten(0, 3))
    for gathered, gradient in zip(other.grads, wanted):
        torch.testing.assert_close(gathered.double(), gradient, atol=2e-4, rtol=1e-3)


def _fresh(volume: CorrelationVolume) -> tuple[Tensor, list[Tensor]]:
    patches, *maps = (t.detach().clone().requires_grad_() for t in volume.sources)
    return patches, maps


def test_gradient_is_that_of_finite_differences():
    """The correlation is linear in each of its inputs, so a central difference of step 1 is exact but for rounding."""
    volume = volume_of(CASES[2])
    coords = coordinates(7, 11, 9, 2)
    weights = torch.randn_like(volume.lookup(coords, 2))

    def value(sources: list[Tensor]) -> float:
        with torch.no_grad():
            moved = CorrelationVolume(sources[0], sources[1:], volume.scales, volume.radius)
            return (moved.lookup(coords, 2).double() * weights).sum().item()

    (volume.lookup(coords, 2) * weights).sum().backward()
    volume.backward()
    for n, source in enumerate(volume.sources):
        direction = torch.randn_like(source)
        ends = [value([s.detach() + sign * direction if k == n else s.detach() for k, s in enumerate(volume.sources)]) for sign in (1, -1)]
        assert (ends[0] - ends[1]) / 2 == pytest.approx((source.grad * direction).sum().item(), rel=1e-3, abs=1e-2)


def test_look_ups_add_up():
    volume = volume_of(CASES[0])
    coords = [coordinates(13, 17, 9, frames) for frames in (2, 3)]
    outputs = [volume.lookup(c, frames) for c, frames in zip(coords, (2, 3))]
    sum(output.square().sum() for output in outputs).backward()
    volume.backward()
    both = [s.grad.clone() for s in volume.sources]
    total = [torch.zeros_like(g) for g in both]
    for c, frames in zip(coords, (2, 3)):
        alone = CorrelationVolume(*_fresh(volume), volume.scales, volume.radius)
        alone.lookup(c, frames).square().sum().backward()
        for t, g in zip(total, alone.grads):
            t += g
    for actual, expected in zip(both, total):
        torch.testing.assert_close(actual, expected, atol=1e-2, rtol=1e-4)


def test_a_kept_share_passes_that_share_of_the_gradient_on_average():
    case, keep, draws = (4, 6, 6, (1, 4), 2, 9), 0.3, 400
    coords = coordinates(6, 6, 9, 2)
    full = volume_of(case)
    full.lookup(coords, 2).square().sum().backward()
    part = CorrelationVolume(*_fresh(full), full.scales, full.radius, keep)
    for _ in range(draws):
        part.lookup(coords, 2).square().sum().backward()
    for gathered, whole in zip(part.grads, full.grads):
        torch.testing.assert_close(gathered / draws, keep * whole, atol=0.15 * keep * whole.abs().max().item(), rtol=0)


def test_nothing_is_remembered_without_gradients():
    with torch.no_grad():
        volume = volume_of(CASES[0])
        volume.lookup(coordinates(13, 17, 9, 2), 2)
    assert volume.grads == []
    volume.backward()
    assert all(source.grad is None for source in volume.sources)


def test_coordinates_that_are_no_numbers_reach_no_foreign_memory():
    """Their windows may hold anything; the windows of the other edges are as ever, and no gradient goes astray."""
    volume = volume_of(CASES[0])
    coords = coordinates(13, 17, 9, 2)
    expected = volume.lookup(coords, 2).detach()
    coords[0, 1, 1, 2] = float("nan")
    actual = volume.lookup(coords, 2)
    same = torch.ones(actual.shape[:4], dtype=torch.bool)
    same[0, 1, 1, 2] = False
    assert torch.equal(actual[same], expected[same])
    grad = torch.zeros_like(actual)
    grad[0, 1, 1, 2] = 1.0
    actual.backward(grad)
    assert all((g[1] == 0).all() for g in volume.grads)
