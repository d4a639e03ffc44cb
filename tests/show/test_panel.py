"""What all panels share: messages, errors, typing that pauses, uploads, and how a notebook keeps them."""

import asyncio
import io

import ipywidgets as widgets
import nbformat
import numpy as np
import pytest
from chosen_files import choose_file
from nbclient import NotebookClient
from PIL import Image

from rsclip_lab.show.widgets import panel as panel_module
from rsclip_lab.show.widgets.panel import VIEW, Panel
from rsclip_lab.show.widgets.pieces import (
    MOST_BYTES,
    Kept,
    drawn_html,
    forget_upload,
    newest_upload,
    picture_html,
)

NOTEBOOK = """
import ipywidgets
from rsclip_lab.show.style import new_figure
from rsclip_lab.show.widgets.panel import Panel

class Two(Panel):
    title = "Two buttons"
    def __init__(self):
        super().__init__()
        self.lay_out(ipywidgets.Button(description="one"), ipywidgets.Button(description="two"))
    def figure(self):
        return new_figure(2, 1)

Two()
"""


@pytest.mark.filterwarnings("ignore")
def test_a_notebook_keeps_the_panel_and_its_picture_as_two_outputs():
    client = NotebookClient(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)]), timeout=120)
    (cell,) = client.execute().cells
    live, still = cell.outputs
    assert set(live.data) == {"text/plain", VIEW} and "widgets do not run here" in live.data["text/plain"]
    assert "image/png" in still.data and VIEW not in still.data


def test_a_message_is_read_aloud_and_is_no_html():
    panel = Panel()
    assert panel.message.value == ""
    panel.say("a <b> & c")
    assert "role='status'" in panel.message.value and "a &lt;b&gt; &amp; c" in panel.message.value
    panel.say("no", error=True)
    assert "role='alert'" in panel.message.value and "Not possible: no" in panel.message.value
    panel.say()
    assert panel.message.value == ""


def test_the_hint_stands_where_no_message_does():
    class Hinted(Panel):
        hint = "type <something>"

    panel = Hinted()
    assert "type &lt;something&gt;" in panel.message.value
    panel.say("done")
    assert "type" not in panel.message.value
    panel.say()
    assert "type" in panel.message.value


def sign_of(panel, what):
    """What stands in the panel while it works; asserted outside, as `working` keeps every error."""
    with panel.working(what):
        sign = panel.message.value
    return sign


def test_work_has_a_sign_until_it_ends_and_an_error_stays():
    panel = Panel()
    assert "Counting …" in sign_of(panel, "Counting")
    assert panel.message.value == ""
    with panel.working("Counting"):
        raise ValueError("row 3: no number; write one")
    assert "Not possible: row 3: no number; write one" in panel.message.value


def test_what_is_said_within_stays_and_what_is_done_aside_brings_the_former_back():
    panel = Panel()
    for error in (True, False):
        with panel.working("Reading"), panel.working():
            panel.say("type a second", error)
        assert "type a second" in panel.message.value
    with panel.working("Reading"), panel.working("Counting"):
        raise ValueError("too many")
    assert "too many" in panel.message.value
    with panel.working("Looking", aside=True):
        sign = panel.message.value
    assert "Looking …" in sign and "too many" in panel.message.value
    with panel.working("Looking again"):
        pass
    assert panel.message.value == ""


def test_what_was_quick_the_last_time_does_not_flicker(monkeypatch):
    panel = Panel()
    assert "Counting" in sign_of(panel, "Counting")  # the first time nobody knows
    assert sign_of(panel, "Counting") == ""
    monkeypatch.setattr(panel_module, "QUICK", 0)
    assert "Counting" in sign_of(panel, "Counting")


def test_an_interrupt_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt), Panel().working():
        raise KeyboardInterrupt


def test_of_wishes_in_a_row_the_last_is_answered_and_other_wishes_by_themselves():
    panel, answered = Panel(), []

    async def type_quickly():
        for key in "ship":
            panel.soon(lambda key=key: answered.append(key))
            panel.soon(lambda key=key: answered.append(f"doctor {key}"), 0.1, "doctor")
        assert answered == []
        await asyncio.sleep(0.2)

    asyncio.run(type_quickly())
    assert answered == ["p", "doctor p"]
    panel.soon(lambda: answered.append("at once"))
    assert answered[-1] == "at once"


def test_an_error_after_typing_ends_in_the_panel():
    panel = Panel()

    def fail():
        raise ValueError("two prompts are needed; add one")

    async def type_one():
        panel.soon(fail)
        await asyncio.sleep(0.1)

    asyncio.run(type_one())
    assert "Not possible: two prompts are needed" in panel.message.value


def test_the_newest_upload_is_its_name_and_bytes_and_can_be_chosen_again():
    button, seen = widgets.FileUpload(), []
    button.observe(lambda change: seen.append(newest_upload(button)), "value")
    assert newest_upload(button) is None
    for _ in range(2):
        choose_file(button, "a.png", b"content")
        assert seen.pop() == newest_upload(button)
        assert (newest_upload(button).name, newest_upload(button).content) == ("a.png", b"content")
        forget_upload(button)
        assert newest_upload(button) is None and seen.pop() is None


def test_an_upload_that_is_too_large_says_what_to_do():
    button = widgets.FileUpload()
    choose_file(button, "large.tif", bytes(MOST_BYTES + 1))
    with pytest.raises(ValueError, match=r"large.tif has 5.0 MB, .* crop it or save it smaller"):
        newest_upload(button)


def test_a_picture_has_its_words_and_its_size():
    shown = picture_html(np.zeros((400, 200, 3), np.uint8), "a 'dark' <sea>", 100)
    assert "alt='a &#x27;dark&#x27; &lt;sea&gt;'" in shown and "width=50 height=100" in shown
    assert "width=7 height=5" in drawn_html(Image.new("RGB", (7, 5)), "x")
    buffer = io.BytesIO()
    Image.new("L", (9, 9)).save(buffer, "PNG")
    assert "width=9" in picture_html(buffer.getvalue(), "x")


def test_what_is_kept_is_made_once_and_the_longest_unused_forgotten():
    kept, made = Kept(2), []

    def get(key):
        return kept.get(key, lambda: made.append(key) or key.upper())

    assert [get(key) for key in "abacab"] == list("ABACAB")
    assert made == list("abcb")  # c put out b, as a was asked for since
    with pytest.raises(ZeroDivisionError):
        kept.get("d", lambda: 1 / 0)
    assert "d" not in kept.made and len(kept.made) == 2
