"""The panels in JupyterLab and Notebook 7: a notebook is opened, run and used in real Chromium, as a learner does."""

import json
import re
import sys

import pytest
import real_browser
from PIL import Image
from real_browser import Visit, free_port, served

import rsclip_lab as lab

PROMPTS = ["a coral reef", "green trees"]
CODE = """import rsclip_lab as lab
from rsclip_lab.show.widgets.prediction import PredictionWidget
PredictionWidget(lab.load_model("tiny", "cpu"))"""


@pytest.fixture(scope="module")
def chromium():
    with real_browser.chromium_or_skip() as browser:
        yield browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jupyter")
    (folder / "work").mkdir()
    cell = {"cell_type": "code", "source": CODE, "metadata": {}, "outputs": [], "execution_count": None, "id": "one"}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    for name in ("lab.ipynb", "seven.ipynb"):
        (folder / "work" / name).write_text(json.dumps(notebook))
    return folder


@pytest.fixture(scope="module")
def jupyter(chromium, folder):
    """JupyterLab, which serves Notebook 7 as well; with no settings but its own, and no look-ups of news."""
    port = free_port()
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": folder / "work",
        "ServerApp.allow_root": True,
        "ServerApp.open_browser": False,
        "IdentityProvider.token": "",
        "LabApp.extension_manager": "readonly",
        "LabApp.news_url": "None",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    command = [sys.executable, "-m", "jupyter", "lab", *(f"--{name}={value}" for name, value in options.items())]
    places = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    places |= {"JUPYTERLAB_SETTINGS_DIR": str(folder / "s"), "JUPYTERLAB_WORKSPACES_DIR": str(folder / "w")}
    with served(command, f"http://127.0.0.1:{port}/", folder, **places) as url:
        yield url


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "mine.png"
    Image.open(lab.sample("coast", "test")["image"].iloc[0]).save(path)
    return path


@pytest.fixture(params=["lab/tree/lab.ipynb", "notebooks/seven.ipynb"], ids=["JupyterLab", "Notebook 7"])
def visit(request, chromium, jupyter):
    visit = Visit(chromium, jupyter + request.param)
    visit.file = request.param.rsplit("/", 1)[1]
    yield visit
    visit.close()
    assert not [one for one in visit.complaints if "/static/notebook/" not in one]  # a font that Notebook 7 lacks


def run_the_cell(visit):
    """By hand, once the kernel is there to take it. What Jupyter complained of while it started is its own."""
    page = visit.page
    cell = page.locator(".jp-CodeCell").first
    cell.wait_for(timeout=60_000)
    for _ in range(30):
        cell.locator(".jp-InputArea-editor").click()
        page.keyboard.press("Control+Enter")
        page.wait_for_timeout(1000)
        if re.search(r"[*\d]", cell.locator(".jp-InputArea-prompt").inner_text()):
            break
    visit.complaints[:] = [one for one in visit.complaints if one.startswith("leaves")]
    page.locator(".rsclip-panel .percent").first.wait_for(timeout=60_000)


def probabilities(page):
    shown = page.locator(".rsclip-row:not(.heads)")
    return {
        row.locator(".prompt").inner_text(): float(row.locator(".percent").get_attribute("data-probability"))
        for row in shown.all()
    }


def test_the_panel_works_in_a_notebook(visit, picture, folder, tmp_path):
    page = visit.page
    run_the_cell(visit)
    assert page.locator("img[src^='data:image']:visible").count() == 1  # not the static one as well
    visit.upload(page.get_by_role("button", name="Your own picture"), picture)
    page.get_by_text(picture.name).first.wait_for()
    lines = page.get_by_label("Prompts, one a line")
    lines.fill("")
    lines.press_sequentially("\n".join(PROMPTS), delay=5)  # keys reach the panel, not the notebook's shortcuts
    page.wait_for_function("document.querySelectorAll('.rsclip-row:not(.heads)').length === 2")
    page.locator(".prompt", has_text=re.compile(f"^{PROMPTS[1]}$")).wait_for()
    expected = lab.predict(lab.load_model("tiny", "cpu"), [picture], PROMPTS).iloc[0].to_dict()
    assert probabilities(page) == pytest.approx(expected, abs=1e-6)
    too_large = tmp_path / "large.png"
    too_large.write_bytes(bytes(9_900_000))  # a little less than a notebook's connection takes
    visit.upload(page.get_by_role("button", name="Your own picture"), too_large)
    page.get_by_role("alert").get_by_text(re.compile(r"large\.png has 9\.9 MB, and an upload takes 5")).wait_for()
    assert probabilities(page) == pytest.approx(expected, abs=1e-6)
    page.keyboard.press("Control+s")
    assert_static_picture(page, folder / "work" / visit.file)


def assert_static_picture(page, saved):
    """What was saved shows the panel's picture where no widget runs, and no list of its parts."""
    for _ in range(100):
        outputs = json.loads(saved.read_text())["cells"][0]["outputs"]
        if outputs:
            break
        page.wait_for_timeout(100)
    panel, figure = [output["data"] for output in outputs if output["output_type"] == "display_data"]
    assert "application/vnd.jupyter.widget-view+json" in panel
    assert "widgets do not run here" in "".join(panel["text/plain"])
    assert {"image/png", "image/jpeg"} & set(figure)
