"""Slides: the decks are complete, their figures say what they are, and every page can be read from the last row."""

import os
import re
from pathlib import Path

import pytest
import yaml
from matplotlib.figure import Figure

from rsclip_lab.cli.badges import Home
from slides.maker import figures
from slides.maker.deck import read_deck
from slides.maker.errors import DeckError
from slides.maker.figures import drawing
from slides.maker.page import write_index, write_page
from slides.maker.pdf import find_browser, launch_options, print_pages

ROOT = Path(__file__).resolve().parents[1]
DECKS = sorted((ROOT / "slides").glob("[0-9][0-9]_*.md"))
LESSONS = ["00", "01", "02", "03", "04", "05", "06", "07"]
BODY, SMALL, CONTRAST = 28, 20, 4.5  # pixels at 1280 x 720; WCAG's ratio for text

GOOD = """---
lesson: "99"
title: A deck
question: Why?
notebook: 99_deck
minutes: 3
---

# A deck

::: notes 1
Hello.
:::

## Second

Half of them, $x_i \\cdot t_i$.

![A circle](figure:circle)

::: notes 2
More.
:::
"""


@pytest.fixture(params=DECKS, ids=lambda file: file.stem)
def deck(request):
    return read_deck(request.param, figures.known())


@pytest.fixture
def written(tmp_path):
    def write(text):
        file = tmp_path / "99_deck.md"
        file.write_text(text, "utf-8")
        return file

    return write


# The decks


def test_there_is_one_deck_a_lesson():
    assert [file.stem[:2] for file in DECKS] == LESSONS
    assert [read_deck(file).about["lesson"] for file in DECKS] == LESSONS


def test_a_deck_opens_with_its_question_and_ends_with_the_notebook_and_a_recap(deck):
    assert 8 <= len(deck.slides) <= 16
    first = " ".join(token.content for token in deck.slides[0].body)
    assert deck.about["question"] in first
    assert deck.slides[-1].layout == "recap"
    asked = DECKS[LESSONS.index(deck.about["lesson"])].read_text("utf-8")
    assert "::: predict" in asked and "](notebook:)" in asked
    assert (ROOT / "notebooks" / "source" / f"{deck.about['notebook']}.py").exists()


def test_the_minutes_of_the_notes_are_those_that_the_deck_promises(deck):
    assert sum(slide.minutes for slide in deck.slides) == deck.about["minutes"]
    assert all(slide.minutes > 0 for slide in deck.slides)


def test_notes_have_something_to_say(deck):
    for slide in deck.slides:
        assert len(" ".join(token.content for token in slide.notes if token.type == "inline")) > 40, (
            slide.title.content
        )


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("figure:circle", "figure:circel"), 19, "no figure 'circel'"),
        (("![A circle]", "![]"), 19, "no words"),
        (("figure:circle", "https://elsewhere/a.png"), 19, "not made here"),
        (("::: notes 2\nMore.\n:::\n", ""), 15, "has no notes"),
        (("::: notes 2", "::: notes"), 21, "without their minutes"),
        (("## Second", "# Second"), 15, "one `# Title`"),
        (("![A circle](figure:circle)", "It reaches 12.3 points."), 19, "no source"),
        (("![A circle](figure:circle)", "| a |\n|---|\n| 4 % |"), 21, "no source"),
        (("notebook: 99_deck\n", ""), 1, "lacks notebook"),
        (("title: A deck", "title: : A deck"), 1, "no YAML"),
    ],
)
def test_a_mistake_in_a_deck_is_named_with_its_line(written, change, line, words):
    assert change[0] in GOOD
    with pytest.raises(DeckError, match=re.escape(words)) as wrong:
        read_deck(written(GOOD.replace(*change)), figures.known())
    assert (wrong.value.file, wrong.value.line) == ("99_deck.md", line)


def test_a_source_line_makes_a_number_welcome(written):
    told = GOOD.replace("![A circle](figure:circle)", "It reaches 12.3 points.\n\nSource: a paper")
    assert len(read_deck(written(told)).slides) == 2


# Figures


