# SPDX-License-Identifier: MIT
"""What stands in a checkpoint: type and range of every field, so that a damaged one is refused by the field's name."""

import dataclasses
import math
from pathlib import Path

import torch
from torch import Tensor

from .errors import TrainingError
from .network import NetworkSizes

PART_KEYS = ("commit", "machine")  # of a part of the history
ADVICE = "Go on from an earlier checkpoint, or start anew with --fresh."


def check_fields(state: dict, path: str | Path) -> None:
    """Raises TrainingError for the first field that is of another type or out of its range; one that is absent is not looked at."""
    for key, (right, expected) in FIELDS.items():
        if key in state and not right(state[key]):
            raise TrainingError(f"the checkpoint {path} is damaged", expected=f"{expected} as {key}", received=_text(state[key]), advice=ADVICE)
    groups = {key: state[key] for key in ("network", "average") if key in state}
    groups |= {f"{key} of the scales": tensors for key, tensors in state.get("scales", {}).items()}
    for key, tensors in groups.items():
        check_finite(tensors, f"{key} in {path}", ADVICE)


def check_finite(tensors: dict[str, Tensor], what: str, advice: str) -> None:
    """Raises TrainingError, with the name of the first tensor, where one holds NaN or infinity."""
    wrong = next((name for name, value in tensors.items() if not torch.isfinite(value).all()), None)
    if wrong is not None:
        raise TrainingError(f"the weights are no numbers: {what}", expected="finite values", received=f"NaN or infinity in {wrong}", advice=advice)


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_duration(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value >= 0


def _is_sizes(value: object) -> bool:
    names = {field.name for field in dataclasses.fields(NetworkSizes)}
    if not isinstance(value, dict) or value.keys() != names or not isinstance(value["levels"], list):
        return False
    return all(_is_count(size) and size > 0 for size in [*value["levels"], *(value[name] for name in names - {"levels"})])


def _is_tensors(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in value.items())


def _is_history(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(part, dict) and all(isinstance(part.get(key), str) for key in PART_KEYS) for part in value)


def _is_random(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(part, dict) and _is_source(part.get("source")) for part in value)


def _is_source(value: object) -> bool:
    files = value.get("files", []) if isinstance(value, dict) else None
    return isinstance(files, list) and all(isinstance(folder, list) and all(isinstance(path, str) for path in folder) for folder in files)


def _is_log(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    sums, counts = value.get("sums"), value.get("counts")
    return isinstance(sums, dict) and isinstance(counts, dict) and sums.keys() == counts.keys() and all(map(_is_count, counts.values()))


def _is_scales(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"network", "average"} and all(map(_is_tensors, value.values()))


FIELDS = {
    "sizes": (_is_sizes, f"whole positive numbers {', '.join(field.name for field in dataclasses.fields(NetworkSizes))}"),
    "name": (lambda value: isinstance(value, str), "a text"),
    "step": (_is_count, "a count"),
    "seconds": (_is_duration, "a number of at least 0"),
    "skipped": (_is_count, "a count"),
    "clips": (_is_count, "a count"),
    "history": (_is_history, f"a list of parts with {' and '.join(PART_KEYS)}"),
    "network": (_is_tensors, "tensors by name"),
    "average": (_is_tensors, "tensors by name"),
    "scales": (_is_scales, "tensors by name of network and average"),
    "optimizer": (lambda value: isinstance(value, dict), "the state of an optimizer"),
    "random": (_is_random, "a list of the states of all processes"),
    "log": (_is_log, "sums and counts of the same names"),
}


def _text(value: object) -> str:
    text = f"{value!r} ({type(value).__name__})" if not isinstance(value, (dict, list)) else f"a {type(value).__name__} of {len(value)}: {value!r}"
    return text if len(text) <= 200 else f"{text[:200]} ..."


def check_optimizer(saved: dict, optimizer: torch.optim.Optimizer) -> None:
    """Whether `saved` is the state of an optimizer of the same groups over tensors of the same shapes, and finite. Raises ValueError, KeyError or TypeError."""
    groups = optimizer.state_dict()["param_groups"]
    for mine, theirs in zip(groups, saved["param_groups"], strict=True):
        if len(mine["params"]) != len(theirs["params"]):
            raise ValueError(f"a group of {len(theirs['params'])} parameters in the optimizer, not {len(mine['params'])}")
        missing = [key for key in ("lr", "betas", "eps", "weight_decay") if key not in theirs]
        if missing:
            raise ValueError(f"a group of the optimizer without {', '.join(missing)}")
    shapes = {n: value.shape for n, value in enumerate(value for group in optimizer.param_groups for value in group["params"])}
    for n, moments in saved["state"].items():
        if "step" not in moments or any(moments[key].shape != shapes[n] or not torch.isfinite(moments[key]).all() for key in ("exp_avg", "exp_avg_sq")):
            raise ValueError(f"moments of parameter {n} in the optimizer are incomplete, of another shape or no finite numbers")
