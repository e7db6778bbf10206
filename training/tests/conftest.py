# SPDX-License-Identifier: MIT
"""One thread and a fixed seed for every test, folders of small clips, and the outcome log that `npm test` reads."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from plane_scene import plane_clip

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def fixed_seed():
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def plane_clips(tmp_path_factory) -> Path:
    """A folder of four clips of a textured plane, 8 frames of 64 x 96."""
    folder = tmp_path_factory.mktemp("plane_clips")
    for seed in range(4):
        np.savez(folder / f"{seed}.npz", **plane_clip(seed))
    return folder


def _note(event: dict) -> None:
    """Appends to the file QPVO_TEST_LOG; scripts/jobs/tally.mjs of the project has the format."""
    if os.environ.get("QPVO_TEST_LOG"):
        with open(os.environ["QPVO_TEST_LOG"], "a") as file:
            file.write(json.dumps(event) + "\n")


def pytest_runtest_logstart(nodeid: str) -> None:
    _note({"start": nodeid})


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or report.outcome != "passed":
        _note({"outcome": report.outcome})


def pytest_sessionfinish() -> None:
    _note({"end": True})
