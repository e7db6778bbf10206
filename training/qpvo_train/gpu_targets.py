# SPDX-License-Identifier: MIT
"""Holds the records of a GPU against what was promised of it: python -m qpvo_train.gpu_targets <folder of JSON> [--out file]. Needs Python alone, no PyTorch.

Read are the records of `qpvo_gpu_bench time`, `frame` and `soak`, and of `python -m qpvo_train time-frame`; what is missing counts as not measured.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

WINDOWS = {"default": (96, 22, 10, 13), "fast": (48, 16, 7, 11)}
MOST_BYTES = {"default": 0.7e9, "fast": 0.4e9}
TIMES_PYTORCH = {"fp16": 4.0, "int8": 6.0}
MOST_SHARE = 0.15  # of correlation and bundle adjustment in a frame
MOST_HOST_MS = 0.3
MOST_P99_OVER_P50 = 1.3
INT8_GAIN = 1.3  # on encoders and update operator
MOST_TIMES_FLOOR = 2.0  # of a kernel
SOAK_FRAMES = 20_000


@dataclass(frozen=True)
class Judged:
    what: str
    measured: float | None
    bound: str = ""  # at least, at most; empty: no target
    target: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.measured is None:
            return "not measured"
        if self.target is None:
            return ""
        met = self.measured >= self.target if self.bound == "at least" else self.measured <= self.target
        return "met" if met else "MISSED"


class Records:
    """The JSON objects of a folder."""

    def __init__(self, folder: Path):
        self.all = [record for path in sorted(folder.glob("*.json")) if isinstance(record := _read(path), dict)]

    def frame(self, kind: str, precision: str, windows: str) -> dict | None:
        """Of the shapes that the targets are about: `base`, 752x480."""
        wanted = dict(zip(("patches", "removal", "optimization", "lifetime"), WINDOWS[windows]))
        fits = lambda r: r["network"] == "base" and r["size"] == {"width": 752, "height": 480} and r["windows"] == wanted and r["precision"] == precision  # noqa: E731
        return next((r for r in self.all if r.get("kind") == kind and fits(r)), None)

    def of_ops(self) -> dict | None:
        return next((r for r in self.all if "ceilings" in r), None)

    def soaks(self) -> list[dict]:
        return [r for r in self.all if r.get("kind") == "qpvo soak"]

    def devices(self) -> set[str]:
        names = (r["device"]["name"] if isinstance(r["device"], dict) else r["device"] for r in self.all if "device" in r)
        return set(names)


def judge(records: Records) -> list[Judged]:
    rows = [row for windows in WINDOWS for row in _of_windows(records, windows)]
    return [*rows, *_of_ops(records.of_ops()), *_of_soak(records.soaks())]


def _of_windows(records: Records, windows: str) -> Iterator[Judged]:
    eager = records.frame("pytorch frame", "fp16", windows)
    own = {precision: records.frame("qpvo frame", precision, windows) for precision in TIMES_PYTORCH}
    for precision, frame in own.items():
        name = f"{windows} windows, {precision}"
        yield Judged(f"{name}: frames/s", frame and frame["framesPerSecond"])
        both = frame and eager
        yield Judged(f"{name}: times PyTorch eager fp16", both and frame["framesPerSecond"] / eager["framesPerSecond"], "at least", TIMES_PYTORCH[precision])
        note = "the training code's look-up gathers, a kernel of its own would be faster: the stricter ratio, without a target"
        yield Judged(f"{name}: the same without correlation on both sides", both and _without_correlation(eager) / _without_correlation(frame), note=note)
        yield from _of_frame(name, frame, MOST_BYTES[windows])
    both = own["fp16"] and own["int8"]
    gain = both and _networks(own["fp16"]) / _networks(own["int8"])
    yield Judged(f"{windows} windows: int8 over fp16, encoders and update", gain, "at least", INT8_GAIN)


def _of_frame(name: str, frame: dict | None, most_bytes: float) -> Iterator[Judged]:
    yield Judged(f"{name}: buffers on the GPU, MB", frame and frame["peakDeviceBytes"] / 1e6, "at most", most_bytes / 1e6)
    yield Judged(f"{name}: taken of the GPU beside the context of CUDA, MB", frame and frame["deviceBytesTaken"] / 1e6, "at most", most_bytes / 1e6)
    yield Judged(f"{name}: correlation and bundle adjustment, share", frame and _geometry_share(frame), "at most", MOST_SHARE)
    yield Judged(f"{name}: host, ms", frame and frame["hostMs"]["p50"], "at most", MOST_HOST_MS)
    yield Judged(f"{name}: p99 / p50", frame and frame["frameMs"]["p99"] / frame["frameMs"]["p50"], "at most", MOST_P99_OVER_P50)


def _of_ops(record: dict | None) -> Iterator[Judged]:
    cases = record["cases"] if record else []
    slow = sorted((c for c in cases if c["timesFloor"] > MOST_TIMES_FLOOR), key=lambda c: -c["timesFloor"])
    note = "; ".join(f"{c['op']}: {c['case']} ({c['timesFloor']:.1f}; its {c['nodes']} launches alone {c['emptyGraphMs'] / c['floorMs']:.1f})" for c in slow)
    yield Judged(f"ops beyond {MOST_TIMES_FLOOR:g} x their floor, of {len(cases)}", len(slow) if record else None, "at most", 0, note)


def _of_soak(soaks: list[dict]) -> Iterator[Judged]:
    frames = max((s["frames"] for s in soaks), default=None)
    yield Judged("soak: frames", frames, "at least", SOAK_FRAMES)
    for soak in soaks:
        for n in soak["numbers"]:
            yield Judged(f"soak, {soak['precision']}: {n['what']} {n['unit']}".rstrip(), n["measured"], "at most", n["target"]["value"])


def _networks(frame: dict) -> float:
    return frame["stageMs"]["encoders"] + frame["stageMs"]["update"]


def _without_correlation(frame: dict) -> float:
    """Milliseconds."""
    return sum(frame["stageMs"].values()) - frame["stageMs"]["correlation"]


def _geometry_share(frame: dict) -> float:
    stages = frame["stageMs"]
    return (stages["correlation"] + stages["bundle_adjustment"]) / sum(stages.values())


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        print(f"left out: {path.name} is no JSON ({error})", file=sys.stderr)
        return None


def table(rows: list[Judged]) -> str:
    number = lambda value: "" if value is None else f"{value:.4g}"  # noqa: E731
    lines = [(r.what, number(r.measured), f"{r.bound} {number(r.target)}".strip(), r.verdict, r.note) for r in rows]
    widths = [max(len(line[k]) for line in lines) for k in range(4)]
    return "\n".join("  ".join([*(cell.ljust(width) for cell, width in zip(line, widths)), line[4]]).rstrip() for line in lines)


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 when every target was measured and met, 1 otherwise, 2 when there is nothing to judge."""
    parser = argparse.ArgumentParser(prog="qpvo_train.gpu_targets", description="Holds the records of a GPU against the targets.")
    parser.add_argument("folder", type=Path, help="of the JSON records")
    parser.add_argument("--out", type=Path, help="file for the judgement as JSON")
    options = parser.parse_args(arguments)
    records = Records(options.folder)
    devices = records.devices()
    if len(devices) != 1:
        received = ", ".join(sorted(devices)) or f"no record in {options.folder}"
        print(f"nothing is judged: expected records of one device, but received {received}", file=sys.stderr)
        return 2
    rows = judge(records)
    print(f"{devices.pop()}\n\n{table(rows)}")
    if options.out is not None:
        options.out.write_text(json.dumps([{**asdict(row), "verdict": row.verdict} for row in rows], indent=2) + "\n")
    return 0 if all(row.verdict in ("met", "") for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
