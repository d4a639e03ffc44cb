"""The prediction panel: its numbers are `predict`'s, nothing is encoded twice, and what goes wrong is said in it."""

import asyncio
import io
import re

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest
import torch
from chosen_files import choose_file
from PIL import Image

import rsclip_lab as lab
from rsclip_lab.data import REMOTE_SENSING_TEMPLATES, ImageError
from rsclip_lab.evaluation.zero_shot import NEUTRAL_TEXTS
from rsclip_lab.search import text_heatmap
from rsclip_lab.show.widgets import prediction, scale, wording
from rsclip_lab.show.widgets.pieces import MOST_BYTES
from rsclip_lab.show.widgets.prediction import PredictionWidget

NOISE = np.random.default_rng(1).integers(0, 256, (60, 60, 3), dtype=np.uint8)
PROMPTS = ["a sandy beach", "boats in a harbour", "a forest", "AnnualCrop"]


@pytest.fixture(scope="module")
def tiny():
    return lab.load_model("tiny")


@pytest.fixture
def pictures():
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (40 + row, 60, 3), dtype=np.uint8) for row in range(3)]


@pytest.fixture
def panel(random_clip, pictures):
    return PredictionWidget(random_clip, images=pictures, prompts=PROMPTS)


def png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def shown_numbers(panel, name="after"):
    """{prompt: the percentage in the panel's rows}, read from the page's text."""
    found = {}
    for row in panel.bars.shown:
        cell = re.search(rf"class='answer {name}'>.*?([\d.]+) %</span>", row.text.value)
        found[row.prompt] = float(cell[1])
    return found


def is_error(panel, words):
    return "role='alert'" in panel.message.value and words in panel.message.value


