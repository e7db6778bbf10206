# SPDX-License-Identifier: MIT
"""Shares of a training step add up to one, also where its parts take longer alone than together."""

from pathlib import Path

import pytest
from tiny_run import tiny_config

from qpvo_train import profile
from qpvo_train.clips import ClipFolder
from qpvo_train.train import stage_options


@pytest.mark.parametrize("step", [0.5, 1e3])
def test_the_shares_of_a_step_add_up_to_one(plane_clips: Path, tmp_path: Path, monkeypatch, step: float):
    config = tiny_config(tmp_path)
    stage, times = config.train.stages[-1], iter([step])
    monkeypatch.setattr(profile, "_seconds", lambda work, repeats, device: work() or next(times, 1.0))
    monkeypatch.setattr(profile, "_render_seconds", lambda config: 1.0)
    monkeypatch.setattr(profile, "fake_quantize_times", lambda device, repeats: {})
    report = profile.profile_step(config, ClipFolder(plane_clips, frames=stage.frames, crop=config.data.crop).batch(1))
    alone = 2 + 3 * stage_options(config.train, stage).iterations(stage.frames)
    assert report["step_seconds"] == step and report["part_seconds"]["rest"] == max(0, step - alone)
    assert sum(report["part_shares"].values()) == pytest.approx(1)
    assert report["part_shares"]["encoders"] == pytest.approx(1 / max(step, alone))
