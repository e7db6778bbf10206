# SPDX-License-Identifier: MIT
"""The two encoders and the dense update operator (DPVO, arXiv 2208.04726; sections 2 and 7 of the specification), of any widths.

Parameter names are those of the published checkpoint, so that one importer serves both. Pairs are dense: source frame S, target frame T, patch M. The
neighbours of an edge are its neighbours along T, the two aggregations run over T and over M.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .correlation import CorrelationVolume

FEATURE_SCALE = 4.0  # the encoders' outputs are divided by this


@dataclass(frozen=True)
class NetworkSizes:
    """Widths of a network. `small` is the default; `base` has the published shapes."""

    input_channels: int = 1
    width: int = 16  # channels of the stem and the first stage; the second stage has twice as many
    feature_dim: int = 64  # matching features
    hidden_dim: int = 128  # context features and hidden state
    patch_size: int = 3
    radius: int = 3
    levels: tuple[int, ...] = (1, 4)

    @property
    def correlation_columns(self) -> int:
        return len(self.levels) * (2 * self.radius + 1) ** 2 * self.patch_size**2


class ResidualBlock(nn.Module):
    def __init__(self, channels_in: int, channels: int, norm: bool, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1)
        self.norm = F.instance_norm if norm else nn.Identity()
        self.stride = stride
        self.downsample = nn.Sequential(nn.Conv2d(channels_in, channels, 1)) if stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm(self.conv1(x)))
        y = F.relu(self.norm(self.conv2(y)))
        shortcut = x if self.downsample is None else self.norm(self.downsample(self._every_second(x)))
        return F.relu(shortcut + y)

    def _every_second(self, x: Tensor) -> Tensor:
        """What a 1x1 convolution of this stride reads. The strided one itself, of fewer than 16 channels in channels-last order, ends PyTorch 2.13 on a CPU with
        a segmentation fault in its backward pass."""
        return x[:, :, :: self.stride, :: self.stride]


class Encoder(nn.Module):
    """Image [B, C, H, W] -> features [B, out, H/4, W/4]: a 7x7 stem of stride 2 and two residual stages."""

    def __init__(self, channels_in: int, width: int, out: int, norm: bool):
        super().__init__()
        self.norm = F.instance_norm if norm else nn.Identity()
        self.conv1 = nn.Conv2d(channels_in, width, 7, 2, 3)
        self.layer1 = nn.Sequential(ResidualBlock(width, width, norm, 1), ResidualBlock(width, width, norm, 1))
        self.layer2 = nn.Sequential(ResidualBlock(width, 2 * width, norm, 2), ResidualBlock(2 * width, 2 * width, norm, 1))
        self.conv2 = nn.Conv2d(2 * width, out, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return self.conv2(self.layer2(self.layer1(F.relu(self.norm(self.conv1(x))))))


class Patchifier(nn.Module):
    def __init__(self, sizes: NetworkSizes):
        super().__init__()
        self.fnet = Encoder(sizes.input_channels, sizes.width, sizes.feature_dim, True)
        self.inet = Encoder(sizes.input_channels, sizes.width, sizes.hidden_dim, False)


def mlp(dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, dim))


class GatedResidual(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.gate = nn.Sequential(nn.Linear(dim, dim), nn.Sigmoid())
        self.res = mlp(dim)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.gate(x) * self.res(x)


class SoftAggregation(nn.Module):
    """Softmax-weighted mean over the members of a group, channel by channel, given back to each of them."""

    def __init__(self, dim: int):
        super().__init__()
        self.f, self.g, self.h = nn.Linear(dim, dim), nn.Linear(dim, dim), nn.Linear(dim, dim)

    def forward(self, x: Tensor, along: int) -> Tensor:
        mean = (self.g(x).float().softmax(along) * self.f(x)).sum(along, keepdim=True)
        return self.h(mean)


class _GuardedGradient(torch.autograd.Function):
    """Identity whose gradient is clamped and freed of NaN: a degenerate bundle adjustment must not wreck a step (DPVO, section 13)."""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return torch.nan_to_num(grad, 0.0, 0.0, 0.0).clamp(-0.01, 0.01)


class UpdateOperator(nn.Module):
    def __init__(self, sizes: NetworkSizes):
        super().__init__()
        dim = sizes.hidden_dim
        norm = lambda: nn.LayerNorm(dim, eps=1e-3)  # noqa: E731
        self.c1, self.c2 = mlp(dim), mlp(dim)
        self.norm = norm()
        self.agg_kk, self.agg_ij = SoftAggregation(dim), SoftAggregation(dim)
        self.gru = nn.Sequential(norm(), GatedResidual(dim), norm(), GatedResidual(dim))
        self.corr = nn.Sequential(nn.Linear(sizes.correlation_columns, dim), nn.ReLU(), nn.Linear(dim, dim), norm(), nn.ReLU(), nn.Linear(dim, dim))
        self.d = nn.Sequential(nn.ReLU(), nn.Linear(dim, 2))
        self.w = nn.Sequential(nn.ReLU(), nn.Linear(dim, 2))

    def forward(self, hidden: Tensor, context: Tensor, correlation: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """hidden [B, S, T, M, D], context [B, S, M, D], correlation [B, S, T, M, F], every pair valid and T in the order of time
        -> hidden, flow [B, S, T, M, 2] in grid pixels, confidence [B, S, T, M, 2] in (0, 1)."""
        x = self.norm(hidden + context[:, :, None] + self.corr(correlation))
        none = torch.zeros_like(x[:, :, :1])
        x = x + self.c1(torch.cat([none, x[:, :, :-1]], 2))
        x = x + self.c2(torch.cat([x[:, :, 1:], none], 2))
        x = x + self.agg_kk(x, along=2)
        x = x + self.agg_ij(x, along=3)
        x = self.gru(x)
        flow = _GuardedGradient.apply(self.d(x).float())
        confidence = _GuardedGradient.apply(self.w(x).float()).sigmoid()
        return x, flow, confidence


class PatchNetwork(nn.Module):
    def __init__(self, sizes: NetworkSizes | None = None):
        super().__init__()
        self.sizes = sizes or NetworkSizes()
        self.patchify = Patchifier(self.sizes)
        self.update = UpdateOperator(self.sizes)
        steps = torch.arange(self.sizes.patch_size) - self.sizes.patch_size // 2
        rows, columns = torch.meshgrid(steps, steps, indexing="ij")
        self.register_buffer("offsets", torch.stack([columns, rows], -1).reshape(-1, 2).float(), persistent=False)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """images [B, N, 1 or C, H, W] in 0..255 -> matching and context features, channels last: [B, N, H/4, W/4, F] and [B, N, H/4, W/4, D]."""
        batch = images.shape[:2]
        x = 2 * images.flatten(0, 1) / 255 - 0.5
        if x.shape[1] != self.sizes.input_channels:
            x = x.expand(-1, self.sizes.input_channels, -1, -1)
        # Instance normalisation is fast in NCHW only, plain convolutions in channels-last order.
        features = self.patchify.fnet(x.contiguous()) / FEATURE_SCALE
        context = self.patchify.inet(x.to(memory_format=torch.channels_last)) / FEATURE_SCALE
        return tuple(t.float().permute(0, 2, 3, 1).unflatten(0, batch) for t in (features, context))

    def sample(self, features: Tensor, context: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
        """Patch features at whole-pixel centres [B, N, M, 2]: [B, N, M, P, F] and context [B, N, M, D]."""
        batch, frames, height, width, _ = features.shape
        b = torch.arange(batch, device=centres.device).view(-1, 1, 1)
        n = torch.arange(frames, device=centres.device).view(1, -1, 1)
        x, y = (centres[..., None, :] + self.offsets).long().unbind(-1)
        patches = features[b[..., None], n[..., None], y.clamp(0, height - 1), x.clamp(0, width - 1)]
        cx, cy = centres.long().unbind(-1)
        return patches, context[b, n, cy, cx]

    def volume(self, features: Tensor, patches: Tensor, keep: float = 1.0) -> CorrelationVolume:
        """Pyramid of the features and the correlation with the patches."""
        flat = features.flatten(0, 1).permute(0, 3, 1, 2)
        pooled = (features if level == 1 else F.avg_pool2d(flat, level).permute(0, 2, 3, 1).unflatten(0, features.shape[:2]) for level in self.sizes.levels)
        return CorrelationVolume(patches, list(pooled), [1 / level for level in self.sizes.levels], self.sizes.radius, keep)
