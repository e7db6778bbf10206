# SPDX-License-Identifier: MIT
"""The unrolled clip: with perfect flow it finds the true poses; frames join without harm; its gradients are those of one plain graph."""

import dataclasses

import pytest
import torch
from plane_scene import plane_clip
from torch import Tensor, nn
from window_reference import correlate_windows

from qpvo_train import geometry, losses, se3
from qpvo_train.clips import collate, load_sample
from qpvo_train.ground_truth import TrueMatches
from qpvo_train.network import NetworkSizes, PatchNetwork
from qpvo_train.unroll import Unroll, UnrollOptions, unroll

SIZES = NetworkSizes(width=4, feature_dim=8, hidden_dim=16)


def plane_batch(count: int = 2, frames: int = 5) -> dict[str, Tensor]:
    return collate([load_sample(plane_clip(seed), frames=frames, crop=(64, 96), augment=False) for seed in range(count)])


class TrueFlow(nn.Module):
    """Stands in for the update operator: flow to the true place, sure of what is visible. It adds 1 to the hidden state."""

    def __init__(self):
        super().__init__()
        self.flight: Unroll | None = None

    def forward(self, hidden: Tensor, context: Tensor, correlation: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        flight, live = self.flight, self.flight.count
        truth = flight.truth.first(live)
        points, _ = geometry.transfer(flight.poses[:, :live], flight.centres[:, :live], flight.depths[:, :live], flight.batch["K"])
        flow = truth.coords - geometry.project(points, flight.batch["K"])
        return hidden + 1, flow, truth.visible[..., None].float().expand_as(flow)


def cloud_batch(count: int = 2, frames: int = 5) -> dict[str, Tensor]:
    """Blank images from cameras that travel sideways past points at random depths, which only `perfect_flight` knows."""
    tangents = torch.randn(count, 1, 6) * torch.tensor([0.02, 0.02, 0.02, 0.01, 0.01, 0.01]) + torch.tensor([0.1, 0.03, 0, 0, 0, 0])
    poses = se3.exp(tangents * torch.arange(frames).view(1, -1, 1))
    grid = torch.ones(count, frames, 16, 24)
    return {
        "images": torch.zeros(count, frames, 1, 64, 96),
        "poses": poses,
        "inv": grid,
        "static": grid,
        "K": torch.tensor([[22.0, 22, 11.5, 7.5]]).expand(count, 4),
    }


def perfect_flight(batch: dict[str, Tensor], **options) -> Unroll:
    """Truth is a random depth of every patch, seen wherever it falls into the image."""
    network = PatchNetwork(SIZES)
    network.update = TrueFlow()
    flight = Unroll(network, batch, UnrollOptions(**{"patches": 16, "start": 4, "through_ba": True, "matching": False, **options}))
    points, _ = geometry.transfer(batch["poses"], flight.centres, torch.rand(flight.depths.shape) + 0.3, batch["K"])
    coords = geometry.project(points, batch["K"])
    seen = ((coords > 0) & (coords < torch.tensor([23.0, 15.0]))).all(-1)
    flight.truth = TrueMatches(coords, seen, seen)
    network.update.flight = flight
    return flight


@pytest.mark.parametrize("pose_noise", [None, 0.02])
@torch.no_grad()
def test_perfect_flow_leads_to_the_true_poses(pose_noise: float | None):
    batch = cloud_batch()
    flight = perfect_flight(batch, warm=20, tail=20, pose_noise=pose_noise)
    flight.options = dataclasses.replace(flight.options, decay=0.5)  # the last iterations are judged
    result = flight.run()
    assert torch.equal(result.poses[:, 0], batch["poses"][:, 0])
    translation, rotation = losses.pose_errors(result.poses, batch["poses"])
    extent = batch["poses"][:, -1, :, 3].norm(dim=-1).min()
    assert translation.max() < 0.02 * extent and rotation.max() < 2e-3
    visible = result.truth.visible
    assert (result.coords - result.truth.coords).norm(dim=-1)[visible].max() < 0.05
    assert result.terms["reprojection"] < 0.03 and result.terms["flow"] < 0.011


@torch.no_grad()
def test_frames_join_one_by_one_and_old_pairs_keep_their_hidden_state():
    flight = perfect_flight(cloud_batch(1, frames=6), start=3, warm=2, per_frame=2, tail=3)
    flight.run()
    age = torch.tensor([[max(s, t) for t in range(6)] for s in range(6)])
    iterations = 2 + 2 * 3 + 3 - 1
    expected = torch.where(age < 3, iterations, iterations - 2 - 2 * (age - 3))
    assert flight.count == 6
    assert torch.equal(flight.hidden[0, :, :, 0, 0].long(), expected)


@torch.no_grad()
def test_a_new_frame_starts_at_the_last_pose_and_the_median_depth():
    flight = perfect_flight(cloud_batch(1, frames=6), start=3, warm=2)
    flight.poses[:, 2, :, 3] = torch.tensor([1.0, 2, 3])
    flight.depths[:, 1:3] = torch.arange(32.0).view(1, 2, 16)
    hidden = flight.hidden = torch.randn_like(flight.hidden)
    flight._add_frame()
    assert flight.count == 4
    assert torch.equal(flight.poses[:, 3], flight.poses[:, 2])
    assert (flight.depths[:, 3] == 15).all()
    assert torch.equal(flight.hidden[:, :3, :3], hidden) and flight.hidden.shape[1:3] == (4, 4)
    assert (flight.hidden[:, 3] == 0).all() and (flight.hidden[:, :, 3] == 0).all()


def test_terms_are_those_of_the_options():
    batch, network = plane_batch(1), PatchNetwork(SIZES)
    plain = unroll(network, batch, UnrollOptions(patches=4, start=3, warm=2, matching=False))
    assert set(plain.terms) == {"flow", "confidence"}
    full = unroll(network, batch, UnrollOptions(patches=4, start=3, warm=3, through_ba=True))
    assert set(full.terms) == {"flow", "confidence", "matching", "reprojection", "translation", "rotation"}
    assert all(torch.isfinite(term) for term in full.terms.values())


class PlainVolume:
    """The correlation as an ordinary part of the graph."""

    def __init__(self, patches: Tensor, maps: list[Tensor], scales: list[float], radius: int):
        self.patches, self.maps, self.scales, self.radius = patches, maps, scales, radius

    def lookup(self, coords: Tensor, count: int) -> Tensor:
        return correlate_windows(self.patches.double(), [m.double() for m in self.maps], self.scales, self.radius, coords.double()).float()


class OneGraph(Unroll):
    """Features stay connected with the encoders."""

    leaves = property(lambda self: self.encoded, lambda self, value: None)


@pytest.mark.parametrize("through_ba", [False, True])
def test_gradients_are_those_of_one_plain_graph(through_ba: bool, monkeypatch):
    batch, network = plane_batch(2, frames=4), PatchNetwork(SIZES)
    options = UnrollOptions(patches=6, start=3, warm=3, pose_noise=0.01, through_ba=through_ba, correlation_keep=1.0)

    def loss_of(result) -> Tensor:
        return sum(result.terms.values())

    torch.manual_seed(1)
    result = unroll(network, batch, options)
    result.backward(loss_of(result))
    actual = {name: p.grad.clone() for name, p in network.named_parameters()}
    assert all(gradient.abs().max() > 0 for name, gradient in actual.items() if not _has_no_effect(name))

    def plain_volume(features: Tensor, patches: Tensor, keep: float) -> PlainVolume:
        maps = [features, nn.functional.avg_pool2d(features.flatten(0, 1).permute(0, 3, 1, 2), 4).permute(0, 2, 3, 1).unflatten(0, features.shape[:2])]
        return PlainVolume(patches, maps, [1, 0.25], SIZES.radius)

    monkeypatch.setattr(network, "volume", plain_volume)
    network.zero_grad()
    torch.manual_seed(1)
    loss = loss_of(OneGraph(network, batch, options).run())
    loss.backward()
    assert loss.item() == pytest.approx(loss_of(result).item(), rel=1e-4)  # rounding, carried through three iterations
    for name, parameter in network.named_parameters():
        tolerance = 1e-5 if _has_no_effect(name) else 1e-3 * parameter.grad.abs().max().item()
        assert (actual[name] - parameter.grad).abs().max() <= tolerance, name


def _has_no_effect(name: str) -> bool:
    """A bias before an instance norm is subtracted again, one that is equal for all members of a softmax cancels."""
    normed = name.startswith("patchify.fnet") and name.endswith("bias") and not name.startswith("patchify.fnet.conv2")
    return normed or name.endswith(".g.bias")


def test_truth_and_geometry_are_exact_whatever_the_precision_of_the_network():
    """The networks alone run in bfloat16: its 8 bits would put true matches a quarter of an image pixel off."""
    batch, flights = plane_batch(), []
    for bfloat16 in (False, True):
        torch.manual_seed(3)
        flight = Unroll(PatchNetwork(SIZES), batch, UnrollOptions(patches=6, start=4, warm=2, pose_noise=0.05, bfloat16=bfloat16))
        flights.append(flight)
    exact, coarse = flights
    assert torch.equal(exact.truth.coords, coarse.truth.coords) and torch.equal(exact.poses, coarse.poses)
    assert not torch.equal(exact.features, coarse.features)
    result = coarse.run()
    assert {value.dtype for value in (result.coords, result.target, result.confidence, result.poses, result.depths)} == {torch.float32}
    direct = geometry.project(geometry.transfer(result.poses, coarse.centres, result.depths, batch["K"])[0], batch["K"])
    assert torch.equal(result.coords, direct)
