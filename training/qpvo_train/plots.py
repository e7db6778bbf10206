# SPDX-License-Identifier: MIT
"""Curves of a training as one small picture."""

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from .errors import TrainingError

POINTS = 400  # at most, a curve


def plot_log(log: str | Path, picture: str | Path) -> None:
    """Draws loss, patches within 1 px and learning rate over the steps of a log.jsonl. Raises TrainingError when there are no lines to draw."""
    rows = read_log(log)
    every = -(-len(rows) // POINTS)
    rows = [_mean(rows[n : n + every]) for n in range(0, len(rows), every)]
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.4), dpi=90)
    for axis, (name, title, scale) in zip(axes, (("loss", "loss", 1), ("within_1px", "patches within 1 px, %", 100), ("learning_rate", "learning rate", 1))):
        axis.plot([row["step"] for row in rows], [scale * row.get(name, float("nan")) for row in rows], linewidth=1)
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("step", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
        axis.set_ylim(bottom=0)
    figure.tight_layout()
    figure.savefig(picture, metadata={"Software": None})
    plt.close(figure)


def read_log(path: str | Path) -> list[dict]:
    try:
        rows = [json.loads(line) for line in Path(path).read_text().splitlines()]
    except (OSError, ValueError) as error:
        raise TrainingError(f"cannot read the log {path}", expected="one JSON object a line", received=error) from None
    if not rows:
        raise TrainingError(f"the log {path} is empty", advice="Train until the first line is written.")
    return rows


def _mean(rows: list[dict]) -> dict[str, float]:
    names = {name for row in rows for name in row if isinstance(row[name], (int, float))}
    values = {name: [row[name] for row in rows if name in row] for name in names}
    return {name: sum(found) / len(found) for name, found in values.items()}
