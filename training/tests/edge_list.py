# SPDX-License-Identifier: MIT
"""The update operator on a list of edges in any order, by scatter and gather: section 7 of the specification, written without a look at the dense form."""

import torch
from torch import Tensor


class EdgeList:
    """Edges (source frame i, target frame j, patch k), each an int64 tensor [E]; a patch has one source frame."""

    def __init__(self, source: Tensor, target: Tensor, patch: Tensor):
        self.patch_group = torch.unique(patch, return_inverse=True)[1]
        pairs = source * (int(target.max()) + 1) + target
        self.pair_group = torch.unique(pairs, return_inverse=True)[1]
        self.before, self.after = _neighbours(target, patch)

    def update(self, weights: dict[str, Tensor], hidden: Tensor, context: Tensor, correlation: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """hidden and context [E, D], correlation [E, F]; weights named as in the checkpoint -> hidden, flow [E, 2], confidence [E, 2]."""
        net = Layers(weights)
        x = net.linear(correlation, "corr.0").relu()
        x = net.linear(net.norm(net.linear(x, "corr.2"), "corr.3").relu(), "corr.5")
        x = net.norm(hidden + context + x, "norm")
        x = x + net.two(_rows(x, self.before), "c1")
        x = x + net.two(_rows(x, self.after), "c2")
        x = x + net.aggregate(x, self.patch_group, "agg_kk")
        x = x + net.aggregate(x, self.pair_group, "agg_ij")
        x = net.gated(net.norm(x, "gru.0"), "gru.1")
        x = net.gated(net.norm(x, "gru.2"), "gru.3")
        return x, net.linear(x.relu(), "d.1"), net.linear(x.relu(), "w.1").sigmoid()


def _neighbours(target: Tensor, patch: Tensor) -> tuple[Tensor, Tensor]:
    """For each edge the edges of the same patch with the next smaller and the next larger target; -1: none."""
    place = {(int(k), int(j)): e for e, (k, j) in enumerate(zip(patch, target))}
    before, after = torch.full_like(target, -1), torch.full_like(target, -1)
    for (k, j), edge in place.items():
        targets = sorted(other for which, other in place if which == k)
        at = targets.index(j)
        if at > 0:
            before[edge] = place[k, targets[at - 1]]
        if at + 1 < len(targets):
            after[edge] = place[k, targets[at + 1]]
    return before, after


def _rows(x: Tensor, index: Tensor) -> Tensor:
    """x at index, zero where it is -1."""
    return x[index.clamp(min=0)] * (index >= 0)[:, None]


class Layers:
    def __init__(self, weights: dict[str, Tensor]):
        self.weights = weights

    def linear(self, x: Tensor, name: str) -> Tensor:
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def norm(self, x: Tensor, name: str) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        deviation = (centred.square().mean(-1, keepdim=True) + 1e-3).sqrt()
        return centred / deviation * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def two(self, x: Tensor, name: str) -> Tensor:
        return self.linear(self.linear(x, f"{name}.0").relu(), f"{name}.2")

    def gated(self, x: Tensor, name: str) -> Tensor:
        return x + self.linear(x, f"{name}.gate.0").sigmoid() * self.two(x, f"{name}.res")

    def aggregate(self, x: Tensor, group: Tensor, name: str) -> Tensor:
        """Softmax over the members of each group, channel by channel."""
        share = self.linear(x, f"{name}.g").double().exp()
        shape = (int(group.max()) + 1, x.shape[1])
        total = torch.zeros(shape, dtype=torch.float64).index_add_(0, group, share)
        part = torch.zeros(shape, dtype=torch.float64).index_add_(0, group, share * self.linear(x, f"{name}.f"))
        return self.linear((part / total).to(x.dtype), f"{name}.h")[group]