def everything(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from everything(child)


# The numbers.


@pytest.mark.parametrize("several", [False, True])
def test_as_typed_the_numbers_are_those_of_predict(tiny, several):
    panel = PredictionWidget(tiny, prompts=PROMPTS)
    panel.several = several
    for number in range(3):
        panel.picker.step_to(number)
        expected = lab.predict(tiny, panel.picture, PROMPTS, several=several)
        pd.testing.assert_frame_equal(panel.probabilities, expected, rtol=0, atol=1e-6)
        assert shown_numbers(panel) == pytest.approx((100 * expected.iloc[0]).to_dict(), abs=0.051)


def test_a_model_with_a_bias_judges_each_by_itself_with_it(random_clip, pictures):
    random_clip.net.logit_bias = torch.nn.Parameter(torch.tensor(-3.0))
    panel = PredictionWidget(random_clip, images=pictures, prompts=PROMPTS)
    panel.several = True
    expected = lab.predict(random_clip, pictures[0], PROMPTS, several=True)
    pd.testing.assert_frame_equal(panel.probabilities, expected, rtol=0, atol=1e-6)


def test_a_template_and_the_average_of_all_are_the_zero_shot_classifier(random_clip, panel, pictures):
    image = random_clip.encode_images(pictures[0])
    for template, templates in (("a {label} from above",) * 2, ("averaged", REMOTE_SENSING_TEMPLATES)):
        panel.template = template
        classifier = lab.zero_shot_classifier(random_clip, PROMPTS, templates)
        expected = (random_clip.logit_scale * image @ classifier.T).softmax(dim=-1).numpy()
        np.testing.assert_allclose(panel.probabilities.to_numpy(), expected, atol=1e-6)
        assert panel.template == template
    panel.template = "as typed"
    pd.testing.assert_frame_equal(panel.probabilities, lab.predict(random_clip, pictures[0], PROMPTS), atol=1e-6)


def test_another_logit_scale_is_a_softmax_of_scaled_cosines_and_a_button_goes_back(random_clip, panel, pictures):
    own = panel.probabilities
    cosines = (random_clip.encode_images(pictures[0]) @ random_clip.encode_texts(PROMPTS).T).numpy().astype(float)
    panel.scale.slider.value = 100.0
    grown = np.exp(100 * cosines)
    np.testing.assert_allclose(panel.probabilities.to_numpy(), grown / grown.sum(), atol=1e-5)
    assert panel.logit_scale == 100 and "own 14.3; what is best stays best" in panel.scale.words.value
    panel.scale.back.click()
    assert panel.logit_scale is None and "As trained: the model" in panel.scale.words.value
    pd.testing.assert_frame_equal(panel.probabilities, own, check_exact=True)


def test_the_scale_is_a_named_number_that_the_slider_follows_and_moves(panel):
    number, slider = panel.scale.number, panel.scale.slider
    assert "Logit scale" in number.description and number.value == 14.3 and panel.logit_scale is None
    number.value = 123.4
    assert panel.logit_scale == slider.value == number.value == 123.4
    slider.value = 10**1.5
    assert number.value == 31.6 and panel.logit_scale == 10**1.5  # the rounded number moves nothing
    number.value = 1e6
    assert number.value == slider.value == number.max
    panel.scale.back.click()
    assert number.value == 14.3 and panel.logit_scale is None


@pytest.mark.parametrize("own", [0.5, 10.0, 15.7, 100.0, 500.0])
def test_the_models_own_scale_is_a_step_of_the_slider(own):
    least, most = scale.exponents(own)
    steps = (np.log10(own) - least) / scale.STEP
    assert steps == pytest.approx(round(steps), abs=1e-6) and least < np.log10(own) < most
    assert 10**least < 1.03 and 10**most >= 200


def test_base_and_model_stand_side_by_side(random_clip, pictures):
    base = random_clip.copy()
    with torch.no_grad():
        base.net.logit_scale.fill_(4.0)
    panel = PredictionWidget(random_clip, base=base, images=pictures, prompts=PROMPTS)
    for model, found in ((random_clip, panel.probabilities), (base, panel.base_probabilities)):
        pd.testing.assert_frame_equal(found, lab.predict(model, pictures[0], PROMPTS), rtol=0, atol=1e-6)
    assert shown_numbers(panel, "before") != shown_numbers(panel, "after")
    assert panel.bars.names.value.index("before") < panel.bars.names.value.index("after")
    for name in ("before", "after"):  # the best is said in words, once a model
        best = [row.prompt for row in panel.bars.shown if marked(row, name)]
        numbers = shown_numbers(panel, name)
        assert best == [max(numbers, key=numbers.get)]


def marked(row, name):
    cell = row.text.value.split(f"class='answer {name}'")[1].split("class='answer")[0]
    return "class='best'>best<" in cell


def test_without_a_base_there_is_none(panel):
    assert panel.base_probabilities is None and panel.bars.names.value == ""


# Prompts.


def test_empty_lines_are_skipped_and_doubled_ones_are_told(panel, random_clip, pictures):
    panel.fields.lines.value = "\n  a beach \n\na forest\na beach\n   \n"
    assert panel.prompts == ["a beach", "a forest"]
    assert "Twice, and counted once: &quot;a beach&quot;" in panel.fields.read.value
    assert panel.message.value.find("alert") < 0 and list(shown_numbers(panel)) == ["a beach", "a forest"]
    expected = lab.predict(random_clip, pictures[0], ["a beach", "a forest"])
    pd.testing.assert_frame_equal(panel.probabilities, expected, rtol=0, atol=1e-6)
    panel.prompts = PROMPTS
    assert "Twice" not in panel.fields.read.value


def test_too_few_prompts_leave_no_numbers_and_say_what_to_do(panel):
    panel.prompts = ["a beach"]
    assert "Type a second prompt" in panel.message.value and not is_error(panel, "") and panel.bars.shown == []
    with pytest.raises(ValueError, match="at least two"):
        _ = panel.probabilities
    panel.several = True  # for which one is enough
    assert not is_error(panel, "") and list(shown_numbers(panel)) == ["a beach"]
    panel.prompts = []
    assert "Type a prompt" in panel.message.value and not is_error(panel, "") and panel.bars.shown == []
    panel.several = False
    assert "Type two prompts" in panel.message.value and not is_error(panel, "") and panel.bars.shown == []
    panel.several = True
    panel.prompts = PROMPTS
    assert not is_error(panel, "") and list(shown_numbers(panel)) == PROMPTS


def said(panel):
    return re.sub("<.*?>", "", panel.message.value)


@pytest.mark.parametrize(
    ("prompts", "template", "words"),
    [
        (["a beach"], "as typed", "Type a second prompt"),
        ([f"kind {number}" for number in range(61)], "as typed", "61 prompts: the panel has bars for 60"),
        (PROMPTS, "a photo of a thing", "lacks {label}"),
    ],
    ids=["one", "too many", "no label"],
)
def test_why_there_are_no_bars_is_said_after_another_picture_and_the_doctor_too(panel, prompts, template, words):
    panel.prompts = prompts
    if template != "as typed":
        panel.fields.choice.value, panel.fields.own.value = wording.OWN, template
    for click in (panel.picker.after.click, panel.picker.after.click, panel.fields.doctor.click):
        click()
        assert words in said(panel) and panel.bars.shown == []
    panel.template, panel.prompts = "as typed", PROMPTS
    panel.picker.after.click()
    assert said(panel) == panel.hint and len(panel.bars.shown) == len(PROMPTS)


def test_a_long_prompt_is_shortened_where_it_is_shown_and_whole_in_its_title(panel):
    long = "a beach and " * 400
    panel.prompts = [long, "a forest"]
    text = panel.bars.shown[0].text.value
    shown = re.search(r"title='(.*?)'>(.*?)</span>", text)
    assert shown[1] == long.strip() and len(shown[2]) <= 120 and shown[2].endswith("…")
    assert "title" not in panel.bars.shown[1].text.value
    panel.show_heatmap(long.strip())
    assert len(re.sub("<.*?>", "", panel.where.value)) < 400


def test_one_picture_is_one(random_clip, pictures):
    panel = PredictionWidget(random_clip, images=pictures[:1])
    assert [words for words, _ in panel.picker.kind.options] == ["all: 1 picture"]


def test_more_prompts_than_there_are_bars_for_are_refused(panel):
    panel.prompts = [f"kind {number}" for number in range(wording.MOST + 1)]
    assert is_error(panel, "61 prompts: the panel has bars for 60; for more call lab.predict")


def test_a_sentence_of_ones_own_needs_its_label(panel):
    panel.fields.choice.value = wording.OWN
    assert panel.fields.own.layout.display is None
    panel.fields.own.value = "a photo of a thing"
    assert is_error(panel, "lacks {label}") and panel.bars.shown == []
    panel.fields.own.value = "a photo of a {label}"
    assert not is_error(panel, "") and panel.template == "a photo of a {label}"
    assert "the model reads &quot;a photo of a sandy beach" in panel.fields.read.value
    with pytest.raises(ValueError, match="lacks {label}"):
        panel.template = "nothing"


def test_words_are_no_html(panel):
    panel.prompts = ["<script>alert(1)</script>", "a & b"]
    assert all("<script" not in row.text.value for row in panel.bars.shown)
    assert "&lt;script&gt;" in panel.bars.shown[0].text.value and "a &amp; b" in panel.bars.shown[1].text.value


def test_the_prompt_doctor_speaks_under_the_prompts(tiny):
    panel = PredictionWidget(tiny, prompts=["beach", "zblorg"])
    assert "tiny was never trained on &quot;zblorg&quot;" in panel.fields.found.value
    panel.prompts = ["beach", "forest"]
    assert "no problems in 2 prompts" in panel.fields.found.value


def test_a_slow_doctor_comes_only_when_called_and_its_old_words_go(panel, monkeypatch):
    panel.fields._doctors_time = 1.0
    panel.prompts = ["a beach", "a forest"]
    assert panel.fields.found.value == ""
    panel.fields.doctor.click()
    assert "weights are as they were drawn at random" in panel.fields.found.value


# Little work.


def test_nothing_is_encoded_twice(panel, monkeypatch):
    encoded = {"images": [], "texts": []}
    model = panel.answers["after"].model
    images, texts = model.encode_images, model.encode_texts
    monkeypatch.setattr(model, "encode_images", lambda new: encoded["images"].append(new) or images(new))
    monkeypatch.setattr(model, "encode_texts", lambda new: encoded["texts"].extend(new) or texts(new))
    monkeypatch.setattr(wording, "DOCTORS_TIME", -1)  # the doctor encodes for itself
    panel.prompts = [*PROMPTS, "a river"]
    panel.several = True
    panel.several = False
    panel.prompts = PROMPTS
    assert encoded == {"images": [], "texts": ["a river", *NEUTRAL_TEXTS]}
    panel.picker.after.click()
    panel.picker.before.click()
    assert len(encoded["images"]) == 1 and len(encoded["texts"]) == 6


def test_fast_typing_is_answered_once(panel, monkeypatch):
    asked = []
    answers = panel.answers["after"]
    real = answers.probabilities
    monkeypatch.setattr(answers, "probabilities", lambda *given: asked.append(given[1]) or real(*given))

    async def type_quickly():
        for end in range(1, 8):
            panel.fields.lines.value = "\n".join([*PROMPTS, "a river"[:end]])
        assert not asked
        await asyncio.sleep(0.2)

    asyncio.run(type_quickly())
    assert asked == [[*PROMPTS, "a river"]] and list(shown_numbers(panel))[-1] == "a river"


# Pictures.


def test_the_sample_comes_first_by_kind_and_says_that_it_is_drawn(random_clip):
    panel = PredictionWidget(random_clip)
    kinds = [value for _, value in panel.picker.kind.options]
    assert len(kinds) == 1 + 14 + 28 and "reef (coast)" in kinds and "airport (land)" in kinds
    panel.picker.kind.value = "reef (coast)"
    assert "reef" in panel.picture and "1 of 20" in panel.picker.place.value
    assert "no photograph" in panel.picker.about.value and "Its label: reef" in panel.picker.about.value
    assert "alt='drawn picture: " in panel.picker.view.value
    first = panel.picture
    panel.picker.before.click()
    assert "20 of 20" in panel.picker.place.value and panel.picture != first
    panel.picker.after.click()
    assert panel.picture == first
    airport = lab.sample("land", split="test").query("label == 'airport'").image.iloc[0]
    panel.picture = airport  # one of the sample keeps its words
    assert panel.picture == airport and "land sample" in panel.picker.about.value
    pd.testing.assert_frame_equal(panel.probabilities, lab.predict(random_clip, airport, panel.prompts), atol=1e-6)


def test_a_table_gives_its_labels_and_paths_their_names(random_clip, picture_folder):
    table = lab.read_captions(picture_folder)
    panel = PredictionWidget(random_clip, images=table)
    assert [value for _, value in panel.picker.kind.options] == ["all", "beach", "harbour", "forest"]
    assert "Your picture beach_0.png. Its label: beach." in panel.picker.about.value
    assert "alt='a satellite view of beach'" in panel.picker.view.value and "1 of 4" in panel.picker.place.value
    paths = PredictionWidget(random_clip, images=list(table["image"].unique()[:2]))
    assert "1 of 2" in paths.picker.place.value and list(paths.probabilities.index) == ["beach_0.png"]
    with pytest.raises(lab.data.CaptionError, match="no column image"):
        PredictionWidget(random_clip, images=pd.DataFrame({"path": []}))
    with pytest.raises(ValueError, match="no picture to choose from"):
        PredictionWidget(random_clip, images=[])


def test_an_upload_is_shown_and_asked(panel, random_clip, pictures):
    colours = np.full((50, 70, 3), (200, 30, 60), np.uint8)
    choose_file(panel.picker.upload, "mine.png", png(colours))
    assert "Your picture mine.png" in panel.picker.about.value
    pd.testing.assert_frame_equal(panel.probabilities, lab.predict(random_clip, colours, PROMPTS), rtol=0, atol=1e-6)
    assert not panel.picker.upload.value  # the page keeps no copy
    panel.picker.after.click()
    assert panel.picture is pictures[1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"this is a letter, no picture", "mine.png: plain text, not a picture; the download went wrong"),
        (b"", "mine.png: the file is empty; replace it"),
        (png(NOISE)[:2000], "mine.png: cannot be read as a picture"),
        (bytes(MOST_BYTES + 1), "mine.png has 5.0 MB, and an upload takes 5: crop it"),
    ],
    ids=["text", "empty", "cut short", "too large"],
)
def test_an_upload_that_is_no_use_says_why_and_the_former_stays(panel, pictures, content, words):
    before = panel.picker.view.value, panel.picker.about.value, shown_numbers(panel)
    choose_file(panel.picker.upload, "mine.png", content)
    assert is_error(panel, words)
    assert (panel.picker.view.value, panel.picker.about.value, shown_numbers(panel)) == before
    assert panel.picture is pictures[0]
    choose_file(panel.picker.upload, "other.png", png(pictures[2]))
    assert not is_error(panel, "") and "other.png" in panel.picker.about.value


