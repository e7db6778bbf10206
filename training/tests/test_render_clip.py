# SPDX-License-Identifier: MIT
"""Rendered clips: the contract, determinism, camera effects and files; textures from folders."""

import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
from small_bank import small_bank

from qpvo_train.errors import TrainingError
from qpvo_train.render import worker
from qpvo_train.render.bank import TextureBank, load_bank
from qpvo_train.render.camera_effects import automatic_exposure, develop, exposure_for, gains, random_look
from qpvo_train.render.clip import random_clip, render_plan, save_clip
from qpvo_train.render.plan import plan_clip
from qpvo_train.render.textures import KINDS, SIZE, draw_texture
from qpvo_train.render.worker import render_clips

OFF = dict.fromkeys(("blur", "drift", "jump", "vignette", "read_noise", "shot_noise", "defocus", "band", "jpeg"), 0)
PLAIN = replace(random_look(np.random.default_rng(0), "ordinary"), level=0.4, gamma=1, **OFF)


def clip(seed, frames=4, **options):
    return random_clip(seed, small_bank(), frames, 96, 128, **options)


def test_a_clip_keeps_the_contract():
    c = clip(1)
    shapes = {k: (v.dtype.name, v.shape) for k, v in c.items()}
    expected = dict(im=("uint8", (4, 96, 128)), poses=("float64", (4, 3, 4)), inv=("float32", (4, 24, 32)), K=("float64", (4,)), moving=("bool", (4, 24, 32)))
    assert shapes == expected
    assert np.isfinite(c["poses"]).all() and (c["inv"] >= 0).all() and c["im"].std() > 2


def test_the_seed_decides_everything():
    first, again, other = clip(2), clip(2), clip(3)
    assert all(np.array_equal(first[k], again[k]) for k in first)
    assert not np.array_equal(first["im"], other["im"])


def test_sizes_off_the_grid_are_refused():
    with pytest.raises(TrainingError, match="multiples of 16"):
        random_clip(1, small_bank(), 4, 100, 128)


def test_about_one_clip_in_ten_has_movers_and_marks_them():
    moving = [plan_clip(s, small_bank().count, 3, 96, 128) for s in range(24)]
    share = np.mean([bool(p.scene.motions) for p in moving])
    assert 0 < share < 0.35
    marked = [render_plan(p, PLAIN, small_bank(), 96, 128)["moving"].mean() for p in moving if p.scene.motions]
    assert max(marked) > 0 and max(marked) < 0.95


def test_motion_blur_smears_along_the_motion():
    plan = plan_clip(7, small_bank().count, 4, 96, 128, kind="fast_rotation")
    sharp, blurred = (render_plan(plan, replace(PLAIN, blur=b), small_bank(), 96, 128)["im"].astype(float) for b in (0.0, 0.6))
    detail = [np.abs(np.diff(im, axis=2)).mean() for im in (sharp, blurred)]
    assert detail[1] < 0.9 * detail[0]
    assert abs(blurred.mean() - sharp.mean()) < 3


def test_effects_are_bounded_and_do_what_they_say():
    grey = np.full((96, 128), 0.5, np.float32)
    picture = lambda **changes: develop(grey, replace(PLAIN, **changes), 0.8, 0).astype(float)
    assert picture().std() == 0 and picture().mean() == pytest.approx(0.4 * 255, abs=1)
    dim = picture(vignette=0.5)
    assert dim[0, 0] == pytest.approx(0.5 * picture()[0, 0], abs=2) and dim[48, 64] == pytest.approx(picture()[48, 64], abs=2)
    assert picture(read_noise=0.02).std() == pytest.approx(0.02 * 255, rel=0.1)
    assert picture(shot_noise=0.05).std() == pytest.approx(0.05 * np.sqrt(0.4) * 255, rel=0.1)
    band = picture(band=0.2)
    assert band.std(axis=1).max() == 0 and 0.05 < np.ptp(band.mean(1)) / band.mean() < 0.45
    for seed in range(200):
        look = random_look(np.random.default_rng(seed))
        g = gains(look, 16)
        assert g[0] == 1 and 0.4 <= g.min() and g.max() <= 2.2
        assert 0.08 <= look.level <= 0.55 and look.blur <= 0.6 and look.read_noise < 0.04 and look.shot_noise < 0.08


