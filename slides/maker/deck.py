"""A deck's text, split into slides, and what a slide must not lack."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.attrs import attrs_block_plugin
from mdit_py_plugins.container import container_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

from .errors import DeckError

FIELDS = ("lesson", "title", "question", "notebook", "minutes")
FIGURE = "figure:"
MEASURED = re.compile(r"\d+\.\d+|\d ?%")  # a number that somebody has measured, or claims to have
NOTES = re.compile(r"notes\s+([1-9]\d*)\s*$")


@dataclass
class Slide:
    """One slide: its tokens without heading and notes; `lines` counts from 1 in the file."""

    title: Token
    layout: str
    line: int
    body: list[Token] = field(default_factory=list)
    notes: list[Token] = field(default_factory=list)
    minutes: int = 0


@dataclass
class Deck:
    """A file of slides with the fields of its front matter."""

    name: str
    about: dict
    slides: list[Slide]


def markdown() -> MarkdownIt:
    """CommonMark with tables, `$formulas$`, `::: boxes` and `{.classes}` before a block; no raw HTML."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.use(front_matter_plugin).use(dollarmath_plugin, double_inline=True).use(attrs_block_plugin)
    for box in ("notes", "predict"):
        reader.use(container_plugin, name=box)
    return reader


def read_deck(file: str | Path, figures: Sequence[str] | None = None) -> Deck:
    """The slides of a Markdown file: `#` begins the title slide, `##` every other one.

    figures: the names that `![words](figure:name)` may use; None allows all.
    Raises DeckError, with file and line, for front matter or notes that are missing, a second title, a picture
    without words or not made here, an unknown figure, and a measured number on a slide that names no source.
    """
    file = Path(file)
    tokens = markdown().parse(file.read_text("utf-8"))
    wrong = problem(file.name)
    deck = Deck(file.stem, front_matter(tokens, wrong), split(tokens, wrong))
    for slide in deck.slides:
        require_complete(slide, figures, wrong)
    return deck


def problem(name: str) -> Callable[[int, str], DeckError]:
    return lambda line, words: DeckError(name, line, words)


def front_matter(tokens: Sequence[Token], wrong: Callable) -> dict:
    found = tokens[0].content if tokens and tokens[0].type == "front_matter" else ""
    try:
        about = yaml.safe_load(found) or {}
    except yaml.YAMLError as error:
        raise wrong(1, f"front matter that is no YAML ({error}); write `name: value` lines between two ---") from None
    if missing := [name for name in FIELDS if name not in about]:
        raise wrong(1, f"the front matter lacks {', '.join(missing)}; add them between the two --- at the top")
    return about


def split(tokens: Sequence[Token], wrong: Callable) -> list[Slide]:
    """The slides, each with its notes taken out of its body."""
    slides: list[Slide] = []
    waiting = iter(enumerate(tokens))
    for place, token in waiting:
        if token.type == "front_matter":
            continue
        if token.type == "heading_open" and token.level == 0 and token.tag in ("h1", "h2"):
            slides.append(begin(token, tokens[place + 1], slides, wrong))
            next(waiting), next(waiting)  # the words and the end of the heading
        elif not slides:
            raise wrong(line_of(token), "text before the first heading; begin with `# Title`")
        elif token.type == "container_notes_open":
            take_notes(slides[-1], token, waiting, wrong)
        else:
            slides[-1].body.append(token)
    if not slides:
        raise wrong(1, "no slide; begin with `# Title`")
    return slides


def begin(heading: Token, words: Token, before: Sequence[Slide], wrong: Callable) -> Slide:
    line = line_of(heading)
    if (heading.tag == "h1") != (not before):
        raise wrong(line, "a deck has one `# Title`, on its first slide; the others begin with `##`")
    return Slide(words, str(heading.attrGet("class") or ("title" if not before else "")), line)


def take_notes(slide: Slide, opening: Token, waiting: Iterator, wrong: Callable) -> None:
    asked = NOTES.match(opening.info.strip())
    if not asked:
        raise wrong(line_of(opening), "notes without their minutes; write `::: notes 3`")
    slide.minutes += int(asked[1])
    for _, token in waiting:
        if token.type == "container_notes_close":
            return
        slide.notes.append(token)


def require_complete(slide: Slide, figures: Sequence[str] | None, wrong: Callable) -> None:
    if not slide.notes:
        raise wrong(slide.line, f"slide {slide.title.content!r} has no notes; add `::: notes MINUTES`, text, `:::`")
    pictures = False
    for line, image in images(slide.body):
        require_picture(line, image, figures, wrong)
        pictures = True
    if not pictures and not has_source(slide) and (found := measured(slide)):
        line, words = found
        raise wrong(line, f"{words!r} has no source; add a line that begins with `Source:` to the slide")


def require_picture(line: int, image: Token, figures: Sequence[str] | None, wrong: Callable) -> None:
    address = str(image.attrGet("src"))
    if not image.content.strip():
        raise wrong(line, f"picture {address} has no words for who cannot see it; write ![what it shows]({address})")
    if not address.startswith(FIGURE):
        raise wrong(line, f"picture {address} is not made here; write ![…](figure:name)")
    name = address.removeprefix(FIGURE)
    if figures is not None and name not in figures:
        raise wrong(line, f"there is no figure {name!r}; add a function of that name to slides/maker/figures")


def images(tokens: Sequence[Token]) -> Iterator[tuple[int, Token]]:
    """Every picture with its line."""
    for token in tokens:
        for child in token.children or ():
            if child.type == "image":
                yield line_of(token), child


def is_source(token: Token) -> bool:
    """Whether a piece of inline text is the line that says where a slide's numbers are from."""
    return token.type == "inline" and token.content.startswith(("Source:", "Sources:"))


def has_source(slide: Slide) -> bool:
    return any(is_source(token) for token in slide.body)


def measured(slide: Slide) -> tuple[int, str] | None:
    """The first number on the slide that needs a source, with its line; code and formulas do not count."""
    line = slide.line
    for token in slide.body:
        line = line_of(token, line)
        for child in token.children or ():
            if child.type == "text" and (found := MEASURED.search(child.content)):
                return line, found[0]
    return None


def line_of(token: Token, otherwise: int = 1) -> int:
    return token.map[0] + 1 if token.map else otherwise
