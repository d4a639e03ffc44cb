"""Captions are read as text, and every number, colour and place in them is held against the visible masks."""

import re

import cv2
import numpy as np
import pytest

from data.generator.draw import Picture, draw
from data.generator.drawing.scene import SIDE
from data.generator.kind import Kind
from data.generator.kinds import COAST, LAND
from data.generator.words import COLOURED, COLOURED_GROUND, COUNTED, GROUND

KINDS = [*LAND.values(), *COAST.values()]
SCENES = 500
BY_LENGTH = sorted(GROUND, key=lambda kind: len(GROUND[kind]), reverse=True)
COLOURS = {  # what a word must at least mean for the median pixel (r, g, b); written apart from the generator's rules
    "white": lambda r, g, b: min(r, g, b) > 160,
    "grey": lambda r, g, b: max(r, g, b) - min(r, g, b) < 40,
    "dark": lambda r, g, b: max(r, g, b) < 80,
    "red": lambda r, g, b: r > 1.3 * g and r > 1.3 * b,
    "brown": lambda r, g, b: r > g > b,
    "green": lambda r, g, b: g > r and g > b,
    "turquoise": lambda r, g, b: min(g, b) > r,
    "blue": lambda r, g, b: b > g > r or b > r,
}
COLOUR = "|".join(COLOURS)
NUMBER = {"a": (1, 1), "an": (1, 1), "two": (2, 2), "three": (3, 3), "four": (4, 4), "several": (5, 10)}
NUMBER["many"] = (11, 10**6)
PLACE = (
    r"in the (?:upper|lower) (?:left|right)|on the (?:left|right)|at the (?:top|bottom)|in the middle|"
    r"running from (?:left to right|top to bottom)|(?:next to|surrounded by) [a-z ]+"
)
HALVES = {
    "upper": lambda rows, columns: rows < SIDE / 2,
    "top": lambda rows, columns: rows < SIDE / 2,
    "lower": lambda rows, columns: rows >= SIDE / 2,
    "bottom": lambda rows, columns: rows >= SIDE / 2,
    "left": lambda rows, columns: columns < SIDE / 2,
    "right": lambda rows, columns: columns >= SIDE / 2,
}


def object_pattern(kind: str) -> str:
    one, many = (re.sub("^an? ", "", words) for words in COUNTED[kind])
    roof = rf"(?: with (?:a )?(?P<roof>{COLOUR}) roofs?)?" if "roof" in COLOURED.get(kind, ("", ""))[0] else ""
    return rf"\b(?P<number>{'|'.join(NUMBER)}) (?:(?P<colour>{COLOUR}) )?(?:{many}|{one})\b{roof}"


def ground_pattern(kind: str) -> str:
    plain = re.escape(GROUND[kind])
    coloured = COLOURED_GROUND.get(kind, "").replace("{}", rf"(?P<colour>{COLOUR})")
    return rf"\b(?:{plain}|{coloured})\b" if coloured else rf"\b{plain}\b"


def without_subject(caption: str, kind: Kind, notes: list[str] = ()) -> str:
    for note in notes:
        caption = caption.replace(note, "")
    for name in sorted(kind.names, key=len, reverse=True):
        if name in caption:
            return caption.replace(name, "SUBJECT", 1)
    return caption


def objects_of(picture: Picture, kind: str) -> np.ndarray:
    """Boolean mask [objects, SIDE, SIDE] of those that are visible enough to be counted."""
    scene = picture.scene
    masks = [scene.owner == i for i, drawn in enumerate(scene.drawn) if drawn.kind == kind]
    areas = [drawn.area for drawn in scene.drawn if drawn.kind == kind]
    kept = [mask for mask, area in zip(masks, areas, strict=True) if mask.sum() >= max(10, 0.4 * area)]
    return np.array(kept) if kept else np.zeros((0, SIDE, SIDE), bool)


def ground_of(picture: Picture, kind: str) -> np.ndarray:
    scene = picture.scene
    return np.isin(scene.owner, [i for i, drawn in enumerate(scene.drawn) if drawn.kind == kind])


