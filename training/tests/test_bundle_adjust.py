# SPDX-License-Identifier: MIT
"""Bundle adjustment: against a dense Gauss-Newton step with automatic Jacobians, by finite differences, on solvable and on degenerate problems."""

import pytest
import torch
from dense_gauss_newton import dense_step
from torch import Tensor

from qpvo_train import geometry, se3
from qpvo_train.bundle_adjust import DEPTH_RANGE, bundle_adjust

K = torch.tensor([[30.0, 31.0, 23.0, 15.0]], dtype=torch.float64)
SIZE = (32, 48)


def true_scene(frames: int = 4, patches: int = 6) -> tuple[Tensor, Tensor, Tensor]:
    """Poses [1, N, 3, 4] (the first the identity), centres [1, N, M, 2], inverse depths [1, N, M]."""
    tangents = torch.randn(1, frames, 6, dtype=torch.float64) * 0.15
    tangents[:, 0] = 0
    centres = torch.rand(1, frames, patches, 2, dtype=torch.float64) * torch.tensor([40.0, 24.0]) + 4
    return se3.exp(tangents), centres, torch.rand(1, frames, patches, dtype=torch.float64) * 0.5 + 0.4


def project(poses: Tensor, centres: Tensor, depths: Tensor) -> Tensor:
    return geometry.project(geometry.transfer(poses, centres, depths, K)[0], K)


def problem(frames: int = 4, patches: int = 6, noise: float = 1.0) -> dict[str, Tensor]:
    poses, centres, depths = true_scene(frames, patches)
    target = project(poses, centres, depths)
    target = target + noise * torch.randn_like(target)
    return {"poses": poses, "centres": centres, "depths": depths, "intrinsics": K, "target": target, "weight": torch.rand_like(target)}


def disturbed(given: dict[str, Tensor], amount: float = 0.05) -> dict[str, Tensor]:
    """The same problem seen from other poses (but the first) and depths."""
    tangents = torch.randn(*given["poses"].shape[:2], 6, dtype=torch.float64) * amount
    tangents[:, 0] = 0
    moved = se3.compose(se3.exp(tangents), given["poses"])
    return {**given, "poses": moved, "depths": given["depths"] * (1 + amount * torch.randn_like(given["depths"]))}


@pytest.mark.parametrize(("fixed", "damping"), [(1, 10.0), (1, 1.0), (2, 10.0), (3, 0.1)])
def test_a_step_is_that_of_the_dense_system(fixed: int, damping: float):
    given = problem()
    expected = dense_step(**given, size=SIZE, fixed=fixed, damping=damping)
    actual = bundle_adjust(**given, size=SIZE, iterations=1, fixed=fixed, damping=damping)
    for a, b in zip(actual, expected):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)
    assert not torch.equal(actual[0], given["poses"])


def test_edges_that_do_not_count_are_those_of_the_dense_system():
    given = problem()
    given["target"][0, 0, 1, :2] += 400  # too far from the prediction
    given["depths"][0, 2, 0] = 9.0  # very near: behind or beside some cameras
    given["centres"][0, 3, 1] = torch.tensor([47.0 + 60, 31 + 60])  # outside the margin in some frames
    expected = dense_step(**given, size=SIZE, fixed=1, damping=10.0)
    for a, b in zip(bundle_adjust(**given, size=SIZE, iterations=1), expected):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)


def test_every_iteration_linearises_anew():
    given = disturbed(problem())
    poses, depths = dense_step(**given, size=SIZE, fixed=1, damping=10.0)
    expected = dense_step(**{**given, "poses": poses, "depths": depths}, size=SIZE, fixed=1, damping=10.0)
    for a, b in zip(bundle_adjust(**given, size=SIZE, iterations=2), expected):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)


def test_clips_of_a_batch_do_not_touch_each_other():
    first, second = problem(), problem()
    both = {key: torch.cat([first[key], second[key]]) for key in first}
    poses, depths = bundle_adjust(**both, size=SIZE)
    for n, given in enumerate((first, second)):
        alone = bundle_adjust(**given, size=SIZE)
        torch.testing.assert_close(poses[n : n + 1], alone[0], atol=1e-10, rtol=0)
        torch.testing.assert_close(depths[n : n + 1], alone[1], atol=1e-10, rtol=0)


@pytest.mark.parametrize("name", ["target", "weight", "poses", "depths"])
def test_gradients_are_those_of_finite_differences(name: str):
    given = problem(frames=3, patches=2)

    def adjust(value: Tensor) -> tuple[Tensor, Tensor]:
        return bundle_adjust(**{**given, name: value}, size=SIZE, iterations=2)

    assert torch.autograd.gradcheck(adjust, given[name].clone().requires_grad_(), atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("fixed", [1, 2, 4])
def test_fixed_poses_stay(fixed: int):
    given = disturbed(problem())
    poses, depths = bundle_adjust(**given, size=SIZE, fixed=fixed)
    assert torch.equal(poses[:, :fixed], given["poses"][:, :fixed])
    for frame in range(fixed, 4):
        assert (poses[:, frame] - given["poses"][:, frame]).abs().max() > 1e-4
    assert not torch.equal(depths, given["depths"])


def test_converges_to_targets_without_noise():
    given = disturbed(problem(noise=0.0))
    poses, depths = bundle_adjust(**given, size=SIZE, iterations=30, damping=1e-3)
    torch.testing.assert_close(project(poses, given["centres"], depths), given["target"], atol=1e-4, rtol=0)


def test_a_failed_factorisation_skips_the_step_of_its_clip_alone():
    first, second = problem(), problem()
    first["weight"] = -1e4 * first["weight"]
    both = {key: torch.cat([first[key], second[key]]) for key in first}
    poses, depths = bundle_adjust(**both, size=SIZE, iterations=1)
    assert torch.equal(poses[0], first["poses"][0])
    assert torch.equal(depths[0], first["depths"][0])
    torch.testing.assert_close(poses[1:], bundle_adjust(**second, size=SIZE, iterations=1)[0], atol=1e-10, rtol=0)


def no_weight(given: dict[str, Tensor]) -> None:
    given["weight"].zero_()


def no_parallax(given: dict[str, Tensor]) -> None:
    given["poses"][:] = se3.identity(1, 4, dtype=torch.float64)


def all_behind(given: dict[str, Tensor]) -> None:
    given["poses"][:, 1:, 2, 3] = -50.0


def one_place(given: dict[str, Tensor]) -> None:
    given["centres"][:] = 10.0


def target_lost(given: dict[str, Tensor]) -> None:
    given["target"][0, 0, 1, 0] = float("nan")


def targets_far_away(given: dict[str, Tensor]) -> None:
    given["target"] += 1e30


@pytest.mark.parametrize("break_it", [no_weight, no_parallax, all_behind, one_place, targets_far_away, target_lost])
def test_degenerate_problems_give_finite_results_and_gradients(break_it):
    given = {key: value.float() for key, value in problem().items()}
    break_it(given)
    given["target"].requires_grad_()
    given["weight"].requires_grad_()
    poses, depths = bundle_adjust(**given, size=SIZE)
    (poses.square().sum() + depths.square().sum()).backward()
    for value in (poses, depths, given["target"].grad, given["weight"].grad):
        assert torch.isfinite(value).all()
    assert depths.min() >= DEPTH_RANGE[0] and depths.max() <= DEPTH_RANGE[1]
