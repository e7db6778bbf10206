# SPDX-License-Identifier: MIT
"""The network: dense update operator against the list of edges, sampling, sizes, and the guard on gradients."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from edge_list import EdgeList
from torch import Tensor

from qpvo_train.network import NetworkSizes, PatchNetwork, ResidualBlock, UpdateOperator

SIZES = NetworkSizes(width=4, feature_dim=12, hidden_dim=24)
BASE = NetworkSizes(input_channels=3, width=32, feature_dim=128, hidden_dim=384)


def edges_of(batch: int, frames: int, patches: int) -> tuple[Tensor, Tensor, Tensor]:
    """Source, target and patch of every edge of [B, S, T, M]; clips of a batch are told apart by their frames."""
    b, s, t, m = torch.meshgrid(*(torch.arange(n) for n in (batch, frames, frames, patches)), indexing="ij")
    return (b * frames + s).flatten(), (b * frames + t).flatten(), ((b * frames + s) * patches + m).flatten()


def randomised(operator: UpdateOperator) -> UpdateOperator:
    """Every parameter away from its start value, norms included."""
    for parameter in operator.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return operator.eval()


@pytest.mark.parametrize(("batch", "frames", "patches"), [(1, 4, 5), (2, 3, 2), (1, 1, 3), (1, 2, 1)])
@pytest.mark.parametrize("permuted", [False, True])
@torch.no_grad()
def test_dense_pairs_are_the_list_of_edges_in_any_order(batch: int, frames: int, patches: int, permuted: bool):
    operator = randomised(UpdateOperator(SIZES))
    hidden = torch.randn(batch, frames, frames, patches, SIZES.hidden_dim)
    context = torch.randn(batch, frames, patches, SIZES.hidden_dim)
    correlation = torch.randn(batch, frames, frames, patches, SIZES.correlation_columns)
    dense = [value.flatten(0, 3) for value in operator(hidden, context, correlation)]

    source, target, patch = edges_of(batch, frames, patches)
    order = torch.randperm(len(patch)) if permuted else torch.arange(len(patch))
    rows = [hidden.flatten(0, 3), context.flatten(0, 2)[patch], correlation.flatten(0, 3)]
    edges = EdgeList(source[order], target[order], patch[order])
    listed = edges.update(operator.state_dict(), *(row[order] for row in rows))
    for a, b in zip(dense, listed):
        torch.testing.assert_close(a[order], b, atol=1e-5, rtol=1e-5)


def test_parameters_are_those_of_the_published_network():
    network = PatchNetwork(BASE)
    counts = {part: sum(p.numel() for n, p in network.named_parameters() if n.startswith(part)) for part in ("patchify.fnet", "patchify.inet", "update")}
    assert counts == {"patchify.fnet": 181_440, "patchify.inet": 198_080, "update": 3_004_804}
    assert len(network.state_dict()) == 94


@torch.no_grad()
def test_the_shortcut_is_a_1x1_convolution_of_the_blocks_stride():
    block = ResidualBlock(4, 8, False, 2)
    shortcut = block.downsample[0]
    assert shortcut.weight.shape == (8, 4, 1, 1)
    for name in ("conv1", "conv2"):
        getattr(block, name).weight.zero_()
        getattr(block, name).bias.zero_()
    for height, width in ((12, 16), (11, 13)):
        x = torch.randn(2, 4, height, width)
        torch.testing.assert_close(block(x), F.relu(F.conv2d(x, shortcut.weight, shortcut.bias, stride=2)), rtol=1e-6, atol=1e-6)


NARROW = """
import torch
from qpvo_train.network import NetworkSizes, PatchNetwork
network = PatchNetwork(NetworkSizes(width=8, feature_dim=16, hidden_dim=16))
sum(part.sum() for part in network.encode(torch.rand(1, 2, 1, 208, 288))).backward()
"""


def test_a_narrow_network_has_gradients_on_a_cpu():
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", NARROW], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_images_are_normalised_and_grey_serves_three_channels():
    network = PatchNetwork(NetworkSizes(input_channels=3, width=4, feature_dim=8, hidden_dim=16)).eval()
    seen = []
    network.patchify.inet.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    images = torch.tensor([0.0, 127.5, 255.0]).view(1, 3, 1, 1, 1).expand(1, 3, 1, 32, 48)
    features, context = network.encode(images)
    assert seen[0].shape == (3, 3, 32, 48)
    torch.testing.assert_close(seen[0].amax((1, 2, 3)), torch.tensor([-0.5, 0.5, 1.5]))
    assert features.shape == (1, 3, 8, 12, 8) and context.shape == (1, 3, 8, 12, 16)


def test_sampled_patches_are_the_features_around_their_centres():
    network = PatchNetwork(SIZES)
    features, context = torch.randn(2, 3, 7, 9, 12), torch.randn(2, 3, 7, 9, 24)
    centres = torch.stack([torch.randint(1, 8, (2, 3, 4)), torch.randint(1, 6, (2, 3, 4))], -1)
    patches, own = network.sample(features, context, centres.float())
    for b, n, m in ((0, 0, 0), (1, 2, 3), (0, 1, 2)):
        x, y = centres[b, n, m].tolist()
        assert torch.equal(patches[b, n, m], features[b, n, y - 1 : y + 2, x - 1 : x + 2].flatten(0, 1))
        assert torch.equal(own[b, n, m], context[b, n, y, x])


def test_coarse_level_is_the_mean_of_its_cells():
    network = PatchNetwork(SIZES)
    features = torch.randn(1, 2, 8, 12, 12)
    volume = network.volume(features, torch.randn(1, 2, 3, 9, 12))
    assert [tuple(m.shape) for m in volume.maps] == [(1, 2, 8, 12, 12), (1, 2, 2, 3, 12)] and volume.scales == [1, 0.25]
    torch.testing.assert_close(volume.maps[1][0, 1, 1, 2], features[0, 1, 4:8, 8:12].mean((0, 1)))


def test_heads_pass_no_gradient_that_is_large_or_no_number():
    operator = UpdateOperator(SIZES)
    inputs = torch.randn(1, 2, 2, 3, 24), torch.randn(1, 2, 3, 24), torch.randn(1, 2, 2, 3, SIZES.correlation_columns)
    _, flow, confidence = operator(*inputs)
    poison = torch.full_like(flow, 1e6)
    poison[0, 0, 0] = float("nan")
    torch.autograd.backward([flow, confidence], [poison, poison])
    for parameter in operator.parameters():
        assert torch.isfinite(parameter.grad).all()
    assert operator.d[1].bias.grad.abs().max() <= 0.01 * 9 + 1e-6
