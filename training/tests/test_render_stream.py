# SPDX-License-Identifier: MIT
"""Clips rendered on the fly: resumable, without repeats, alike in process and in workers."""

import numpy as np
import pytest
import torch

from qpvo_train.errors import TrainingError
from qpvo_train.render import stream
from qpvo_train.render.stream import RenderedClips

OPTIONS = dict(frames=3, crop=(32, 48), size=(4, 48, 64), textures=6)


@pytest.fixture(autouse=True)
def small_groups(monkeypatch):
    monkeypatch.setattr(stream, "GROUP", 2)


def equal(a, b):
    return all(torch.equal(a[k], b[k]) for k in a)


def test_the_stream_resumes_and_its_samples_differ():
    run = RenderedClips(seed=1, **OPTIONS)
    first = [next(run) for _ in range(6)]
    state = run.state_dict()
    expected = [next(run) for _ in range(2)]
    again = RenderedClips(seed=1, **OPTIONS)
    again.load_state_dict(state)
    assert all(equal(next(again), e) for e in expected)
    images = [s["images"] for s in first + expected]
    assert not any(torch.equal(a, b) for i, a in enumerate(images) for b in images[:i])


def test_no_seed_comes_twice_and_processes_share_none():
    a, b = (RenderedClips(seed=1, share=(rank, 2), **OPTIONS) for rank in (0, 1))
    seeds = [source._seed(k) for source in (a, b) for k in range(500)]
    assert len(set(seeds)) == 1000 and min(seeds) >= stream.FIRST_SEED


def test_a_clip_without_depth_is_skipped_with_its_seed(monkeypatch):
    run, whole = RenderedClips(seed=1, **OPTIONS), stream.random_clip
    blind = run._seed(0)
    change = lambda seed, clip: dict(clip, inv=clip["inv"] * 0) if seed == blind else clip
    monkeypatch.setattr(stream, "random_clip", lambda seed, *rest: change(seed, whole(seed, *rest)))
    with pytest.warns(UserWarning, match=f"seed {blind} skipped: clip without depth") as caught:
        samples = [next(run) for _ in range(4)]
    assert all(sample["inv"].max() > 0 for sample in samples)
    assert len(caught) == run.taken - 4


def test_only_clips_that_cannot_be_used_are_an_error():
    run = RenderedClips(seed=1, **{**OPTIONS, "crop": (64, 64)})
    with pytest.warns(UserWarning, match="skipped"), pytest.raises(TrainingError, match="no rendered clip can be used"):
        next(run)


def test_the_state_of_clip_folders_is_refused():
    run = RenderedClips(seed=1, **OPTIONS)
    with pytest.raises(TrainingError, match="expected: clips rendered while training\n  received: 1 clip folders\n  The data section differs"):
        run.load_state_dict({"rng": {}, "drawn": 3, "broken": [], "files": [["a.npz"]]})


def test_workers_give_the_same_samples():
    here = RenderedClips(seed=2, **OPTIONS)
    expected = [next(here) for _ in range(5)]
    there = RenderedClips(seed=2, workers=1, **OPTIONS)
    try:
        assert all(equal(next(there), e) for e in expected)
    finally:
        there.close()


def test_the_torch_form_renders_the_same_stream():
    """The form that a GPU uses, here on the CPU by hiding that it is one."""
    from qpvo_train.render import clip

    plain = next(RenderedClips(seed=3, **OPTIONS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clip, "frame_cpu", lambda *a: clip.frame_torch(*a).numpy())
        patch.setattr(clip, "depth_cpu", lambda *a: tuple(t.numpy() for t in clip.depth_torch(*a)))
        torch_form = next(RenderedClips(seed=3, **OPTIONS))
    assert np.abs(plain["images"].numpy() - torch_form["images"].numpy()).mean() < 1.0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_renders_the_same_stream():
    plain, cuda = (next(RenderedClips(seed=3, device=device, **OPTIONS)) for device in ("cpu", "cuda"))
    assert np.abs(plain["images"].numpy() - cuda["images"].numpy()).mean() < 1.0


def test_a_missing_texture_folder_is_refused_before_rendering(tmp_path):
    with pytest.raises(TrainingError, match="texture folder missing"):
        RenderedClips(folders=[tmp_path / "none"], **OPTIONS)