def test_a_picture_that_cannot_be_read_is_told_of_and_the_next_one_works(random_clip, tmp_path, pictures):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff" + bytes(50))
    panel = PredictionWidget(random_clip, images=[tmp_path / "broken.jpg", pictures[0]], prompts=PROMPTS)
    assert is_error(panel, "broken.jpg") and panel.picture is None and panel.bars.shown == []
    assert panel.figure().axes
    panel.picker.after.click()
    assert not is_error(panel, "") and len(shown_numbers(panel)) == 4
    with pytest.raises(ImageError, match="broken.jpg"):
        panel.picture = tmp_path / "broken.jpg"


# Heatmaps.


def test_a_prompts_button_draws_its_heatmap_and_another_goes_back(panel, random_clip, pictures):
    plain = panel.picker.view.value
    assert panel.back.layout.display == "none"
    row = panel.bars.shown[1]
    assert "boats in a harbour" in row.button.tooltip
    row.button.click()
    np.testing.assert_array_equal(panel.heatmap, text_heatmap(random_clip, pictures[0], "boats in a harbour"))
    assert panel.picker.view.value != plain and "alt='heatmap over the picture in grey" in panel.picker.view.value
    assert f"{panel.heatmap.max():.2f} at the cross" in panel.where.value and "any words" in panel.where.value
    assert "shown" in row.button.description and panel.back.layout.display is None
    panel.back.click()
    assert panel.picker.view.value == plain and panel.heatmap is None and panel.where.value == ""
    assert "shown" not in row.button.description


