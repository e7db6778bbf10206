# SPDX-License-Identifier: MIT
"""Learning rate and curriculum as functions of the step."""

import itertools

import pytest

from qpvo_train.config import StageConfig, TrainConfig
from qpvo_train.schedule import learning_rate, stage_at

TRAIN = TrainConfig(steps=1000, learning_rate=1e-3, warmup_steps=100, decay_share=0.4, final_rate=0.02)


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, 1e-5), (49, 5e-4), (99, 1e-3), (100, 1e-3), (599, 1e-3), (600, 1e-3), (800, 1e-3 * 0.51), (1000, 2e-5), (2000, 2e-5)],
)
def test_rate_warms_up_stays_and_falls(step: int, expected: float):
    assert learning_rate(step, TRAIN) == pytest.approx(expected, rel=1e-9)


def test_rate_falls_without_a_step_up():
    rates = [learning_rate(step, TRAIN) for step in range(100, 1001)]
    assert all(after <= before for before, after in itertools.pairwise(rates))


def test_a_longer_run_has_the_same_rate_until_the_shorter_one_falls():
    longer = TrainConfig(steps=3000, learning_rate=1e-3, warmup_steps=100, decay_share=0.4, final_rate=0.02)
    assert [learning_rate(step, longer) for step in range(600)] == [learning_rate(step, TRAIN) for step in range(600)]


@pytest.mark.parametrize(("warmup", "share"), [(0, 0.0), (0, 1.0), (2000, 0.5)])
def test_extreme_settings_give_usable_rates(warmup: int, share: float):
    train = TrainConfig(steps=10, warmup_steps=warmup, decay_share=share)
    assert all(0 < learning_rate(step, train) <= train.learning_rate for step in range(11))


def test_stages_begin_where_the_last_one_ends():
    stages = tuple(StageConfig(until=until) for until in (0.1, 0.5, 1.0))
    train = TrainConfig(steps=1000, stages=stages)
    at = [stages.index(stage_at(step, train)) for step in (0, 99, 100, 499, 500, 999, 1000, 5000)]
    assert at == [0, 0, 1, 1, 2, 2, 2, 2]
