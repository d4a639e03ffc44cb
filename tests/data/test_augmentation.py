"""Augmentation draws from its generator only, keeps what aerial pictures mean, and is exact in geometry."""

import pytest
import torch
from torch.nn import functional as F

import rsclip_lab.data.augmentation as augment_module
from rsclip_lab.data import Augmentation, augment, normalise


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def pixels():
    return torch.randint(0, 256, (20, 3, 24, 24), dtype=torch.uint8, generator=generator(5))


@pytest.fixture
def colours_kept(monkeypatch):
    for name in ("GAIN", "TINT", "SHIFT"):
        monkeypatch.setattr(augment_module, name, 0.0)


def test_the_generator_repeats_the_batch_and_the_global_one_has_no_part(pixels):
    first = augment(pixels, generator(1))
    torch.manual_seed(99)
    assert torch.equal(first, augment(pixels, generator(1)))
    assert not torch.equal(first, augment(pixels, generator(2)))


def test_shape_and_type_stay_and_the_input_is_not_changed(pixels):
    before = pixels.clone()
    result = augment(pixels, generator())
    assert result.shape == pixels.shape and result.dtype == torch.uint8
    assert torch.equal(pixels, before)


def test_memory_layout_does_not_matter(pixels):
    last = pixels.contiguous(memory_format=torch.channels_last)
    assert torch.equal(augment(last, generator()), augment(pixels, generator()))


def test_without_a_crop_each_picture_is_one_of_the_eight_turns_and_all_occur(colours_kept):
    picture = torch.randint(0, 256, (3, 11, 11), dtype=torch.uint8, generator=generator(5))
    eight = [torch.rot90(p, k, (1, 2)) for p in (picture, picture.flip(2)) for k in range(4)]
    result = augment(picture.expand(100, -1, -1, -1), generator(), min_crop=1.0)
    matches = torch.stack([(result == turn).all(dim=3).all(dim=2).all(dim=1) for turn in eight])
    assert matches.sum(dim=0).eq(1).all()
    assert matches.any(dim=1).all()


def test_the_turns_are_known_before_they_are_done(colours_kept):
    picture = torch.randint(0, 256, (3, 11, 11), dtype=torch.uint8, generator=generator(5))
    drawn = Augmentation.drawn(100, generator(), min_crop=1.0)
    result = drawn.applied(picture.expand(100, -1, -1, -1))
    assert torch.equal(result, augment(picture.expand(100, -1, -1, -1), generator(), min_crop=1.0))
    for done, turn in zip(result, drawn.turns.tolist(), strict=True):
        expected = picture.flip(2) if turn & 1 else picture
        expected = expected.flip(1) if turn & 2 else expected
        assert torch.equal(done, expected.transpose(1, 2) if turn & 4 else expected)
    assert drawn.turns.bincount().tolist() == pytest.approx([12.5] * 8, abs=9)


def test_single_pictures_can_be_left_unturned_and_nothing_else_changes(pixels):
    drawn = Augmentation.drawn(len(pixels), generator(4))
    rows = torch.arange(len(pixels)) % 3 == 0
    some = drawn.unturned(rows)
    assert some.turns[rows].eq(0).all() and torch.equal(some.turns[~rows], drawn.turns[~rows])
    before, after = drawn.applied(pixels), some.applied(pixels)
    assert torch.equal(before[~rows], after[~rows])
    turned = rows & (drawn.turns > 0)
    assert turned.any() and not torch.equal(before[turned], after[turned])


def test_a_crop_keeps_at_least_its_share_and_stays_inside(colours_kept):
    # A picture whose channels are its own coordinates tells what part of it each crop shows.
    ramp = 4 * torch.arange(64, dtype=torch.uint8).expand(64, 64)
    picture = torch.stack([ramp, ramp.T, torch.zeros_like(ramp)]).expand(200, -1, -1, -1)
    result = augment(picture, generator(), min_crop=0.5)[:, :2].float() / 4
    sides = (result.amax(dim=(2, 3)) - result.amin(dim=(2, 3))) / 63
    shares = sides.prod(dim=1)
    assert 0.47 < shares.min() < 0.6 and 0.9 < shares.max() <= 1.0
    assert torch.allclose(sides[:, 0], sides[:, 1], atol=0.03)  # the shape is kept
    assert result[:, 0].amin(dim=(1, 2)).std() > 2  # crops start at different places


def test_the_grid_is_torchs_affine_grid():
    placements = augment_module._placements(
        torch.rand(6, 3, generator=generator()), torch.rand(6, 3, generator=generator(1)) < 0.5, 0.5
    )
    reference = F.affine_grid(placements, [6, 3, 17, 17], align_corners=False)
    grid = torch.empty(6, 17, 17, 2)
    augment_module.fill_grid(grid, placements)
    assert torch.allclose(grid, reference, atol=1e-6)