def test_a_heatmap_goes_with_its_prompt_and_its_picture(panel):
    for leave in (lambda: panel.picker.after.click(), lambda: setattr(panel, "prompts", PROMPTS[1:])):
        panel.show_heatmap(PROMPTS[0])
        assert panel.heatmap is not None
        leave()
        assert panel.heatmap is None and "heatmap" not in panel.picker.view.value
        panel.prompts = PROMPTS
    panel.show_heatmap(PROMPTS[0])
    panel.show_heatmap(PROMPTS[0])  # the same button again
    assert panel.heatmap is None


def test_a_whole_sentence_stands_against_sentences(panel, random_clip, pictures):
    sentence = "a satellite view of a beach"
    panel.prompts = [sentence, "forest"]
    panel.show_heatmap(sentence)
    expected = text_heatmap(random_clip, pictures[0], sentence, neutral=NEUTRAL_TEXTS)
    np.testing.assert_array_equal(panel.heatmap, expected)


def test_a_heatmap_that_fails_says_so_and_the_picture_stays(panel, monkeypatch):
    def fail(*given):
        raise ValueError("no map of this network; use another")

    monkeypatch.setattr(prediction, "prompt_heatmap", fail)
    plain = panel.picker.view.value
    panel.bars.shown[0].button.click()
    assert is_error(panel, "no map of this network; use another") and panel.picker.view.value == plain
    assert "shown" not in panel.bars.shown[0].button.description


