# SPDX-License-Identifier: MIT
"""Where a network comes from: what the manifest and the card of a model say about its training."""

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

import torch

from .checkpoint import history_of
from .config import Config

PACKAGE = Path(__file__).parent


@dataclass(frozen=True)
class Provenance:
    """The fields of `provenance` in a manifest; clips: shown to the network in all steps together."""

    commit: str  # of the training code; several when it changed on the way
    config: str
    data: str
    steps: int
    clips: int
    hours: float
    machine: str

    @property
    def text(self) -> str:
        """One sentence."""
        return f"Trained from scratch by this project: {self.steps} steps, {self.clips} clips, {self.hours:g} hours on {self.machine}. Data: {self.data}."


def provenance_of(state: dict, config: Config, config_path: str | Path, machine: str | None = None) -> Provenance:
    """state: a checkpoint of this package; machine: how to call the machine it was trained on (default: as the checkpoint has it)."""
    commits = ", ".join(dict.fromkeys(part["commit"] for part in state["history"]))
    machines = machine or ", ".join(dict.fromkeys(part["machine"] for part in state["history"]))
    hours = round(state["seconds"] / 3600, 2)
    return Provenance(commits, Path(config_path).name, describe_data(config, state), state["step"], state["clips"], hours, machines)


def describe_data(config: Config, state: dict) -> str:
    """The clips that the training of a checkpoint drew from, as far as the checkpoint knows, or else those that the configuration asks for."""
    render, data = config.render, config.data
    counts = dict.fromkeys(part["files"][0] for part in history_of(state) if part.get("files")) or [render.count]
    size = f"{render.frames} frames of {render.width}x{render.height}"
    rendered = f"{', later '.join(map(str, counts))} rendered clips of {size}" if data.clips is not None else f"clips of {size}, rendered on the fly"
    if render.texture_folders:
        rendered += f" with the images of {', '.join(Path(folder).name for folder in render.texture_folders)} among the textures"
    recorded = dict.fromkeys(part.get("recorded", recorded_data(config)) for part in state.get("history", [])) or [recorded_data(config)]
    return f"{rendered}, {', later '.join(recorded)}"


def recorded_data(config: Config) -> str:
    """The sequences that a training by a configuration draws from; folders are named by as many of their parts as tell them apart."""
    data = config.data
    if not data.tartanair:
        return "no recorded data"
    folders = [Path(folder).resolve().parts for folder in dict.fromkeys(data.tartanair)]
    count = next((n for n in range(1, max(map(len, folders))) if len({parts[-n:] for parts in folders}) == len(folders)), 1)
    return f"a share of {data.tartanair_share:g} from {', '.join('/'.join(parts[-count:]) for parts in folders)} (TartanAir)"


def training_commit() -> str:
    """Commit of the training code; ends in -dirty when its files differ from the commit, `unknown` outside a clone."""
    commit = _git("rev-parse", "--short", "HEAD")
    return "unknown" if commit is None else f"{commit}-dirty" if _git("status", "--porcelain", "--", ".") else commit


def _git(*arguments: str) -> str | None:
    try:
        return subprocess.run(["git", *arguments], cwd=PACKAGE, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def this_machine() -> str:
    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name(0)}"
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.machine()
    return f"{os.cpu_count()} cores of {model}"
