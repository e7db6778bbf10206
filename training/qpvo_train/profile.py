# SPDX-License-Identifier: MIT
"""Where the time of a training step goes: each part run alone, forward and backward, at the shapes of the last stage of a configuration."""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from .bundle_adjust import bundle_adjust
from .config import Config
from .ground_truth import true_matches
from .losses import matching_loss
from .network import PatchNetwork
from .quantize.fake_timing import fake_quantize_times
from .render.bank import load_bank
from .render.clip import random_clip
from .train import stage_options
from .unroll import Unroll, UnrollOptions, unroll


def profile_step(config: Config, batch: dict[str, Tensor], repeats: int = 3) -> dict[str, object]:
    """Seconds of a whole step and of its parts on the device of `batch` (samples of the last stage), of one rendered clip on the CPU, and of fake quantization.

    The parts are timed alone, the iterative ones times their number of iterations at the mean number of frames; what is left is losses, reprojection, joining
    frames and the interpreter. Alone they may take longer than the step: then nothing is left, and the shares are those of their sum.
    """
    stage = config.train.stages[-1]
    device = batch["images"].device
    network = PatchNetwork(config.sizes).to(device)
    options = stage_options(config.train, stage)
    parts = _parts(network, batch, options)
    iterations = options.iterations(stage.frames)

    def whole() -> None:
        result = unroll(network, batch, options)
        result.backward(sum(result.terms.values()))

    def run(name: str, part: Callable[[], Tensor]) -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=options.bfloat16 and name in ("encoders", "update")):
            out = part()
        out.backward(retain_graph=True)

    step = _seconds(whole, repeats, device)
    counts = {"correlation": iterations, "update": iterations, "bundle_adjustment": iterations}
    seconds = {name: _seconds(lambda name=name, part=part: run(name, part), repeats, device) * counts.get(name, 1) for name, part in parts.items()}
    seconds["rest"] = max(0.0, step - sum(seconds.values()))
    together = sum(seconds.values())
    clips = batch["images"].shape[0]
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu, {torch.get_num_threads()} threads",
        "clips_per_step": clips,
        "steps_per_second": 1 / step,
        "step_seconds": step,
        "part_seconds": seconds,
        "part_shares": {name: value / together for name, value in seconds.items()},
        "render_seconds_per_clip": _render_seconds(config),
        "fake_quantize": fake_quantize_times(device, 10 * repeats),
    }


def _parts(network: PatchNetwork, batch: dict[str, Tensor], options: UnrollOptions) -> dict[str, Callable[[], Tensor]]:
    flight = Unroll(network, batch, options)
    live, size = (options.start + flight.frames) // 2, flight.size
    leaf = lambda t: t.detach().float().clone().requires_grad_()  # noqa: E731
    shape = (flight.batch_size, live, live, options.patches)
    coords = flight.truth.coords[:, :live, :live, :, None] + network.offsets
    correlation = leaf(flight.volume.lookup(coords, live))
    hidden, context = leaf(torch.zeros(*shape, network.sizes.hidden_dim, device=coords.device)), leaf(flight.context[:, :live])
    target, weight = leaf(flight.truth.coords[:, :live, :live]), leaf(torch.full((*shape, 2), 0.5, device=coords.device))
    features, patches = leaf(flight.features), leaf(flight.patches)
    poses, centres, depths = batch["poses"][:, :live], flight.centres[:, :live], flight.depths[:, :live]
    return {
        "encoders": lambda: sum(t.mean() for t in network.encode(batch["images"])),
        "correlation": lambda: flight.volume.lookup(coords, live).mean(),
        "update": lambda: sum(t.float().mean() for t in network.update(hidden, context, correlation)),
        "bundle_adjustment": lambda: sum(t.mean() for t in bundle_adjust(poses, centres, depths, batch["K"], target, weight, size)),
        "matching_loss": lambda: matching_loss(features, patches, true_matches(batch, flight.centres)),
    }


def _seconds(work: Callable[[], None], repeats: int, device: torch.device) -> float:
    """The fastest of several runs, after one to warm up."""
    best = float("inf")
    for n in range(repeats + 1):
        begin = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - begin) if n else best
    return best


def _render_seconds(config: Config) -> float:
    render = config.render
    bank = load_bank(folders=render.texture_folders)
    begin = time.perf_counter()
    for seed in range(2):
        random_clip(seed, bank, render.frames, render.height, render.width)
    return (time.perf_counter() - begin) / 2
