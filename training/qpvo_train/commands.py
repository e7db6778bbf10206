# SPDX-License-Identifier: MIT
"""What each command of the command line does. A command imports what it alone needs: a training process holds no plotting library, no renderer."""

import argparse
import dataclasses
import importlib
import json
import os
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from .checkpoint import check_keys, check_sizes, checkpoint_of, load_checkpoint, network_of
from .config import Config, check_config, check_exportable, load_config
from .errors import TrainingError
from .memory import keep_freed_memory
from .network import PatchNetwork
from .processes import join_processes
from .provenance import this_machine, training_commit
from .schedule import last_step

if TYPE_CHECKING:
    from .train import Trainer


def train(options: argparse.Namespace) -> None:
    from .sources import clip_source
    from .train import Trainer

    config = load_config(options.config)
    if options.steps is not None:
        config = dataclasses.replace(config, train=dataclasses.replace(config.train, steps=options.steps))
        check_config(config, "--steps")
    _check_folder(config.run, "run")
    keep_freed_memory()
    torch.set_num_threads(config.train.threads)
    processes = join_processes(options.device)
    try:
        _check_start(config, options)
        source = clip_source(config, processes)
        try:
            trainer = Trainer(config, source, processes)
            _start(trainer, options)
            if processes.leads:
                _note_unexportable(config, options.config)
            trainer.run(until=options.until)
            if processes.leads:
                _draw_curves(trainer.folder)
        finally:
            source.close()
    finally:
        processes.close()


def _note_unexportable(config: Config, path: str) -> None:
    """Says before a training that its network will stay here; such widths are for trials."""
    try:
        check_exportable(config.sizes, path)
    except TrainingError as error:
        print(f"note: the network can be trained, not exported: {error}", file=sys.stderr, flush=True)


def _check_start(config: Config, options: argparse.Namespace) -> None:
    """Refuses a checkpoint that cannot be gone on from or started with, or is past the last step that is asked for, before a renderer gets to work."""
    if options.until is not None:
        _check_least("--until", options.until, 1)
    path = Path(config.run) / "checkpoint.pt" if options.init is None else options.init
    if options.init is None and (options.fresh or not Path(path).exists()):
        return
    step = checkpoint_of(config, path)[1]["step"]
    last = last_step(options.until, config.train)
    if options.init is None and step > last:
        advice = "Ask for more steps (--until, --steps, train: steps), or give --fresh to start anew."
        raise TrainingError(f"{path} is past the last step that is asked for", expected=f"step {last} at most", received=f"step {step}", advice=advice)


def _draw_curves(folder: Path) -> None:
    """log.png of the log, where it has a line."""
    from .plots import plot_log

    log = folder / "log.jsonl"
    if log.exists() and log.read_text().strip():
        plot_log(log, folder / "log.png")


def _start(trainer: "Trainer", options: argparse.Namespace) -> None:
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
            if trainer.step == last_step(options.until, trainer.config.train):
                print("nothing left to do", flush=True)


def render(options: argparse.Namespace) -> None:
    from . import render_jobs

    config = load_config(options.config)
    configured = {"train": ("data: clips", config.data.clips), "val": ("data: validation", config.data.validation)}
    key, folder = configured.get(options.what, (options.what, render_jobs.SEQUENCES.get(options.what)))
    if options.out is not None or folder is not None:
        _check_folder(options.out or folder, key if options.out is None else "--out")
    render_jobs.render(config, options.what, options.out, options.count)


def evaluate(options: argparse.Namespace) -> None:
    """Prints one JSON object, and writes it to --out."""
    from .evaluate import evaluate_clips
    from .matching import matching_on_sequence
    from .sources import validation_folder
    from .tartanair import list_frames

    config = load_config(options.config)
    _check_out(options.out)
    _check_least("--clips", options.clips, 0)
    if options.matching is not None:
        list_frames(options.matching)  # refuses what is no sequence before the clips are measured
    torch.set_num_threads(config.train.threads)
    device = join_processes(options.device).device
    about, network, complete = _network_to_measure(config, options)
    network = network.to(device)
    report = about | _made_by()
    if complete and options.clips > 0:
        report["held_out"] = evaluate_clips(network, validation_folder(config), options.clips, config.data.crop)
    if options.matching is not None:
        report["matching"] = matching_on_sequence(network, options.matching)
    if "held_out" not in report and "matching" not in report:
        raise TrainingError("nothing to measure", expected="an update operator for the clips, or --matching <folder>", received="encoders without --matching")
    _print_json(report, options.out)


def _made_by() -> dict[str, str]:
    """Which code measured, where and when."""
    return {"commit": training_commit(), "machine": this_machine(), "date": datetime.now(timezone.utc).isoformat(timespec="seconds")}


