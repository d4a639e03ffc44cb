"""`rsclip-lab app` before anything is served: which models and pictures, and what cannot be."""

import builtins
import json
import re
import shutil
import socket
from pathlib import Path

import pytest
import tyro
from conftest import TINY_ARCHITECTURE

from rsclip_lab.cli import main
from rsclip_lab.cli.app_command import TUNED, App
from rsclip_lab.models import load_model, new_clip
from rsclip_lab.show.app.page import NO_CAPTIONS, Page
from rsclip_lab.show.app.prepared import DRAWN, Prepared, prepare
from rsclip_lab.show.app.server import is_local, page_server, write_notebook

pytestmark = pytest.mark.usefixtures("one_thread")


def parsed(*arguments):
    return tyro.cli(App, args=list(arguments))


@pytest.fixture
def saved(random_clip, tmp_path):
    return str(random_clip.save(tmp_path / "model"))


@pytest.fixture
def served(monkeypatch):
    """What would have been served."""
    pytest.importorskip("voila", reason='the page needs Voilà: pip install "rsclip-lab[app]"')
    calls = []
    monkeypatch.setattr("rsclip_lab.show.app.server.serve", lambda *call: calls.append(call))
    return calls


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_without_a_model_it_is_the_run_of_lesson_04_or_else_tiny_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert parsed().models() == ("tiny", None)
    assert "no tuned model in outputs/tiny/replay: notebook 04 makes one" in capsys.readouterr().out
    TUNED.mkdir(parents=True)
    for name in ("clip.json", "history.csv"):
        (TUNED / name).touch()
    assert parsed().models() == (str(TUNED), "tiny")
    assert parsed("--base", "other").models() == (str(TUNED), "other")
    assert parsed("mine").models() == ("mine", None)


