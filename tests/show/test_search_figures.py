"""The figure shows each query with its pictures in their order, and says which are right."""

import numpy as np
import pytest
from PIL import Image

from rsclip_lab.search.results import SearchResults
from rsclip_lab.show.search_figures import plot_results
from rsclip_lab.show.style import GREEN, GREY, RED


@pytest.fixture
def pictures(tmp_path):
    paths = []
    for row in range(4):
        Image.new("RGB", (20 + row, 20), (60 * row, 0, 0)).save(tmp_path / f"{row}.png")
        paths.append(str(tmp_path / f"{row}.png"))
    return paths


def words_of(axes):
    return [text.get_text() for text in axes.texts]


def rows_of(figure, columns):
    return np.array(figure.axes, dtype=object).reshape(-1, columns)


def test_one_row_a_query_the_pictures_in_their_order(pictures):
    text = SearchResults("boats in a very large harbour", pictures[::-1], [0.31, 0.3, 0.2, 0.1])
    like = SearchResults(pictures[0], pictures[:3], [1.0, 0.9, 0.8])
    rows = rows_of(plot_results([text, like], most=4), 5)
    assert rows.shape == (2, 5)
    assert words_of(rows[0, 0]) == ["boats in a very\nlarge harbour"]
    assert words_of(rows[1, 0]) == ["query"] and rows[1, 0].images[0].get_array()[0, 0].tolist() == [0, 0, 0]
    written = [["1. cosine 0.31"], ["2. cosine 0.30"], ["3. cosine 0.20"], ["4. cosine 0.10"]]
    assert [words_of(axes) for axes in rows[0, 1:]] == written
    assert [int(axes.images[0].get_array()[0, 0, 0]) for axes in rows[0, 1:]] == [180, 120, 60, 0]
    assert not rows[1, 4].images and not any(axes.axison for axes in rows.flat)


def test_a_long_query_is_cut_wherever_it_can_be(pictures):
    for query, shown in (("a" * 300, "a" * 118 + " …"), (" boats" * 50, "boats " * 19 + "…")):
        found = SearchResults(query, pictures, [0.4, 0.3, 0.2, 0.1])
        (written,) = words_of(rows_of(plot_results(found), 5)[0, 0])
        assert shown in repr(found) and "".join(written.split()) == shown.replace(" ", "")


def test_labels_are_framed_and_marked_right_or_wrong(pictures):
    found = SearchResults("a reef", pictures[:3], [0.3, 0.2, 0.1])
    labels = dict(zip(pictures, ["reef", "ship"], strict=False))
    rows = rows_of(plot_results(found, wanted=["reef"], labels=labels), 4)
    assert [words_of(axes)[1:] for axes in rows[0, 1:]] == [["✓ reef"], ["✗ ship"], []]
    from matplotlib.colors import to_rgba

    frames = [[frame.get_edgecolor() for frame in axes.patches] for axes in rows[0, 1:]]
    assert frames == [[to_rgba(GREEN)], [to_rgba(RED)], []]
    rows = rows_of(plot_results(found, labels=labels), 4)
    assert words_of(rows[0, 1])[1:] == ["reef"] and not rows[0, 1].patches


def test_a_picture_that_is_gone_keeps_its_place(pictures, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"")
    found = SearchResults("a reef", ["/no.png", str(tmp_path / "broken.png"), pictures[0]], [0.3, 0.2, 0.1])
    rows = rows_of(plot_results(found), 4)
    assert words_of(rows[0, 1]) == ["no longer there", "1. cosine 0.30"]
    assert words_of(rows[0, 2]) == ["cannot be read", "2. cosine 0.20"]
    assert len(rows[0, 3].images) == 1 and rows[0, 1].texts[0].get_color() == GREY


def test_nothing_to_show_is_said(pictures):
    found = SearchResults("a reef", pictures, [0.3, 0.2, 0.1, 0])
    for arguments in (([],), ([found], 0)):
        with pytest.raises(ValueError, match="nothing to show"):
            plot_results(*arguments)
    with pytest.raises(ValueError, match="1 results and 2 wanted"):
        plot_results(found, wanted=["a", "b"])
    assert plot_results(SearchResults("a reef", [], []))._repr_png_()
