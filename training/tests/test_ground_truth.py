# SPDX-License-Identifier: MIT
"""True matches: a plane by hand, what is hidden, what moves, what leaves the image; and the exactness of the plane clips."""

import torch
from plane_scene import plane_clip
from torch import Tensor

from qpvo_train import geometry, se3
from qpvo_train.clips import collate, load_sample
from qpvo_train.ground_truth import true_matches

FOCAL, DEPTH, SHIFT = 40.0, 2.0, 0.25  # the flow of the plane is FOCAL * SHIFT / DEPTH = 5 grid pixels


def frontal_plane() -> dict[str, Tensor]:
    """Two frames of a plane at z = 2; the second camera has moved to the left, so that points move to the right."""
    poses = se3.identity(1, 2)
    poses[0, 1, 0, 3] = SHIFT
    inverse = torch.full((1, 2, 20, 30), 1 / DEPTH)
    return {"poses": poses, "inv": inverse, "static": torch.ones_like(inverse), "K": torch.tensor([[FOCAL, FOCAL, 14.5, 9.5]])}


def centres_at(*points: tuple[int, int]) -> Tensor:
    """The same patches in both frames, [1, 2, M, 2]."""
    return torch.tensor(points).float().expand(1, 2, -1, 2)


def test_a_plane_moves_by_its_flow():
    centres = centres_at((3, 4), (10, 15))
    truth = true_matches(frontal_plane(), centres)
    torch.testing.assert_close(truth.coords[:, 0, 1], centres[:, 0] + torch.tensor([5.0, 0]), atol=1e-4, rtol=0)
    torch.testing.assert_close(truth.coords[:, 1, 0], centres[:, 1] - torch.tensor([5.0, 0]), atol=1e-4, rtol=0)
    torch.testing.assert_close(truth.coords[:, 0, 0], centres[:, 0], atol=1e-4, rtol=0)
    assert truth.visible[:, 0, 1].all()


def test_what_leaves_the_image_is_not_inside():
    truth = true_matches(frontal_plane(), centres_at((3, 4), (25, 4)))  # to x = 8 and 30 of 30, and to -2 and 20
    assert truth.inside[0, 0, 1].tolist() == [True, False]
    assert truth.inside[0, 1, 0].tolist() == [False, True]
    assert (truth.visible <= truth.inside).all()


def test_what_is_behind_the_camera_is_not_inside():
    batch = frontal_plane()
    batch["poses"][0, 1, :, 3] = torch.tensor([0.0, 0, -3])
    truth = true_matches(batch, centres_at((15, 10)))
    assert truth.inside[0, 0, 1].tolist() == [False]
    assert torch.isfinite(truth.coords).all()


def test_what_is_hidden_by_something_nearer_is_inside_but_not_visible():
    batch = frontal_plane()
    batch["inv"][0, 1, 4, 8] = 1.0  # where (3, 4) of the first frame arrives, something nearer is seen
    truth = true_matches(batch, centres_at((3, 4), (10, 15)))
    assert truth.inside[0, 0, 1].tolist() == [True, True]
    assert truth.visible[0, 0, 1].tolist() == [False, True]


def test_what_moves_counts_nowhere():
    batch = frontal_plane()
    batch["static"][0, 0, 4, 3] = 0
    truth = true_matches(batch, centres_at((3, 4), (10, 15)))
    for mask in (truth.inside, truth.visible):
        assert mask[0, 0].tolist() == [[False, True], [False, True]]
        assert mask[0, 1, 1].tolist() == [True, True]


def test_depth_after_a_motion_towards_the_plane():
    batch = frontal_plane()
    batch["poses"][0, 1, :, 3] = torch.tensor([0.0, 0, -0.5])
    batch["inv"][0, 1] = 1 / 1.5
    truth = true_matches(batch, centres_at((10, 6)))
    expected = torch.tensor([14.5 + (10 - 14.5) * 2 / 1.5, 9.5 + (6 - 9.5) * 2 / 1.5])
    torch.testing.assert_close(truth.coords[0, 0, 1, 0], expected, atol=1e-4, rtol=0)
    assert truth.visible[0, 0, 1].all()


def test_the_first_frames_are_a_part_of_all():
    batch = frontal_plane()
    whole = true_matches(batch, centres_at((3, 4)))
    assert torch.equal(whole.first(1).coords, whole.coords[:, :1, :1]) and whole.first(1).visible.shape == (1, 1, 1, 1)


def test_plane_clips_agree_with_reprojection():
    """Depth seen in the other frame = depth expected there, on all of the plane that stays in view."""
    batch = collate([load_sample(plane_clip(3), frames=8, crop=(64, 96), augment=False)])
    grid = torch.stack(torch.meshgrid(torch.arange(24), torch.arange(16), indexing="xy"), -1).reshape(-1, 2)
    centres = grid.float().expand(1, 8, -1, 2)
    truth = true_matches(batch, centres)
    assert truth.inside.float().mean() > 0.5
    assert (truth.visible == truth.inside).all()
    # One sample: the pixel's grey value travels with it.
    points = geometry.project(geometry.transfer(batch["poses"], centres, batch["inv"].flatten(2), batch["K"])[0], batch["K"])
    whole = (points[0, 0, 1] * 4).round().long()
    inside = truth.inside[0, 0, 1]
    before = batch["images"][0, 0, 0][grid[:, 1] * 4, grid[:, 0] * 4][inside]
    after = batch["images"][0, 1, 0][whole[inside][:, 1].clamp(0, 63), whole[inside][:, 0].clamp(0, 95)]
    assert (before - after).abs().mean() < 0.25 * (before - after.flip(0)).abs().mean()
