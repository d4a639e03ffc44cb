"""The before/after report: a page that stands alone, says what was measured, and shows nothing as markup."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from conftest import TINY_ARCHITECTURE
from matplotlib.figure import Figure
from PIL import Image

from rsclip_lab.data import sample
from rsclip_lab.evaluation.published import read_published
from rsclip_lab.models import new_clip
from rsclip_lab.show.before_after import before_after_report
from rsclip_lab.show.before_after import sentences as say
from rsclip_lab.show.before_after.elements import drawing, table, thumbnail
from rsclip_lab.show.before_after.figures import plot_kinds

pytestmark = pytest.mark.usefixtures("one_thread")
VOID = {"meta", "img", "br", "link", "path", "use", "rect"}


class Page(HTMLParser):
    """Its tags in order, their attributes, the words of each heading, and whether every tag is closed in its turn."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.headings, self.open, self.words, self.tables = [], [], [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag in ("h1", "h2", "h3"):
            self.headings.append([tag, ""])
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.words.append(data)
        if self.open and self.open[-1] in ("h1", "h2", "h3"):
            self.headings[-1][1] += data
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def rows(self, first):
        return [row for one in self.tables for row in one if row[0] == first]


@pytest.fixture(scope="module")
def base():
    return new_clip(TINY_ARCHITECTURE, seed=0, name="random")


@pytest.fixture(scope="module")
def tuned():
    model = new_clip(TINY_ARCHITECTURE, seed=7, name="tuned <i>model</i>")
    model.description["training"] = {"config": {"epochs": 8, "loss": "<u>clip</u>"}, "data": {"sha256": "5eed"}}
    return model


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """(captions, control): four pictures of beach and of "<b>x</b> & y", two of forest and of sea."""
    folder, random, rows = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0), []
    for place, label in enumerate(["beach", "<b>x</b> & y"] * 4 + ["forest", "sea"] * 2):
        coarse = Image.fromarray(random.integers(0, 256, (4, 5, 3), dtype=np.uint8))
        path = folder / f"{place}.png"
        coarse.resize((50, 40)).save(path)
        rows += [[str(path), f"{words} {place}", place, "test", label] for words in ("picture", "view")]
    table = pd.DataFrame(rows, columns=["image", "caption", "image_id", "split", "label"])
    return table[table["image_id"] < 8], table[table["image_id"] >= 8]


@pytest.fixture(scope="module")
def report(base, tuned, tables):
    return before_after_report(base, tuned, *tables)


def saved(report, place):
    text = report.save(place / "report.html").read_text(encoding="utf-8")
    return text, Page(text)


@pytest.fixture(scope="module")
def written(report, tmp_path_factory):
    """The page's HTML, and as it was understood."""
    return saved(report, tmp_path_factory.mktemp("page"))


def test_the_page_stands_alone_and_can_be_read_by_all(written):
    text, page = written
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object")
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "xlink:href", "srcset"):
            value = attributes.get(name, "#")
            cited = tag == "a" and re.match(r"https://(arxiv\.org|github\.com)/", value)
            assert value.startswith(("#", "data:image/")) or cited, value
        if tag == "img" or attributes.get("role") in ("img", "region"):
            assert attributes.get("alt") or attributes.get("aria-label")
    assert "@import" not in text and not re.search(r"url\((?!#)", text) and "<script" not in text.lower()
    assert [tag for tag, _ in page.headings].count("h1") == 1 and page.headings[0][0] == "h1"
    levels = [int(tag[1]) for tag, _ in page.headings]
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))
    tags = [tag for tag, _ in page.tags]
    assert tags.count("caption") == tags.count("table") >= 5
    assert ("html", {"lang": "en"}) in page.tags and ("meta", {"charset": "utf-8"}) in page.tags
    identities = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(identities) == len(set(identities))
    used = {attributes[name] for _, attributes in page.tags for name in ("href", "xlink:href") if name in attributes}
    assert {one[1:] for one in used if one.startswith("#")} <= set(identities)
    assert len(text) < 1_500_000 and "prefers-color-scheme: dark" in text and "@media print" in text


def test_names_are_text_and_never_markup(report, written):
    text, page = written
    assert "<b>x</b>" not in text and "<i>model</i>" not in text
    assert page.rows("<b>x</b> & y") and "tuned <i>model</i>" in page.headings[0][1]
    assert "<b>x" not in report._repr_html_() and "<i>model" not in report._repr_html_()


