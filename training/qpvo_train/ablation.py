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

REPORT, TABLE = "evaluation.json", "ablation"
# Losses that a variant leaves out. The published recipe has the reprojection and the poses alone (DPVO, arXiv 2208.04726, section 4).
VARIANTS: dict[str, tuple[str, ...]] = {
    "all": (),
    "no-flow": ("flow",),
    "no-confidence": ("confidence",),
    "no-matching": ("matching",),
    "no-reprojection": ("reprojection",),
    "no-poses": ("translation", "rotation"),
    "published": ("flow", "confidence", "matching"),
}


def ablate(config: Config, processes: Processes, variants: list[str] | None = None, clips: int = 32, matching: str | None = None) -> Path:
    """Trains and measures `variants` (default: all), each in a folder of its own below the run's, where an interrupted one goes on and a measured one is
    kept. Returns the table over all variants that are there, which stands in `ablation.md` beside `ablation.json`.

    Raises TrainingError for an unknown variant, and for clips or a sequence that cannot be used, before any training.
    """
    wanted = list(VARIANTS) if variants is None else variants
    unknown = [name for name in wanted if name not in VARIANTS]
    if unknown:
        raise TrainingError("unknown variant", expected=", ".join(VARIANTS), received=", ".join(unknown))
    held_out = validation_folder(config)
    held_out_files(held_out, clips)
    if matching is not None:
        list_frames(matching)
    run = Path(config.run)
    for name in wanted:
        folder = run / name
        if (folder / REPORT).exists():
            continue
        report = {"steps": config.train.steps, "left_out": list(VARIANTS[name])}
        network = _trained(without_losses(config, VARIANTS[name], folder), processes)
        report["held_out"] = evaluate_clips(network, held_out, clips, config.data.crop)
        if matching is not None:
            report["matching"] = matching_on_sequence(network, matching)
        if processes.leads:
            (folder / REPORT).write_text(json.dumps(report, indent=2) + "\n")
    return _write_table(run)


def without_losses(config: Config, left_out: tuple[str, ...], folder: Path) -> Config:
    """The configuration with weight 0 for some losses, in a folder of its own."""
    losses: LossConfig = dataclasses.replace(config.train.losses, **dict.fromkeys(left_out, 0.0))
    return dataclasses.replace(config, run=str(folder), train=dataclasses.replace(config.train, losses=losses))


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


def _write_table(run: Path) -> Path:
    rows = {name: json.loads(path.read_text()) for name in VARIANTS if (path := run / name / REPORT).exists()}
    (run / f"{TABLE}.json").write_text(json.dumps(rows, indent=2) + "\n")
    table = run / f"{TABLE}.md"
    table.write_text(table_text(rows))
    return table


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
