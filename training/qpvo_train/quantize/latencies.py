# SPDX-License-Identifier: MIT
"""What the layers cost where they run: latencies that `npm run bench -- layers` measures with the native networks of the product."""

import json
import math
from collections.abc import Callable, Collection
from pathlib import Path

from ..errors import TrainingError
from .layers import QuantLayer, groups_of

LatencyShare = Callable[[Collection[str]], float]  # of the networks with these layers in int8, relative to all in float


def read_latencies(path: str | Path, layers: list[QuantLayer]) -> LatencyShare:
    """The file holds `floatMs`, both networks with all layers in float; `int8Ms`, with all in int8; and `extraMs`, of each group of layers what it adds to that
    in float alone. These are added up.

    Raises TrainingError for a file that cannot be read, and for groups or numbers that are missing.
    """
    try:
        report = json.loads(Path(path).read_text())
        whole, least, extra = float(report["floatMs"]), float(report["int8Ms"]), {name: float(ms) for name, ms in report["extraMs"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unusable(path, "floatMs, int8Ms and extraMs", f"{type(error).__name__}: {error}") from None
    if not (math.isfinite(whole) and math.isfinite(least) and whole > 0 and least > 0 and all(map(math.isfinite, extra.values()))):
        raise _unusable(path, "finite times, those of the networks positive", f"{whole}, {least}, {extra}")
    groups = {group: {layer.name for layer in members} for group, members in groups_of(layers).items()}
    missing = groups.keys() - extra.keys()
    if missing:
        raise _unusable(path, "extraMs of every group", f"none of {', '.join(sorted(missing))}")
    return lambda quantized: (least + sum(extra[group] for group, names in groups.items() if not names <= set(quantized))) / whole


def _unusable(path: str | Path, expected: str, received: str) -> TrainingError:
    return TrainingError(f"cannot use the latencies {path}", expected=expected, received=received, advice="Measure them: npm run bench -- layers.")