def test_every_figure_is_used_and_says_where_its_pictures_are_from():
    used = set(re.findall(r"\(figure:(\w+)\)", "".join(file.read_text("utf-8") for file in DECKS)))
    assert used == set(figures.known())
    for name, recipe in figures.known().items():
        code = recipe.make.__wrapped__.__code__ if hasattr(recipe.make, "__wrapped__") else recipe.make.__code__
        if {"sample", "collection", "answers", "results", "_entry"} & set(code.co_names) or recipe.runs:
            assert "drawn" in recipe.data, name


@pytest.mark.parametrize(("by", "data"), [("", "data"), ("slides", " ")])
def test_a_figure_without_a_source_is_refused(by, data):
    with pytest.raises(drawing.FigureError, match="does not say what drew it"):
        drawing.figure(by, data)(lambda: None)


def test_a_name_is_given_once(monkeypatch):
    monkeypatch.setattr(drawing, "_recipes", {})

    def twice():
        return Figure()

    drawing.figure("slides", "nothing")(twice)
    with pytest.raises(drawing.FigureError, match="two figures are named twice"):
        drawing.figure("slides", "nothing")(twice)


@pytest.mark.parametrize(
    "name", ["circle", "loss_pieces", "zoo", "rsicd_topk", "which_benchmark", "two_views", "boxes"]
)
def test_words_in_figures_can_be_read(name):
    drawn = drawing.drawn(figures.known()[name])
    assert drawn.smallest >= SMALL
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawn.svg).groups())
    assert width / height == pytest.approx(drawn.size[0] / drawn.size[1], rel=0.02)


def test_a_figure_is_drawn_once_until_something_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "_recipes", {})
    made = []

    def plain():
        made.append(1)
        return Figure()

    drawing.figure("slides", "nothing", size=(300, 200))(plain)
    assert drawing.draw("plain", tmp_path) == drawing.draw("plain", tmp_path)
    assert len(made) == 1
    monkeypatch.setattr(drawing, "_recipes", {})
    drawing.figure("slides", "nothing", size=(400, 200))(plain)
    assert drawing.draw("plain", tmp_path).size == (400, 200)
    assert len(made) == 2 and len(list(tmp_path.iterdir())) == 1  # the one before is gone


# Pages


def blank(name: str) -> figures.Drawing:
    """A figure of the right size, drawn in no time: where things stand on a page does not depend on what is in it."""
    recipe = figures.known()[name]
    width, height = recipe.size
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"/>'
    return figures.Drawing(svg, recipe.size, 20.7, drawing.source_line(recipe))


def test_a_page_needs_no_other_file(deck):
    page = write_page(deck, blank, [file.stem for file in DECKS])
    assert not re.findall(r'(?:src|srcset)="(?!data:)|<link[^>]+stylesheet|@import|url\(', page)
    assert "default-src 'none'" in page
    assert page.count("<h1") == 1 and page.count('class="notes"') == len(deck.slides)
    for figure in re.findall(r"<figure>.*?</figure>", page, re.S):
        assert re.search(r'alt="[^"]{15,}"', figure) and re.search(r"<figcaption>\w.{10,}</figcaption>", figure)
    assert Home.of(ROOT).page(deck.about["notebook"]) in page


def test_formulas_are_mathml_and_code_is_coloured(written):
    page = write_page(read_deck(written(GOOD + "\n```python\nx = 1\n```\n")), blank)
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="inline">' in page
    assert '<span class="mi">1</span>' in page


def test_a_formula_or_language_that_is_not_understood_is_named(written):
    broken = GOOD.replace("Half of them, $x_i \\cdot t_i$.", "$$\\left( x$$")
    with pytest.raises(DeckError, match=r"99_deck\.md, line 17: a formula"):
        write_page(read_deck(written(broken)), blank)
    foreign = GOOD.replace("Half of them, $x_i \\cdot t_i$.", "```klingon\nx\n```")
    with pytest.raises(DeckError, match="line 17: code in 'klingon'"):
        write_page(read_deck(written(foreign)), blank)


# In a real browser


