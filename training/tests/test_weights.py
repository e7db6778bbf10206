# SPDX-License-Identifier: MIT
"""Networks from weight files: the published checkpoint by its form, its encoders themselves, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from published_state import BASE, published_state

from qpvo_train.errors import TrainingError
from qpvo_train.network import NetworkSizes, PatchNetwork
from qpvo_train.weights import load_network, read_tensors

FRONTEND = Path(__file__).parents[3] / "shared" / "data" / "dpvo_frontend" / "dpvo_frontend.npz"
TINY = NetworkSizes(width=4, feature_dim=8, hidden_dim=16)


def test_the_published_checkpoint_by_its_form(tmp_path: Path):
    state = published_state()
    assert len(state) == 98
    torch.save(state, tmp_path / "dpvo.pth")
    network = load_network(tmp_path / "dpvo.pth")
    assert network.sizes == BASE and not network.training
    assert sum(value.numel() for value in network.parameters()) == 3_384_324
    for name, value in network.state_dict().items():
        assert torch.equal(value, state[f"module.{name}"])


def test_the_published_encoders():
    if not FRONTEND.exists():
        pytest.skip(f"{FRONTEND} is absent: the published encoders were not loaded")
    with pytest.raises(TrainingError, match=r"no update\."):
        load_network(FRONTEND)
    network = load_network(FRONTEND, encoders_only=True)
    assert network.sizes == BASE
    tensors = np.load(FRONTEND)
    for name, value in network.patchify.state_dict().items():
        assert np.array_equal(value.numpy(), tensors[f"module.patchify.{name}"])
    features, context = network.encode(torch.randint(0, 256, (1, 1, 3, 64, 96)).float())
    assert features.shape == (1, 1, 16, 24, 128) and context.shape == (1, 1, 16, 24, 384)
    assert 0.1 < features.std() < 10


@pytest.mark.parametrize("suffix", [".pt", ".npz", ".safetensors"])
def test_every_kind_of_file_gives_the_same_network(tmp_path: Path, suffix: str):
    network = PatchNetwork(TINY)
    state, path = network.state_dict(), tmp_path / f"weights{suffix}"
    if suffix == ".pt":
        torch.save({"net": state, "step": 3}, path)
    elif suffix == ".npz":
        np.savez(path, **{name: value.numpy() for name, value in state.items()})
    else:
        safetensors.torch.save_file(state, path)
    read = load_network(path)
    assert read.sizes == TINY
    for name, value in read.state_dict().items():
        assert torch.equal(value, state[name])


def test_half_precision_becomes_single(tmp_path: Path):
    torch.save({name: value.half() for name, value in PatchNetwork(TINY).state_dict().items()}, tmp_path / "half.pt")
    assert {value.dtype for value in read_tensors(tmp_path / "half.pt").values()} == {torch.float32}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda state: state.pop("update.d.1.bias"), r"no update\.d\.1\.bias"),
        (lambda state: state.update({"update.extra": torch.zeros(1)}), r"update\.extra \(1,\)"),
        (lambda state: state.update({"update.c1.0.weight": torch.zeros(8, 32)}), r"update\.c1\.0\.weight \(8, 32\)"),
        (lambda state: state.pop("patchify.fnet.conv1.weight"), r"no tensor patchify\.fnet\.conv1\.weight"),
    ],
)
def test_what_forms_no_network_is_refused_by_name(tmp_path: Path, spoil, message: str):
    state = PatchNetwork(TINY).state_dict()
    spoil(state)
    torch.save(state, tmp_path / "spoilt.pt")
    with pytest.raises(TrainingError, match=message):
        load_network(tmp_path / "spoilt.pt", encoders_only=True)


@pytest.mark.parametrize("suffix", [".pt", ".npz", ".safetensors"])
def test_noise_and_absence_are_refused(tmp_path: Path, suffix: str):
    path = tmp_path / f"weights{suffix}"
    with pytest.raises(TrainingError, match="no weights at"):
        load_network(path)
    path.write_bytes(b"no weights at all, but long enough to be read")
    with pytest.raises(TrainingError, match="cannot read the weights"):
        load_network(path)
