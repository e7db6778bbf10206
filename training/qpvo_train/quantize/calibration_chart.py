# SPDX-License-Identifier: MIT
"""The picture of a calibration: for each layer's input, where its magnitudes lie and which range was taken."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

MARKS = {"minmax": ("|", "black"), "percentile": ("v", "#4070a0"), "mse": ("o", "#b04040"), "entropy": ("x", "#408040")}


def draw_ranges(layers: list[dict], picture: str | Path) -> None:
    """layers: as in calibration.json. Bars from the median to the 99.9th percentile, thin lines to the largest magnitude, one mark a method."""
    own = [row for row in layers if row["input"]["shared_with"] is None]
    figure, axis = plt.subplots(figsize=(9, 1 + 0.22 * len(own)), dpi=90)
    for n, row in enumerate(own):
        read = row["input"]
        peak = read["ranges"]["minmax"]["range"]
        floor = max(read["percentiles"]["50"], peak * 1e-3)
        axis.plot([floor, peak], [n, n], color="#c0c0c0", linewidth=1)
        axis.plot([floor, max(read["percentiles"]["99.9"], floor)], [n, n], color="#c8d4e4", linewidth=6, solid_capstyle="butt")
        for method, (marker, colour) in MARKS.items():
            axis.plot(read["ranges"][method]["range"], n, marker, color=colour, markersize=5, label=method if n == 0 else None)
    axis.set_yticks(range(len(own)), [row["name"].removeprefix("patchify.") for row in own], fontsize=7)
    axis.invert_yaxis()
    axis.set_xscale("log")
    axis.set_xlabel("magnitude", fontsize=8)
    axis.set_title("inputs: median to 99.9th percentile, largest magnitude, ranges of the methods", fontsize=9)
    axis.tick_params(labelsize=7)
    axis.grid(alpha=0.3, axis="x")
    axis.legend(fontsize=7, loc="lower left")
    figure.tight_layout()
    figure.savefig(picture, metadata={"Software": None})
    plt.close(figure)