def assert_colour(picture: Picture, mask: np.ndarray, word: str) -> None:
    small = cv2.resize(mask.astype(np.uint8), picture.pixels.shape[:2], interpolation=cv2.INTER_AREA) > 0
    assert COLOURS[word](*np.median(picture.pixels[small].astype(float), axis=0)), word


def assert_place(picture: Picture, mask: np.ndarray, phrase: str) -> None:
    rows, columns = np.nonzero(mask)
    if phrase.startswith("running"):
        ends = (mask[:, 0], mask[:, -1]) if "left" in phrase else (mask[0], mask[-1])
        assert ends[0].any() and ends[1].any(), phrase
    elif phrase == "in the middle":
        assert abs(rows.mean() - SIDE / 2) < 0.2 * SIDE and abs(columns.mean() - SIDE / 2) < 0.2 * SIDE
    elif phrase.startswith(("next", "surrounded")):
        name = phrase.removeprefix("next to ").removeprefix("surrounded by ")
        around = cv2.dilate(mask.astype(np.uint8), np.ones((13, 13))).astype(bool) & ~mask
        kinds = [kind for kind, words in GROUND.items() if name.startswith(words)]
        share = max(ground_of(picture, kind)[around].mean() for kind in kinds)
        assert share >= (0.75 if phrase.startswith("surrounded") else 0.18), phrase
    else:
        for word in HALVES.keys() & set(phrase.split()):
            assert HALVES[word](rows, columns).mean() >= 0.8, phrase


def assert_true(picture: Picture, kind: Kind, caption: str) -> int:
    """Hold all that one caption states against the picture; returns how many statements were found."""
    text, stated = without_subject(caption, kind, picture.scene.notes), 0
    for name in COUNTED:
        pattern = object_pattern(name) + rf"(?:(?: is| are)? (?P<place>{PLACE}))?"
        matches = list(re.finditer(pattern, text))
        text = re.sub(pattern, "THING", text)  # "loop ramps" are not also "ramps"
        for match in matches:
            masks = objects_of(picture, name)
            fewest, most = NUMBER[match["number"]]
            assert fewest <= len(masks) <= most, (name, len(masks))
            word = match["colour"] or match.groupdict().get("roof")
            for mask in masks if word else []:
                assert_colour(picture, mask, word)
            if match["place"]:
                assert_place(picture, masks.any(0), match["place"])
            stated += 1
    for name in BY_LENGTH:
        pattern = ground_pattern(name) + rf"(?:(?: is| are)? (?P<place>{PLACE}))?"
        matches = list(re.finditer(pattern, text))
        text = re.sub(pattern, "THING", text)  # "leafless trees" are not also "trees"
        for match in matches:
            mask = ground_of(picture, name)
            assert mask.any(), name
            if match.groupdict().get("colour"):
                assert_colour(picture, mask, match["colour"])
            if match["place"] and not match["place"].startswith(("next", "surrounded")):
                assert_place(picture, mask, match["place"])
            stated += 1
    return stated


@pytest.mark.parametrize("part", range(10))
def test_every_stated_count_colour_and_place_agrees_with_the_visible_masks(part):
    stated = 0
    for i in range(part, SCENES, 10):
        kind = KINDS[i % len(KINDS)]
        picture = draw(kind, 77_000 + i)
        for caption in picture.captions:
            try:
                stated += assert_true(picture, kind, caption)
            except AssertionError as error:
                raise AssertionError(f"{kind.label}, seed {77_000 + i}: {caption!r}: {error}") from error
    assert stated > SCENES / 10  # the reader found statements to hold


def test_no_colour_number_or_direction_is_said_outside_the_statements_that_are_checked():
    for i in range(0, SCENES, 5):
        kind = KINDS[i % len(KINDS)]
        for caption in draw(kind, 88_000 + i).captions:
            rest = without_subject(caption, kind).replace("green season", "").replace("overhead", "")
            for name in COUNTED:
                rest = re.sub(object_pattern(name), "", rest)
            for name in BY_LENGTH:
                rest = re.sub(ground_pattern(name), "", rest)
            rest = re.sub(PLACE, "", rest)
            assert not re.search(rf"\b({COLOUR}|two|three|four|left|right|top|bottom|upper|lower)\b", rest), caption
