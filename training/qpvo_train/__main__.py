# SPDX-License-Identifier: MIT
"""The command line: python -m qpvo_train render|train|evaluate|profile|export --config configs/<name>.yaml"""

import argparse
import os
import sys

from .errors import TrainingError


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    # Two processes share the cores with a renderer: threads that wait must not spin.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from . import commands

    try:
        commands.COMMANDS[options.command](options)
    except TrainingError as error:
        print(f"qpvo_train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("qpvo_train: interrupted; the last checkpoint stands", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="qpvo_train", description="Trains the networks of qpvo.")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--config", required=True, help="a YAML file of configs/")
        return sub

    render = command("render", "Renders training clips, validation clips or test sequences.")
    render.add_argument("--what", choices=("train", "val", "sequences"), default="train")
    render.add_argument("--out", help="folder (default: the one of the configuration; qpvo-out/sequences for sequences)")
    render.add_argument("--count", type=int, help="number of clips (default: the configuration's)")

    train = command("train", "Trains; goes on from the checkpoint in the run's folder when there is one.")
    train.add_argument("--fresh", action="store_true", help="start anew although there is a checkpoint")
    train.add_argument("--init", help="checkpoint whose averaged weights are the start")
    train.add_argument("--until", type=int, help="stop after this step, keeping the schedule")
    train.add_argument("--steps", type=int, help="total steps instead of the configuration's: stretches or ends the schedule")
    train.add_argument("--device", choices=("cpu", "cuda"))

    evaluate = command("evaluate", "Measures a checkpoint on held-out clips and its features on a sequence.")
    evaluate.add_argument("--checkpoint", help="default: that of the run")
    evaluate.add_argument("--clips", type=int, default=32, help="held-out clips, 0 for none")
    evaluate.add_argument("--matching", help="folder of a TartanAir sequence for the matching yardstick")
    evaluate.add_argument("--weights", help="weights of another origin (.pth, .npz, .safetensors) to measure instead of a checkpoint")
    evaluate.add_argument("--out", help="file for the JSON, which is printed in any case")

    profile = command("profile", "Times a training step and its parts on held-out clips.")
    profile.add_argument("--device", choices=("cpu", "cuda"))
    profile.add_argument("--repeats", type=int, default=3)
    profile.add_argument("--out", help="file for the JSON")

    export = command("export", "Writes a model folder from a checkpoint: ONNX, safetensors, golden tensors, manifest.")
    export.add_argument("--checkpoint", help="default: that of the run")
    export.add_argument("--out", help="folder (default: ../models/<name>)")
    export.add_argument("--licence", default="MIT", help="licence of the weights")
    export.add_argument("--machine", help="where it was trained, in words (default: this machine)")
    return parser


if __name__ == "__main__":
    code = main()
    from .processes import leave

    leave(code)
