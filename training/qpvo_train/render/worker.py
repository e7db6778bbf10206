# SPDX-License-Identifier: MIT
"""Background renderer: python -m qpvo_train.render.worker --out DIR --first SEED --count N. File names are seeds: repeatable, resumable."""

import argparse
import time
from pathlib import Path

from .bank import load_bank
from .clip import random_clip, save_clip, use_one_thread


def clip_name(seed: int) -> str:
    return f"{seed:07d}.npz"


def render_clips(out, first: int, count: int, bank, *, frames=16, height=240, width=320, report=print) -> int:
    """Renders the seeds first .. first + count - 1 that are not in `out` yet; returns how many it made."""
    made, began = 0, time.time()
    for seed in range(first, first + count):
        path = Path(out) / clip_name(seed)
        if path.exists():
            continue
        save_clip(path, random_clip(seed, bank, frames, height, width))
        made += 1
        if made % 20 == 0:
            report(f"clip {seed}: {(time.time() - began) / made:.2f} s a clip")
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    for name, default in (("frames", 16), ("height", 240), ("width", 320)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--textures", nargs="*", default=[], help="folders of images")
    a = parser.parse_args()
    use_one_thread()
    bank = load_bank(folders=a.textures)
    render_clips(a.out, a.first, a.count, bank, frames=a.frames, height=a.height, width=a.width, report=lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
