"""`rsclip-lab badges`: one command, and a fork's learners get the fork."""

import json
import re
import shutil
import tomllib
from pathlib import Path

import nbformat
import pytest

from rsclip_lab.cli import main
from rsclip_lab.cli.badges import Home

ROOT = Path(__file__).resolve().parents[2]
OLD = "rsclip-lab/rsclip-lab"


@pytest.fixture
def checkout(tmp_path):
    """The files of this checkout that hold badges."""
    several = (path for pattern in ("notebooks/*.ipynb", "slides/*.md") for path in ROOT.glob(pattern))
    for path in (ROOT / "pyproject.toml", ROOT / "README.md", *several):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(path, copy)
    return tmp_path


def texts(folder):
    return {path: path.read_text("utf-8") for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_badge_and_set_up_cell_leads_to_the_fork(checkout, capsys):
    assert main(["badges", "--repo", "some-one/Fork.of_it", "--ref", "course/v1.0", "--checkout", str(checkout)]) == 0
    assert "some-one/Fork.of_it at course/v1.0" in capsys.readouterr().out
    setting = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))["tool"]["rsclip-lab"]
    assert setting == {"repository": "some-one/Fork.of_it", "ref": "course/v1.0"}
    notebooks = sorted(checkout.glob("notebooks/*.ipynb"))
    for path in notebooks:
        badge, bootstrap = nbformat.read(path, as_version=4).cells[:2]
        page = f"github/some-one/Fork.of_it/blob/course/v1.0/notebooks/{path.name}"
        assert f"](https://colab.research.google.com/{page})" in badge.source
        assert "](https://github.com/some-one/Fork.of_it/blob/course/v1.0/slides/" in badge.source
        assert '"rsclip-lab @ git+https://github.com/some-one/Fork.of_it@course/v1.0"' in bootstrap.source
        compile(bootstrap.source, path.name, "exec")
    readme = (checkout / "README.md").read_text("utf-8")
    assert readme.count("github/some-one/Fork.of_it/blob/course/v1.0/notebooks/") == len(notebooks)
    for path, text in texts(checkout).items():
        assert not re.search(rf"github(\.com)?/{OLD}(?!/issues)", text), path


def test_there_and_back_changes_nothing_else(checkout):
    before, home = texts(checkout), Home.of(checkout)
    changed = Home("a/b", "v2").retarget(checkout)
    assert len(changed) == 2 + len(list(checkout.glob("notebooks/*.ipynb"))) + sum(
        "/blob/" in text for path, text in before.items() if path.parent.name == "slides"
    )
    assert home.retarget(checkout) == changed and texts(checkout) == before
    assert home.retarget(checkout) == []


def test_the_ref_stays_as_it_is_unless_it_is_given(checkout):
    Home("a/b", "v2").retarget(checkout)
    assert main(["badges", "--repo", "c/d", "--checkout", str(checkout)]) == 0
    assert Home.of(checkout) == Home("c/d", "v2")


def test_git_at_the_end_of_a_name_is_left_out(checkout):
    assert main(["badges", "--repo", "you/fork.git", "--checkout", str(checkout)]) == 0
    assert Home.of(checkout).repository == "you/fork"
    assert not any("you/fork.git" in text for text in texts(checkout).values())
    assert Home("you/my.github.io").repository == "you/my.github.io"


def test_a_checkout_that_says_git_comes_right(checkout):
    project = checkout / "pyproject.toml"
    project.write_text(project.read_text("utf-8").replace(f'repository = "{OLD}"', 'repository = "you/fork.git"'))
    assert main(["badges", "--repo", "you/fork", "--checkout", str(checkout)]) == 0
    assert "fork.git" not in project.read_text("utf-8") and Home.of(checkout).repository == "you/fork"


@pytest.mark.parametrize(
    "repo",
    [
        "a/.git",
        "a/b.git.git",
        "a/b.git/",
        "fork.git",
        "fork",
        "a/b/c",
        "a b/c",
        'a/b" && x "',
        "a/b\nc",
        "https://github.com/a/b",
    ],
)
def test_what_is_no_repository_is_refused_and_nothing_changes(checkout, repo, capsys):
    before = texts(checkout)
    assert main(["badges", f"--repo={repo}", "--checkout", str(checkout)]) == 2
    assert "give owner/name" in capsys.readouterr().err
    assert texts(checkout) == before


@pytest.mark.parametrize("ref", ["", "a b", "../x", "a..b", 'v1"', "-x", "a//b", "v1)"])
def test_what_is_no_ref_is_refused(ref):
    with pytest.raises(ValueError, match="give a branch, a tag or a commit"):
        Home("a/b", ref)


def test_elsewhere_it_says_where_to_run(tmp_path, capsys):
    assert main(["badges", "--repo", "a/b", "--checkout", str(tmp_path)]) == 2
    assert "run this in a checkout of the course" in capsys.readouterr().err


def test_a_broken_notebook_stops_it_before_anything_is_written(checkout):
    next(checkout.glob("notebooks/*.ipynb")).write_text("{")
    before = texts(checkout)
    with pytest.raises(json.JSONDecodeError):
        Home("a/b").retarget(checkout)
    assert texts(checkout) == before