def test_the_page_says_what_was_measured(report, written):
    _, page = written
    top1 = report.table.loc["top1"]
    (row,) = page.rows("top-1, own kinds")
    assert row[1:3] == [f"{100 * top1['before']:.1f} %", f"{100 * top1['after']:.1f} %"]
    assert row[3] == say.points(top1["difference"])
    headings = {words for _, words in page.headings}
    assert {"By how much", "At what", "What was forgotten", "Pictures", "Beside published numbers"} <= headings
    assert report.comparison.measured_on["captions"]["sha256"] in page.text
    assert say.headline(report.comparison) in page.text and say.forgetting(report.comparison) in page.text
    assert "not comparable" in page.text.lower() and "rsclip-lab" in page.text
    assert "drawn by rsclip-lab" not in page.text  # these pictures are none of the sample's
    architecture = TINY_ARCHITECTURE["embed_dim"]
    assert f"architecture.embed_dim {architecture}" in page.text  # the model's description
    assert (
        "config.epochs 8" in page.text and "config.loss <u>clip</u>" in page.text and "data.sha256 5eed" in page.text
    )


def test_the_published_numbers_stand_beside_with_their_sources(report, written):
    _, page = written
    (row,) = page.rows("clip-rsicd-v2 (RSICD, 1,027 pictures)")
    assert row[1:] == ["88.3", "96.8", "98.2", "99.8"]
    (row,) = page.rows("RemoteCLIP-ViT-B-32 (RSITMD, 452 pictures)")
    assert row[1:] == ["27.88", "50.66", "65.71", "22.17", "56.46", "73.41", "49.38"]
    (own,) = (row for row in page.rows("here, before: random") if len(row) == 8)
    assert own[-1] == f"{100 * report.table.loc['mean_recall', 'before']:.2f}"
    for claim in read_published().claims:
        if claim.protocol == "clip-rsicd":
            assert claim.source in "".join(page.words)


def test_the_gallery_shows_the_pictures_themselves(report, written):
    _, page = written
    found = report.comparison
    shown = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(shown) == len(found.failures) + len(found.lost) + len(found.won) > 0
    first = found.failures.iloc[0]
    words = f"picture of {first['label']}, called {first['before']} before and {first['after']} after"
    assert shown[0]["alt"] == words
    small = Image.open(io.BytesIO(base64.b64decode(shown[0]["src"].partition(",")[2])))
    original = Image.open(first["image"]).convert("RGB")
    assert small.size == original.size  # they are smaller than a thumbnail
    assert np.abs(np.asarray(small, float) - np.asarray(original, float)).mean() < 6  # a JPEG of it
    gone = thumbnail("/no/such.png", "gone")
    assert "<img" not in gone and "file not found" in gone


def test_a_comparison_of_a_model_with_itself_finds_nothing(base, tables, tmp_path):
    report = before_after_report(base, base, *tables)
    assert (report.table["difference"] == 0).all() and "better" not in set(report.table["verdict"])
    _, page = saved(report, tmp_path)
    assert "No evidence that random differs" in page.text and "No evidence of forgetting" in page.text
    assert "No kind lost accuracy" in page.text


def test_without_labels_and_control_there_is_retrieval_alone(base, tuned, tables, tmp_path):
    report = before_after_report(base, tuned, tables[0].assign(label=None))
    assert set(report.figures) == {"differences", "retrieval"}
    _, page = saved(report, tmp_path)
    headings = [words for _, words in page.headings]
    assert "Pictures" not in headings and "What was forgotten" not in headings and "Retrieval" in headings
    assert "no labels of two kinds" in page.text and "nan" not in page.text.lower().split()


def test_some_pictures_without_a_label_and_a_kind_in_common(base, tuned, tables, tmp_path):
    captions, control = tables[0].copy(), tables[1].replace({"label": {"sea": "beach"}})
    captions.loc[captions["image_id"] == 0, "label"] = None
    _, page = saved(before_after_report(base, tuned, captions, control), tmp_path)
    assert "1 picture without a label" in page.text
    one_kind = before_after_report(base, tuned, tables[0], tables[1].assign(label="sea"))  # leaves no choice
    assert "control" not in one_kind.figures and say.forgetting(one_kind.comparison) == ""


def test_every_figure_is_a_figure_and_shows_its_numbers(report):
    names = {"differences", "topk", "classes", "control", "retrieval", "calibration"}
    assert set(report.figures) == names and all(isinstance(one, Figure) for one in report.figures.values())
    axes = report.figures["classes"].axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(report.comparison.per_class.index)
    marks = {one.get_label(): one.get_offsets()[:, 0] for one in axes.collections if len(one.get_offsets()) > 1}
    np.testing.assert_allclose(marks["after"], report.comparison.per_class["after"])
    np.testing.assert_allclose(marks["before"], report.comparison.per_class["before"])


