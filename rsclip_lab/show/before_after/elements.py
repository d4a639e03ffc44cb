"""The pieces of a page: text made safe, tables, and the drawings and small pictures that it carries within."""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Iterable, Mapping, Sequence

import matplotlib
from matplotlib.figure import Figure
from PIL import Image

from rsclip_lab.data import ImageError, open_image

THUMBNAIL_SIDE = 144  # pixels; shown at 120, a little sharper than that
# Colours of the figures that the page's theme decides instead: black, white and greys of a drawing for paper.
THEMED = {"#000000": "--ink", "#333333": "--ink", "#ffffff": "--card", "#dddddd": "--line", "#8a8a8a": "--before"}
THEMED |= {"#0072b2": "--after"}


VERDICTS = {"better": ("▲ ", "good"), "worse": ("▼ ", "bad")}  # sign and colour: not by colour alone


def escape(text: object) -> str:
    return html.escape(str(text), quote=True)


def paragraph(text: str, kind: str = "") -> str:
    """Of plain text."""
    return f"<p{_class(kind)}>{escape(text)}</p>"


def section(name: str, heading: str, *parts: str) -> str:
    """Under a heading of the second level; empty where it has no part."""
    content = "".join(parts)
    return f'<section id="{escape(name)}"><h2>{escape(heading)}</h2>{content}</section>' if content else ""


def subsection(heading: str, *parts: str) -> str:
    content = "".join(parts)
    return f"<h3>{escape(heading)}</h3>{content}" if content else ""


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[object]], note: str = "") -> str:
    """With its caption; the first cell of a row is its heading, the others are right-aligned where they are numbers.

    It scrolls by itself where the page is narrower. note: a line under it.
    """
    rows = [[str(cell) for cell in row] for row in rows]
    numbers = [all(map(is_number, column)) for column in zip(*rows, strict=True)] or [False] * len(heads)
    kinds = ["", *("n" if number else "" for number in numbers[1:])]
    head = "".join(
        f'<th scope="col"{_class(kind)}>{escape(one)}</th>' for kind, one in zip(kinds, heads, strict=True)
    )
    body = "".join(_row(row, kinds) for row in rows)
    inner = f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    below = paragraph(note, "note") if note else ""
    # A keyboard reaches what scrolls only where it can be focused, and then it needs a name.
    scroll = f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}">'
    return f"{scroll}<table>{inner}</table></div>{below}"


def is_number(text: str) -> bool:
    """Whether a cell is aligned as a number: "84.3 %", "+1.2 to +3.4", "< 0.001", a dash for none."""
    return bool(re.match(r"[-+−–<]?\s?[\d,.]*(?: |$)", text)) and not text[:1].isalpha()


def _row(cells: Sequence[str], kinds: Sequence[str]) -> str:
    first, *others = cells
    body = "".join(map(_cell, others, kinds[1:]))
    return f'<tr><th scope="row">{escape(first)}</th>{body}</tr>'


def _cell(text: str, kind: str) -> str:
    sign, mark = VERDICTS.get(text, ("", ""))
    return f"<td{_class(f'{kind} {mark}'.strip())}>{sign}{escape(text)}</td>"


def facts(known: Mapping[str, object]) -> str:
    """A list of names and what they are."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in known.items())
    return f"<dl>{rows}</dl>" if rows else ""


def folded(summary: str, *parts: str, opened: bool = False) -> str:
    """What few want to read, a click away; open when the page is printed by browsers that can."""
    content = "".join(parts)
    return (
        f"<details{' open' if opened else ''}><summary>{escape(summary)}</summary>{content}</details>"
        if content
        else ""
    )


def linked(text: str) -> str:
    """Plain text, with links where it names an arXiv number or a repository on GitHub."""
    text = escape(text)
    text = re.sub(r"arXiv:(\d{4}\.\d{4,5})", r'<a href="https://arxiv.org/abs/\1">arXiv:\1</a>', text)
    return re.sub(r"\bgithub\.com/([\w.-]+/[\w.-]*\w)", r'<a href="https://github.com/\1">github.com/\1</a>', text)


def drawing(name: str, figure: Figure, words: str, caption: str) -> str:
    """The figure as lines and text of the page itself: sharp at every size, in the colours of its theme.

    name: sets its parts apart from other figures'. words: what it shows, for who cannot see it.
    """
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<[^>]+>", lambda tag: _tag_of_page(tag[0], name), svg)  # a class may be called "#333333"
    size = re.search(r'viewBox="0 0 ([\d.]+)', svg)
    width = f"max-width:{float(size[1]):.0f}pt" if size else ""
    label = f'role="img" aria-label="{escape(words)}" style="{width}"'
    svg = re.sub(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>', rf'<svg viewBox="\1" {label}>', svg, count=1)
    return f'<figure class="chart"><div class="scroll">{svg}</div><figcaption>{escape(caption)}</figcaption></figure>'


def _tag_of_page(tag: str, name: str) -> str:
    """A tag of a drawing with its own identities, and the colours of the page's theme."""
    tag = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', tag)
    tag = re.sub(r'(url\(|href=")#', rf"\1#{name}-", tag)
    for colour, variable in THEMED.items():
        tag = tag.replace(colour, f"var({variable})")
    return tag


def thumbnail(image: str, words: str) -> str:
    """A small picture inside the page; a grey square where the file is gone or cannot be read any more."""
    try:
        picture = open_image(image).convert("RGB")
    except (ImageError, OSError):
        return f'<div class="gone" role="img" aria-label="{escape(words)} (file not found)"></div>'
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80, optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode()
    size = f'width="{picture.width}" height="{picture.height}"'
    return f'<img alt="{escape(words)}" {size} src="data:image/jpeg;base64,{data}">'


def _class(names: str) -> str:
    return f' class="{names}"' if names else ""
