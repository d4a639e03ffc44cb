"""Captions with directions stay true under the eight turns, in words and in pictures."""

import re

import numpy as np
import pytest
import torch

import rsclip_lab.data.augmentation as augment_module
from rsclip_lab.data import Augmentation, augment, names_direction, turned
from rsclip_lab.data.wording.directions import KINDS, REWRITE, TURNS

MIRRORED, UPSIDE_DOWN, SWAPPED, QUARTER = 1, 2, 4, 5  # 5: mirrored, then the axes swapped

# In the wording that `turned` itself writes: such captions come back letter by letter.
CANONICAL = """a car on the left
two boats at the top of the picture and a pier at the bottom
the left of the picture shows water, the bottom of the image shows a road
a house in the upper left corner
a car in the bottom-right corner of the field
trees along the left, a road from the top, houses near the right
a road running from left to right
a car driving from the right to the left
a river from the bottom left to the top right
a river from the left to the upper right
on the left and right are trees
trees on the left and right sides of the road
a pool in the upper half, a lake in the right third
a fence at the left edge
On the right, water
a lake at the very top, a house on the far right
ON THE LEFT, A FIELD
a car at left, a boat at bottom
the leftmost house and the bottommost tree
a lake in the north-west and a wood in the south east
a northern road, an eastern one and a southwestern one
a forest north of the river and northwards to the sea
an upper corner and a left corner
wind from the north-northwest
an east-west runway
two horizontal rows of trees parked vertically""".splitlines()

UNTOUCHED = """a satellite view of a harbour
a ship seen from above
an overhead picture of houses viewed from above
a bridge above the river and a road below it
a right angle in the road, roads that meet at right angles
two car parks right next to each other, a stadium right in the middle
a bright sight, an upright mast, stopped, leftovers, topography
land left bare beside the wood
few spaces are left in the car park
a helicopter on top of the tower
trees on the top of a roof
snow at the top of the mountain
a wreck at the bottom of the lake
a yard seen from the top
a mountain top
cars on the upper passageway
a ship on the North Sea
fields in North America and western europe
two vertically crossed roads
stripes vertical to each other
a vertical photo of a field""".splitlines()

UNSAYABLE = """houses on the left bank of the river
a road that turns right
a road that turns to the left
a long right bridge
a hotel with a pool on the top
a church with a cross at the top
a stadium with a white top
trees at the top of the field
the upper left and right corners
a car in the NW
a road running clockwise round a park
Ships On The North Sea""".splitlines()


@pytest.mark.parametrize(
    ("caption", "turn", "expected"),
    [
        ("a car on the left", MIRRORED, "a car on the right"),
        ("a car on the left", UPSIDE_DOWN, "a car on the left"),
        ("a car on the left", SWAPPED, "a car at the top"),
        ("two boats at the top", SWAPPED, "two boats on the left"),
        ("a house in the upper left corner", UPSIDE_DOWN, "a house in the lower left corner"),
        ("a house in the upper left corner", QUARTER, "a house in the lower left corner"),
        ("the left upper corner", MIRRORED, "the upper right corner"),
        ("a car in the top-right corner", UPSIDE_DOWN, "a car in the bottom-right corner"),
        ("a pool in the left half", SWAPPED, "a pool in the upper half"),
        ("a fence along the left edge", SWAPPED, "a fence along the top edge"),
        ("on the left hand side is a wood", MIRRORED, "on the right hand side is a wood"),
        ("on the left hand side is a wood", SWAPPED, "on the upper side is a wood"),
        ("a road leads to the right", QUARTER, "a road leads towards the top"),
        ("a road running from left to right", SWAPPED, "a road running from top to bottom"),
        ("a road running from left to right", MIRRORED, "a road running from left to right"),
        ("a road running from left to right", QUARTER, "a road running from top to bottom"),
        ("runs from the top left to the bottom", MIRRORED, "runs from the bottom to the top right"),
        ("cars driving from left to right", MIRRORED, "cars driving from right to left"),
        ("water on the right side of the road", MIRRORED, "water on the left side of the road"),
        ("a car to the left of the house", MIRRORED, "a car to the right of the house"),
        ("a field on the left of this satellite image", SWAPPED, "a field at the top of this satellite image"),
        ("a northern road", SWAPPED, "a western road"),
        ("a western road", QUARTER, "a southern road"),
        ("an eastern road", SWAPPED, "a southern road"),
        ("in the North are fields", SWAPPED, "in the West are fields"),
        ("an upper corner", SWAPPED, "a left corner"),
        ("A Left Corner", SWAPPED, "An Upper Corner"),
        ("Top-Left Corner", UPSIDE_DOWN, "Bottom-Left Corner"),
        ("an east-west runway", MIRRORED, "an east-west runway"),
        ("an east-west runway", SWAPPED, "a north-south runway"),
        ("horizontal stripes", QUARTER, "vertical stripes"),
        ("horizontal stripes", MIRRORED, "horizontal stripes"),
    ],
)
def test_directions_change_with_case_and_grammar(caption, turn, expected):
    assert names_direction(caption)
    assert turned(caption, turn) == expected


