# SPDX-License-Identifier: MIT
"""The command `render`: clips of a configuration, kept when they exist; and the sources that a training draws from."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from small_bank import small_bank

from qpvo_train import render_jobs
from qpvo_train.__main__ import main
from qpvo_train.clips import ClipFolder, read_clip
from qpvo_train.config import load_config
from qpvo_train.errors import TrainingError
from qpvo_train.processes import Processes
from qpvo_train.render.sequence import SETS
from qpvo_train.sources import clip_source

ALONE = Processes(0, 1, torch.device("cpu"))


@pytest.fixture(autouse=True)
def few_textures(monkeypatch):
    monkeypatch.setattr(render_jobs, "load_bank", lambda folders: small_bank())


def settings(folder: Path) -> dict:
    return {
        "render": {"first": 1007, "count": 2, "frames": 3, "height": 48, "width": 64},
        "data": {"clips": str(folder / "clips"), "validation": str(folder / "val"), "crop": [48, 64]},
        "train": {"stages": [{"frames": 2, "start": 2}]},
    }


def render(folder: Path, values: dict, *options: str) -> int:
    (folder / "config.yaml").write_text(yaml.safe_dump(values))
    return main(["render", "--config", str(folder / "config.yaml"), *options])


def write_tartanair(folder: Path, frames: int = 8) -> None:
    for part in ("image_left", "depth_left"):
        (folder / part).mkdir(parents=True)
    for n in range(frames):
        cv2.imwrite(str(folder / "image_left" / f"{n:06d}.png"), np.random.default_rng(n).integers(0, 255, (96, 128), dtype=np.uint8))
        np.save(folder / "depth_left" / f"{n:06d}.npy", np.full((96, 128), 2.0, np.float32))
    np.savetxt(folder / "pose_left.txt", np.c_[0.1 * np.arange(frames), np.zeros((frames, 5)), np.ones(frames)])


def test_the_clips_of_a_configuration_are_rendered_once(tmp_path: Path, capsys):
    assert render(tmp_path, settings(tmp_path)) == 0
    clips = sorted((tmp_path / "clips").iterdir())
    assert [path.name for path in clips] == ["0001007.npz", "0001008.npz"]
    before = [path.stat().st_mtime_ns for path in clips]
    assert render(tmp_path, settings(tmp_path)) == 0
    assert [path.stat().st_mtime_ns for path in clips] == before
    assert "0 clips rendered" in capsys.readouterr().out


@pytest.mark.parametrize("change", [{"frames": 4}, {"height": 64}, None])
def test_clips_of_another_size_are_not_kept_silently(tmp_path: Path, capsys, change: dict | None):
    values = settings(tmp_path)
    values["render"]["first"] = 1008
    assert render(tmp_path, values) == 0
    values["render"] |= {"first": 1007, **(change or {})}
    if change is None:
        (tmp_path / "clips" / "0001008.npz").write_bytes(b"no clip")
    assert render(tmp_path, values) == 2
    message = capsys.readouterr().err
    assert "0001008.npz" in message and ("cannot be read" if change is None else "of another size are there") in message
    assert not (tmp_path / "clips" / "0001007.npz").exists()


@pytest.mark.parametrize("what", list(SETS))
def test_each_set_of_sequences_has_a_folder_of_its_own(what: str, tmp_path: Path, monkeypatch):
    asked = []
    monkeypatch.setattr(render_jobs, "render_sequences", lambda out, specs, bank, report: asked.append((out, specs)))
    assert render(tmp_path, settings(tmp_path), "--what", what, "--count", "2") == 0
    assert render(tmp_path, settings(tmp_path), "--what", what, "--out", str(tmp_path)) == 0
    assert asked == [(f"qpvo-out/{what}", SETS[what][:2]), (str(tmp_path), SETS[what])]


@pytest.mark.parametrize("count", ["0", "900000"])
def test_a_count_that_cannot_be_is_refused(tmp_path: Path, capsys, count: str):
    assert render(tmp_path, settings(tmp_path), "--count", count) == 2
    assert "wrong value of --count: render: " in capsys.readouterr().err
    assert not (tmp_path / "clips").exists()


def test_validation_clips_have_the_first_seeds_and_another_folder(tmp_path: Path):
    assert render(tmp_path, settings(tmp_path), "--what", "val", "--count", "1") == 0
    assert [path.name for path in (tmp_path / "val").iterdir()] == ["0000000.npz"]
    assert not (tmp_path / "clips").exists()


def test_sequences_are_cut_into_clips_and_mixed_in(tmp_path: Path):
    values = settings(tmp_path)
    write_tartanair(tmp_path / "flight")
    values["data"] |= {"tartanair": [str(tmp_path / "flight")], "tartanair_share": 0.5}
    assert render(tmp_path, values) == 0
    assert all(path.name.startswith("flight-") for path in (tmp_path / "clips-tartanair").iterdir())
    source = clip_source(load_config(tmp_path / "config.yaml"), ALONE)
    source.frames = 2
    flat = [float(next(source)["inv"].std()) < 1e-6 for _ in range(40)]
    assert 8 < sum(flat) < 32


def test_sequences_are_cut_at_a_size_that_holds_the_crop(tmp_path: Path):
    write_tartanair(tmp_path / "flight")
    values = settings(tmp_path)
    values["render"] |= {"height": 96, "width": 128}
    values["data"] |= {"tartanair": [str(tmp_path / "flight")], "crop": [80, 112]}
    assert render(tmp_path, values) == 0
    assert {read_clip(path)["im"].shape[1:] for path in (tmp_path / "clips-tartanair").iterdir()} == {(96, 128)}


@pytest.mark.parametrize(("frames", "crop"), [(2, [48, 64]), (8, [96, 144])])
def test_a_sequence_that_gives_no_clip_is_refused_before_anything_is_rendered(tmp_path: Path, capsys, frames: int, crop: list[int]):
    write_tartanair(tmp_path / "flight", frames)
    values = settings(tmp_path)
    values["render"] |= {"height": 96, "width": 144}
    values["data"] |= {"tartanair": [str(tmp_path / "flight")], "crop": crop}
    assert render(tmp_path, values) == 2
    assert "flight" in capsys.readouterr().err
    assert not (tmp_path / "clips").exists()


def with_sequences(folder: Path, *names: str) -> dict:
    """Settings of a training that draws from sequences alone."""
    values = settings(folder)
    for name in names:
        if not (folder / name).exists():
            write_tartanair(folder / name)
    values["data"] |= {"tartanair": [str(folder / name) for name in names], "tartanair_share": 1.0}
    return values


def source_of(folder: Path, values: dict) -> ClipFolder:
    (folder / "config.yaml").write_text(yaml.safe_dump(values))
    return clip_source(load_config(folder / "config.yaml"), ALONE)


def test_clips_of_a_sequence_that_was_taken_out_are_not_drawn(tmp_path: Path):
    assert render(tmp_path, with_sequences(tmp_path, "flight", "held_out")) == 0
    both = source_of(tmp_path, with_sequences(tmp_path, "flight", "held_out"))
    assert {path.name.split("-")[0] for path in both.files[1]} == {"flight", "held_out"}
    one = source_of(tmp_path, with_sequences(tmp_path, "flight"))
    one.load_state_dict(both.state_dict())
    assert one.files[1] and {path.name.split("-")[0] for path in one.files[1]} == {"flight"}
    one.files = [one._scan(folder) for folder in one.folders]
    assert {path.name.split("-")[0] for path in one.files[1]} == {"flight"}


def test_a_sequence_that_was_not_cut_is_named(tmp_path: Path):
    assert render(tmp_path, with_sequences(tmp_path, "flight")) == 0
    with pytest.raises(TrainingError, match="no clips of the sequence .*walk\n"):
        source_of(tmp_path, with_sequences(tmp_path, "flight", "walk"))


@pytest.mark.parametrize("key", ["textures", "tartanair"])
def test_a_missing_folder_is_refused_before_anything_is_rendered(tmp_path: Path, capsys, monkeypatch, key: str):
    monkeypatch.undo()
    values = settings(tmp_path)
    if key == "textures":
        values["render"]["textures"] = str(tmp_path / "absent")
    else:
        values["data"]["tartanair"] = [str(tmp_path / "absent")]
    assert render(tmp_path, values) == 2
    assert "absent" in capsys.readouterr().err
    assert not (tmp_path / "clips").exists()


def test_sequences_cannot_be_mixed_with_clips_on_the_fly(tmp_path: Path):
    values = settings(tmp_path)
    values["data"] |= {"clips": None, "tartanair": ["flight"]}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(TrainingError, match="with clips of a folder only"):
        clip_source(load_config(tmp_path / "config.yaml"), ALONE)
