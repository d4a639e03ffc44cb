"""The generator: repeatable, sized in metres, and true to what remains visible."""

import numpy as np
import pytest

from data.generator import sample, truth
from data.generator.captions import worth_telling
from data.generator.draw import draw
from data.generator.drawing.scene import SIDE, Scene
from data.generator.kind import Kind
from data.generator.kinds import COAST, LAND

KINDS = [*LAND.values(), *COAST.values()]


def blank_scene(width_m: float = 192.0) -> Scene:
    return Scene(np.random.default_rng(0), width_m)


def square(x: float, y: float, side: float) -> np.ndarray:
    return np.array([[[x, y], [x + side, y], [x + side, y + side], [x, y + side]]])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.label)
def test_every_kind_draws_a_varied_picture_with_five_different_captions(kind):
    first, second = draw(kind, 1), draw(kind, 2)
    assert first.pixels.shape == (128, 128, 3) and first.pixels.dtype == np.uint8
    assert first.pixels.std() > 2
    assert np.abs(first.pixels.astype(int) - second.pixels).mean() > 2
    assert len(set(first.captions)) == 5
    assert first.captions[0] == f"a satellite view of {kind.names[0]}"


def test_a_kind_and_a_seed_always_give_the_same_picture_and_captions():
    kind = LAND["forest"]
    first, again = draw(kind, 7), draw(kind, 7)
    assert np.array_equal(first.pixels, again.pixels) and first.captions == again.captions


def test_land_and_coast_share_no_kind_and_no_name():
    assert not LAND.keys() & COAST.keys()
    names = [{name for kind in side.values() for name in kind.names} for side in (LAND, COAST)]
    assert not names[0] & names[1]


def test_the_sample_has_the_promised_number_of_pictures():
    coast, land = sample.orders("coast"), sample.orders("land")
    assert len(coast) == 60 * len(COAST) and len(COAST) == 14
    assert len(land) == 40 * len(LAND) and len(LAND) >= 24
    of_one = [order.split for order in coast if order.label == "reef"]
    assert [of_one.count(split) for split in ("train", "val", "test")] == [30, 10, 20]


def seen(scene: Scene) -> dict[str, truth.Thing]:
    return {thing.kind: thing for thing in truth.things(scene, np.zeros((128, 128, 3), np.uint8))}


def test_an_object_hidden_by_another_is_not_counted():
    scene = blank_scene()
    for x in (20, 60, 100):
        scene.fill(square(x, 20, 20), (200, 200, 200), "house")
    assert truth.counts(scene) == {"house": 3}
    scene.paint(scene.stamp(square(95, 15, 30)), np.array([30, 60, 30]), "trees")
    assert truth.counts(scene) == {"house": 2}


def test_an_object_mostly_outside_the_frame_is_not_counted():
    scene = blank_scene()
    scene.fill(square(SIDE - 5, 50, 40), (200, 200, 200), "house")
    assert truth.counts(scene) == {}


def test_places_and_neighbours():
    scene = blank_scene()
    scene.claim(np.arange(SIDE)[:, None] + np.zeros((SIDE, SIDE)) < 60, "lake")
    scene.fill(square(10, 62, 12), (200, 200, 200), "house")
    scene.claim(np.abs(np.arange(SIDE)[:, None] - 150) + np.zeros((SIDE, SIDE)) < 4, "road")
    found = seen(scene)
    assert found["lake"].place == "at the top"
    assert found["house"].place == "in the upper left" and found["house"].beside == "lake"
    assert found["road"].place == "running from left to right"
    scene.fill(square(150, 170, 12), (200, 200, 200), "house")
    assert seen(scene)["house"].place is None  # one here, one there


def test_what_is_hidden_in_part_still_counts_for_the_place():
    scene = blank_scene()
    for x in (20, 160):
        scene.fill(square(x, 90, 20), (200, 200, 200), "house")
    scene.paint(scene.stamp(square(160, 83, 20)), np.array([30, 60, 30]), "trees")
    assert seen(scene)["house"].count == 1 and seen(scene)["house"].place is None


def test_what_the_label_says_is_not_repeated():
    kind = Kind("forest", ("forest",), lambda scene: None, shows=("forest", "house"))
    assert not worth_telling(truth.Thing("forest", 0.9), kind)
    assert not worth_telling(truth.Thing("house", 0.1, count=1), kind)
    assert worth_telling(truth.Thing("house", 0.1, count=3), kind)


def test_lengths_are_metres():
    scene = blank_scene(width_m=SIDE / 2)  # half a metre a pixel
    assert scene.px(10) == 20
    line = scene.stroke([[0, 96], [SIDE, 96]], 6)
    assert np.isclose(line[:, 96].sum(), 12, atol=1.5)