def test_saving_replaces_at_one_stroke_and_refuses_what_is_no_page(report, tmp_path, monkeypatch):
    whole_page = "rsclip_lab.show.before_after.whole_page"
    monkeypatch.setattr(whole_page, lambda report: "a page")
    place = report.save(tmp_path / "new" / "report.html")
    whole = place.read_text(encoding="utf-8")
    monkeypatch.setattr(whole_page, lambda report: "half \ud800 a page")  # which has no UTF-8
    with pytest.raises(UnicodeEncodeError):
        report.save(place)
    assert place.read_text(encoding="utf-8") == whole
    assert [one.name for one in place.parent.iterdir()] == ["report.html"]
    with pytest.raises(ValueError, match="name it with .html"):
        report.save(tmp_path / "report.pdf")
    with pytest.raises(OSError, match="is a file, so that nothing"):
        report.save(place / "report.html")


def test_drawn_pictures_are_called_so(base, tuned):
    captions = sample("coast", "test").groupby("label").head(1).head(4)
    said = Page(before_after_report(base, tuned, captions)._repr_html_()).text
    assert "4 of 4 pictures are drawn by rsclip-lab's generator" in said and "nothing about real imagery" in said


def comparison_with(verdict, difference):
    metrics = pd.DataFrame(
        {"before": [0.5], "after": [0.5 + difference], "difference": [difference], "low": [-0.1], "high": [0.3]}
        | {"p": [0.04], "pictures": [200], "verdict": [verdict]}, index=["top1"],
    )  # fmt: skip
    return type("Found", (), {"metrics": metrics, "names": {"before": "base", "after": "new"}})


@pytest.mark.parametrize(
    ("verdict", "difference", "begins"),
    [
        ("better", 0.1, "new is better on 200 pictures: own kinds recognised 60.0 % after, 50.0 % before (+10.0 po"),
        ("worse", -0.1, "new is worse on 200 pictures: own kinds recognised 40.0 % after, 50.0 % before (−10.0 po"),
        ("no evidence of a difference", 0.0, "No evidence that new differs on 200 pictures"),
    ],
)
def test_the_headline_says_which_way_and_how_sure(verdict, difference, begins):
    said = say.headline(comparison_with(verdict, difference))
    assert said.startswith(begins) and said.endswith("95 % interval −10.0 to +30.0).")


def test_numbers_are_written_as_a_reader_expects_and_columns_aligned_by_what_they_hold():
    assert [say.points(value) for value in (0.0451, -0.0449, -0.00001, float("nan"))] == ["+4.5", "−4.5", "+0.0", "–"]
    assert [say.p_value(value) for value in (0.0004, 0.0312, 1.0)] == ["< 0.001", "0.031", "1.000"]
    page = Page(table("t", ["kind", "share", "called"], [["a", "3 %", "reef"], ["b", "–", "–"]]))
    assert [attributes.get("class") for tag, attributes in page.tags if tag == "td"] == ["n", None, "n", None]


def kinds_named(*names):
    shares = np.linspace(0, 1, len(names))
    return pd.DataFrame({"before": shares, "after": shares[::-1]}, index=list(names))


@pytest.mark.parametrize("name", [r"$\frac{a$", "cost $5 and $6^2", "#333333", "url(#y)", 'id="y" href="#y"', "<b>"])
def test_the_name_of_a_kind_is_written_as_it_is(name):
    page = Page(drawing("classes", plot_kinds(kinds_named("beach", name)), "words", "caption"))
    assert name in page.words
    colours = " ".join(" ".join(filter(None, attributes.values())) for _, attributes in page.tags)
    assert "var(--ink)" in colours and "#333333" not in colours and "url(#classes-" in colours


@pytest.mark.parametrize("name", ["W" * 180, "a long name " * 15], ids=["one word", "words"])
def test_long_names_leave_room_for_the_drawing(name, recwarn):
    figure = plot_kinds(kinds_named("beach", name, "forest"))
    figure.draw_without_rendering()
    assert not [str(one.message) for one in recwarn if "layout" in str(one.message)]
    (axes,) = figure.axes
    (low, high), labels = axes.get_window_extent().intervalx, axes.get_yticklabels()
    assert (high - low) / figure.bbox.width > 0.2
    assert all(figure.bbox.x0 <= one.get_window_extent().x0 for one in labels)
    assert axes.get_legend().get_window_extent().x1 <= figure.bbox.x1
    places = [one.get_window_extent() for one in labels]
    assert not any(one.overlaps(other) for one, other in zip(places, places[1:], strict=False))
    assert labels[1].get_text().endswith("…") and labels[0].get_text() == "beach"


@pytest.mark.parametrize(("verdict", "named"), [("worse", True), ("better", False), ("no evidence of a d", False)])
def test_what_was_forgotten_most_is_named_where_something_was_forgotten(verdict, named):
    found = comparison_with(verdict, 0.05)
    found.metrics = found.metrics.rename(index={"top1": "control_top1"})
    table = {"before": [1.0], "after": [0.6], "lost": [2], "now_called": ["reef"]}
    found.forgotten = pd.DataFrame(table, index=["submarine"])
    said = say.forgetting(found)
    assert ("; most of all submarine (−40.0, now called reef)." in said) == named and ("submarine" in said) == named
