# SPDX-License-Identifier: MIT
"""The judgement of a GPU's records: each target met and missed by made-up figures, and what is missing or does not belong together."""

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from qpvo_train.gpu_targets import WINDOWS, Judged, Records, judge, main

GPU = "a made-up GPU"
STAGES = {"encoders": 1.0, "correlation": 0.2, "update": 2.0, "bundle_adjustment": 0.2, "read_back": 0.6}


def frame_record(kind: str, precision: str, windows: str, per_second: float) -> dict:
    scale = 1000 / per_second / sum(STAGES.values())
    record = {
        "kind": kind,
        "device": {"name": GPU} if kind == "qpvo frame" else GPU,
        "network": "base",
        "precision": precision,
        "windows": dict(zip(("patches", "removal", "optimization", "lifetime"), WINDOWS[windows])),
        "size": {"width": 752, "height": 480},
        "framesPerSecond": per_second,
        "frameMs": {"p50": 1000 / per_second, "p99": 1200 / per_second},
        "stageMs": {name: value * scale for name, value in STAGES.items()},
        "peakDeviceBytes": 0.39e9,
    }
    return record if kind != "qpvo frame" else {**record, "hostMs": {"p50": 0.2, "p99": 0.3}, "deviceBytesTaken": 0.395e9}


def timed(op: str, times_floor: float) -> dict:
    return {"op": op, "case": "fp16", "timesFloor": times_floor, "floorMs": 0.01, "nodes": 13, "emptyGraphMs": 0.018}


@pytest.fixture
def records() -> dict[str, dict]:
    """All targets met, by name of the file."""
    made = {}
    for windows in WINDOWS:
        made[f"pytorch-{windows}"] = frame_record("pytorch frame", "fp16", windows, 50)
        made[f"fp16-{windows}"] = frame_record("qpvo frame", "fp16", windows, 210)
        made[f"int8-{windows}"] = frame_record("qpvo frame", "int8", windows, 310)
    made["ops"] = {"device": {"name": GPU}, "ceilings": {}, "cases": [timed("correlate", 1.5)]}
    numbers = [{"what": "GPU memory, growth", "unit": "MB", "measured": 0, "target": {"bound": "at most", "value": 2}}]
    made["soak"] = {"kind": "qpvo soak", "device": {"name": GPU}, "precision": "fp16", "frames": 20_000, "numbers": numbers}
    return made


def judged(folder: Path, made: dict[str, dict]) -> dict[str, Judged]:
    for name, record in made.items():
        (folder / f"{name}.json").write_text(json.dumps(record))
    return {row.what: row for row in judge(Records(folder))}


def verdicts(folder: Path, made: dict[str, dict]) -> dict[str, str]:
    return {what: row.verdict for what, row in judged(folder, made).items()}


def test_all_targets_met(records: dict, tmp_path: Path, capsys):
    rows = judged(tmp_path, records)
    assert {row.verdict for row in rows.values()} == {"met", ""}
    assert rows["default windows, fp16: times PyTorch eager fp16"].measured == pytest.approx(4.2)
    assert rows["fast windows: int8 over fp16, encoders and update"].measured == pytest.approx(310 / 210)
    assert rows["default windows, int8: the same without correlation on both sides"].measured == pytest.approx(6.2)
    assert rows["default windows, int8: correlation and bundle adjustment, share"].measured == pytest.approx(0.1)
    assert main([str(tmp_path), "--out", str(tmp_path / "judged.json")]) == 0
    assert GPU in capsys.readouterr().out
    assert len(json.loads((tmp_path / "judged.json").read_text())) == len(rows)


CHANGES = [
    ("fp16-default", lambda r: r.update(framesPerSecond=190), "default windows, fp16: times PyTorch eager fp16"),
    ("int8-fast", lambda r: r.update(framesPerSecond=290), "fast windows, int8: times PyTorch eager fp16"),
    ("fp16-default", lambda r: r.update(peakDeviceBytes=0.71e9), "default windows, fp16: buffers on the GPU, MB"),
    ("int8-fast", lambda r: r.update(peakDeviceBytes=0.41e9), "fast windows, int8: buffers on the GPU, MB"),
    ("fp16-fast", lambda r: r.update(deviceBytesTaken=0.41e9), "fast windows, fp16: taken of the GPU beside the context of CUDA, MB"),
    ("fp16-fast", lambda r: r["stageMs"].update(correlation=2.0), "fast windows, fp16: correlation and bundle adjustment, share"),
    ("fp16-fast", lambda r: r["hostMs"].update(p50=0.31), "fast windows, fp16: host, ms"),
    ("int8-default", lambda r: r["frameMs"].update(p99=1.31 * r["frameMs"]["p50"]), "default windows, int8: p99 / p50"),
    ("int8-default", lambda r: r["stageMs"].update(update=9.0), "default windows: int8 over fp16, encoders and update"),
    ("ops", lambda r: r["cases"].append(timed("update", 2.5)), "ops beyond 2 x their floor, of 2"),
    ("soak", lambda r: r.update(frames=19_999), "soak: frames"),
    ("soak", lambda r: r["numbers"][0].update(measured=3), "soak, fp16: GPU memory, growth MB"),
]


@pytest.mark.parametrize(("file", "change", "what"), CHANGES, ids=[what for _, _, what in CHANGES])
def test_a_missed_target_is_seen(records: dict, tmp_path: Path, file: str, change, what: str):
    changed = copy.deepcopy(records)
    change(changed[file])
    assert verdicts(tmp_path, changed)[what] == "MISSED"


@pytest.mark.parametrize("windows", WINDOWS)
def test_without_pytorch_the_ratio_is_not_measured(records: dict, tmp_path: Path, windows: str):
    del records[f"pytorch-{windows}"]
    assert verdicts(tmp_path, records)[f"{windows} windows, fp16: times PyTorch eager fp16"] == "not measured"
    assert main([str(tmp_path)]) == 1


def test_other_sizes_are_not_what_is_judged(records: dict, tmp_path: Path):
    records["fp16-default"]["size"]["width"] = 640
    assert verdicts(tmp_path, records)["default windows, fp16: frames/s"] == "not measured"


def test_a_file_that_is_cut_off_is_left_out_and_named(records: dict, tmp_path: Path, capsys):
    (tmp_path / "cut.json").write_text('{"kind": "qpvo fr')
    assert {*verdicts(tmp_path, records).values()} == {"met", ""}
    assert "cut.json" in capsys.readouterr().err


def test_records_of_two_devices_are_not_judged(records: dict, tmp_path: Path, capsys):
    records["ops"]["device"]["name"] = "another GPU"
    judged(tmp_path, records)
    assert main([str(tmp_path)]) == 2
    assert "another GPU" in capsys.readouterr().err


def test_an_empty_folder_is_not_judged_and_no_pytorch_is_needed(tmp_path: Path):
    """-S: without the packages of the interpreter."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    finished = subprocess.run([sys.executable, "-S", "-m", "qpvo_train.gpu_targets", str(tmp_path)], env=environment, capture_output=True, text=True)
    assert finished.returncode == 2 and "no record" in finished.stderr
