# SPDX-License-Identifier: MIT
"""Times the steady state of the odometry's frame in eager PyTorch: the stand-in for the reference implementation on the same machine."""

import re
import time
from collections.abc import Callable

import torch

from .config import Config
from .errors import TrainingError
from .network import PatchNetwork
from .provenance import training_commit
from .steady_frame import SteadyFrame
from .windows import Windows, parse_windows

WARM_UPS = 5
PRECISIONS = ("fp16", "fp32")


def time_frame(config: Config, *, windows: str, size: str, frames: int, device: torch.device, precision: str | None = None) -> dict[str, object]:
    """Frames per second, milliseconds of the parts and peak memory, of a network with random weights.

    windows as parse_windows() takes them, size <width>x<height>; precision: None = fp16 on a GPU, fp32 elsewhere. Raises TrainingError for what cannot be run.
    """
    chosen, image = parse_windows(windows), _parse_size(size)
    precision = precision or ("fp16" if device.type == "cuda" else "fp32")
    if frames < 1:
        raise TrainingError("wrong value of --frames", expected="1 or more", received=frames)
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    frame = SteadyFrame(PatchNetwork(config.sizes), chosen, image, device, precision == "fp16")
    whole, parts = _times(frame.parts, frames, device)
    return {
        "kind": "pytorch frame",
        "commit": training_commit(),
        "network": config.name,
        "weights": "random",
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu, {torch.get_num_threads()} threads",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "precision": precision,
        "windows": _windows_record(chosen),
        "size": {"width": image[0], "height": image[1]},
        "pairs": len(frame.source),
        "frames": frames,
        "framesPerSecond": 1e3 * frames / sum(whole),
        "frameMs": {"p50": _quantile(whole, 0.5), "p99": _quantile(whole, 0.99)},
        "stageMs": {name: _quantile(times, 0.5) for name, times in parts.items()},
        "peakDeviceBytes": torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
    }


def _windows_record(windows: Windows) -> dict[str, int]:
    """As `qpvo_gpu_bench frame` writes them."""
    return {"patches": windows.patches, "removal": windows.removal, "optimization": windows.optimization, "lifetime": windows.lifetime}


def _parse_size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    size = tuple(map(int, match.groups())) if match else (0, 0)
    if any(side < 48 or side % 16 for side in size):
        raise TrainingError("wrong value of --size", expected="<width>x<height>, multiples of 16 from 48 on, such as 752x480", received=text)
    return size


@torch.inference_mode()
def _times(parts: dict[str, Callable[[], None]], frames: int, device: torch.device) -> tuple[list[float], dict[str, list[float]]]:
    """Milliseconds of whole frames by the host's clock and of their parts by the device's, after some that do not count. The last part of a frame waits."""
    whole, each = [], {name: [] for name in parts}
    for n in range(-WARM_UPS, frames):
        begin = time.perf_counter()
        marks = [_mark(device)]
        for part in parts.values():
            part()
            marks.append(_mark(device))
        elapsed = 1e3 * (time.perf_counter() - begin)
        if n < 0:
            continue
        whole.append(elapsed)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        for times, before, after in zip(each.values(), marks, marks[1:]):
            times.append(_between(before, after))
    return whole, each


def _mark(device: torch.device) -> torch.cuda.Event | float:
    """A moment of the device."""
    if device.type != "cuda":
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def _between(before: torch.cuda.Event | float, after: torch.cuda.Event | float) -> float:
    """Milliseconds."""
    return 1e3 * (after - before) if isinstance(before, float) else before.elapsed_time(after)


def _quantile(values: list[float], share: float) -> float:
    """The smallest value that a share of the others is not above."""
    rank = -int(-share * len(values) // 1)
    return sorted(values)[max(rank, 1) - 1]
