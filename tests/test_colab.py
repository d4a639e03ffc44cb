"""Each notebook as Colab runs it: the one file in an empty folder, the package installed from git by its first cell.

A stand-in for Colab: a virtual environment that sees the libraries of this one (torch among them) but not the
project, with a module `google.colab` that is imported before the notebook starts, as there.
"""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from rsclip_lab.cli.badges import Home

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FILES, FOLDERS = ("pyproject.toml", "README.md", "LICENSE"), ("rsclip_lab", "data")
OUTER = Path(importlib.metadata.distribution("torch").locate_file(""))  # where this environment's libraries are


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """The working tree as a git repository of one commit, at the name that the notebooks ask for."""
    folder = tmp_path_factory.mktemp("remote")
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    author = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    for command in (("init", "-q"), ("checkout", "-qb", Home.of(ROOT).ref), ("add", "-A"), ("commit", "-qm", "all")):
        subprocess.run(["git", *author, *command], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def colab(tmp_path_factory, repository):
    """The environment of a kernel there."""
    folder = tmp_path_factory.mktemp("colab")
    subprocess.run([sys.executable, "-m", "venv", folder / "python"], check=True)
    python = folder / "python" / "bin" / "python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(subprocess.run([python, "-c", where], check=True, capture_output=True, text=True).stdout.strip())
    (site / "google" / "colab").mkdir(parents=True)
    (site / "google" / "colab" / "__init__.py").touch()
    # The platform's libraries, without this project, which an editable install leaves traces of beside them.
    for path in site.glob("setuptools*"):  # as old as this Python, and in the way of the platform's
        shutil.rmtree(path)
    (folder / "platform").mkdir()
    for path in OUTER.iterdir():
        if "rsclip_lab" not in path.name and not path.name.endswith(".pth"):
            (folder / "platform" / path.name).symlink_to(path)
    (site / "platform.pth").write_text(f"{folder / 'platform'}\nimport google.colab\n")
    kernel = folder / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Colab", "language": "python"}))
    home = Home.of(ROOT)
    environment = {
        **os.environ,
        "JUPYTER_PATH": str(folder / "jupyter"),
        "PIP_NO_BUILD_ISOLATION": "0",  # in pip's words: without it, as the builder is here already
        "PIP_NO_INDEX": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"https://github.com/{home.repository}",
    }
    environment.pop("PYTHONPATH", None)
    return site, environment


def run(notebook, folder, environment):
    here = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources=here)
    client.create_kernel_manager()
    client.km.kernel_spec_manager.kernel_dirs = [str(Path(environment["JUPYTER_PATH"]) / "kernels")]
    client.execute(env=environment)
    return notebook


@pytest.fixture(scope="module")
def installed(colab, tmp_path_factory):
    """What the first cell does in a fresh environment: (its outputs, seconds), twice."""
    site, environment = colab
    assert not (site / "rsclip_lab").exists()
    source, found = Home.of(ROOT).bootstrap(), []
    for _ in range(2):
        cell = nbformat.v4.new_code_cell(source)
        start = time.perf_counter()
        run(nbformat.v4.new_notebook(cells=[cell]), tmp_path_factory.mktemp("empty"), environment)
        found.append((cell.outputs, time.perf_counter() - start))
    return found


def test_the_first_cell_installs_quietly_and_then_does_nothing(installed, colab):
    (first, slow), (second, quick) = installed
    assert first == second == []
    assert (colab[0] / "rsclip_lab" / "__init__.py").is_file()
    assert quick < slow


def test_the_platforms_own_libraries_stay(installed, colab):
    found = {path.name.lower() for path in colab[0].iterdir()}
    assert not found & {"torch", "torchvision", "numpy", "pandas"}


def test_where_it_is_not_colab_and_not_installed_it_says_what_to_do(tmp_path):
    source = Home.of(ROOT).bootstrap()
    command = [sys.executable, "-I", "-S", "-c", source]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert said.returncode == 1
    assert "ModuleNotFoundError: rsclip_lab is not here. Run once:  %pip install" in said.stderr


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_its_one_file_in_an_empty_folder(path, installed, colab, tmp_path):
    site, environment = colab
    notebook = nbformat.read(shutil.copy(path, tmp_path), as_version=4)
    for cell in notebook.cells:  # a choice of the form; with the usual one the notebooks are run by nbmake
        cell.source = re.sub(r"^EPOCHS = \d+", "EPOCHS = 1", cell.source, flags=re.MULTILINE)
    probe = nbformat.v4.new_code_cell("import rsclip_lab; print(rsclip_lab.__file__)")
    notebook.cells.append(probe)
    run(notebook, tmp_path, environment)
    assert Path(probe.outputs[0].text.strip()).is_relative_to(site)
    shutil.rmtree(tmp_path)
