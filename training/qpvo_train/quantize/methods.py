# SPDX-License-Identifier: MIT
"""All calibration methods beside each other, on held-out clips."""

from dataclasses import asdict

from ..config import WEIGHT_METHODS, Config
from ..evaluate import evaluate_clips
from ..network import PatchNetwork
from ..sources import validation_folder
from .calibrate import scales_of
from .damage import damage_of, references
from .layers import QuantLayer
from .model import QuantizedNetwork

Rows = dict[str, dict[str, float]]


def compare_methods(config: Config, network: PatchNetwork, layers: list[QuantLayer], ranges: Rows, clips: int) -> Rows:
    """Distances from the float network on the same reprojections, and where odometry of its own ends, for `float` and for every pair `<activations>/<weights>`.
    ranges: of each group, by method.

    Raises TrainingError for a missing or empty folder of held-out clips.
    """
    folder, crop = validation_folder(config), config.data.crop
    recorded = references(network, folder, clips, crop)
    rows = {"float": evaluate_clips(network, folder, clips, crop)}
    form = QuantizedNetwork(network)
    for method in ranges:
        for weights in WEIGHT_METHODS:
            form.set_scales(scales_of(network, layers, ranges[method], weights))
            rows[f"{method}/{weights}"] = asdict(damage_of(form, recorded)) | evaluate_clips(form, folder, clips, crop)
    return rows
