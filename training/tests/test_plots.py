# SPDX-License-Identifier: MIT
"""The picture of a training: there, small, and refused without a log."""

import json
from pathlib import Path

import pytest

from qpvo_train.errors import TrainingError
from qpvo_train.plots import plot_log, read_log


def test_a_long_log_gives_a_small_picture(tmp_path: Path):
    lines = [{"step": 25 * n, "learning_rate": 1e-3, "loss": 5 / (n + 1), "within_1px": n / 9000} for n in range(1, 9000)]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    plot_log(tmp_path / "log.jsonl", tmp_path / "training.png")
    picture = (tmp_path / "training.png").read_bytes()
    assert picture.startswith(b"\x89PNG") and 5_000 < len(picture) < 80_000
    plot_log(tmp_path / "log.jsonl", tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == picture


@pytest.mark.parametrize(("text", "message"), [(None, "cannot read the log"), ("", "is empty"), ("{half", "cannot read the log")])
def test_what_is_no_log_is_refused(tmp_path: Path, text: str | None, message: str):
    if text is not None:
        (tmp_path / "log.jsonl").write_text(text)
    with pytest.raises(TrainingError, match=message):
        read_log(tmp_path / "log.jsonl")
