# SPDX-License-Identifier: MIT
"""What each command of the command line does. A command imports what it alone needs: a training process holds no plotting library, no renderer."""

import argparse
import dataclasses
import json
from pathlib import Path

import torch

from .checkpoint import check_sizes, load_checkpoint, network_of
from .clips import ClipFolder
from .config import Config, check_config, load_config
from .errors import TrainingError
from .memory import keep_freed_memory
from .network import PatchNetwork
from .processes import Processes, join_processes
from .train import Trainer


def train(options: argparse.Namespace) -> None:
    config = load_config(options.config)
    if options.steps is not None:
        config = dataclasses.replace(config, train=dataclasses.replace(config.train, steps=options.steps))
        check_config(config, "--steps")
    keep_freed_memory()
    torch.set_num_threads(config.train.threads)
    processes = join_processes(options.device)
    try:
        source = clip_source(config, processes)
        try:
            trainer = Trainer(config, source, processes)
            _start(trainer, options)
            trainer.run(until=options.until)
        finally:
            source.close()
    finally:
        processes.close()


def _start(trainer: Trainer, options: argparse.Namespace) -> None:
    """From the run's checkpoint, from another network's weights, or from nothing."""
    there = trainer.checkpoint_path.exists() and not options.fresh
    if options.init is not None and there:
        advice = "Leave out --init to go on with it, or give --fresh to start anew."
        raise TrainingError(f"{trainer.checkpoint_path} is there already", expected="a new run with --init", advice=advice)
    if options.init is not None:
        state = load_checkpoint(options.init)
        check_sizes(state, trainer.config.sizes, options.init)
        trainer.start_from(network_of(state).state_dict())
    elif there:
        trainer.resume(trainer.checkpoint_path)
        if trainer.processes.leads:
            print(f"going on from step {trainer.step} of {trainer.config.train.steps}", flush=True)


def clip_source(config: Config, processes: Processes):
    """The clips of a process: from the folders with a seed of its own, or rendered on the fly, its share of all."""
    data = config.data
    if data.clips is None:
        return _rendered_clips(config, processes)
    seed = config.train.seed + 104729 * processes.rank
    if not data.tartanair:
        return ClipFolder(data.clips, seed=seed, crop=data.crop)
    share = data.tartanair_share
    return ClipFolder([data.clips, data.tartanair_clips], seed=seed, crop=data.crop, weights=[1 - share, share])


def _rendered_clips(config: Config, processes: Processes):
    from .render.stream import RenderedClips

    if config.data.tartanair:
        raise TrainingError("sequences are mixed with clips of a folder only", expected="data: clips", received="null", advice="Render to a folder first.")
    render = config.render
    return RenderedClips(
        seed=config.train.seed,
        crop=config.data.crop,
        size=(render.frames, render.height, render.width),
        device=processes.device,
        workers=render.workers,
        folders=render.texture_folders,
        share=(processes.rank, processes.count),
    )


def render(options: argparse.Namespace) -> None:
    from . import render_jobs

    render_jobs.render(load_config(options.config), options.what, options.out, options.count)


def evaluate(options: argparse.Namespace) -> None:
    """Prints one JSON object, and writes it to --out."""
    from .evaluate import evaluate_clips
    from .matching import matching_on_sequence

    config = load_config(options.config)
    torch.set_num_threads(config.train.threads)
    report, network, complete = _network_to_measure(config, options)
    if complete and options.clips > 0:
        report["held_out"] = evaluate_clips(network, _validation(config), options.clips, config.data.crop)
    if options.matching is not None:
        report["matching"] = matching_on_sequence(network, options.matching)
    if "held_out" not in report and "matching" not in report:
        raise TrainingError("nothing to measure", expected="an update operator for the clips, or --matching <folder>", received="encoders without --matching")
    text = json.dumps(report, indent=2)
    if options.out is not None:
        Path(options.out).write_text(text + "\n")
    print(text)


def _network_to_measure(config: Config, options: argparse.Namespace) -> tuple[dict, PatchNetwork, bool]:
    """What it is, the network, and whether it has an update operator."""
    from .weights import load_network, read_tensors

    if options.weights is not None:
        complete = any(name.startswith("update.") for name in read_tensors(options.weights))
        return {"weights": Path(options.weights).name}, load_network(options.weights, encoders_only=not complete), complete
    state = load_checkpoint(options.checkpoint or Path(config.run) / "checkpoint.pt")
    return {"name": state["name"], "step": state["step"]}, network_of(state), True


def _validation(config: Config) -> str:
    if config.data.validation is None:
        raise TrainingError(
            "no folder of held-out clips", expected="data: validation", received="null", advice="Name the folder that `render --what val` fills."
        )
    return config.data.validation


def export(options: argparse.Namespace) -> None:
    from .export import export as export_model

    config = load_config(options.config)
    torch.set_num_threads(config.train.threads)
    out = export_model(config, options.config, checkpoint=options.checkpoint, out=options.out, licence=options.licence, machine=options.machine)
    print(f"model {config.name} written to {out}")


def profile(options: argparse.Namespace) -> None:
    """Prints one JSON object, and writes it to --out."""
    from .profile import profile_step

    config = load_config(options.config)
    keep_freed_memory()
    torch.set_num_threads(config.train.threads)
    device = join_processes(options.device).device
    clips = ClipFolder(_validation(config), frames=config.train.stages[-1].frames, crop=config.data.crop)
    batch = {name: value.to(device) for name, value in clips.batch(config.train.batch).items()}
    text = json.dumps(profile_step(config, batch, options.repeats), indent=2)
    if options.out is not None:
        Path(options.out).write_text(text + "\n")
    print(text)


COMMANDS = {"profile": profile, "render": render, "train": train, "evaluate": evaluate, "export": export}
