# SPDX-License-Identifier: MIT
"""Training samples: geometry stays true through every augmentation; the sampler resumes, skips broken clips and refuses empty folders."""

import warnings

import numpy as np
import pytest
import torch

from qpvo_train.clips import MAX_INVERSE, ClipFolder, Motion, choose_frames, collate, cropped, load_sample, mirrored, photometric, read_clip, zoomed
from qpvo_train.errors import TrainingError
from qpvo_train.render.flow import flow

CROP = (64, 96)


def plane_clip(seed=0, n=10, h=80, w=128):
    """A textured wall at depth 3 seen while the camera moves and turns a little: the image is a function of the point on the wall."""
    rng = np.random.default_rng(seed)
    K = np.array([90.0, 91.0, 62.3, 41.1])
    poses = []
    for k in range(n):
        angle = 0.01 * k
        R = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
        poses.append(np.concatenate([R, [[0.04 * k], [-0.02 * k], [0.01 * k]]], 1))
    poses, phase = np.array(poses), rng.uniform(0, 6, 2)

    def wall(pose, y, x):
        ray = np.stack([(x - K[2]) / K[0], (y - K[3]) / K[1], np.ones_like(x)], -1) @ pose[:, :3]
        centre = -pose[:, :3].T @ pose[:, 3]
        depth = (3 - centre[2]) / ray[..., 2]
        point = centre + depth[..., None] * ray
        return 128 + 60 * np.sin(5 * point[..., 0] + phase[0]) + 50 * np.sin(6 * point[..., 1] + phase[1]), 1 / depth

    im = np.stack([wall(p, *np.mgrid[:h, :w].astype(float))[0] for p in poses]).astype(np.uint8)
    inv = np.stack([wall(p, *np.mgrid[: h // 4, : w // 4] * 4.0)[1] for p in poses]).astype(np.float32)
    moving = np.zeros(inv.shape, bool)
    moving[:, :2, :3] = True
    return dict(im=im, poses=poses, inv=inv, K=K, moving=moving)


@pytest.fixture
def folder(tmp_path):
    for k in range(4):
        np.savez(tmp_path / f"{k}.npz", **plane_clip(k))
    return tmp_path


def misfit(im, poses, inv, K, i, j):
    """Mean difference of the grey value at the grid cells of frame i and where they are in frame j (bilinear)."""
    f = flow(inv[i], poses[i], poses[j], K, 4)
    h, w = inv[i].shape
    y, x = np.mgrid[:h, :w] * 4.0 + 0.0
    x2, y2 = x + f[0], y + f[1]
    ok = (x2 > 0) & (x2 < im.shape[2] - 1) & (y2 > 0) & (y2 < im.shape[1] - 1)
    x0, y0 = np.floor(x2[ok]).astype(int), np.floor(y2[ok]).astype(int)
    fx, fy = x2[ok] - x0, y2[ok] - y0
    a = im[j].astype(float)
    there = (1 - fy) * ((1 - fx) * a[y0, x0] + fx * a[y0, x0 + 1]) + fy * ((1 - fx) * a[y0 + 1, x0] + fx * a[y0 + 1, x0 + 1])
    return np.abs(there - im[i, ::4, ::4][ok]).mean()


def sample_misfit(sample, i, j):
    f = {k: v.numpy().astype(np.float64) for k, v in sample.items()}
    return misfit(f["images"][:, 0], f["poses"], f["inv"], f["K"] * 4, i, j)


def test_the_clip_itself_is_consistent():
    c = plane_clip()
    assert misfit(c["im"], c["poses"], c["inv"], c["K"], 0, 5) < 1.5
    off = dict(c, K=c["K"] + [0, 0, 4, 0], poses=c["poses"] + np.array([0, 0, 0, 0.05]))
    assert misfit(off["im"], off["poses"], off["inv"], off["K"], 0, 5) > 2 * misfit(c["im"], c["poses"], c["inv"], c["K"], 0, 5)


def test_mirroring_keeps_geometry_and_grid():
    m = mirrored(plane_clip())
    assert m["im"].shape[2] == 124 and m["inv"].shape[2] == 31
    assert misfit(m["im"], m["poses"], m["inv"], m["K"], 0, 5) < 1.5
    twice = mirrored(m)
    np.testing.assert_array_equal(twice["im"], plane_clip()["im"][:, :, 4:124])


def test_cropping_keeps_geometry():
    c = cropped(plane_clip(), 8, 12, 64, 96)
    assert c["im"].shape[1:] == (64, 96) and misfit(c["im"], c["poses"], c["inv"], c["K"], 0, 5) < 1.5


def test_a_plain_sample_keeps_the_contract(folder):
    s = load_sample(folder / "0.npz", frames=6, crop=CROP, augment=False)
    shapes = {k: tuple(v.shape) for k, v in s.items()}
    assert shapes == dict(images=(6, 1, 64, 96), poses=(6, 3, 4), inv=(6, 16, 24), static=(6, 16, 24), K=(4,))
    assert all(v.dtype == torch.float32 for v in s.values())
    torch.testing.assert_close(s["poses"][0], torch.eye(3, 4))
    c = cropped(plane_clip(), 8, 16, 64, 96)
    scale = 0.7 * np.quantile(c["inv"][:6], 0.98)
    np.testing.assert_allclose(s["inv"], c["inv"][:6] / scale, rtol=1e-5)
    np.testing.assert_allclose(s["K"], c["K"] / 4, rtol=1e-6)
    np.testing.assert_array_equal(s["static"].numpy(), ~c["moving"][:6])
    assert sample_misfit(s, 0, 5) < 1.5


def test_augmented_samples_stay_consistent(folder, monkeypatch):
    """All temporal and geometric augmentations at once, with the photometric part off."""
    monkeypatch.setattr("qpvo_train.clips.photometric", lambda images, rng: images.astype(np.float32))
    rng = np.random.default_rng(0)
    for _ in range(30):
        s = load_sample(folder / "1.npz", rng, 5, CROP)
        assert all(sample_misfit(s, 0, j) < 1.6 for j in (1, 4))
        torch.testing.assert_close(s["poses"][0], torch.eye(3, 4))


def test_magnified_samples_stay_consistent(folder, monkeypatch):
    monkeypatch.setattr("qpvo_train.clips.photometric", lambda images, rng: images.astype(np.float32))
    rng = np.random.default_rng(0)
    for _ in range(30):
        s = load_sample(folder / "1.npz", rng, 5, CROP, motion=Motion(zoom=1.0))
        assert s["images"].shape[-2:] == CROP and s["K"][0] > 1.001 * 90 / 4
        assert all(sample_misfit(s, 0, j) < 1.6 for j in (1, 4))


def test_magnifying_keeps_a_plane_and_takes_depth_edges_out():
    clip, rng = plane_clip(), np.random.default_rng(1)
    z = zoomed(clip, 1.7, CROP, rng)
    left, top = clip["K"][2:] - z["K"][2:] / 1.7
    rows, columns = np.mgrid[: CROP[0] : 4, : CROP[1] : 4] / 1.7 / 4
    x, y = columns + left / 4, rows + top / 4
    inverse = clip["inv"][3].astype(float)
    slope = np.gradient(inverse)  # the inverse depth of a plane is affine in the image
    np.testing.assert_allclose(z["inv"][3], inverse[0, 0] + slope[1].mean() * x + slope[0].mean() * y, rtol=1e-4)
    assert not z["moving"][:, 4:, 4:].any()
    edge = dict(clip, inv=clip["inv"].copy())
    at = int(x[-1, 12])
    edge["inv"][:, :, at + 1 :] *= 2
    taken_out = zoomed(edge, 1.7, CROP, np.random.default_rng(1))["moving"][0, -1]
    np.testing.assert_array_equal(taken_out, np.floor(x[-1]) == at)
    assert taken_out.any()
    with pytest.raises(ValueError, match="magnified"):
        zoomed(clip, 1.0, (160, 160), rng)


def test_frames_are_chosen_in_all_ways():
    rng = np.random.default_rng(0)
    chosen = [choose_frames(16, 8, rng, True) for _ in range(300)]
    assert all(len(set(i)) == 8 and 0 <= i.min() and i.max() < 16 for i in chosen)
    steps = [np.diff(i) for i in chosen]
    counts = dict(
        forward=sum((s == 1).all() for s in steps), backward=sum((s == -1).all() for s in steps), double=sum((np.abs(s) == 2).all() for s in steps),
        there_and_back=sum((s > 0).any() and (s < 0).any() for s in steps),
    )  # fmt: skip
    assert all(v > 5 for v in counts.values()), counts
    np.testing.assert_array_equal(choose_frames(16, 8, rng, False), np.arange(8))


def test_photometric_drift_is_bounded_and_leaves_structure():
    im = plane_clip()["im"]
    alike = []
    for seed in range(60):
        out = photometric(im, np.random.default_rng(seed))
        assert out.dtype == np.float32 and out.min() >= 0 and out.max() <= 255
        alike.append(abs(np.corrcoef(out[0].ravel(), im[0].ravel())[0, 1]))
    assert np.median(alike) > 0.9 and min(alike) > 0.4


def test_the_sampler_resumes_exactly(folder):
    run = ClipFolder(folder, seed=3, frames=5, crop=CROP)
    for _ in range(5):
        next(run)
    state = run.state_dict()
    expected = [next(run) for _ in range(4)]
    again = ClipFolder(folder, seed=99, frames=5, crop=CROP)
    again.load_state_dict(state)
    for e in expected:
        got = next(again)
        assert all(torch.equal(got[k], e[k]) for k in e)


def test_the_state_of_other_clips_is_refused(folder):
    one, two = (ClipFolder([folder] * n, frames=5, crop=CROP) for n in (1, 2))
    with pytest.raises(TrainingError, match="expected: 1 clip folders\n  received: 2 clip folders\n  The data section differs"):
        one.load_state_dict(two.state_dict())
    with pytest.raises(TrainingError, match="received: clips rendered while training"):
        one.load_state_dict({"taken": 3})
    one.close()


def test_cells_nearer_than_the_limit_are_not_static():
    clip = plane_clip()
    clip["inv"][:, 8, 10] = 30
    s = load_sample(clip, frames=6, crop=CROP, augment=False)
    y, x = 8 - 2, 10 - 4
    assert s["inv"][:, y, x].eq(MAX_INVERSE).all() and s["static"][:, y, x].eq(0).all()
    assert s["static"].sum() == (~cropped(clip, 8, 16, 64, 96)["moving"][:6]).sum() - 6


def test_seeds_differ_and_repeat(folder):
    draw = lambda seed: ClipFolder(folder, seed=seed, frames=5, crop=CROP).batch(2)["images"]
    assert torch.equal(draw(1), draw(1)) and not torch.equal(draw(1), draw(2))


def test_new_clips_are_seen(folder, monkeypatch):
    monkeypatch.setattr(ClipFolder, "RESCAN", 4)
    run = ClipFolder(folder, frames=5, crop=CROP)
    np.savez(folder / "9.npz", **plane_clip(9))
    for _ in range(5):
        next(run)
    assert folder / "9.npz" in run.files[0]


def test_weights_share_the_draws(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    np.savez(other / "bright.npz", **dict(plane_clip(), im=np.full((10, 80, 128), 250, np.uint8)))
    run = ClipFolder([folder, other], frames=5, crop=CROP, weights=[3, 1], augment=False)
    share = np.mean([next(run)["images"].mean().item() > 240 for _ in range(120)])
    assert 0.12 < share < 0.4


@pytest.mark.parametrize("damage", ["truncated", "text", "no depth", "not finite", "short", "small", "wrong shape", "wrong moving", "float images"])
def test_a_broken_clip_is_skipped_with_one_warning(folder, damage):
    path, clip = folder / "broken.npz", plane_clip()
    if damage in ("truncated", "text"):
        whole = (folder / "0.npz").read_bytes()
        path.write_bytes(whole[: len(whole) // 2] if damage == "truncated" else b"no clip")
    else:
        change = {
            "no depth": dict(inv=np.zeros_like(clip["inv"])), "not finite": dict(poses=clip["poses"] * np.nan), "wrong shape": dict(K=np.ones(3)),
            "wrong moving": dict(moving=clip["moving"][:, :5]), "float images": dict(im=clip["im"].astype(np.float32)),
            "short": {k: clip[k][:3] for k in ("im", "poses", "inv", "moving")},
            "small": dict(im=clip["im"][:, :32], inv=clip["inv"][:, :8], moving=clip["moving"][:, :8]),
        }[damage]  # fmt: skip
        np.savez(path, **{**clip, **change})
    run = ClipFolder(folder, frames=5, crop=CROP)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(60):
            next(run)
    assert len(caught) == 1 and "clip skipped" in str(caught[0].message)
    assert run.broken == {path}


def test_a_clip_that_has_gone_is_not_broken_and_may_come_back(tmp_path):
    for seed in range(3):
        np.savez(tmp_path / f"{seed}.npz", **plane_clip(seed))
    gone, content = tmp_path / "1.npz", (tmp_path / "1.npz").read_bytes()
    folder = ClipFolder(tmp_path, crop=CROP)
    state = folder.state_dict() | {"broken": [str(gone)], "drawn": 1}
    gone.unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        later = ClipFolder(tmp_path, crop=CROP)
        later.load_state_dict(state)
        assert later.clip_counts() == [2] and not later.broken
        for _ in range(ClipFolder.RESCAN):
            next(later)
        gone.write_bytes(content)
        for _ in range(ClipFolder.RESCAN):
            next(later)
    assert later.clip_counts() == [3]


def test_a_clip_that_goes_while_training_is_not_broken(tmp_path):
    for seed in range(2):
        np.savez(tmp_path / f"{seed}.npz", **plane_clip(seed))
    folder = ClipFolder(tmp_path, crop=CROP)
    next(folder)
    (tmp_path / "0.npz").unlink()
    with pytest.warns(UserWarning, match=r"clip skipped: .*0\.npz"):
        for _ in range(20):
            next(folder)
    assert folder.clip_counts() == [1] and not folder.broken


def test_only_broken_clips_is_an_error(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"no clip")
    run = ClipFolder(tmp_path, frames=5, crop=CROP)
    with pytest.warns(UserWarning, match="clip skipped"), pytest.raises(TrainingError, match="all broken"):
        next(run)


def test_missing_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(TrainingError, match="clip folder missing"):
        ClipFolder(tmp_path / "none")
    with pytest.raises(TrainingError, match="without usable clips"):
        ClipFolder(tmp_path)


def test_a_file_that_is_still_written_is_not_drawn(folder):
    (folder / ".7.123.part.npz").write_bytes(b"half")
    assert len(ClipFolder(folder).files[0]) == 4


def test_read_clip_names_what_is_missing(tmp_path):
    np.savez(tmp_path / "a.npz", im=np.zeros((2, 16, 16), np.uint8))
    with pytest.raises(ValueError, match="no poses, inv, K"):
        read_clip(tmp_path / "a.npz")


def test_collate_leads_with_the_batch(folder):
    samples = [load_sample(folder / f"{k}.npz", frames=5, crop=CROP, augment=False) for k in range(3)]
    assert collate(samples)["images"].shape == (3, 5, 1, 64, 96)


@pytest.mark.parametrize("focal", [float("nan"), 0.0, -100.0])
def test_impossible_intrinsics_are_refused(tmp_path, focal):
    clip = plane_clip()
    clip["K"] = np.array([focal, *clip["K"][1:]])
    np.savez(tmp_path / "0.npz", **clip)
    with pytest.raises(ValueError, match="finite|positive"):
        read_clip(tmp_path / "0.npz")
