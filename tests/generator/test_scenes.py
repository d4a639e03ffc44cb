"""The generator: repeatable, sized in metres, and true to what remains visible."""

import numpy as np
import pytest

from data.generator import captions, pool, sample
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
    kind = LAND["residential area"]
    first, again = draw(kind, 7), draw(kind, 7)
    assert np.array_equal(first.pixels, again.pixels) and first.captions == again.captions


def test_land_and_coast_share_no_kind_and_no_name():
    assert not LAND.keys() & COAST.keys()
    names = [{name for kind in side.values() for name in kind.names} for side in (LAND, COAST)]
    assert not names[0] & names[1]


def test_the_base_models_pool_never_meets_a_coastal_kind_or_a_scene_of_the_sample():
    ordered = pool.orders(200_000)
    assert {order.label for order in ordered} == set(LAND)
    sampled = {(order.label, order.seed) for order in sample.orders("land")}
    assert not sampled & {(order.label, order.seed) for order in ordered}


def test_the_sample_has_the_promised_number_of_pictures():
    coast, land = sample.orders("coast"), sample.orders("land")
    assert len(coast) == 60 * len(COAST) and len(COAST) >= 8
    assert len(land) == 40 * len(LAND) and len(LAND) == 14
    of_one = [order.split for order in coast if order.label == "reef"]
    assert [of_one.count(split) for split in ("train", "val", "test")] == [30, 10, 20]


def test_an_object_hidden_by_another_is_not_counted():
    scene = blank_scene()
    for x in (20, 60, 100):
        scene.fill(square(x, 20, 20), (200, 200, 200), "house")
    assert captions.counts(scene) == {"house": 3}
    scene.paint(scene.stamp(square(95, 15, 30)), np.array([30, 60, 30]), "trees")
    assert captions.counts(scene) == {"house": 2}
    phrases = captions.attributes(scene, Kind("x", ("x",), lambda scene: None))
    assert "two houses" in phrases and "three houses" not in phrases


def test_an_object_mostly_outside_the_frame_is_not_counted():
    scene = blank_scene()
    scene.fill(square(SIDE - 5, 50, 40), (200, 200, 200), "house")
    assert captions.counts(scene) == {}


def test_what_the_label_says_is_not_repeated():
    scene = blank_scene()
    scene.claim(np.ones((SIDE, SIDE), bool), "forest")
    kind = Kind("forest", ("forest",), lambda scene: None, shows=("forest",))
    assert captions.attributes(scene, kind) == []


def test_lengths_are_metres():
    scene = blank_scene(width_m=SIDE / 2)  # half a metre a pixel
    assert scene.px(10) == 20
    line = scene.stroke([[0, 96], [SIDE, 96]], 6)
    assert np.isclose(line[:, 96].sum(), 12, atol=1.5)