# What it looks like where no widget runs, and for the keyboard.


def test_the_figure_has_the_pictures_bars_with_their_numbers(random_clip, pictures):
    panel = PredictionWidget(random_clip, base=random_clip.copy(), images=pictures, prompts=PROMPTS)
    left, before, after = panel.figure().axes
    assert left.images[0].get_array().shape == (40, 60, 3)
    assert (before.get_title(), after.get_title()) == ("before", "after")
    values = panel.probabilities.iloc[0]
    for axes in (before, after):
        assert [bar.get_width() for bar in axes.patches] == pytest.approx(values.to_list(), abs=1e-6)
        texts = [text.get_text() for text in axes.texts]
        assert [text.startswith(f"{100 * value:.1f} %") for text, value in zip(texts, values, strict=True)]
        assert [text.endswith("best") for text in texts] == (values == values.max()).to_list()
    panel.prompts = ["one"]
    assert "at least two" in panel.figure().axes[1].texts[0].get_text()


FIELDS = (widgets.Textarea, widgets.Text, widgets.Dropdown, widgets.RadioButtons, widgets.BoundedFloatText)


def test_every_field_and_button_says_what_it_is(panel):
    found = list(everything(panel.root))
    fields = [widget for widget in found if isinstance(widget, FIELDS)]
    assert len(fields) == 6 and all(field.description for field in fields)
    buttons = [widget for widget in found if isinstance(widget, (widgets.Button, widgets.FileUpload))]
    assert len(buttons) == 6 + len(PROMPTS) and all(button.description for button in buttons)
    assert len({row.button.tooltip for row in panel.bars.shown}) == len(PROMPTS)


def test_what_is_no_model_is_refused_with_what_to_write():
    with pytest.raises(TypeError, match=r"PredictionWidget takes a loaded model, not 'tiny': PredictionWidget\(load"):
        PredictionWidget("tiny")
