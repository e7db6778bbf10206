# SPDX-License-Identifier: MIT
"""The update operator over a list of pairs of frames instead of all of them: the steady state of the odometry has fewer than half."""

import torch
from torch import Tensor

from .network import SoftAggregation, UpdateOperator


class PairUpdate:
    """`operator` with its own layers, for fixed pairs: source int64 [P], pairs of one source side by side, in the order of their targets."""

    def __init__(self, operator: UpdateOperator, source: Tensor):
        self.operator, self.source = operator, source
        follows = source[1:] == source[:-1]
        edge = torch.zeros(1, dtype=torch.bool, device=source.device)
        self.has_previous, self.has_next = (mask[:, None, None] for mask in (torch.cat([edge, follows]), torch.cat([follows, edge])))

    def __call__(self, hidden: Tensor, context: Tensor, correlation: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """hidden [P, M, D], context [S, M, D], correlation [P, M, F] -> hidden, flow [P, M, 2] in grid pixels, confidence [P, M, 2] in (0, 1)."""
        net = self.operator
        x = net.norm(hidden + context[self.source] + net.corr(correlation))
        x = x + net.c1(x.roll(1, 0) * self.has_previous)
        x = x + net.c2(x.roll(-1, 0) * self.has_next)
        x = x + self._over_targets(net.agg_kk, x, len(context))
        x = x + net.agg_ij(x, along=1)
        x = net.gru(x)
        return x, net.d(x).float(), net.w(x).float().sigmoid()

    def _over_targets(self, layer: SoftAggregation, x: Tensor, sources: int) -> Tensor:
        """The softmax-weighted mean of each patch over its targets, [P, M, D]."""
        logits = layer.g(x).float()
        shape = (sources, *x.shape[1:])
        index = self.source[:, None, None].expand_as(logits)
        most = logits.new_full(shape, float("-inf")).scatter_reduce(0, index, logits, "amax")
        share = (logits - most[self.source]).exp()
        total = logits.new_zeros(shape).index_add(0, self.source, share)
        summed = logits.new_zeros(shape).index_add(0, self.source, share * layer.f(x))
        return layer.h(summed / total.clamp(min=torch.finfo(total.dtype).tiny))[self.source]
