"""The pool: only land, never a scene of the sample, and drawn on from where it was interrupted."""

import pytest

from data.generator import pool, sample
from data.generator.kinds import LAND


def test_the_base_models_pool_never_meets_a_coastal_kind_or_a_scene_of_the_sample():
    ordered = [pool.order(i) for i in range(100_000)]
    assert {order.label for order in ordered} == set(LAND)
    sampled = {(order.label, order.seed) for order in sample.orders("land")}
    assert not sampled & {(order.label, order.seed) for order in ordered}


def test_every_kind_is_held_back_alike():
    ordered = [pool.order(i) for i in range(len(LAND) * pool.HELD_BACK * 2)]
    held_back = [order.label for order in ordered if order.split == "val"]
    assert sorted(held_back) == sorted(2 * list(LAND))


def test_an_interrupted_drawing_goes_on_and_equals_an_uninterrupted_one(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    pool.write_pool(whole, 12, block=4)
    pool.write_pool(broken, 8, block=4)
    kept = broken / "images" / "0000003.jpg"
    before = kept.stat().st_mtime_ns
    (broken / "blocks" / "0000004-4.csv").unlink()  # as if it had stopped within the second block
    (broken / "images" / "0000006.jpg").unlink()
    pool.write_pool(broken, 12, block=4)
    assert kept.stat().st_mtime_ns == before  # finished blocks are not drawn again
    assert (broken / "caption.csv").read_bytes() == (whole / "caption.csv").read_bytes()
    for picture in (whole / "images").iterdir():
        assert (broken / "images" / picture.name).read_bytes() == picture.read_bytes()


def test_a_pool_has_as_many_pictures_as_asked_and_can_grow(tmp_path):
    pool.write_pool(tmp_path / "grown", 3, block=2)
    assert len(list((tmp_path / "grown" / "images").iterdir())) == 3
    pool.write_pool(tmp_path / "grown", 5, block=2)
    pool.write_pool(tmp_path / "whole", 5, block=2)
    assert (tmp_path / "grown" / "caption.csv").read_bytes() == (tmp_path / "whole" / "caption.csv").read_bytes()


def test_a_folder_with_something_else_is_refused_and_left_alone(tmp_path):
    pool.write_pool(tmp_path / "pool", 2, block=2)
    with pytest.raises(FileExistsError, match="another folder or delete it"):
        pool.write_pool(tmp_path / "pool", 4, block=4)
    mine = tmp_path / "mine" / "caption.csv"
    mine.parent.mkdir()
    mine.write_text("my own")
    with pytest.raises(FileExistsError, match="another folder"):
        pool.write_pool(mine.parent, 2)
    assert mine.read_text() == "my own" and list(mine.parent.iterdir()) == [mine]


def test_no_pictures_are_refused(tmp_path):
    with pytest.raises(ValueError, match="1 or more"):
        pool.write_pool(tmp_path, 0)
    assert not list(tmp_path.iterdir())
