# SPDX-License-Identifier: MIT
"""Several processes: gradients are averaged, weights stay equal, clips differ."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_run import tiny_config, tiny_trainer

from qpvo_train.checkpoint import load_checkpoint
from qpvo_train.processes import Processes, join_processes

HERE = Path(__file__).parent


def test_one_process_stands_alone():
    processes = join_processes("cpu")
    layer = torch.nn.Linear(2, 1)
    layer.weight.grad = torch.ones(1, 2)
    processes.average_gradients(layer)
    assert processes.leads and processes.count == 1 and processes.gather("x") == ["x"]
    assert torch.equal(layer.weight.grad, torch.ones(1, 2)) and layer.bias.grad is None


def test_averages_keep_the_types_and_leave_what_is_frozen(monkeypatch):
    """Two processes, the second of which has the gradients of the first one plus 2."""
    layer = torch.nn.ParameterDict({"x32": torch.zeros(2), "x64": torch.zeros(3, dtype=torch.float64), "frozen": torch.zeros(4), "unused": torch.zeros(1)})
    layer["frozen"].requires_grad_(False)
    layer["x32"].grad, layer["x64"].grad = torch.ones(2), torch.full((3,), 4.0, dtype=torch.float64)
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda flat: flat.mul_(2).add_(2))
    Processes(0, 2, torch.device("cpu")).average_gradients(layer)
    assert {name: value.grad if value.grad is None else value.grad.tolist() for name, value in layer.items()} == {
        "x32": [2, 2], "x64": [5, 5, 5], "frozen": None, "unused": [1],
    }  # fmt: skip
    assert layer["x64"].grad.dtype == torch.float64 and layer["x32"].grad.dtype == torch.float32


@pytest.fixture(scope="module")
def two(plane_clips: Path, tmp_path_factory) -> Path:
    """The folder in which two processes have worked (two_processes.py)."""
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available() or importlib.util.find_spec("torch.distributed.run") is None:
        pytest.skip("this torch has no torchrun with gloo: training with several processes is not tested")
    folder = tmp_path_factory.mktemp("two_processes")
    paths = os.pathsep.join([str(HERE.parent), str(HERE)])
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", HERE / "two_processes.py", plane_clips, folder]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def results(folder: Path) -> list[dict]:
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


@pytest.mark.slow
def test_two_processes_go_on_bit_for_bit(two: Path):
    first, second = results(two)
    for result in (first, second):
        assert len(result["whole"]["losses"]) == 4 and result["parts"] == result["whole"]
    assert first["whole"]["fingerprint"] == second["whole"]["fingerprint"] and first["whole"]["losses"] != second["whole"]["losses"]


@pytest.mark.slow
def test_two_processes_average_their_gradients_and_keep_equal_weights(plane_clips: Path, two: Path):
    first, second = results(two)
    assert first["averaged"] == second["averaged"] == [1.5, 1.5, 0.5]
    assert first["weights"] == second["weights"]
    assert first["losses"][0] != second["losses"][0]
    assert first["losses"][0]["gradient_norm"] == second["losses"][0]["gradient_norm"]
    state = load_checkpoint(two / "run" / "checkpoint.pt")
    assert len(state["random"]) == 2 and state["clips"] == 2 * state["step"]
    alone = tiny_trainer(tiny_config(two / "run", steps=3), plane_clips)
    alone.resume(alone.checkpoint_path)
    alone.run()
    assert alone.step == 3


@pytest.mark.parametrize("count", [1, 2])
def test_leaving_keeps_the_exit_code_and_what_was_printed(count: int):
    script = "import sys; from qpvo_train.processes import leave; print('last words'); leave(3)"
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "WORLD_SIZE": str(count)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (3, "last words\n")
