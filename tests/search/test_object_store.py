"""`SearchDatabase` in an object store: an S3 server in a process of its own, spoken to over HTTP."""

import logging
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import numpy as np
import pytest
from PIL import Image

from rsclip_lab.models import ModelError, new_clip
from rsclip_lab.search import database, embedding, vector_table
from rsclip_lab.search.database import SearchDatabase
from rsclip_lab.search.store_errors import StoreError, is_conflict, store_in_words

TINY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1},
}
KEY, SECRET = "AKIAOFATEST", "a-secret-of-this-test"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of an S3 server with a bucket "bucket"; it forgets all when it ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
    log = (tmp_path_factory.mktemp("server") / "log").open("wb")
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", address.rpartition(":")[2]]
    process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(urllib.request.Request(f"{address}/bucket", method="PUT"), timeout=5)
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()
        log.close()


@pytest.fixture
def options(server):
    return {
        "endpoint": server,
        "allow_http": "true",
        "region": "us-east-1",
        "aws_access_key_id": KEY,
        "aws_secret_access_key": SECRET,
    }


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    """Nobody else makes the same table here, but in the test that is about it."""
    monkeypatch.setattr(vector_table, "SETTLED", 0)


@pytest.fixture(scope="module")
def model():
    return new_clip(TINY)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for row in range(12):
        Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(folder / f"{row:02}.png")
    return sorted(map(str, folder.iterdir()))


def test_answers_as_in_a_folder(model, pictures, options, tmp_path):
    local = SearchDatabase.build(model, pictures, tmp_path / "base")
    SearchDatabase.build(model, pictures[:8], "s3://bucket/answers", options).append(pictures)
    remote = SearchDatabase.load("s3://bucket/answers", model, options)
    assert remote.images == local.images == pictures
    for ask in (lambda one: one.search_text("boats"), lambda one: one.search_image(pictures[2], itself=False)):
        assert ask(remote).images == ask(local).images
        assert np.abs(np.array(ask(remote).scores) - ask(local).scores).max() < 1e-6
    assert len(remote.delete(pictures[:5])) == 7
    assert SearchDatabase.load("s3://bucket/answers", model, options).images == pictures[5:]


def test_a_build_that_broke_off_goes_on(model, pictures, options, monkeypatch):
    monkeypatch.setattr(database, "STORED_EVERY", 0)
    monkeypatch.setattr(embedding, "PART", 4)
    put, done = vector_table.VectorTable.put, []

    def broken(table, part):
        if done:
            raise KeyboardInterrupt
        done.append(put(table, part))

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(vector_table.VectorTable, "put", broken)
        SearchDatabase.build(model, pictures, "s3://bucket/broken", options)
    assert len(SearchDatabase.load("s3://bucket/broken", model, options)) == 4
    asked, real = [], database.embed_parts
    monkeypatch.setattr(
        database, "embed_parts", lambda model, new, *rest: asked.extend(new) or real(model, new, *rest)
    )
    assert SearchDatabase.build(model, pictures, "s3://bucket/broken", options).images == pictures
    assert asked == pictures[4:]


def test_writers_at_once_lose_nothing_and_double_nothing(model, pictures, options, monkeypatch):
    """Not even where all of them find no table, and make it."""
    monkeypatch.setattr(vector_table, "SETTLED", 1)
    with ThreadPoolExecutor(3) as pool:
        shares = (pictures[:8], pictures[4:], pictures[2:10])
        list(pool.map(lambda share: SearchDatabase.build(model, share, "s3://bucket/shared", options), shares))
    shared = SearchDatabase.load("s3://bucket/shared", model, options)
    assert shared.images == pictures and len(shared) == 12


def test_another_models_database_is_refused(model, pictures, options):
    SearchDatabase.build(model, pictures[:2], "s3://bucket/models", options)
    with pytest.raises(ModelError, match="s3://bucket/models.*weights"):
        SearchDatabase.load("s3://bucket/models", new_clip(TINY, seed=1), options)


def test_missing_bucket_and_missing_database(model, pictures, options):
    with pytest.raises(StoreError, match="s3://nobucket/base: there is no such bucket; create it"):
        SearchDatabase.build(model, pictures, "s3://nobucket/base", options)
    with pytest.raises(StoreError, match="s3://bucket/nothing: no database here"):
        SearchDatabase.load("s3://bucket/nothing", model, options)


def test_a_server_that_does_not_answer(model, options):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(StoreError, match="the server does not answer") as told:
        SearchDatabase.load("s3://bucket/base", model, options | {"endpoint": nobody, "client_max_retries": "0"})
    assert SECRET not in str(told.value) and KEY not in str(told.value)


def test_http_must_be_allowed(model, options):
    with pytest.raises(StoreError, match="allow_http"):
        SearchDatabase.load("s3://bucket/base", model, options | {"allow_http": "false"})


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Status { status: 403, body: <Code>AccessDenied</Code> }", "access denied; see that the credentials"),
        ("<Code>InvalidAccessKeyId</Code>", "access denied"),
        ("GET http://169.254.169.254/latest/api/token", "no credentials; give them"),
        ("lance error: No space left on device (os error 28)", "the disk is full; make room"),
        ("Permission denied (os error 13)", "cannot be read or written .Permission denied.; name another folder"),
        ("No object store provider found for scheme: 'foo'", "knows no such store"),
        (
            f"odd: http://me:word@host/ {SECRET} and {KEY}\nmore",
            "LanceDB says: odd: http://…@host/ … and …. If its files",
        ),
    ],
)
def test_what_a_store_says_is_told_in_words(said, told, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    with pytest.raises(StoreError, match=f"^s3://b/c: .*{told}") as error:
        with store_in_words("s3://b/c", {"aws_secret_access_key": SECRET}):
            raise ValueError(said)
    assert error.value.__suppress_context__ and SECRET not in str(error.value)


def test_credentials_in_an_address_are_refused_and_not_repeated(model):
    with pytest.raises(ValueError, match="no credentials in an address") as error:
        SearchDatabase.load(f"s3://{KEY}:{SECRET}@bucket/base", model)
    assert SECRET not in str(error.value)


def test_credentials_are_written_nowhere(model, pictures, options, tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    one = SearchDatabase.build(model, pictures[:2], tmp_path / "base", options)
    remote = SearchDatabase.build(model, pictures[:2], "s3://bucket/secret", options)
    written = b"".join(path.read_bytes() for path in Path(tmp_path).rglob("*") if path.is_file())
    assert written and SECRET.encode() not in written
    shown = repr(one) + repr(remote) + caplog.text + "".join(capfd.readouterr())
    assert "s3://bucket/secret" in shown and SECRET not in shown
    names = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
    bucket = boto3.resource("s3", endpoint_url=options["endpoint"], **names).Bucket("bucket")
    stored = [one.get()["Body"].read() for one in bucket.objects.filter(Prefix="secret")]
    assert stored and not [one for one in stored if SECRET.encode() in one]


def test_conflicts_are_told_from_other_errors():
    assert is_conflict(RuntimeError("lance error: Retryable commit conflict for version 12: preempted"))
    assert not is_conflict(RuntimeError("lance error: not found"))
