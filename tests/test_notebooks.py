"""The committed notebooks are those of the committed sources. (That they run is `pytest --nbmake notebooks`.)"""

import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

from rsclip_lab.exercises import exercises_of

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
spec = importlib.util.spec_from_file_location("build", NOTEBOOKS / "build.py")
build = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build)
REMEDY = "run `make notebooks` and commit what it writes"


@pytest.fixture(params=build.sources(), ids=lambda source: source.stem)
def source(request):
    return request.param


@pytest.fixture
def notebook(source):
    return nbformat.read(build.target(source), as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_the_eight_lessons():
    assert [source.stem[:2] for source in build.sources()] == [f"{number:02}" for number in range(8)]
    assert sorted(NOTEBOOKS.glob("*.ipynb")) == [build.target(source) for source in build.sources()]


def test_the_cells_are_those_of_the_source(source, notebook):
    expected = build.assemble(source)
    assert [cell.source for cell in notebook.cells] == [cell.source for cell in expected.cells], REMEDY


def test_the_outputs_were_made_from_this_text_this_model_and_these_data(source, notebook):
    assert dict(notebook.metadata.made_from) == build.made_from(source), REMEDY


def test_every_cell_was_executed_in_order_and_without_error_or_warning(notebook):
    counts = [cell.execution_count for cell in code_cells(notebook) if cell.source.strip()]
    assert counts == list(range(1, len(counts) + 1))
    assert "it/s" not in str([cell.outputs for cell in code_cells(notebook)])  # bars are gone when the work is done
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
    assert not [output for output in outputs if "Warning" in str(output.get("text", ""))]


def test_no_output_has_a_path_of_the_machine_that_made_it(notebook):
    for output in (output for cell in code_cells(notebook) for output in cell.outputs):
        shown = {kind: data for kind, data in output.get("data", {}).items() if not kind.startswith("image/")}
        text = re.sub(r"base64,[\w+/=]*", "", f"{output.get('text', '')} {shown}")
        assert not re.search(r"(?<![\w.])/(?:home|root|tmp|usr|var|work|Users)/\S*", text)


def test_it_is_small_and_holds_no_widget_state(source, notebook):
    assert build.target(source).stat().st_size < build.MOST_BYTES
    assert "widgets" not in notebook.metadata


def test_it_asks_the_exercises_that_the_package_checks_and_tells_no_answer(source):
    text = source.read_text("utf-8")
    asked = re.findall(r'^exercises\.check\("(\d\d\.\d)"', text, flags=re.MULTILINE)
    assert asked == [exercise.number for exercise in exercises_of(source.stem[:2])] and 2 <= len(asked) <= 4
    assert len(re.findall(r"(?:answer = |return |: |pictures, sentences = )\.\.\.", text)) >= len(asked)


def test_it_opens_with_its_question_and_its_time_and_ends_with_a_recap(source):
    prose = [cell.source for cell in build.assemble(source).cells if cell.cell_type == "markdown"]
    titles = [line for text in prose for line in re.findall(r"^#+ .*", text, flags=re.MULTILINE)]
    assert [title for title in titles if title.startswith("# ")] == titles[:1], "one title, and it comes first"
    depths = [len(title.split()[0]) for title in titles]
    assert all(deeper - depth <= 1 for depth, deeper in zip(depths, depths[1:], strict=False)), "no level is left out"
    assert re.search(r"^\*\*.*[?.]\*\*$", prose[1], flags=re.MULTILINE) and "What you will learn:" in prose[1]
    assert all(words in prose[1] for words in ("Time: about", "two CPU cores", "a T4", "**drawn by a program**"))
    assert "## Exercises" in titles and "## Recap" in titles[titles.index("## Exercises") :]
    assert any("**Predict:**" in text for text in prose)


def test_pictures_in_the_prose_have_words(source):
    for words in re.findall(r"!\[([^\]]*)\]", source.read_text("utf-8")):
        assert words.strip()


def test_no_code_cell_is_longer_than_twenty_lines(notebook):
    assert max(len(cell.source.splitlines()) for cell in code_cells(notebook)) <= 20


def test_a_progress_bar_leaves_only_its_last_state():
    assert build.on_screen("  0%|  |\r 50%|# |\r100%|##|\ndone") == "100%|##|\ndone"
    assert build.on_screen("abc\r   \rx") == "x"


def test_a_progress_bar_that_was_wiped_leaves_nothing():
    pieces = ["  0%|  |", "\r 50%|# |", "\r        \r", "done\n"]
    outputs = [nbformat.v4.new_output("stream", name="stdout", text=text) for text in pieces]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=outputs)])
    build.tidy(notebook)
    assert [output.text for output in notebook.cells[0].outputs] == ["done\n"]


def test_of_a_widget_its_static_picture_is_left():
    view, picture = {build.VIEW: {}, "text/plain": "panel"}, {"image/png": "iVBO", "text/plain": "figure"}
    outputs = [nbformat.v4.new_output("display_data", data=data) for data in (view, picture)]
    cell = nbformat.v4.new_code_cell("x", outputs=outputs)
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": {"state": 1}})
    build.tidy(notebook)
    assert [dict(output.data) for output in notebook.cells[0].outputs] == [picture]
    assert "widgets" not in notebook.metadata


def test_colab_gives_it_a_gpu_and_folds_the_set_up(notebook):
    assert notebook.metadata.accelerator == "GPU" and notebook.metadata.colab.gpuType == "T4"
    assert notebook.cells[1].metadata == build.AS_FORM and notebook.cells[1].source.startswith("# @title")
