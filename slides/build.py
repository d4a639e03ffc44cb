"""Make slides/html/NAME.html and slides/pdf/NAME.pdf from slides/NAME.md.

`make slides` builds all; `python slides/build.py 04` those whose name begins so. Figures are drawn by the package,
once, and kept in outputs/slides; those of lessons 04 to 07 need three runs of eight epochs, which are trained where
outputs/slides does not have them (three minutes on two cores).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")

from maker.deck import Deck, read_deck  # noqa: E402
from maker.errors import DeckError  # noqa: E402
from maker.figures import Drawing, draw, known  # noqa: E402
from maker.page import write_index, write_page  # noqa: E402
from maker.pdf import find_browser, print_pages  # noqa: E402

HERE = Path(__file__).resolve().parent


def deck_files() -> list[Path]:
    return sorted(HERE.glob("[0-9][0-9]_*.md"))


def read_all(files: list[Path]) -> list[Deck]:
    """All decks, or every deck's first mistake and the end."""
    decks, mistakes = [], []
    for file in files:
        try:
            decks.append(read_deck(file, known()))
        except DeckError as error:
            mistakes.append(str(error))
    if mistakes:
        sys.exit("\n".join(mistakes))
    return decks


def draw_with_sign(name: str, folder: Path) -> Drawing:
    start = time.perf_counter()
    drawing = draw(name, folder)
    if (seconds := time.perf_counter() - start) > 1:
        print(f"  {name}: {seconds:.0f} s", flush=True)
    return drawing


def write(decks: list[Deck], names: list[str], folder: Path, figures: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for deck in decks:
        print(f"{deck.name}: {len(deck.slides)} slides", flush=True)
        page = folder / f"{deck.name}.html"
        text = write_page(deck, lambda name: draw_with_sign(name, figures), names)
        if not page.exists() or page.read_text("utf-8") != text:
            part = page.with_suffix(".part")
            part.write_text(text, "utf-8")
            os.replace(part, page)
        pages.append(page)
    return pages


def unprinted(pages: list[Path], folder: Path) -> dict[Path, Path]:
    """{page: PDF} of the pages that are newer than their PDF."""
    targets = {page: folder / f"{page.stem}.pdf" for page in pages}
    return {
        page: pdf for page, pdf in targets.items() if not pdf.exists() or pdf.stat().st_mtime < page.stat().st_mtime
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="beginnings of names; all without")
    parser.add_argument("--out", type=Path, default=HERE, help="where html/ and pdf/ go")
    parser.add_argument("--work", type=Path, default=HERE.parent, help="where outputs/ with runs and figures is")
    parser.add_argument("--no-pdf", action="store_true")
    asked = parser.parse_args()
    out = asked.out.resolve()
    files = deck_files()
    every = read_all(files)
    decks = [deck for deck in every if deck.name.startswith(tuple(asked.names) or ("",))]
    os.chdir(asked.work)  # runs are looked for, and kept, in outputs/ of the folder one works in
    try:
        pages = write(decks, [file.stem for file in files], out / "html", Path("outputs", "slides").resolve())
    except DeckError as error:
        sys.exit(str(error))
    (out / "html" / "index.html").write_text(write_index(every), "utf-8")
    browser, words = (None, "no PDF, as asked") if asked.no_pdf else find_browser()
    if browser:
        (out / "pdf").mkdir(exist_ok=True)
        print_pages(unprinted(pages, out / "pdf"), browser)
    print(f"{len(pages)} pages in {out / 'html'}; {words}")


if __name__ == "__main__":
    main()
