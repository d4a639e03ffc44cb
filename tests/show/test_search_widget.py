"""The search panel: words and pictures in, the index's own answers out, with what is wrong said in the panel."""

import asyncio
import io
import os
from datetime import UTC, datetime

import ipywidgets
import numpy as np
import pytest
from PIL import Image

from rsclip_lab import data
from rsclip_lab.search import SearchIndex
from rsclip_lab.show.widgets import thumbnails
from rsclip_lab.show.widgets.searching import SearchWidget
from rsclip_lab.show.widgets.thumbnails import drawn_note


@pytest.fixture
def table(picture_folder):
    return data.read_captions(picture_folder)


@pytest.fixture
def index(random_clip, table):
    return SearchIndex.build(random_clip, table)


@pytest.fixture
def panel(index, table):
    return SearchWidget(index, table, k=4)


def upload(button, name, content):
    """As the page of either ipywidgets does it."""
    if ipywidgets.__version__.startswith("7"):
        button.metadata, button.data = [{"name": name}], [content]
        button._counter += 1
    else:
        about = {"name": name, "type": "", "size": len(content), "last_modified": datetime.now(UTC)}
        button.value = ({**about, "content": memoryview(content)},)


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def shown(panel):
    """The images of the places that are to be seen."""
    return [place.image for place in panel.places if place.root.layout.display != "none"]


def press_enter(panel):
    panel.text._handle_msg({"content": {"data": {"method": "custom", "content": {"event": "submit"}}}, "buffers": []})


def test_what_is_typed_finds_what_the_index_finds(panel, index):
    panel.text.value = "a satellite view of beach"
    expected = index.search_text("a satellite view of beach", 4)
    assert panel.results.images == expected.images and shown(panel) == list(expected.images)
    cell = panel.places[0].shown.value
    name, score = expected.images[0].rsplit("/", 1)[1], expected.scores[0]
    label = name.rsplit("_", 1)[0]
    assert f"alt='{name}, labelled {label}'" in cell and f"cosine {score:.2f}" in cell and "<b>1.</b>" in cell
    assert "4 of 12 pictures, nearest to “a satellite view of beach”" in panel.asked.value


def test_only_the_last_of_what_is_typed_in_one_go_is_sought(panel, index, monkeypatch):
    asked = []
    real = index.search_text
    monkeypatch.setattr(index, "search_text", lambda text, k: asked.append(text) or real(text, k))

    async def typing():
        for end in range(1, 6):
            panel.text.value = "beach"[:end]
        await asyncio.sleep(0.2)

    asyncio.run(typing())
    assert asked == ["beach"]


def test_more_like_this_asks_with_the_picture_and_leaves_it_out(panel, index):
    panel.ask("harbour")
    image = panel.places[1].image
    assert image.rsplit("/", 1)[1] in panel.places[1].more.tooltip
    panel.places[1].more.click()
    expected = index.search_image(image, 4, itself=False)
    assert panel.results.query == image and image not in panel.results.images
    assert panel.results.images == expected.images and panel.text.value == ""
    assert "most like" in panel.asked.value and "<img" in panel.asked.value


def test_the_way_back_goes_through_queries_and_not_through_letters(panel):
    for text in ("h", "harb", "harbour"):
        panel.text.value = text
    assert panel.return_button.layout.display == "none"
    first = panel.results.images
    panel.places[0].more.click()
    panel.places[0].more.click()
    panel.return_button.click()
    assert "harbour" in panel.return_button.description
    panel.return_button.click()
    assert panel.text.value == "harbour" and panel.results.images == first
    assert panel.return_button.layout.display == "none"


def test_a_text_that_was_entered_can_be_gone_back_to(panel):
    panel.text.value = "harbour"
    press_enter(panel)
    panel.text.value = "forest"
    panel.return_button.click()
    assert panel.query.words == "harbour" and panel.text.value == "harbour"


def test_enter_in_an_empty_box_says_what_to_do_and_the_results_stay(panel):
    panel.ask("harbour")
    before = shown(panel)
    panel.text.value = ""
    press_enter(panel)
    assert "the text is empty: say what to look for" in panel.message.value and "role='alert'" in panel.message.value
    assert shown(panel) == before and "harbour" in panel.asked.value


def test_an_error_goes_with_the_text_it_was_about_and_a_warning_stays_with_its_results(panel):
    panel.ask("boats " * 100)
    panel.text.value = "boats"
    assert panel.message.value == ""
    broken, panel.index.search_text = panel.index.search_text, None
    panel.text.value = "a reef"
    assert "role='alert'" in panel.message.value and panel.query.words == "boats"
    panel.text.value = ""
    assert panel.message.value == ""
    panel.text.value = "a reef"
    panel.text.value = "boats"  # which is what the results are of
    assert panel.message.value == ""
    panel.index.search_text = broken
    panel.ask("boats " * 100)
    panel.text.value = ""
    assert "too long" in panel.message.value and "role='status'" in panel.message.value