def test_colours_change_lightly_and_differ_between_pictures():
    grey = torch.full((200, 3, 8, 8), 128, dtype=torch.uint8)
    means = augment(grey, generator()).float().mean(dim=(2, 3))
    assert (means - 128).abs().max() < 128 * 0.1 + 12.5
    assert means.mean(dim=1).std() > 1 and (means[:, 0] - means[:, 1]).std() > 1
    assert abs(means.mean() - 128) < 2


def test_pieces_do_not_show(pixels, monkeypatch):
    whole = augment(pixels, generator())
    monkeypatch.setattr(augment_module, "CPU_PIECE", 3)
    assert torch.equal(whole, augment(pixels, generator()))


def test_oblong_pictures_and_impossible_crops_are_refused(pixels):
    with pytest.raises(ValueError, match="square"):
        augment(pixels[:, :, :10], generator())
    with pytest.raises(ValueError, match="min_crop"):
        augment(pixels, generator(), min_crop=0)


WITHOUT = {"min_crop": 1.0, "flip": False, "rotate": False, "colour_jitter": 0.0}


def eight_turns(picture):
    """The picture after turn 0 … 7, as `directions` numbers them."""
    turned = []
    for turn in range(8):
        done = picture.flip(2) if turn & 1 else picture
        done = done.flip(1) if turn & 2 else done
        turned.append(done.transpose(1, 2) if turn & 4 else done)
    return turned


def test_with_everything_off_pictures_stay_as_they_are(pixels):
    assert torch.equal(augment(pixels, generator(), **WITHOUT), pixels)


@pytest.mark.parametrize(
    ("which", "turns"),
    [
        ({"flip": True}, {0, 1, 2, 3}),
        ({"rotate": True}, {0, 3, 5, 6}),
        ({"flip": True, "rotate": True}, set(range(8))),
    ],
)
def test_flips_and_rotations_can_be_had_one_without_the_other(which, turns):
    picture = torch.randint(0, 256, (3, 11, 11), dtype=torch.uint8, generator=generator(5))
    drawn = Augmentation.drawn(200, generator(), **WITHOUT | which)
    assert set(drawn.turns.tolist()) == turns
    expected = eight_turns(picture)
    for done, turn in zip(drawn.applied(picture.expand(200, -1, -1, -1)), drawn.turns.tolist(), strict=True):
        assert torch.equal(done, expected[turn])
    shares = drawn.turns.bincount(minlength=8)[sorted(turns)] / 200
    assert (shares - 1 / len(turns)).abs().max() < 0.12


def test_a_rotation_moves_a_corner_once_round_and_a_flip_does_not():
    corner = torch.zeros(3, 8, 8, dtype=torch.uint8)
    corner[:, 0, 1] = 255  # beside a corner: tells a rotation from a mirroring
    rotated = augment(corner.expand(64, -1, -1, -1), generator(), **WITHOUT | {"rotate": True})
    assert {tuple(p[0].nonzero()[0].tolist()) for p in rotated} == {(0, 1), (1, 7), (7, 6), (6, 0)}


def test_one_pass_to_normalised_values_gives_the_same_as_two(pixels):
    drawn = Augmentation.drawn(20, generator(3))
    mean, std = (0.48, 0.45, 0.41), (0.27, 0.26, 0.28)
    expected = normalise(drawn.applied(pixels, 17), mean, std)
    assert torch.equal(drawn.normalised(pixels, mean, std, 17), expected)
    last = drawn.normalised(pixels, mean, std, 17, torch.channels_last)
    assert torch.equal(last, expected) and last.is_contiguous(memory_format=torch.channels_last)


def test_crops_of_a_larger_picture_come_out_in_the_size_asked_for(colours_kept):
    ramp = torch.arange(60, dtype=torch.uint8).mul(4).expand(3, 60, 60)
    result = augment(ramp.expand(50, -1, -1, -1), generator(), min_crop=0.5, size=30, flip=False, rotate=False)
    assert result.shape == (50, 3, 30, 30)
    widths = (result[..., -1].float() - result[..., 0].float())[:, 0, 0] / 4
    # From the left-most to the right-most centre of 30 pixels of a crop of 60 * sqrt(0.5 … 1).
    assert widths.min() > 60 * 0.5**0.5 * 29 / 30 - 1.5 and widths.max() < 60 * 29 / 30 + 1


def test_colours_change_as_strongly_as_asked(pixels):
    def change(colour):
        return (augment(pixels, generator(), **WITHOUT | {"colour_jitter": colour}).float() - pixels).abs().mean()

    assert change(0.0) == 0 < change(0.5) < change(1.0) < change(2.0)


def test_settings_and_pixels_that_cannot_be_meant_are_refused(pixels):
    for which in ({"colour_jitter": -1.0}, {"colour_jitter": float("nan")}, {"min_crop": 2.0}):
        with pytest.raises(ValueError, match=next(iter(which))):
            augment(pixels, generator(), **which)
    with pytest.raises(ValueError, match="uint8 pixels from 0 to 255, not torch.float32"):
        augment(pixels / 255, generator())