def test_exposure_reaches_its_level_and_adapts():
    rng = np.random.default_rng(0)
    radiance = [rng.uniform(0.2, 0.8, (32, 32)).astype(np.float32) * (1 + k) for k in range(30)]
    look = replace(PLAIN, level=0.3, gamma=0.8)
    developed = np.mean([(r * exposure_for(radiance, look)) ** 0.8 for r in radiance])
    assert developed == pytest.approx(0.3, abs=0.01)
    level = np.array([r.mean() for r in radiance]) * automatic_exposure(radiance, replace(look, adapts=1.0))
    assert level[-1] / level[15] < 0.75 * radiance[-1].mean() / radiance[15].mean()


def test_dark_clips_are_dark_and_not_empty():
    c = clip(9, light="dark")
    assert 0.04 * 255 < c["im"].mean() < 0.25 * 255 and c["im"].std() > 1


def test_bright_clips_are_saturated_in_part():
    ordinary, bright = (np.mean(clip(9, light=light)["im"] == 255) for light in ("ordinary", "bright"))
    assert 0.1 < bright < 0.9 and ordinary < 0.5 * bright


def test_files_are_complete_or_absent(tmp_path):
    c = clip(2)
    save_clip(tmp_path / "a" / "2.npz", c)
    with np.load(tmp_path / "a" / "2.npz") as z:
        assert all(np.array_equal(z[k], c[k]) for k in c)
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["2.npz"]


def test_the_worker_resumes(tmp_path):
    made = render_clips(tmp_path, 1, 2, small_bank(), frames=2, height=48, width=64)
    stamp = (tmp_path / "0000001.npz").stat().st_mtime_ns
    assert made == 2 and render_clips(tmp_path, 1, 3, small_bank(), frames=2, height=48, width=64) == 1
    assert (tmp_path / "0000001.npz").stat().st_mtime_ns == stamp


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=[k.__name__ for k in KINDS])
def test_textures_use_the_whole_range(kind):
    texture = draw_texture(kind)
    assert texture.shape == (SIZE, SIZE) and texture.dtype == np.uint8
    assert np.ptp(np.quantile(texture, [0.02, 0.98])) > 60 and np.array_equal(texture, draw_texture(kind))


def test_mip_levels_keep_the_mean():
    texture = draw_texture(3)[None]
    bank = TextureBank(texture)
    assert int(bank.texels[bank.base[-1]]) == pytest.approx(texture.mean(), abs=3)
    assert len(bank.texels) == sum((SIZE // 2**k + 1) ** 2 for k in range(bank.top + 1))


def test_folders_of_images_become_textures(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "own").mkdir()
    cv2.imwrite(str(tmp_path / "own/a.png"), np.full((40, 60), 77, np.uint8))
    bank = load_bank(count=4, folders=[tmp_path / "own"], share=1.0)
    assert (bank.texels == 77).all()


def test_missing_and_empty_texture_folders_are_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(TrainingError, match="texture folder missing"):
        load_bank(count=400, folders=[tmp_path / "none"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match="without images"):
        load_bank(count=400, folders=[tmp_path / "empty"])
    assert not (tmp_path / "cache").exists()


def test_an_unreadable_texture_image_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "own").mkdir()
    (tmp_path / "own/a.png").write_text("no image")
    with pytest.raises(TrainingError, match="unreadable"):
        load_bank(count=2, folders=[tmp_path / "own"], share=1.0)


def test_the_worker_is_a_command(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "load_bank", lambda folders: small_bank())
    options = "--first 5 --count 1 --frames 2 --height 48 --width 64".split()
    monkeypatch.setattr(sys, "argv", ["worker", "--out", str(tmp_path), *options])
    worker.main()
    assert [p.name for p in tmp_path.iterdir()] == ["0000005.npz"]
