"""`rsclip-lab report`: the page of `before_after_report`, and one line where it cannot be made."""

import errno
import re
from typing import Annotated

import pytest
import tyro
from conftest import TINY_ARCHITECTURE

from rsclip_lab.cli.report_command import Report
from rsclip_lab.data import read_captions
from rsclip_lab.evaluation import evaluate
from rsclip_lab.models import new_clip

pytestmark = pytest.mark.usefixtures("one_thread")


def run(*arguments):
    command = Annotated[Report, tyro.conf.subcommand("report")]
    return tyro.cli(command, args=[str(argument) for argument in arguments]).run()


@pytest.fixture
def models(random_clip, tmp_path):
    tuned = new_clip(TINY_ARCHITECTURE, seed=7, name="tuned")
    return random_clip.save(tmp_path / "before"), tuned.save(tmp_path / "after"), tuned


def test_the_page_is_written_and_the_headline_printed(models, picture_folder, tmp_path, capsys):
    out = tmp_path / "report.html"
    options = ["--data", picture_folder, "--control", picture_folder, "--split", "all", "--device", "cpu"]
    assert run(*models[:2], *options, "--out", out) == 0
    printed, page = capsys.readouterr().out, out.read_text(encoding="utf-8")
    top1 = evaluate(models[2], read_captions(picture_folder))["top1"]
    assert f"{100 * top1:.1f} % after" in printed and f"{100 * top1:.1f} % after" in page
    assert f"Written: {out}" in printed and "control picture" in printed
    assert re.search(r"12 pictures, 24 captions \(all\)", printed)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--split", "train", "--out", "report.pdf"], "name it with .html"),
        (["--split", "val", "--control", "{folder}/none.csv", "--out", "{folder}/report.html"], "none.csv"),
    ],
)
def test_what_cannot_be_reported_is_refused_before_anything_is_measured(
    models, picture_folder, options, message, monkeypatch
):
    monkeypatch.setattr("rsclip_lab.show.before_after.compare", None)
    options = [option.format(folder=picture_folder) for option in options]
    with pytest.raises(ValueError, match=message):
        run(*models[:2], "--data", picture_folder, *options)


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_measured(
    models, picture_folder, tmp_path, monkeypatch
):
    def refused(dir):
        assert dir == tmp_path
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    monkeypatch.setattr("rsclip_lab.show.before_after.compare", None)
    with pytest.raises(ValueError, match=r"new: cannot be written to \(Permission denied\); name another folder"):
        run(*models[:2], "--data", picture_folder, "--out", tmp_path / "new" / "report.html")
    assert not (tmp_path / "new").exists()


def test_a_report_that_is_there_is_not_overwritten(models, picture_folder, tmp_path, capsys):
    (tmp_path / "report.html").write_text("mine")
    with pytest.raises(SystemExit):
        run(*models[:2], "--data", picture_folder, "--out", tmp_path / "report.html")
    said = re.sub(r"[\s│]+", " ", capsys.readouterr().err)  # in a box of lines
    assert "is there already" in said and (tmp_path / "report.html").read_text() == "mine"
