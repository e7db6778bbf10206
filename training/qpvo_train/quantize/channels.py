# SPDX-License-Identifier: MIT
"""Structured pruning of inner widths: which channels go, how many of each width, and the network without them.

How many: under a damage that grows with the square of the share removed from a width, a given cost is saved at the least damage by shares proportional to the
cost of the width over its sensitivity (SPAQ-DL-SLAM, arXiv 2409.14515, weighs the parameters' share with the relative sensitivity). The cost is the mean of the
shares in parameters and in multiplications, so that both fall.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from ..checkpoint import load_weights
from ..config import PruneConfig
from ..errors import TrainingError
from ..inner_widths import INNER_WIDTHS, InnerWidth
from ..network import PatchNetwork
from .macs import Load, layer_macs

LEAST_SENSITIVITY = 1e-3  # relative to the mean: below it, a measured damage is noise
BISECTIONS = 40


@dataclass(frozen=True)
class Cost:
    parameters: int
    macs: int  # of both encoders and the update operator on the product's load


def cost_of(network: PatchNetwork, load: Load = Load()) -> Cost:
    return Cost(sum(value.numel() for value in network.parameters()), sum(layer_macs(network, load).values()))


def widths_of(network: PatchNetwork) -> dict[str, int]:
    """Inner widths by the names of their first producers."""
    return {inner.name: len(network.get_parameter(f"{inner.name}.bias")) for inner in INNER_WIDTHS}


def channel_norms(network: PatchNetwork, inner: InnerWidth) -> Tensor:
    """L1 norms [width] of the weights that read each channel. Those that make it say nothing where an instance normalisation follows, and chosen by them,
    `small` with a quarter of update.corr.0 gone had six times the flow error."""
    return network.get_parameter(f"{inner.consumer}.weight").detach().abs().transpose(0, 1).flatten(1).sum(1)


def strongest(network: PatchNetwork, inner: InnerWidth, count: int) -> Tensor:
    """Indices of the `count` channels with the largest norms, rising."""
    return channel_norms(network, inner).topk(count).indices.sort().values


def without_channels(network: PatchNetwork, widths: Mapping[str, int]) -> PatchNetwork:
    """A copy whose inner widths are those of `widths` (others as they are), without the weakest channels. Equal to the network with these set to zero.

    Raises TrainingError for a name that is no inner width, and for a width that is not between 1 and the present one.
    """
    present = widths_of(network)
    for name, width in widths.items():
        if not 1 <= width <= present.get(name, 0):
            expected = f"1 to {present[name]}" if name in present else f"one of {', '.join(present)}"
            raise TrainingError(f"cannot prune {name}", expected=expected, received=width if name in present else name)
    weights = dict(network.state_dict())
    for inner in INNER_WIDTHS:
        kept = strongest(network, inner, widths.get(inner.name, present[inner.name]))
        for name in inner.producers:
            weights |= {f"{name}.{part}": weights[f"{name}.{part}"][kept] for part in ("weight", "bias")}
        weights[f"{inner.consumer}.weight"] = weights[f"{inner.consumer}.weight"][:, kept]
    pruned = PatchNetwork(network.sizes).to(next(network.parameters()).device)
    load_weights(pruned, weights)
    return pruned.train(network.training)


def channel_costs(network: PatchNetwork, load: Load = Load()) -> dict[str, Cost]:
    """What one channel of each inner width costs."""
    macs, costs = layer_macs(network, load), {}
    for inner in INNER_WIDTHS:
        names = (*inner.producers, inner.consumer)
        width = len(network.get_parameter(f"{inner.name}.bias"))
        weights = sum(network.get_parameter(f"{name}.weight").numel() for name in names)
        costs[inner.name] = Cost(weights // width + len(inner.producers), sum(macs[name] for name in names) // width)
    return costs


def choose_widths(network: PatchNetwork, damage: Mapping[str, float], config: PruneConfig, load: Load = Load()) -> dict[str, int]:
    """Inner widths that save the shares of parameters and multiplications asked for, and hardly more. damage: of pruning each width alone, by its name.

    Raises TrainingError when a damage is missing and when no widths within `largest` save so much.
    """
    absent = [inner.name for inner in INNER_WIDTHS if inner.name not in damage]
    if absent:
        raise TrainingError("no sensitivity of an inner width", expected=absent[0], received=", ".join(damage) or "none", advice="Run sensitivity again.")
    mean = sum(damage.values()) / len(damage)
    relative = {name: max(value / mean if mean > 0 else 1.0, LEAST_SENSITIVITY) for name, value in damage.items()}
    total, channels, present = cost_of(network, load), channel_costs(network, load), widths_of(network)
    shares = {name: width * 0.5 * (channels[name].parameters / total.parameters + channels[name].macs / total.macs) for name, width in present.items()}
    ratios = {name: share / relative[name] for name, share in shares.items()}

    def widths(factor: float) -> dict[str, int]:
        return {name: _narrowed(width, min(factor * ratios[name], config.largest), config.multiple) for name, width in present.items()}

    def enough(factor: float) -> bool:
        gone = {name: present[name] - width for name, width in widths(factor).items()}
        parameters, macs = (sum(count * getattr(channels[name], kind) for name, count in gone.items()) for kind in ("parameters", "macs"))
        return parameters >= config.parameters * total.parameters and macs >= config.macs * total.macs

    low, high = 0.0, config.largest / min(ratios.values())
    if not enough(high):
        expected = f"{config.parameters:.1%} of the parameters and {config.macs:.1%} of the multiplications less"
        advice = "Raise prune: largest, or lower prune: multiple."
        raise TrainingError("so much cannot be pruned", expected=expected, received=f"at most {config.largest:.0%} of each width", advice=advice)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if enough(middle) else (middle, high)
    return widths(high)


def _narrowed(width: int, ratio: float, multiple: int) -> int:
    """The nearest multiple; the width itself where this is nearer or the multiple is larger."""
    kept = (1 - ratio) * width
    nearest = multiple * max(1, round(kept / multiple))
    return width if width - kept < abs(nearest - kept) else min(width, nearest)
