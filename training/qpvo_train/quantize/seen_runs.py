# SPDX-License-Identifier: MIT
"""The histograms of a calibration on disk, run by run: an interrupted one goes on, and another method need not look again."""

import pickle
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from ..whole_file import whole_file
from .footage import Footage
from .observers import MagnitudeHistogram
from .odometry import OdometryOptions
from .scales import weights_of


class SeenRuns:
    """Belongs to one network, one list of runs and one way of running them: a file of others counts for nothing."""

    def __init__(self, path: Path, network: nn.Module, footage: list[Footage], options: OdometryOptions):
        self.path = path
        runs = [(f.name, f.first, f.images.shape, f.intrinsics.tolist(), zlib.crc32(f.images.tobytes())) for f in footage]
        self.key = repr((weights_of(network), asdict(options), runs))

    def load(self, histograms: Mapping[str, MagnitudeHistogram]) -> int:
        """Fills the histograms, by group; returns the number of runs in them."""
        try:
            state = torch.load(self.path, weights_only=True)
            if state["key"] != self.key or state["histograms"].keys() != histograms.keys():
                return 0
            for group, histogram in histograms.items():
                histogram.load_state(state["histograms"][group])
            return int(state["done"])
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, KeyError, TypeError):
            return 0

    def save(self, done: int, histograms: Mapping[str, MagnitudeHistogram]) -> None:
        with whole_file(self.path) as part:
            torch.save({"key": self.key, "done": done, "histograms": {group: h.state() for group, h in histograms.items()}}, part)
