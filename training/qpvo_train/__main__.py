# SPDX-License-Identifier: MIT
"""The command line: python -m qpvo_train <command> --config configs/<name>.yaml"""

import argparse
import os
import sys
from collections.abc import Callable

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

    render = command("render", "Renders training clips, validation clips, test sequences, a fast-rotation set of them, sequences for calibration, or the demo.")
    render.add_argument("--what", choices=("train", "val", "sequences", "fast", "calibration", "demo"), default="train")
    render.add_argument("--out", help="folder (default: the one of the configuration; qpvo-out/<what> for sequences)")
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
    evaluate.add_argument("--device", choices=("cpu", "cuda"))
    evaluate.add_argument("--out", help="file for the JSON, which is printed in any case")

    ablate = command("ablate", "Trains anew without each of the losses in turn, and measures what that costs; goes on where it was interrupted.")
    ablate.add_argument("--variants", nargs="+", help="some of them, by name (default: all)")
    ablate.add_argument("--clips", type=int, default=32, help="held-out clips")
    ablate.add_argument("--matching", help="folder of a TartanAir sequence for the matching yardstick")
    ablate.add_argument("--device", choices=("cpu", "cuda"))

    profile = command("profile", "Times a training step and its parts on held-out clips.")
    profile.add_argument("--device", choices=("cpu", "cuda"))
    profile.add_argument("--repeats", type=int, default=3)
    profile.add_argument("--out", help="file for the JSON")

    frame = command("time-frame", "Times a frame of the odometry's steady state in eager PyTorch, random weights: what qpvo_gpu_bench frame is held against.")
    frame.add_argument("--windows", default="default", help="default, fast, or patches/removal/optimization/lifetime")
    frame.add_argument("--size", default="752x480", help="of the image, multiples of 16")
    frame.add_argument("--frames", type=int, default=50)
    frame.add_argument("--precision", choices=("fp16", "fp32"), help="default: fp16 on a GPU, fp32 elsewhere")
    frame.add_argument("--device", choices=("cpu", "cuda"))
    frame.add_argument("--out", help="file for the JSON")

    export = command("export", "Writes a model folder from a checkpoint: ONNX, safetensors, golden tensors, manifest.")
    export.add_argument("--checkpoint", help="default: that of the run")
    export.add_argument("--scales", help="scales.safetensors: also write the INT8 graphs, weights and golden tensors")
    export.add_argument("--out", help="folder (default: ../models/<name>)")
    export.add_argument("--name", help="name of the model (default: that of the configuration), such as one of its own for a pruned network")
    export.add_argument("--licence", default="MIT", help="licence of the weights")
    export.add_argument("--machine", help="where it was trained, in words (default: the machines that the checkpoint names)")
    _add_compression(command)
    return parser


def _add_compression(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    calibrate = command("calibrate", "Chooses the scales of INT8 from odometry over sequences: scales, report and picture.")
    calibrate.add_argument("--checkpoint", help="default: that of the run")
    calibrate.add_argument("--footage", nargs="+", help="folders of ASL or TartanAir sequences or of clips, instead of the configuration's")
    calibrate.add_argument("--method", help="minmax, percentile, mse or entropy instead of the configuration's")
    calibrate.add_argument("--measure", type=int, default=0, help="compare all methods on so many held-out clips")
    calibrate.add_argument("--out", help="folder (default: int8 in the run's folder)")
    calibrate.add_argument("--device", choices=("cpu", "cuda"))

    sensitivity = command("sensitivity", "Measures what quantizing and pruning each group of layers alone does, and chooses a mixed precision.")
    sensitivity.add_argument("--checkpoint", help="default: that of the run")
    sensitivity.add_argument("--scales", help="default: those of calibrate")
    sensitivity.add_argument("--clips", type=int, help="held-out clips (default: the configuration's)")
    sensitivity.add_argument("--out", help="folder (default: int8 in the run's folder)")
    sensitivity.add_argument("--device", choices=("cpu", "cuda"))

    prune = command("prune", "Removes channels in rounds with fine-tuning; goes on where it was interrupted.")
    prune.add_argument("--checkpoint", help="default: that of the run")
    prune.add_argument("--sensitivity", help="sensitivity.json (default: measured first)")
    prune.add_argument("--steps", type=int, help="of fine-tuning after each round, instead of the configuration's")

    qat = command("qat", "Trains with fake quantization: the scales alone or all weights; goes on where it was interrupted.")
    qat.add_argument("--checkpoint", help="the float network (default: that of the run)")
    qat.add_argument("--scales", help="default: those of calibrate")
    qat.add_argument("--teacher", help="checkpoint of the float network to learn from (default: the one that is trained; of a pruned one: that before pruning)")
    qat.add_argument("--mode", choices=("scales", "all"), help="instead of the configuration's")
    qat.add_argument("--until", type=int, help="stop after this step, keeping the schedule")
    qat.add_argument("--steps", type=int, help="total steps instead of the configuration's")

    for training in (prune, qat):
        training.add_argument("--out", help="folder (default: a part of int8 in the run's folder)")
        training.add_argument("--device", choices=("cpu", "cuda"))
        training.add_argument("--fresh", action="store_true", help="start anew although there is a state to go on from")

    forms = command("compare-forms", "Measures the float network and quantized or pruned forms of it on held-out clips.")
    forms.add_argument("--checkpoint", help="default: that of the run")
    forms.add_argument("--form", dest="forms", action="append", default=[], metavar="NAME=SCALES[,CHECKPOINT]", help="may be given several times")
    forms.add_argument("--clips", type=int, help="held-out clips (default: the configuration's)")
    forms.add_argument("--out", help="file for the JSON")
    forms.add_argument("--device", choices=("cpu", "cuda"))


if __name__ == "__main__":
    code = main()
    from .processes import leave

    leave(code)
