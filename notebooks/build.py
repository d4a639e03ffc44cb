"""Make notebooks/NN_name.ipynb from notebooks/source/NN_name.py: add badge and bootstrap cell, execute, tidy.

`make notebooks` builds all; `python notebooks/build.py 04` those whose name begins so. A notebook is replaced
only when every cell of it ran.
"""

import argparse
import hashlib
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from rsclip_lab.cli.badges import Home

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# What Colab reads: a machine with a GPU, and no outputs of somebody else's machine in the way of running it anew.
COLAB = {"accelerator": "GPU", "colab": {"gpuType": "T4", "provenance": []}}
AS_FORM = {"cellView": "form"}  # Colab shows its title, and the code on demand
VIEW = "application/vnd.jupyter.widget-view+json"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
MOST_BYTES = 500_000


def sources() -> list[Path]:
    return sorted((HERE / "source").glob("[0-9][0-9]_*.py"))


def target(source: Path) -> Path:
    return HERE / f"{source.stem}.ipynb"


def assemble(source: Path) -> NotebookNode:
    """The notebook without outputs: the badge, the bootstrap cell, then the cells of the source."""
    home = Home.of(ROOT)
    header = [new_markdown_cell(f"{home.badge(source.stem)} {links(home, source)}"), new_code_cell(home.bootstrap())]
    body = jupytext.read(source)
    notebook = nbformat.v4.new_notebook(cells=[*header, *body.cells])
    notebook.metadata = NotebookNode(
        kernelspec=KERNEL, language_info={"name": "python"}, made_from=made_from(source), **COLAB
    )
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02d}"  # stable, so that rebuilding changes only what changed
        cell.metadata = NotebookNode()
    notebook.cells[1].metadata.update(AS_FORM)
    return notebook


def links(home: Home, source: Path) -> str:
    """Ways out of a notebook that lead somewhere even where it lies alone, as in Colab."""
    lessons = [lesson.stem for lesson in sources()]
    after = lessons.index(source.stem) + 1
    ways = {"slides of this lesson": home.link(f"slides/{source.stem}.md")}
    if after < len(lessons):
        ways["next lesson in Colab"] = home.page(lessons[after])
    ways["glossary"] = home.link("notebooks/glossary.md")
    return " · ".join(["", *(f"[{words}]({place})" for words, place in ways.items())]).strip()


def made_from(source: Path) -> dict[str, str]:
    """Short hashes of what the outputs depend on: the lesson's text, the base model, the sample's captions."""
    parts = {
        "source": source,
        "model": ROOT / "rsclip_lab" / "models" / "tiny" / "model.safetensors",
        "coast": ROOT / "data" / "coast" / "caption.csv",
        "land": ROOT / "data" / "land" / "caption.csv",
    }
    return {name: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for name, path in parts.items()}


def execute(notebook: NotebookNode) -> None:
    """Run every cell in place, in an empty folder, so that nothing of an earlier run is found."""
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}}
        )
        client.execute()


def tidy(notebook: NotebookNode) -> None:
    """Drop timings and widgets (their static picture is an output of its own), keep of a progress bar what is left on
    the screen at the end."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = NotebookNode(name="python")
    for cell in notebook.cells:
        cell.metadata = NotebookNode({key: value for key, value in cell.metadata.items() if key in AS_FORM})
        if cell.cell_type == "code":
            cell.outputs = [output for output in _joined(cell.outputs) if _keep(output)]


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Pieces of one stream as one output: a progress bar is written and wiped in several."""
    joined: list[NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last and last.output_type == output.output_type == "stream" and last.name == output.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def _keep(output: NotebookNode) -> bool:
    """Whether anything of an output remains; streams are cleaned in place."""
    if output.output_type == "stream":
        output.text = on_screen(output.text)
        return bool(output.text.strip())
    return output.output_type == "error" or VIEW not in output.get("data", {})


def on_screen(text: str) -> str:
    """A stream as a terminal shows it in the end: a carriage return goes back to the line's start."""
    lines = []
    for line in re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).split("\n"):
        shown = ""
        for part in line.split("\r"):
            shown = part + shown[len(part) :]
        lines.append(shown.rstrip())
    return "\n".join(lines)


def build(source: Path) -> None:
    start = time.perf_counter()
    notebook = assemble(source)
    execute(notebook)
    tidy(notebook)
    text = nbformat.writes(notebook) + "\n"
    size = len(text.encode())
    if size > MOST_BYTES:
        sys.exit(f"{source.name}: {size} bytes with outputs, more than {MOST_BYTES}: smaller or fewer figures")
    part = target(source).with_suffix(".part")
    part.write_text(text, "utf-8")
    os.replace(part, target(source))
    print(f"{target(source).name}: {time.perf_counter() - start:.0f} s, {size / 1000:.0f} kB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="beginnings of names; all without")
    names = tuple(parser.parse_args().names) or ("",)
    for source in sources():
        if source.stem.startswith(names):
            build(source)


if __name__ == "__main__":
    main()