def test_an_upload_is_asked_with_and_named(panel, index, table):
    pixels = np.asarray(Image.open(table["image"].iloc[0]))
    upload(panel.upload, "mine <b>.png", png(pixels))
    assert panel.results.images == index.search_image(pixels, 4).images
    assert panel.results.query == "uploaded mine <b>.png" and "mine &lt;b&gt;.png" in panel.asked.value
    assert not panel.upload.value  # so that the same file can be chosen again


@pytest.mark.parametrize("content, words", [(b"no picture", "broken.png"), (b"\0" * 5_000_001, "5.0 MB")])
def test_an_upload_that_is_no_picture_is_told_and_the_results_stay(panel, content, words):
    panel.ask("harbour")
    before = shown(panel)
    upload(panel.upload, "broken.png", content)
    assert "Not possible" in panel.message.value and words in panel.message.value
    assert shown(panel) == before and panel.query.words == "harbour"


def test_warnings_of_the_index_are_said_in_the_panel(panel, recwarn):
    panel.ask("boats " * 100)
    assert "too long" in panel.message.value and "role='status'" in panel.message.value
    panel.ask("снимок со спутника: корабль в море")
    assert "made for English" in panel.message.value
    panel.ask("a ship")
    assert panel.message.value == "" and not [one for one in recwarn if "too long" in str(one.message)]


def test_files_that_are_gone_or_broken_are_said_in_words(panel, table):
    panel.ask("harbour")
    gone, broken = panel.results.images[:2]
    with open(broken, "r+b") as file:
        file.truncate(60)
    os.remove(gone)
    panel.ask("harbour")
    cells = {place.image: place.shown.value for place in panel.places}
    assert "no longer there" in cells[gone] and "cannot be read" in cells[broken]
    assert all("<img" in cell for image, cell in cells.items() if image not in (gone, broken))
    assert panel.figure().axes


def test_a_picture_is_decoded_once_and_few_are_kept(panel, monkeypatch):
    decoded = []
    real = thumbnails.picture_html
    monkeypatch.setattr(thumbnails, "picture_html", lambda image, *rest: decoded.append(image) or real(image, *rest))
    for text in ("beach", "harbour", "forest", "beach"):
        panel.ask(text)
    assert decoded and len(decoded) == len(set(decoded))
    few = thumbnails.Thumbnails(most=2)
    for image in panel.results.images:
        few.of(image, "a picture")
    assert len(few.kept.made) == 2


def test_fewer_pictures_than_places_hide_the_rest(random_clip, table):
    images = table["image"].unique()
    panel = SearchWidget(SearchIndex.build(random_clip, list(images[:3])), k=5)
    panel.ask("harbour")
    assert len(shown(panel)) == 3
    alone = SearchWidget(SearchIndex.build(random_clip, [images[0]]))
    assert "1 picture to search in" in alone.asked.value
    alone.ask_picture(images[0])
    assert shown(alone) == [] and "No other picture is stored" in alone.asked.value
    assert "no other picture" in alone.figure().texts[0].get_text()


def test_the_figure_is_what_was_found(panel):
    assert "nothing asked yet" in panel.figure().texts[0].get_text()
    panel.ask("harbour")
    words = [text.get_text() for axes in panel.figure().axes for text in axes.texts]
    assert "harbour" in words[0] and f"1. cosine {panel.results.scores[0]:.2f}" in words


def test_numbers_of_drawn_pictures_say_so(panel):
    panel.ask("harbour")
    assert "drawn" not in panel.asked.value
    drawn = list(data.sample("coast", "val")["image"].unique()[:3])
    assert drawn_note(drawn) == " (drawn pictures)"
    assert "some" in drawn_note([*drawn, panel.results.images[0]])
    panel.index.append(drawn)
    panel.k = 15
    panel.ask("beach")
    assert "some of the pictures are drawn" in panel.asked.value


@pytest.mark.parametrize("k, error", [(0, ValueError), (2.5, TypeError)])
def test_what_is_no_index_or_no_number_is_refused_at_once(index, k, error):
    with pytest.raises(error, match="k="):
        SearchWidget(index, k=k)
    with pytest.raises(TypeError, match="SearchIndex.build"):
        SearchWidget(["a.jpg"])
    with pytest.raises(TypeError, match="labels are"):
        SearchWidget(index, labels=3)
