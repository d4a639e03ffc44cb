"""Redrawing the sample: whole or not at all, and never over something else."""

import pytest

from data.generator import sample
from data.generator.kinds import SIDES

FEW = {"coast": {"train": 8}, "land": {"train": 8}}  # as many as the contact sheet shows


def snapshot(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample, "SPLITS", FEW)
        sample.write_sample(folder)
        yield folder


def test_it_is_drawn_with_cards_and_nothing_is_left_over(drawn):
    assert {path.name for path in drawn.iterdir()} == set(SIDES)
    for side, kinds in SIDES.items():
        assert len(list((drawn / side / "images").iterdir())) == 8 * len(kinds)
        assert {"README.md", "caption.csv", "annotations.json"} < {path.name for path in (drawn / side).iterdir()}


@pytest.mark.parametrize("seed", [-1, 100_000])
def test_a_seed_that_cannot_be_leaves_the_sample_as_it_was(drawn, seed):
    before = snapshot(drawn)
    with pytest.raises(ValueError, match="from 0 to 99999"):
        sample.write_sample(drawn, seed)
    assert snapshot(drawn) == before


def test_an_interrupted_drawing_leaves_the_sample_as_it_was(drawn, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    before = snapshot(drawn)
    monkeypatch.setattr(sample, "write_card", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sample.write_sample(drawn, seed=2)
    assert snapshot(drawn) == before


def test_a_folder_with_something_else_is_refused(tmp_path):
    (tmp_path / "land").mkdir()
    (tmp_path / "land" / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="another target"):
        sample.write_sample(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["land"]
