# SPDX-License-Identifier: MIT
"""A whole training of half a minute by configs/smoke.yaml: renders clips, trains, and the losses fall."""

import dataclasses
from pathlib import Path

import pytest
import torch
from tiny_run import losses_of, tiny_trainer

from qpvo_train.checkpoint import load_checkpoint, network_of
from qpvo_train.clips import collate, load_sample
from qpvo_train.config import Config, load_config
from qpvo_train.network import PatchNetwork
from qpvo_train.render.bank import load_bank
from qpvo_train.render.worker import render_clips
from qpvo_train.unroll import UnrollOptions, unroll

CONFIG = Path(__file__).parents[1] / "configs" / "smoke.yaml"
WINDOW = 10  # steps
# Largest allowed loss as a share of that at the start. Three seeds gave 0.52-0.62 for the steps, 0.49-0.56 for matching and 0.27-0.41 for flow.
FALL_OF_STEPS = 0.75
FALL = {"matching": 0.7, "flow": 0.6}


def smoke_config(folder: Path) -> Config:
    config = load_config(CONFIG)
    return dataclasses.replace(config, run=str(folder / "run"), data=dataclasses.replace(config.data, clips=str(folder / "clips")))


def rendered_clips(config: Config) -> list[Path]:
    render, bank = config.render, load_bank(count=8, seed=1)
    render_clips(config.data.clips, render.first, render.count, bank, frames=render.frames, height=render.height, width=render.width)
    return sorted(Path(config.data.clips).glob("*.npz"))


@torch.no_grad()
def losses_on(network: PatchNetwork, clips: list[Path], config: Config) -> dict[str, float]:
    """Of all clips as they are, always with the same patches and disturbed true poses."""
    torch.manual_seed(0)
    batch = collate([load_sample(path, frames=4, crop=config.data.crop, augment=False) for path in clips])
    result = unroll(network, batch, UnrollOptions(patches=32, start=4, warm=4, pose_noise=0.02))
    return {name: result.terms[name].item() for name in FALL}


@pytest.mark.slow
def test_a_short_training_on_rendered_clips_lowers_the_losses(tmp_path: Path):
    config = smoke_config(tmp_path)
    clips = rendered_clips(config)
    trainer = tiny_trainer(config, Path(config.data.clips))
    before = losses_on(trainer.network, clips, config)
    steps = [step["matching"] for step in losses_of(trainer)]
    assert trainer.skipped == 0
    assert sum(steps[-WINDOW:]) < FALL_OF_STEPS * sum(steps[:WINDOW])
    after = losses_on(network_of(load_checkpoint(trainer.checkpoint_path)), clips, config)
    for name, share in FALL.items():
        assert after[name] < share * before[name], f"{name}: {before[name]:.3f} before, {after[name]:.3f} after"