def _network_to_measure(config: Config, options: argparse.Namespace) -> tuple[dict, PatchNetwork, bool]:
    """What it is, the network, and whether it has an update operator."""
    from .weights import load_network, read_tensors

    if options.weights is not None:
        complete = any(name.startswith("update.") for name in read_tensors(options.weights))
        return {"weights": Path(options.weights).name}, load_network(options.weights, encoders_only=not complete), complete
    path = options.checkpoint or Path(config.run) / "checkpoint.pt"
    state = load_checkpoint(path)
    check_keys(state, ("name",), path)
    return {"name": state["name"], "step": state["step"]}, network_of(state), True


def export(options: argparse.Namespace) -> None:
    from .export import export as export_model

    config = load_config(options.config)
    torch.set_num_threads(config.train.threads)
    wanted = {key: getattr(options, key) for key in ("checkpoint", "scales", "out", "name", "licence", "machine")}
    out = export_model(config, options.config, **wanted)
    print(f"model {options.name or config.name} written to {out}")


def profile(options: argparse.Namespace) -> None:
    """Prints one JSON object, and writes it to --out."""
    from .clips import ClipFolder
    from .profile import profile_step
    from .sources import validation_folder

    config = load_config(options.config)
    _check_out(options.out)
    _check_least("--repeats", options.repeats, 1)
    keep_freed_memory()
    torch.set_num_threads(config.train.threads)
    device = join_processes(options.device).device
    clips = ClipFolder(validation_folder(config), frames=config.train.stages[-1].frames, crop=config.data.crop)
    clips.check_sizes(clips.frames)
    batch = {name: value.to(device) for name, value in clips.batch(config.train.batch).items()}
    _print_json(_made_by() | profile_step(config, batch, options.repeats), options.out)


def time_frame(options: argparse.Namespace) -> None:
    """Prints one JSON object, and writes it to --out."""
    from . import frame_time

    config = load_config(options.config)
    _check_out(options.out)
    torch.set_num_threads(config.train.threads)
    device = join_processes(options.device).device
    settings = {name: getattr(options, name) for name in ("windows", "size", "frames", "precision")}
    _print_json(frame_time.time_frame(config, device=device, **settings), options.out)


def _check_least(option: str, value: int, least: int) -> None:
    if value < least:
        raise TrainingError(f"wrong value of {option}", expected=f"{least} or more", received=value)


def _check_out(out: str | None) -> None:
    """Refuses a file for a report that cannot be written, before it is measured."""
    if out is None:
        return
    if Path(out).is_dir() or not _is_writable(Path(out)):
        raise TrainingError("wrong value of --out", expected="a file that can be written", received=out)


def _check_folder(folder: str, key: str) -> None:
    """Refuses a folder that cannot be written to, or cannot be made, before anything is done for it. key: what names it, for the error."""
    path = Path(folder)
    if (path.exists() and not path.is_dir()) or not _is_writable(path):
        advice = "Name a folder of which you are the owner, on a disk that is not read-only."
        raise TrainingError(f"wrong value of {key}", expected="a folder that can be written to", received=folder, advice=advice)


def _is_writable(path: Path) -> bool:
    """Whether a file or folder may be written to or, where there is none, made."""
    above = next(folder for folder in path.absolute().parents if folder.exists())
    return above.is_dir() and os.access(path if path.exists() else above, os.W_OK)


def _print_json(report: dict, out: str | None) -> None:
    """out: also a file, in a folder that is made where it is missing."""
    text = json.dumps(report, indent=2)
    print(text, flush=True)
    if out is not None:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        Path(out).write_text(text + "\n")


def ablate(options: argparse.Namespace) -> None:
    from .ablation import ablate as ablate_losses

    config = load_config(options.config)
    _check_folder(config.run, "run")
    keep_freed_memory()
    torch.set_num_threads(config.train.threads)
    processes = join_processes(options.device)
    try:
        print(ablate_losses(config, processes, options.variants, options.clips, options.matching).read_text())
    finally:
        processes.close()


def _compression(module: str, name: str) -> Callable[[argparse.Namespace], None]:
    """The command of a function of quantize/<module>.py; its options are the function's by name."""

    def command(options: argparse.Namespace) -> None:
        work = getattr(importlib.import_module(f".quantize.{module}", __package__), name)
        own = {key: value for key, value in vars(options).items() if key not in ("command", "config")}
        print(work(load_config(options.config), options.config, **own))

    return command


COMMANDS = {
    "profile": profile,
    "time-frame": time_frame,
    "render": render,
    "train": train,
    "evaluate": evaluate,
    "export": export,
    "ablate": ablate,
    "calibrate": _compression("calibrate", "calibrate"),
    "sensitivity": _compression("sensitivity", "sensitivity"),
    "prune": _compression("prune", "prune"),
    "qat": _compression("qat", "qat"),
    "compare-forms": _compression("comparison", "compare_forms"),
}
