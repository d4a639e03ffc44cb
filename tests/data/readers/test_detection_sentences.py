"""Five captions from boxes: every statement true of them, in English."""

import math
import random
import re

import pytest
from open_clip import tokenize

from rsclip_lab.data.readers.detection import Box, box_captions
from rsclip_lab.data.readers.detection.english import amount, listing, noun

PLURALS = {
    "ship": "ships", "bus": "buses", "harbour": "harbours", "storage tank": "storage tanks", "aircraft": "aircraft",
    "tennis court": "tennis courts", "person": "people", "jetty": "jetties", "church": "churches",
}  # fmt: skip
WORDS = ["", "a", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
FORMS = sorted({*PLURALS, *PLURALS.values()}, key=len, reverse=True)
PHRASE = re.compile(rf"\b(an?|{'|'.join(WORDS[2:])}|many) ({'|'.join(FORMS)})\b")
OUTSIDE = re.compile(r"away from|outside")
MIDDLE = re.compile(r"centre|middle")


def said(caption):
    """{kind: number said}, infinite for "many", as a reader without the package's code takes the caption."""
    singular = {**{plural: one for one, plural in PLURALS.items()}, **{one: one for one in PLURALS}}
    found = {}
    for number, form in PHRASE.findall(caption):
        kind = singular[form]
        assert kind not in found, caption
        found[kind] = math.inf if number == "many" else 1 if number in ("a", "an") else WORDS.index(number)
        assert form == (kind if found[kind] == 1 else PLURALS[kind]), caption
        assert (number == "an") == (number in ("a", "an") and form[0] in "aeiou"), caption
    return found


def truth(boxes):
    counts = {kind: sum(b.kind == kind for b in boxes) for kind in {b.kind for b in boxes}}
    crowds = {b.kind for b in boxes if b.crowd}
    return {kind: math.inf if count > 10 or kind in crowds else count for kind, count in counts.items()}


def random_boxes(seed, width, height):
    choose = random.Random(seed)
    kinds = choose.sample(sorted(PLURALS), choose.randint(1, 6))
    boxes = []
    for kind in kinds:
        for _ in range(choose.choice([1, 1, 2, 3, 5, 10, 11, 30])):
            left, top = choose.uniform(0, width * 0.9), choose.uniform(0, height * 0.9)
            size = choose.uniform(0.01, 0.1)
            boxes.append(Box(kind, left, top, left + width * size, top + height * size, choose.random() < 0.02))
    return boxes


def at_centre(box, width, height):
    x, y = box.left + (box.right - box.left) / 2, box.top + (box.bottom - box.top) / 2
    return 1 / 3 <= x / width <= 2 / 3 and 1 / 3 <= y / height <= 2 / 3


def test_every_caption_read_back_is_true_of_the_boxes():
    for seed in range(300):
        width, height = (640, 400) if seed % 2 else (1, 1)
        boxes = random_boxes(seed, width, height)
        captions = box_captions(boxes, width, height, f"picture {seed}")
        assert len(captions) == len(set(captions)) == 5
        centre = [box for box in boxes if at_centre(box, width, height)]
        away = [box for box in boxes if box not in centre]
        for caption, place in zip(captions[:2], (centre or away, away or centre), strict=True):
            assert bool(OUTSIDE.search(caption)) == (place is away), caption
            assert MIDDLE.search(caption) and said(caption) == truth(place), caption
        for caption in captions[2:]:
            assert not MIDDLE.search(caption) and not OUTSIDE.search(caption), caption
            assert said(caption) == truth(boxes), caption


def test_the_verb_agrees_and_nothing_is_left_unfilled():
    verbs = set()
    for seed in range(100):
        for caption in box_captions(random_boxes(seed, 100, 100), 100, 100, str(seed)):
            assert not re.search(r"[{}]|  |\ba (?=[aeiou])|^[A-Z]", caption), caption
            for verb, number in re.findall(rf"\b(is|are) (an?|many|{'|'.join(WORDS[2:])})\b", caption):
                assert (verb == "is") == (number in ("a", "an")), caption
                verbs.add(verb)
    assert verbs == {"is", "are"}


def test_the_same_name_gives_the_same_captions_and_other_names_other_wordings():
    boxes = [Box("ship", 0, 0, 5, 5)]
    assert box_captions(boxes, 90, 90, "a") == box_captions(list(boxes), 90, 90, "a")
    wordings = {caption for name in range(100) for caption in box_captions(boxes, 90, 90, f"{name}")}
    assert len(wordings) > 40


def test_the_order_of_the_boxes_does_not_matter():
    boxes = random_boxes(7, 100, 100)
    assert box_captions(boxes[::-1], 100, 100, "a") == box_captions(boxes, 100, 100, "a")


def test_a_crowd_is_many_and_a_picture_without_boxes_has_no_captions():
    (*_, caption) = box_captions([Box("car", 0, 0, 9, 9, crowd=True)], 9, 9, "a")
    assert "many cars" in caption
    assert box_captions([], 9, 9, "a") == []


def test_more_kinds_than_fit_become_other_objects_and_clip_reads_the_caption_whole():
    names = [f"expressway service area of kind {letter}" for letter in "abcdefghij"]
    boxes = [Box(name, 0, 0, 9, 9) for n, name in enumerate(names) for _ in range(11 - n)]
    captions = box_captions(boxes, 90, 90, "a")
    assert "many expressway service areas of kind a, ten expressway service areas of kind b, " in captions[2]
    assert "four expressway service areas of kind h and other objects" in captions[2] and "kind i" not in captions[2]
    for caption in captions:
        assert int(tokenize(caption).count_nonzero()) < 77


@pytest.mark.parametrize(
    "name, several",
    [
        ("ship", "ships"), ("bus", "buses"), ("storage-tank", "storage tanks"), ("tennis_court", "tennis courts"),
        ("swimming-pool", "swimming pools"), ("aircraft", "aircraft"), ("person", "people"), ("jetty", "jetties"),
        ("quay", "quays"), ("church", "churches"), ("wharf", "wharves"), ("Box Truck", "box trucks"),
        ("overpass", "overpasses"), ("campus", "campuses"), ("oasis", "oases"), ("hovercraft", "hovercraft"),
        ("roof", "roofs"), ("silo", "silos"), ("building under construction", "buildings under construction"),
        ("body of water", "bodies of water"), ("island", "islands"), ("water", "areas of water"),
        ("barren land", "areas of barren land"), ("storage tanks", "storage tanks"),
        ("large-vehicle", "large vehicles"),
    ],
)  # fmt: skip
def test_plurals(name, several):
    assert amount(noun(name), 2) == f"two {several}"
    assert amount(noun(name), 11) == f"many {several}"


@pytest.mark.parametrize(
    "name, one",
    [
        ("ship", "a ship"), ("airplane", "an airplane"), ("unfinished building", "an unfinished building"),
        ("university", "a university"), ("urban area", "an urban area"), ("hour hand", "an hour hand"),
        ("european house", "a european house"), ("one-way road", "a one way road"), ("buildings", "a building"),
        ("buses", "a bus"), ("people", "a person"), ("factories", "a factory"), ("warehouses", "a warehouse"),
        ("churches", "a church"), ("grass", "an area of grass"), ("overpass", "an overpass"), ("", "an object"),
        ("utility pole", "a utility pole"), ("used car", "a used car"), ("unidentified ship", "an unidentified ship"),
    ],
)  # fmt: skip
def test_articles_and_singulars(name, one):
    assert amount(noun(name), 1) == one


def test_lists_have_commas_and_an_and():
    assert [listing("abc"[:n]) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
