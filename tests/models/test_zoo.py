"""The zoo by name; the hub's real client against a small server on this machine, and against none."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from conftest import TINY_ARCHITECTURE

import rsclip_lab as lab
from rsclip_lab.models import HubModel, ModelError, load_model
from rsclip_lab.models.zoo import TINY, ZOO

REVISION = "bf1d8a3ccf2ddbf7c875705e46373bfe542bce38"
ROOT = Path(__file__).parents[2]

# Runs in its own process, as huggingface_hub reads its environment when it is imported: one line of JSON in
# (a name, or the fields of a HubModel), one line out.
LOADER = """
import json, sys
from rsclip_lab.models import HubModel, ModelError, load_hub_model, load_model
for line in sys.stdin:
    what = json.loads(line)
    try:
        model = load_model(what) if isinstance(what, str) else load_hub_model(HubModel(**what), device="cpu")
        features = model.encode_texts(["boats", "a sandy beach"]).tolist()
        answer = {"features": features, "description": model.description}
    except ModelError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)
"""


class Hub(BaseHTTPRequestHandler):
    """The two routes of the hub that a download uses: api/models/… and <repository>/resolve/…"""

    files: dict[str, bytes] = {}
    asked: list[str] = []

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        self.asked.append(f"{self.command} {self.path}")
        if self.path.startswith(f"/api/models/test/repository/revision/{REVISION}"):
            answer = {"id": "test/repository", "sha": REVISION, "siblings": []}
            return self.send(json.dumps(answer).encode(), body)
        prefix = f"/test/repository/resolve/{REVISION}/"
        content = self.files.get(self.path.removeprefix(prefix)) if self.path.startswith(prefix) else None
        if content is None:
            return self.send(b"{}", body, 404, {"X-Error-Code": "EntryNotFound"})
        etag = hashlib.sha256(content).hexdigest()
        self.send(content, body, 200, {"X-Repo-Commit": REVISION, "ETag": etag})

    def send(self, content: bytes, body: bool, status: int = 200, headers: dict | None = None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *args):
        pass


class Loader:
    """A process that loads models with the environment given."""

    def __init__(self, home: Path, log: Path, **environment: str):
        self.log = log
        paths = {"HF_HOME": str(home), "PYTHONPATH": str(ROOT), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", LOADER],
            env={**os.environ, "HF_HUB_OFFLINE": "0", **paths, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("w"),
            text=True,
        )

    def load(self, what: str | dict) -> dict:
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, self.log.read_text()
        return json.loads(answer)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A server with one repository, holding a small open_clip network's state dict: (address, network)."""
    folder = tmp_path_factory.mktemp("hub")
    (folder / "small-of-this-test.json").write_text(json.dumps(TINY_ARCHITECTURE))
    open_clip.add_model_config(folder)
    net = open_clip.create_model("small-of-this-test")
    torch.save(net.state_dict(), folder / "weights.pt")
    Hub.files = {"weights.pt": (folder / "weights.pt").read_bytes()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", net.eval()
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def loaders(hub, tmp_path_factory):
    """Three processes: one with the server above, one offline on the same cache, one with a dead address."""
    home, other, logs = (tmp_path_factory.mktemp(name) for name in ("home", "other", "logs"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{probe.getsockname()[1]}"
    running = {
        "hub": Loader(home, logs / "hub", HF_ENDPOINT=hub[0]),
        "offline": Loader(home, logs / "offline", HF_HUB_OFFLINE="1"),
        "dead": Loader(other, logs / "dead", HF_ENDPOINT=dead),
    }
    yield running
    for loader in running.values():
        loader.process.kill()
        loader.process.communicate()


def entry(**changes) -> dict:
    return {
        "name": "test-model",
        "repository": "test/repository",
        "revision": REVISION,
        "filename": "weights.pt",
        "architecture": TINY_ARCHITECTURE,
        "megabytes": 14,
        "parameters": 3,
        **changes,
    }


def test_weights_come_from_the_hub_once_and_then_from_its_cache(hub, loaders):
    digest = hashlib.sha256(Hub.files["weights.pt"]).hexdigest()
    first = loaders["hub"].load(entry(sha256=digest))
    with torch.no_grad():
        tokens = open_clip.get_tokenizer("small-of-this-test")(["boats", "a sandy beach"])
        expected = hub[1].encode_text(tokens, normalize=True)
    np.testing.assert_allclose(first["features"], expected.numpy(), atol=1e-6)
    assert first["description"]["created_from"]["revision"] == REVISION
    assert f"GET /test/repository/resolve/{REVISION}/weights.pt" in Hub.asked
    Hub.asked.clear()
    assert loaders["hub"].load(entry())["features"] == first["features"]
    assert loaders["offline"].load(entry())["features"] == first["features"]
    assert Hub.asked == []  # a pinned revision that is there needs no question


def test_a_file_with_another_hash_is_refused_and_names_the_file_to_delete(loaders):
    answer = loaders["hub"].load(entry(sha256="0" * 64))
    assert "is not the expected file" in answer["error"] and "delete it" in answer["error"]
    file = Path(answer["error"].split(" is not")[0])
    assert file.is_file() and not file.is_symlink()
    file.unlink()
    assert "features" in loaders["hub"].load(entry())


def test_weights_for_another_architecture_are_refused(loaders):
    answer = loaders["hub"].load(entry(architecture=TINY_ARCHITECTURE | {"embed_dim": 48}))
    assert "another architecture" in answer["error"]


def test_a_repository_that_is_not_there_is_one_line(loaders):
    answer = loaders["hub"].load(entry(repository="test/other"))
    assert "test/other" in answer["error"] and "\n" not in answer["error"]


@pytest.mark.parametrize("network", ["offline", "dead"])
def test_without_network_one_line_names_the_offline_choice_quickly(loaders, network):
    answer = loaders[network].load("RemoteCLIP-ViT-B-32")
    assert "RemoteCLIP-ViT-B-32.pt could not be fetched" in answer["error"] and "'tiny'" in answer["error"]
    assert "\n" not in answer["error"]
    # The client's own five retries announce themselves and take half a minute.
    assert "Retry" not in loaders[network].log.read_text()


def test_a_lesson_goes_on_with_the_fallback_and_says_so(random_clip, tmp_path, monkeypatch, capsys):
    unreachable = HubModel(**entry(repository="test/unreachable"))
    monkeypatch.setitem(ZOO, "unreachable", unreachable)
    model = load_model("unreachable", fallback=random_clip.save(tmp_path / "other"))
    assert model.name == random_clip.name
    (line,) = capsys.readouterr().out.splitlines()
    assert "could not be fetched" in line and "Going on with" in line
    with pytest.raises(ModelError, match="no model 'misspelt'"):
        load_model("misspelt", fallback="tiny")


def test_remote_clip_is_pinned_and_built_with_quick_gelu():
    assert set(ZOO) == {"RemoteCLIP-RN50", "RemoteCLIP-ViT-B-32", "RemoteCLIP-ViT-L-14"}
    for model in ZOO.values():
        assert open_clip.get_model_config(model.architecture)["quick_gelu"] is True
        assert len(model.revision) == 40 and model.filename == f"{model.name}.pt"
        assert model.sha256 is None or len(model.sha256) == 64


def test_an_unknown_name_lists_the_known_ones(tmp_path):
    with pytest.raises(ModelError, match="no model 'RemoteCLIP'.*tiny, RemoteCLIP-RN50.*folder"):
        load_model("RemoteCLIP")
    with pytest.raises(ModelError, match="no clip.json"):
        load_model(tmp_path)


def test_the_zoo_is_a_table_however_its_name_was_bound():
    table = lab.models()
    assert set(ZOO) <= set(table["name"]) and table["name"].is_unique
    assert {"image_size", "parameters_millions", "megabytes", "where", "licence"} <= set(table.columns)
    import rsclip_lab.models

    assert rsclip_lab.models().equals(table)  # importing the room must not take the public name away
    assert sys.modules["rsclip_lab.models"]().equals(table)


def test_tiny_loads_from_the_package():
    model = load_model("tiny", device="cpu")
    assert model.name == "tiny" and model.description["tokenizer"] == {"name": "clip", "context_length": 77}
    assert sum(file.stat().st_size for file in TINY.iterdir()) < 30e6
    assert lab.models().iloc[0]["name"] == "tiny"
    features = model.encode_texts(["a satellite view of a beach", "a satellite view of a forest"])
    assert features.shape == (2, model.dim) and features[0] @ features[1] < 0.99
