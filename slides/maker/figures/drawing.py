"""From a function that returns a Figure to an SVG that can be read at ten metres, drawn once."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PIXELS_AN_INCH, POINTS_AN_INCH = 96, 72
SMALLEST_POINTS = 15.5  # 20.7 pixels on a slide of 1280 x 720
NOT_DRAWN_WITH = (
    "cli",
    "exercises",
    "first_contact",
    "show/widgets",
    "show/app",
    "show/live",
)  # rooms no figure comes from


class FigureError(ValueError):
    """A figure that cannot be made, or does not say what it is."""


@dataclass(frozen=True)
class Drawing:
    """A figure as it stands in a page; size in pixels of a 1280 x 720 slide, smallest: its least text, in those."""

    svg: str
    size: tuple[int, int]
    smallest: float
    source: str


@dataclass(frozen=True)
class Recipe:
    name: str
    make: Callable[[], Figure]
    by: str
    data: str
    size: tuple[int, int]
    runs: bool


_recipes: dict[str, Recipe] = {}


def figure(by: str, data: str, size: tuple[int, int] = (1180, 440), runs: bool = False) -> Callable:
    """A decorator that names a figure. by: the function of the package that draws it, or "slides" where it is drawn
    here; data: what it shows, with its source; size: on the slide, in pixels; runs: it needs the runs of lesson 04.

    Raises FigureError without `by` or `data`, and for a name that is taken.
    """

    def register(make: Callable[[], Figure]) -> Callable[[], Figure]:
        name = make.__name__
        if not by.strip() or not data.strip():
            raise FigureError(f"figure {name} does not say what drew it from which data; fill in `by` and `data`")
        if name in _recipes:
            raise FigureError(f"two figures are named {name}; rename one")
        _recipes[name] = Recipe(name, make, by, data, size, runs)
        return make

    return register


def known() -> dict[str, Recipe]:
    """All figures by name."""
    return dict(_recipes)


def draw(name: str, folder: Path) -> Drawing:
    """The figure of that name: from `folder`, if it was drawn from the same things before, else drawn and kept."""
    recipe = _recipes[name]
    kept = folder / f"{name}-{redraw_key(recipe)}.json"
    if kept.exists():
        found = json.loads(kept.read_text("utf-8"))
        return Drawing(**{**found, "size": tuple(found["size"]), "source": source_line(recipe)})
    drawing = drawn(recipe)
    folder.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".part")
    part.write_text(json.dumps(asdict(drawing)), "utf-8")
    os.replace(part, kept)
    for old in folder.glob(f"{name}-????????????????.json"):
        if old != kept:
            old.unlink()
    return drawing


def drawn(recipe: Recipe) -> Drawing:
    made = recipe.make()
    smallest = fit(made, recipe.size)
    return Drawing(as_svg(made), recipe.size, smallest, source_line(recipe))


def source_line(recipe: Recipe) -> str:
    drawer = "Drawn here" if recipe.by == "slides" else f"Drawn by {recipe.by}"
    return f"{drawer}; {recipe.data}"


def fit(made: Figure, size: tuple[int, int]) -> float:
    """Bring a figure to its size on the slide without shrinking its words; gives the least, in pixels."""
    made.set_size_inches(size[0] / PIXELS_AN_INCH, size[1] / PIXELS_AN_INCH)
    for axes in made.axes:
        for axis in (axes.xaxis, axes.yaxis):  # labels that are drawn later take their size from here
            for which in ("major", "minor"):
                axis.set_tick_params(which=which, labelsize=max(SMALLEST_POINTS, _label_size(axis, which)))
    for words in made.findobj(Text):
        larger = max(1, SMALLEST_POINTS / words.get_fontsize())
        words.set_fontsize(larger * words.get_fontsize())
        if (
            isinstance(words, Annotation) and words.anncoords == "offset points"
        ):  # lines under a picture: their distance grows with them
            words.xyann = tuple(larger * offset for offset in words.xyann)
    made.canvas.draw()
    shown = [w.get_fontsize() for w in made.findobj(Text) if w.get_visible() and w.get_text().strip()]
    return min(shown, default=SMALLEST_POINTS) * PIXELS_AN_INCH / POINTS_AN_INCH


def _label_size(axis, which: str) -> float:
    ticks = axis.get_major_ticks() if which == "major" else axis.get_minor_ticks()
    return max((tick.label1.get_fontsize() for tick in ticks), default=0)


def as_svg(made: Figure) -> str:
    """Letters as outlines, so that no font is needed; the same bytes each time."""
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "rsclip-lab"}):
        buffer = io.StringIO()
        made.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def redraw_key(recipe: Recipe) -> str:
    """A short hash of what a figure is made from: its module, the package, model, sample, and runs if it has any."""
    parts = [recipe.name, str(recipe.size), package_key(), _hash_of([HERE / "drawing.py", _module_file(recipe)])]
    if recipe.runs:
        from .runs import runs_key

        parts.append(runs_key())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _module_file(recipe: Recipe) -> Path:
    return Path(recipe.make.__code__.co_filename)


@cache
def package_key() -> str:
    """A hash of the package's modules that figures come from, of the base model, and of the samples' captions."""
    package = ROOT / "rsclip_lab"
    left_out = tuple(str(package / room) for room in NOT_DRAWN_WITH)
    modules = sorted(
        file for file in package.rglob("*.py") if file.name != "__init__.py" and not str(file).startswith(left_out)
    )
    samples = [ROOT / "data" / name / "caption.csv" for name in ("coast", "land")]
    return _hash_of([*modules, package / "models" / "tiny" / "model.safetensors", *samples]) + matplotlib.__version__


def _hash_of(files) -> str:
    found = hashlib.sha256()
    for file in files:
        found.update(Path(file).read_bytes())
    return found.hexdigest()
