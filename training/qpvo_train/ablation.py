# SPDX-License-Identifier: MIT
"""What each loss is good for: the same short training from nothing without it, measured on held-out clips and on a sequence."""

import dataclasses
import json
from pathlib import Path

from .checkpoint import network_of
from .config import Config, LossConfig
from .errors import TrainingError
from .evaluate import evaluate_clips, held_out_files
from .matching import matching_on_sequence
from .network import PatchNetwork
from .processes import Processes
from .sources import clip_source, validation_folder
from .tartanair import list_frames
from .train import Trainer
from .whole_file import whole_file

REPORT, TABLE = "evaluation.json", "ablation"
# Losses that a variant leaves out. The second seed shows how far two trainings differ by chance; `after-ba-only` has what the published recipe judges, the reprojection
# and the poses after the bundle adjustment (DPVO, arXiv 2208.04726, section 4), with the weights of this project.
VARIANTS: dict[str, tuple[str, ...]] = {
    "all": (),
    "all-again": (),
    "no-flow": ("flow",),
    "no-confidence": ("confidence",),
    "no-matching": ("matching",),
    "no-reprojection": ("reprojection",),
    "no-poses": ("translation", "rotation"),
    "after-ba-only": ("flow", "confidence", "matching"),
}


def ablate(config: Config, processes: Processes, variants: list[str] | None = None, clips: int = 32, matching: str | None = None) -> Path:
    """Trains and measures `variants` (default: all), each in a folder of its own below the run's, where an interrupted training goes on and what was measured
    before, of the same training on the same clips, is kept. Returns the table over all variants that are there: `ablation.md`, beside `ablation.json`.

    Raises TrainingError for an unknown variant, for clips or a sequence that cannot be used, and for a variant that was trained by another configuration, before
    any training.
    """
    wanted = list(VARIANTS) if variants is None else variants
    unknown = [name for name in wanted if name not in VARIANTS]
    if unknown:
        raise TrainingError("unknown variant", expected=", ".join(VARIANTS), received=", ".join(unknown))
    held_out, run = validation_folder(config), Path(config.run)
    count = len(held_out_files(held_out, clips))
    about_matching = None if matching is None else {"sequence": Path(matching).name, "frames": len(list_frames(matching)[0])}
    for name in wanted:
        _check_same_training(run / name, config_of(config, name))
    for name in wanted:
        variant = config_of(config, name)
        about = {"training": _training(variant), "clips": count, "matching_on": about_matching}
        if _is_measured(run / name, about):
            continue
        network = _trained(variant, processes)
        if not processes.leads:
            continue
        report = about | {"held_out": evaluate_clips(network, held_out, clips, config.data.crop)}
        if matching is not None:
            report["matching"] = matching_on_sequence(network, matching)
        _write(run / name / REPORT, json.dumps(report, indent=2) + "\n")
    if processes.leads:
        _write_table(run)
    return run / f"{TABLE}.md"


def config_of(config: Config, variant: str) -> Config:
    """The configuration of a variant: weight 0 for some losses, or another seed, in a folder of its own."""
    losses: LossConfig = dataclasses.replace(config.train.losses, **dict.fromkeys(VARIANTS[variant], 0.0))
    seed = config.train.seed + (variant == "all-again")
    return dataclasses.replace(config, run=str(Path(config.run) / variant), train=dataclasses.replace(config.train, losses=losses, seed=seed))


def _training(config: Config) -> dict:
    """What decides the weights, as JSON has it."""
    return json.loads(json.dumps({"sizes": dataclasses.asdict(config.sizes), "clips": config.data.clips, "train": dataclasses.asdict(config.train)}))


def _check_same_training(folder: Path, config: Config) -> None:
    path = folder / REPORT
    if not path.exists():
        return
    found = json.loads(path.read_text()).get("training")
    if found != _training(config):
        advice = "Remove the folder, or give the configuration another `run`."
        raise TrainingError(f"{folder} was trained by another configuration", expected=_training(config), received=found, advice=advice)


def _is_measured(folder: Path, about: dict) -> bool:
    path = folder / REPORT
    return path.exists() and about.items() <= json.loads(path.read_text()).items()


def _trained(config: Config, processes: Processes) -> PatchNetwork:
    """The network of the averaged weights at the end of the training."""
    source = clip_source(config, processes)
    try:
        trainer = Trainer(config, source, processes)
        if trainer.checkpoint_path.exists():
            trainer.resume(trainer.checkpoint_path)
        trainer.run()
    finally:
        source.close()
    return network_of(trainer.state())


def _write_table(run: Path) -> None:
    rows = {name: json.loads(path.read_text()) for name in VARIANTS if (path := run / name / REPORT).exists()}
    _write(run / f"{TABLE}.json", json.dumps(rows, indent=2) + "\n")
    _write(run / f"{TABLE}.md", table_text(rows))


def _write(path: Path, text: str) -> None:
    """Whole or not at all: several commands may work on variants of one run."""
    with whole_file(path) as part:
        part.write_text(text)


def table_text(rows: dict[str, dict]) -> str:
    """Markdown: a row a variant."""
    heads = ("losses", "within 1 px, %", "within 1/4 px, %", "error, px", "translation, median", "rotation, median, deg", "matching, 1 / 3 frames apart, %")
    lines = [heads, ("---",) * len(heads), *(_row(name, row) for name, row in rows.items())]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _row(name: str, report: dict) -> tuple[str, ...]:
    held_out = report["held_out"]
    matching = report.get("matching", {}).get("half_resolution")
    return (
        name,
        f"{100 * held_out['within_1px']:.1f}",
        f"{100 * held_out['within_quarter_px']:.1f}",
        f"{held_out['epe_px']:.2f}",
        f"{held_out['translation_error_median']:.4f}",
        f"{held_out['rotation_error_deg_median']:.2f}",
        "not measured" if matching is None else " / ".join(f"{100 * matching[gap]:.1f}" for gap in ("gap_1", "gap_3")),
    )