def test_everything_is_prepared_before_it_is_served(saved, picture_folder, tmp_path, monkeypatch, served, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = ["app", "model", "--pictures", "pictures", "--port", free_port(), "--no-browser", "--device", "cpu"]
    assert main(arguments) == 0
    (prepared, folder, host, port, browser), *more = served
    assert not more and (host, str(port), browser) == ("127.0.0.1", arguments[5], False)
    assert not Path(folder).exists()  # removed when the server has ended
    assert prepared.model == saved and Path(prepared.model).is_absolute()  # for a kernel in another folder
    assert prepared.index.parent == tmp_path / "outputs" / "app" and prepared.home == tmp_path
    assert len(prepared.captions) == 24 and len(prepared.pictures) == 12 and prepared.report.images == 12
    assert f"Pictures: {tmp_path / 'pictures'}" in capsys.readouterr().out


def test_the_page_has_its_panels_over_what_was_prepared(saved, picture_folder, tmp_path):
    prepared = prepare(saved, saved, picture_folder, tmp_path / "app", "cpu", tell=lambda words: None)
    prepared.write(tmp_path)
    page = Page(Prepared.read(tmp_path))
    names = [type(panel).__name__ for panel in page.panels.values()]
    assert names == ["PredictionWidget", "SearchWidget", "DataBrowser", "TrainingWidget"]
    assert page.panels["Search"].index.unreadable.empty and len(page.panels["Search"].index) == 12
    assert set(page.panels["Data"].captions["image"]) == set(prepared.captions["image"])
    assert len(page.panels["Train"].captions) == (prepared.captions["split"] == "train").sum()
    assert page.words() == f"Model: random, beside random before fine-tuning. Pictures: {picture_folder}."


def test_pictures_without_captions_are_predicted_and_searched(saved, picture_folder, tmp_path):
    images = picture_folder / "images"
    prepared = prepare(saved, None, images, tmp_path / "app", "cpu", tell=lambda words: None)
    page = Page(prepared)
    assert prepared.captions is None and len(page.panels["Search"].index) == 12
    assert NO_CAPTIONS in page.panels["Data"].message.value.replace("&#x27;", "'")
    assert NO_CAPTIONS in page.panels["Train"].message.value


def test_without_pictures_it_is_the_embedded_sample_and_says_that_it_is_drawn(monkeypatch, saved, tmp_path):
    monkeypatch.setattr("rsclip_lab.show.app.prepared.build_index", lambda clip, pictures, folder: pictures)
    monkeypatch.setattr("rsclip_lab.show.app.prepared.audit", lambda captions, clip: None)
    monkeypatch.setattr("rsclip_lab.show.app.prepared.replace", lambda prepared, **changes: prepared)
    said = []
    prepared = prepare(saved, None, None, tmp_path, "cpu", said.append)
    assert prepared.drawn and prepared.source == DRAWN and DRAWN in said[0]
    assert set(prepared.captions["split"]) == {"train", "val", "test"} and set(prepared.replay["split"]) == {"train"}


def test_another_model_has_an_index_of_its_own(saved, picture_folder, tmp_path):
    other = new_clip(TINY_ARCHITECTURE, seed=1, name="random").save(tmp_path / "other")
    places = {
        prepare(str(model), None, picture_folder, tmp_path / "app", "cpu", tell=lambda words: None).index
        for model in (saved, other)
    }
    assert len(places) == 2 and all(place.is_dir() for place in places)


def test_a_page_of_other_pictures_leaves_this_ones_index_alone(saved, picture_folder, tmp_path):
    sources = [picture_folder, tmp_path / "two"]
    sources[1].mkdir()
    for path in sorted((picture_folder / "images").iterdir())[:2]:
        shutil.copy(path, sources[1])
    first, second = (prepare(saved, None, one, tmp_path / "app", "cpu", tell=lambda words: None) for one in sources)
    assert (len(Page(first).panels["Search"].index), len(Page(second).panels["Search"].index)) == (12, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere"),
        (["tiny", "--base", "nowhere"], "nowhere"),
        (["tiny", "--pictures", "nowhere"], "nowhere"),
        (["tiny", "--port", "70000"], r"127\.0\.0\.1, port 70000: cannot be listened on .*--port or --host"),
    ],
)
def test_what_cannot_be_is_said_in_one_line_before_anything_is_served(
    arguments, message, capsys, served, monkeypatch
):
    monkeypatch.setattr("rsclip_lab.show.app.prepared.audit", None)
    assert main(["app", "--port", free_port(), "--device", "cpu", *arguments]) == 2
    said = capsys.readouterr().err
    assert re.search(message, said) and said.count("\n") == 1 and not served


def test_a_port_in_use_is_said_with_the_remedy(capsys, served):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["app", "tiny", "--port", str(port)]) == 2
    assert f"127.0.0.1, port {port}: is in use; choose another with --port\n" in capsys.readouterr().err


def test_without_voila_it_says_what_to_install(monkeypatch, capsys):
    real = builtins.__import__

    def without(name, *rest):
        if name.split(".")[0] == "voila":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert main(["app", "tiny"]) == 2
    assert capsys.readouterr().err == 'rsclip-lab: the page needs Voilà: pip install "rsclip-lab[app]"\n'


@pytest.mark.parametrize(
    ("host", "local"), [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("a.b", False)]
)
def test_other_machines_need_the_link_with_a_token(host, local, tmp_path):
    pytest.importorskip("voila")
    write_notebook(tmp_path)
    app = page_server(tmp_path, host, 8866, open_browser=False)
    assert app.auto_token is not local and is_local(host) is local
    assert app.tornado_settings["allow_remote_access"] is not local


def test_the_notebook_that_is_run_is_one_cell(tmp_path):
    write_notebook(tmp_path)
    notebook = json.loads((tmp_path / "page.ipynb").read_text())
    assert [cell["source"] for cell in notebook["cells"]] == [
        f"from rsclip_lab.show.app.page import show_page\nshow_page({str(tmp_path)!r})"
    ]


def test_what_a_model_is_called_is_not_taken_for_a_folder(tmp_path, monkeypatch):
    from rsclip_lab.show.app.prepared import place_of

    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny").mkdir()
    assert place_of("tiny") == "tiny" and place_of(None) is None
    assert load_model(place_of("tiny"), "cpu").name == "tiny"
