# SPDX-License-Identifier: MIT
"""Checkpoints: whole or not at all, and everything that is not one is refused with a clear message."""

import pickle
import zipfile
from pathlib import Path
from typing import BinaryIO

import pytest
import torch

from qpvo_train.checkpoint import FORMAT, check_sizes, history_of, load_checkpoint, network_of, save_checkpoint, sizes_of, sizes_state
from qpvo_train.errors import TrainingError
from qpvo_train.network import NetworkSizes, PatchNetwork

SIZES = NetworkSizes(width=4, feature_dim=8, hidden_dim=16)


def state_of(network: PatchNetwork) -> dict:
    average = {name: value + 1 for name, value in network.state_dict().items()}
    return {"sizes": sizes_state(network.sizes), "step": 7, "network": network.state_dict(), "average": average}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "checkpoint.pt"
    save_checkpoint(path, state_of(PatchNetwork(SIZES)))
    return path


def test_what_is_saved_comes_back(saved: Path):
    state = load_checkpoint(saved)
    assert state["format"] == FORMAT and state["step"] == 7 and sizes_of(state) == SIZES
    raw, averaged = network_of(state, averaged=False), network_of(state)
    assert not averaged.training
    for name, value in raw.state_dict().items():
        assert torch.equal(value, state["network"][name]) and torch.equal(averaged.state_dict()[name], value + 1)


def test_nothing_else_is_left_in_the_folder(saved: Path):
    assert [path.name for path in saved.parent.iterdir()] == ["checkpoint.pt"]


def test_an_interrupted_write_leaves_the_last_checkpoint(saved: Path, monkeypatch):
    def dies(state: dict, file: BinaryIO) -> None:
        file.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", dies)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(saved, {"step": 8})
    assert load_checkpoint(saved)["step"] == 7


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_a_truncated_file_is_refused(saved: Path, share: float):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    with pytest.raises(TrainingError, match="cannot read the checkpoint .*checkpoint.pt"):
        load_checkpoint(saved)


def test_noise_is_refused(saved: Path):
    saved.write_bytes(bytes(range(256)) * 100)
    with pytest.raises(TrainingError, match="cannot read the checkpoint"):
        load_checkpoint(saved)


class Touch:
    """An object whose unpickling would make a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("write", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value, protocol=2))])
def test_nothing_in_a_file_is_executed(saved: Path, tmp_path: Path, write):
    write({"format": FORMAT, "trap": Touch(tmp_path / "executed")}, saved)
    with pytest.raises(TrainingError, match="cannot read the checkpoint"):
        load_checkpoint(saved)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(("foreign", "received"), [({"weights": 1}, "no format entry"), ({"format": "other-2"}, "other-2"), ([1, 2], "list")])
def test_a_foreign_file_is_refused(saved: Path, foreign: object, received: str):
    torch.save(foreign, saved)
    with pytest.raises(TrainingError, match=f"(?s)no checkpoint of this package.*{FORMAT}.*{received}"):
        load_checkpoint(saved)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(TrainingError, match="no checkpoint at .*absent.pt"):
        load_checkpoint(tmp_path / "absent.pt")


def test_other_sizes_are_refused(saved: Path):
    state = load_checkpoint(saved)
    check_sizes(state, SIZES, saved)
    with pytest.raises(TrainingError, match="(?s)other sizes.*hidden_dim=32.*hidden_dim=16"):
        check_sizes(state, NetworkSizes(width=4, feature_dim=8, hidden_dim=32), saved)


def test_flipped_bits_are_refused(saved: Path):
    content = bytearray(saved.read_bytes())
    with zipfile.ZipFile(saved) as archive:
        largest = max(archive.infolist(), key=lambda record: record.file_size)
    middle = largest.header_offset + largest.file_size // 2 + 128
    content[middle : middle + 32] = bytes(255 - value for value in content[middle : middle + 32])
    saved.write_bytes(content)
    with pytest.raises(TrainingError, match="is damaged"):
        load_checkpoint(saved)


def test_an_incomplete_checkpoint_is_refused(saved: Path):
    save_checkpoint(saved, {"step": 7})
    with pytest.raises(TrainingError, match="no sizes, network, average"):
        load_checkpoint(saved)


def test_weights_that_do_not_fit_their_sizes_are_refused(saved: Path):
    state = load_checkpoint(saved)
    del state["average"]["update.d.1.weight"]
    with pytest.raises(TrainingError, match="do not fit"):
        network_of(state)


DAMAGES = {
    "sizes": (lambda state: state["sizes"].pop("width"), "whole positive numbers .* as sizes"),
    "a size too many": (lambda state: state["sizes"].update(depth=3), "as sizes"),
    "a size in words": (lambda state: state["sizes"].update(levels="1,4"), "as sizes"),
    "step": (lambda state: state.update(step="7"), "a count as step\n  received: '7' .str."),
    "network": (lambda state: state.update(network=[1, 2]), "tensors by name as network\n  received: a list of 2"),
    "average": (lambda state: state["average"].update({"update.d.1.bias": [0.0, 0.0]}), "tensors by name as average"),
    "log": (lambda state: state.update(log=None), "as log\n  received: None"),
    "counts of the log": (lambda state: state.update(log={"sums": {"loss": 1.0}, "counts": {}}), "as log"),
    "seconds": (lambda state: state.update(seconds=float("nan")), "a number of at least 0 as seconds"),
    "history": (lambda state: state.update(history=[{"from_step": 0}]), "as history"),
    "random": (lambda state: state.update(random=[]), "as random"),
    "clips of a source": (lambda state: state.update(random=[{"source": {"files": [3]}}]), "as random"),
    "optimizer": (lambda state: state.update(optimizer=None), "as optimizer"),
    "name": (lambda state: state.update(name=7), "a text as name"),
    "NaN": (
        lambda state: state["average"]["update.d.1.bias"].fill_(float("nan")),
        "no numbers: average in .*finite values.*NaN or infinity in update.d.1.bias",
    ),
    "infinity": (lambda state: state["network"]["update.d.1.bias"].fill_(float("inf")), "no numbers: network in .*earlier checkpoint"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_field_that_is_damaged_is_refused_by_name(saved: Path, name: str):
    damage, message = DAMAGES[name]
    state = torch.load(saved)
    damage(state)
    torch.save(state, saved)
    with pytest.raises(TrainingError, match=f"(?s){message}"):
        load_checkpoint(saved)


def test_a_bias_without_a_length_does_not_fit(saved: Path):
    state = load_checkpoint(saved)
    state["average"]["update.c1.0.bias"] = torch.tensor(1.0)
    with pytest.raises(TrainingError, match="do not fit"):
        network_of(state)


def test_the_history_of_an_older_checkpoint_tells_the_clips_of_its_last_part():
    parts = [{"commit": "a", "machine": "b"}, {"commit": "c", "machine": "b"}]
    state = {"history": parts, "random": [{"source": {"files": [["x", "y"], ["z"]]}}]}
    assert history_of(state) == [parts[0], {**parts[1], "files": [2, 1]}]
    assert history_of({"history": [{**parts[0], "files": [9]}], "random": state["random"]})[0]["files"] == [9]
    assert history_of({}) == []