@pytest.fixture(scope="module")
def browser_path():
    found, why = find_browser()
    if found is None and os.environ.get("RSCLIP_BROWSER") == "required":
        pytest.fail(f"{why}; and RSCLIP_BROWSER=required")
    if found is None:
        pytest.skip(why)
    return found


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("html")
    decks = [read_deck(file, figures.known()) for file in DECKS]
    for deck in decks:
        (folder / f"{deck.name}.html").write_text(write_page(deck, blank, [one.name for one in decks]), "utf-8")
    (folder / "index.html").write_text(write_index(decks), "utf-8")
    return {deck.name: (folder / f"{deck.name}.html", len(deck.slides)) for deck in decks}


@pytest.fixture
def chromium(browser_path):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options(browser_path))
        yield browser
        browser.close()


MEASURE = """([body, small, contrast]) => {
  const wrong = [];
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
      .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  document.querySelectorAll(".slide").forEach((slide, n) => {
    const say = (words) => wrong.push(`slide ${n + 1}: ${words}`);
    const page = slide.getBoundingClientRect();
    const texts = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
    for (let text; (text = texts.nextNode());) {
      if (!text.data.trim()) continue;
      const holder = text.parentElement, style = getComputedStyle(holder), words = text.data.trim().slice(0, 40);
      const least = holder.closest("figcaption, .source, .bar, .label, .lesson, math") ? small : body;
      if (parseFloat(style.fontSize) < least) say(`"${words}" has ${style.fontSize}`);
      const [a, b] = [light(style.color), light(behind(holder))].sort((x, y) => y - x);
      if ((a + 0.05) / (b + 0.05) < contrast) say(`"${words}" is pale`);
      const range = document.createRange();
      range.selectNodeContents(text);
      for (const box of range.getClientRects())
        if (box.left < page.left || box.right > page.right || box.top < page.top || box.bottom > page.bottom)
          say(`"${words}" leaves the page`);
    }
    const parts = [...slide.querySelectorAll("h1, h2, .words > *, pre code, figure, .source, .bar")];
    const boxes = parts.map((part) => part.getBoundingClientRect());
    parts.forEach((part, i) => parts.forEach((other, j) => {
      const [a, b] = [boxes[i], boxes[j]];
      if (i < j && !part.contains(other) && a.bottom > b.top + 1 && b.bottom > a.top + 1
          && a.right > b.left + 1 && b.right > a.left + 1) say(`${part.tagName} lies over ${other.tagName}`);
    }));
    boxes.forEach((box, i) => {
      if (box.right > page.right - 16) say(`${parts[i].tagName} reaches the edge`);
    });
    slide.querySelectorAll("img").forEach((image) => {
      const box = image.getBoundingClientRect();
      const scale = Math.min(box.width / image.dataset.width, box.height / image.dataset.height);
      if (image.dataset.smallest * scale < small) say(`the figure is shrunk to ${scale}`);
    });
  });
  return wrong;
}"""


def open_page(chromium, page: Path, hash_="", **options):
    """A tab with the page at 1280 x 720, and a list that fills with whatever it complains of or asks from outside."""
    tab = chromium.new_context(viewport={"width": 1280, "height": 720}, **options).new_page()
    complaints = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    own = page.parent.as_uri()
    tab.on("request", lambda asked: asked.url.startswith((own, "data:")) or complaints.append(asked.url))
    tab.goto(page.as_uri() + hash_)
    return tab, complaints


def test_everything_on_every_slide_is_large_dark_and_on_its_page(chromium, pages):
    for name, (page, _) in pages.items():
        tab, complaints = open_page(chromium, page)
        tab.emulate_media(media="print")
        assert tab.evaluate(MEASURE, [BODY, SMALL, CONTRAST]) == [], name
        assert complaints == [], name
        tab.context.close()


def test_the_measure_finds_what_it_looks_for(chromium, written):
    crowded = GOOD.replace("Half of them", "word " * 300)
    page = written(GOOD).with_suffix(".html")
    page.write_text(
        write_page(read_deck(written(crowded)), blank).replace("</style>", "td, li, p {color: #aaa}</style>")
    )
    tab, _ = open_page(chromium, page)
    tab.emulate_media(media="print")
    found = " ".join(tab.evaluate(MEASURE, [BODY, SMALL, CONTRAST]))
    assert "is pale" in found and "lies over" in found and "leaves the page" in found


