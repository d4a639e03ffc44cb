"""A deck as one HTML file that needs no other: figures, formulas, colours of code, style and keys are in it."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from rsclip_lab.cli.badges import Home

from .deck import FIGURE, Deck, Slide, is_source, markdown
from .errors import DeckError
from .figures import Drawing

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NOTEBOOK = "notebook:"  # [words](notebook:) leads to the deck's notebook in Colab
PIXELS_A_REM = 16


def write_page(deck: Deck, drawn: Callable[[str], Drawing], names: Sequence[str] = ()) -> str:
    """The page of a deck. drawn: gives a figure by its name; names: all decks, for the links to its neighbours.

    Raises DeckError for a formula or a language of code that is not understood.
    """
    writer = Writer(deck, drawn)
    slides = [writer.slide(slide) for slide in deck.slides]
    return templates().get_template("page.html.j2").render(
        about=deck.about, slides=slides, colab=writer.notebook, **neighbours(deck.name, names)
    )  # fmt: skip


def write_index(decks: Sequence[Deck]) -> str:
    """The page that lists all decks."""
    return templates().get_template("index.html.j2").render(decks=decks)


def templates() -> Environment:
    found = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    found.globals.update(css=_verbatim("page.css"), js=_verbatim("page.js"))
    return found


def _verbatim(name: str) -> Markup:
    return Markup((HERE / name).read_text("utf-8"))


def neighbours(name: str, names: Sequence[str]) -> dict[str, str | None]:
    place = list(names).index(name) if name in names else -1
    before = names[place - 1] if place > 0 else None
    return {"before": before, "after": names[place + 1] if 0 <= place < len(names) - 1 else None}


class Writer:
    """Tokens of one deck to HTML."""

    def __init__(self, deck: Deck, drawn: Callable[[str], Drawing]):
        self.deck, self.drawn, self.line = deck, drawn, 1
        self.notebook = Home.of(ROOT).page(deck.about["notebook"])
        self.markdown = self.rules(markdown())

    def rules(self, reader: MarkdownIt) -> MarkdownIt:
        rules = {
            "fence": self.code,
            "image": self.picture,
            "link_open": self.link,
            "math_inline": lambda tokens, place: self.formula(tokens[place], "inline"),
            "math_inline_double": lambda tokens, place: self.formula(tokens[place], "block"),
            "math_block": lambda tokens, place: self.formula(tokens[place], "block"),
            "container_predict_open": lambda *_: '<div class="predict"><p class="label">Predict</p>\n',
        }
        for name, rule in rules.items():
            reader.add_render_rule(name, _as_method(rule))
        return reader

    def slide(self, slide: Slide) -> dict:
        """What the template needs: title, layout, text, pictures, notes, minutes."""
        self.line = slide.line
        text, pictures, sources = [], [], []
        for block in blocks(slide.body):
            kind = pictures if is_picture(block) else sources if is_source_line(block) else text
            kind.append(self.html(block))
        parts = {"text": "".join(text), "pictures": "".join(pictures), "sources": "".join(sources)}
        title = self.markdown.renderer.renderInline(slide.title.children, self.markdown.options, {})
        return {
            "title": Markup(title),
            "layout": slide.layout if pictures else f"{slide.layout} plain".strip(),
            "minutes": slide.minutes,
            "notes": Markup(self.html(slide.notes)),
            **{name: Markup(part) for name, part in parts.items()},
        }

    def html(self, tokens: Sequence[Token]) -> str:
        if is_picture(tokens):
            tokens = tokens[1:-1]  # a figure does not stand in a paragraph
        elif is_source_line(tokens):
            tokens[0].attrSet("class", "source")
        return self.markdown.renderer.render(tokens, self.markdown.options, {})

    def picture(self, tokens: Sequence[Token], place: int) -> str:
        """A figure with its alternative text and the line that says how it was made."""
        image = tokens[place]
        drawing = self.drawn(str(image.attrGet("src")).removeprefix(FIGURE))
        address = "data:image/svg+xml;base64," + base64.b64encode(drawing.svg.encode()).decode()
        width, height = (f"{side / PIXELS_A_REM:g}rem" for side in drawing.size)
        words, source = html.escape(image.content, quote=True), html.escape(drawing.source)
        return (
            f'<figure><img src="{address}" alt="{words}" data-smallest="{drawing.smallest:.1f}" '
            f'data-width="{drawing.size[0]}" data-height="{drawing.size[1]}" style="width:{width};height:{height}">'
            f"<figcaption>{source}</figcaption></figure>\n"
        )

    def link(self, tokens: Sequence[Token], place: int) -> str:
        address = str(tokens[place].attrGet("href"))
        address = self.notebook if address == NOTEBOOK else address
        return f'<a href="{html.escape(address, quote=True)}" target="_blank" rel="noopener">'

    def code(self, tokens: Sequence[Token], place: int) -> str:
        fence = tokens[place]
        try:
            lexer = get_lexer_by_name(fence.info.strip() or "text")
        except ClassNotFound:
            raise self.wrong(fence, f"code in {fence.info.strip()!r}, which Pygments does not know") from None
        return f"<pre><code>{highlight(fence.content, lexer, HtmlFormatter(nowrap=True))}</code></pre>\n"

    def formula(self, token: Token, display: str) -> str:
        try:
            return convert(token.content.strip(), display=display)
        except Exception as error:  # the converter has no error of its own: whatever it stumbles over
            raise self.wrong(token, f"a formula that cannot be converted ({error!r}): {token.content}") from None

    def wrong(self, token: Token, words: str) -> DeckError:
        return DeckError(f"{self.deck.name}.md", token.map[0] + 1 if token.map else self.line, words)


def _as_method(rule: Callable) -> Callable:
    """markdown-it binds a rule to its renderer and hands over options and environment, which ours do not need."""
    return lambda _renderer, tokens, place, _options, _environment: rule(tokens, place)


def blocks(tokens: Sequence[Token]) -> list[list[Token]]:
    """The tokens of a slide, one list for each outermost block."""
    found: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        found[-1].append(token)
        depth += token.nesting
        if depth == 0:
            found.append([])
    return found[:-1]


def is_picture(block: Sequence[Token]) -> bool:
    """Whether a block is a paragraph with a picture and nothing else."""
    return len(block) == 3 and [child.type for child in block[1].children or ()] == ["image"]


def is_source_line(block: Sequence[Token]) -> bool:
    return len(block) == 3 and is_source(block[1])
