# SPDX-License-Identifier: MIT
"""The bar chart of a sensitivity report."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

LEAST_PX = 1e-4  # where the logarithmic axis begins


def draw_damage(report: dict, picture: str | Path) -> None:
    """Flow error of each group alone, quantized on the left and pruned on the right, the largest on top."""
    parts = [("quantized alone", report["quantized"]), ("pruned alone", report["pruned"])]
    rows = max(len(part) for _, part in parts)
    figure, axes = plt.subplots(1, 2, figsize=(11, 1 + 0.17 * rows), dpi=90)
    for axis, (title, part) in zip(axes, parts):
        ordered = sorted(part.items(), key=lambda item: item[1]["flow_px"])
        names = [name.removeprefix("patchify.") for name, _ in ordered]
        axis.barh(names, [max(row["flow_px"], LEAST_PX) for _, row in ordered], color=["#b04040" if name == "all" else "#4070a0" for name in names])
        axis.set_xscale("log")
        axis.set_xlim(left=LEAST_PX)
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("flow error, px", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3, axis="x")
    figure.tight_layout()
    figure.savefig(picture, metadata={"Software": None})
    plt.close(figure)