@pytest.mark.parametrize("place", ["on the left", "at the top", "in the lower right", "running from top to bottom"])
@pytest.mark.parametrize(
    "sentence",
    [
        "a satellite view of a lake with two boats {}",
        "a lake with two boats {} seen from above",
        "a lake with a road {} from the air",
        "a lake with a road {} in a dry season, close up",
        "in this overhead view of a lake, two boats are {}, from high altitude",
    ],
)
def test_the_sentences_of_the_drawn_pictures_can_all_be_rewritten(sentence, place):
    caption = sentence.format(place)
    for turn in range(TURNS):
        assert turned(caption, turn) == sentence.format(turned(place, turn))


@pytest.mark.parametrize("caption", UNTOUCHED)
def test_words_that_are_no_directions_stay(caption):
    assert not names_direction(caption)
    assert {turned(caption, turn) for turn in range(TURNS)} == {caption}


@pytest.mark.parametrize("caption", UNSAYABLE)
def test_what_has_no_sure_wording_is_directional_but_not_rewritten(caption):
    assert names_direction(caption)
    assert turned(caption, 0) == caption
    assert {turned(caption, turn) for turn in range(1, TURNS)} == {None}


def test_beside_a_thing_can_be_mirrored_only():
    sayable = [turn for turn in range(TURNS) if turned("a car to the left of the house", turn) is not None]
    assert sayable == [0, 1, 2, 3]


@pytest.mark.parametrize("turn", [-1, 8])
def test_there_are_eight_turns(turn):
    with pytest.raises(ValueError, match="0 to 7"):
        turned("a car on the left", turn)


def moved(picture, turn):
    """A numpy picture turned as the module's first lines say, one bit after the other."""
    picture = picture[:, ::-1] if turn & 1 else picture
    picture = picture[::-1] if turn & 2 else picture
    return picture.T if turn & 4 else picture


PICTURE = np.arange(9).reshape(3, 3)


def compose(first, second):
    """The one turn that does what `first` and then `second` do, found by doing them."""
    both = moved(moved(PICTURE, first), second)
    (turn,) = [turn for turn in range(TURNS) if np.array_equal(moved(PICTURE, turn), both)]
    return turn


@pytest.mark.parametrize("caption", CANONICAL)
def test_two_turns_are_one_and_each_can_be_undone(caption):
    for first in range(TURNS):
        once = turned(caption, first)
        for second in range(TURNS):
            twice, at_once = turned(once, second), turned(caption, compose(first, second))
            assert in_one_wording(twice) == in_one_wording(at_once)
            if compose(first, second) == 0:
                assert in_one_wording(twice) == in_one_wording(caption)


def in_one_wording(caption):
    """Without the choice between "top" and "upper": on the way over left or right a turn forgets which it was."""
    caption = caption.lower().replace("upper", "top").replace("lower", "bottom")
    return re.sub(r"\ban? (?=\w)", "a ", caption)


def test_every_kind_of_wording_is_tried_here():
    assert set(REWRITE) <= set(KINDS)
    text = "\n".join(CANONICAL)
    for kind in REWRITE:
        assert re.search("|".join(KINDS[kind]), text, re.I), kind


def spot(row, column, size=48):
    """Black with one white square, at a place of a 3 by 3 grid: row and column from -1 to 1."""
    pixels = torch.zeros(3, size, size, dtype=torch.uint8)
    top, left = (size // 2 + at * size // 3 - 3 for at in (row, column))
    pixels[:, top : top + 6, left : left + 6] = 255
    return pixels


PLACES = {
    (-1, -1): "in the upper left", (-1, 0): "at the top", (-1, 1): "in the upper right", (0, -1): "on the left",
    (0, 1): "on the right", (1, -1): "in the lower left", (1, 0): "at the bottom", (1, 1): "in the lower right",
}  # fmt: skip
WINDS = {
    (-1, -1): "northwest", (-1, 0): "north", (-1, 1): "northeast", (0, -1): "west",
    (0, 1): "east", (1, -1): "southwest", (1, 0): "south", (1, 1): "southeast",
}  # fmt: skip


@pytest.mark.parametrize("names", [PLACES, WINDS])
@pytest.mark.parametrize("place", PLACES)
def test_the_rewritten_caption_names_where_the_spot_is_after_augment(place, names, monkeypatch):
    for name in ("GAIN", "TINT", "SHIFT"):
        monkeypatch.setattr(augment_module, name, 0.0)
    pixels = spot(*place).expand(64, -1, -1, -1)
    drawn = Augmentation.drawn(64, torch.Generator().manual_seed(3), min_crop=1.0)
    assert set(drawn.turns.tolist()) == set(range(TURNS))
    result = augment(pixels, torch.Generator().manual_seed(3), min_crop=1.0)
    for picture, turn in zip(result, drawn.turns.tolist(), strict=True):
        rows, columns = (where.float().mean().item() for where in torch.nonzero(picture[0] > 127, as_tuple=True))
        now = tuple(round((at - 23.5) / 16) for at in (rows, columns))
        assert turned(f"a white square {names[place]}", turn) == f"a white square {names[now]}"


def test_a_caption_as_long_as_a_book_is_rewritten_in_a_moment():
    text = "a road from left to right and a tree on the left, " * 4000
    assert turned(turned(text, 1), 1).count("on the left") == 4000