def shown(tab) -> str:
    visible = tab.locator(".slide:visible")
    assert visible.count() == 1
    return visible.get_attribute("id")


def test_keys_turn_the_pages(chromium, pages):
    page, count = pages["04_fine_tuning"]
    tab, complaints = open_page(chromium, page, "#3")
    assert shown(tab) == "s3"
    for key, slide in (
        ("ArrowRight", 4),
        (" ", 5),
        ("ArrowLeft", 4),
        ("End", count),
        ("ArrowRight", count),
        ("Home", 1),
    ):
        tab.keyboard.press(key)
        assert shown(tab) == f"s{slide}", key
    assert tab.url.endswith("#1")
    assert "Slide 1 of" in tab.locator("#said").text_content()
    assert not tab.locator(".notes:visible").count()
    tab.keyboard.press("n")
    assert "0.000046" in tab.locator(".notes:visible").inner_text()
    tab.keyboard.press("?")
    assert tab.locator("#help").is_visible()
    tab.keyboard.press("Escape")
    tab.keyboard.press("a")
    assert tab.locator(".slide:visible").count() == count
    assert complaints == []
    tab.context.close()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080), (1024, 768), (1366, 625)])
def test_the_list_of_keys_fits_the_window(chromium, pages, width, height):
    tab, _ = open_page(chromium, pages["01_environment"][0])
    tab.set_viewport_size({"width": width, "height": height})
    tab.keyboard.press("?")
    inside, box = tab.locator("#help").evaluate("(help) => [help.scrollHeight, help.clientHeight]")
    close = tab.locator("#help button").bounding_box()
    assert inside <= box and close["y"] + close["height"] < height
    tab.locator("#help button").click()
    assert not tab.locator("#help").is_visible()
    tab.context.close()


def test_the_speaker_has_a_window_of_their_own(chromium, pages):
    page, _ = pages["00_contrastive_idea"]
    tab, _ = open_page(chromium, page)
    with tab.context.expect_page() as opened:
        tab.keyboard.press("s")
    speaker = opened.value
    speaker.wait_for_selector(".clock:visible")
    speaker.keyboard.press("ArrowRight")
    tab.wait_for_selector("#s2.now")
    tab.keyboard.press("ArrowRight")
    speaker.wait_for_selector("#s3.now")
    assert [one.get_attribute("id") for one in speaker.locator(".slide:visible").all()] == ["s3", "s4"]
    assert "sketches" in speaker.locator(".notes:visible").inner_text()
    assert "by minute 6" in speaker.locator("#plan").inner_text()
    tab.context.close()


def test_without_a_script_all_slides_can_be_scrolled_and_their_notes_opened(chromium, pages):
    page, count = pages["01_environment"]
    tab, complaints = open_page(chromium, page, java_script_enabled=False)
    assert tab.locator(".slide:visible").count() == tab.locator(".notes:visible").count() == count
    assert complaints == []
    tab.context.close()


def test_who_wants_no_motion_gets_none(chromium, pages):
    animation = "getComputedStyle(document.querySelector('.now')).animationName"
    for motion, name in (("reduce", "none"), ("no-preference", "come")):
        tab, _ = open_page(chromium, pages["01_environment"][0], reduced_motion=motion)
        assert tab.evaluate(animation) == name
        tab.context.close()


def test_the_pdf_has_a_page_for_each_slide(browser_path, pages, tmp_path):
    targets = {page: tmp_path / f"{name}.pdf" for name, (page, _) in pages.items()}
    print_pages(targets, browser_path)
    for page, count in pages.values():
        sheets = re.findall(rb"/Type\s*/Page\b", targets[page].read_bytes())
        assert len(sheets) == count, page.name


def test_front_matter_is_plain_yaml():
    for file in DECKS:
        assert yaml.safe_load(file.read_text("utf-8").split("---")[1])["title"]
