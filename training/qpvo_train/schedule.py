# SPDX-License-Identifier: MIT
"""What changes over the steps of a training: learning rate and stage of the curriculum. Pure functions of the step, so that resuming needs no state."""

import dataclasses
import math

from .config import StageConfig, TrainConfig


def learning_rate(step: int, train: TrainConfig) -> float:
    """Linear warm-up, a plateau, and a cosine fall over the last `decay_share` of the steps. A run can be lengthened at any point of the plateau."""
    warm = min(1.0, (step + 1) / max(1, train.warmup_steps))
    begin = train.steps * (1 - train.decay_share)
    fall = min(1.0, max(0.0, (step - begin) / max(1.0, train.steps - begin)))
    return train.learning_rate * warm * (train.final_rate + (1 - train.final_rate) * 0.5 * (1 + math.cos(math.pi * fall)))


def last_step(until: int | None, train: TrainConfig) -> int:
    """Where a training ends that stops after step `until`, keeping the schedule (None: at its end)."""
    return train.steps if until is None else min(until, train.steps)


def stage_at(step: int, train: TrainConfig) -> StageConfig:
    """The stage of the curriculum that a step belongs to."""
    share = step / train.steps
    return next((stage for stage in train.stages if share < stage.until), train.stages[-1])


def fine_tuning(train: TrainConfig, *, steps: int, rate: float, warmup: int) -> TrainConfig:
    """A short training of its own in the last stage of the curriculum."""
    last = dataclasses.replace(train.stages[-1], until=1.0)
    return dataclasses.replace(train, steps=steps, learning_rate=rate, warmup_steps=warmup, stages=(last,))
