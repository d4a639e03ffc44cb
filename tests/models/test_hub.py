"""Files of the hub: its real client against a small hub on this machine, offline, and against none."""

import hashlib
import itertools
import os
import resource
import time

import huggingface_hub
import numpy as np
import pytest
from hub_server import REVISION

from rsclip_lab.models.errors import NotFetched
from rsclip_lab.models.hub import answers
from rsclip_lab.models.hub.files import cached_file, commit_of, discard, fetch_file, fetch_optional

CONTENT = np.random.default_rng(0).bytes(300_000)
ABSENT = "0" * 40


@pytest.fixture
def repository(hub):
    """A repository of this test alone, so that nothing of it is in a cache yet."""
    name = f"test/model-{len(hub.commits)}"
    for file, content in {"weights.bin": CONTENT, "config.json": b'{"of": "a model"}'}.items():
        hub.put(name, file, content)
    return name


@pytest.fixture
def online(hub_clients):
    return hub_clients["online"]


def refusal(client, *asked, fetch=fetch_file):
    """What `fetch` says when it cannot: one paragraph."""
    with pytest.raises(NotFetched) as caught:
        client(fetch, *asked)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 700
    return str(caught.value)


def test_a_file_is_fetched_once_and_then_found_without_a_question(hub_clients, hub, repository):
    path = hub_clients["online"](fetch_file, repository, "weights.bin", REVISION)
    assert path.read_bytes() == CONTENT and commit_of(path) == REVISION
    assert hub.downloads("weights.bin") == [None] and hub.sent["config.json"] == 0
    hub.asked.clear()
    for name in ("online", "tester", "offline"):
        assert hub_clients[name](fetch_file, repository, "weights.bin", REVISION) == path
        assert hub_clients[name](cached_file, repository, "weights.bin", REVISION) == path
    assert hub.asked == []


def client_s_own(repository, filename, revision):
    from huggingface_hub import hf_hub_download

    return hf_hub_download(repository, filename, revision=revision, local_files_only=True)


def test_it_lies_where_the_client_itself_looks_for_it(online, repository):
    for file in ("weights.bin", "config.json"):
        path = online(fetch_file, repository, file, REVISION)
        assert online(client_s_own, repository, file, REVISION) == str(path) and path.is_symlink()
    blobs = {file.name for file in (path.parents[2] / "blobs").iterdir()}
    assert len(blobs) == 2 and hashlib.sha256(CONTENT).hexdigest() in blobs


def fetched_without_links(*asked):
    from huggingface_hub import constants

    constants.HF_HUB_DISABLE_SYMLINKS = True  # as where the system has none
    try:
        return fetch_file(*asked)
    finally:
        constants.HF_HUB_DISABLE_SYMLINKS = False


@pytest.mark.skipif(
    not hasattr(huggingface_hub.constants, "HF_HUB_DISABLE_SYMLINKS"), reason="an older client has no such switch"
)
def test_without_links_there_is_one_copy_all_the_same(online, repository):
    path = online(fetched_without_links, repository, "weights.bin", REVISION)
    assert path.read_bytes() == CONTENT and not path.is_symlink()
    assert not list((path.parents[2] / "blobs").iterdir())


def test_a_connection_that_breaks_goes_on_where_it_was(online, hub, repository):
    hub.cuts["weights.bin"] = [100_000, 50_000]
    assert online(fetch_file, repository, "weights.bin", REVISION).read_bytes() == CONTENT
    assert hub.downloads("weights.bin") == [None, "bytes=100000-", "bytes=150000-"]
    assert hub.sent["weights.bin"] == len(CONTENT)


def test_a_later_process_goes_on_where_a_call_gave_up(hub_clients, hub, repository):
    hub.cuts["weights.bin"] = [100_000]
    hub.failures["/cdn/"] = itertools.chain([None], itertools.repeat(403))
    assert "403" in refusal(hub_clients["online"], repository, "weights.bin", REVISION)
    hub.failures.clear()
    hub.asked.clear()
    assert hub_clients["tester"](fetch_file, repository, "weights.bin", REVISION).read_bytes() == CONTENT
    assert hub.downloads("weights.bin") == ["bytes=100000-"]
    assert hub.sent["weights.bin"] == len(CONTENT)


def test_two_processes_at_once_fetch_it_once(hub_clients, hub, repository):
    hub.gate.clear()
    answers = [hub_clients["online"].submit(fetch_file, repository, "weights.bin", REVISION)]
    while not hub.downloads("weights.bin"):
        time.sleep(0.01)
    answers.append(hub_clients["tester"].submit(fetch_file, repository, "weights.bin", REVISION))
    time.sleep(0.3)
    hub.gate.set()
    first, second = (answer.result() for answer in answers)
    assert first == second and first.read_bytes() == CONTENT
    assert len(hub.downloads("weights.bin")) == 1


def test_what_was_spoilt_halfway_is_not_taken_for_the_file(online, hub, repository):
    digest = hashlib.sha256(CONTENT).hexdigest()
    folder = online.home / "hub" / f"models--{repository.replace('/', '--')}" / "blobs"
    folder.mkdir(parents=True)
    (folder / f"{digest}.incomplete").write_bytes(bytes(1000))
    path = online(fetch_file, repository, "weights.bin", REVISION)
    assert path.read_bytes() == CONTENT and hub.downloads("weights.bin") == ["bytes=1000-", None]
    discard(path)
    (folder / f"{digest}.incomplete").write_bytes(bytes(len(CONTENT) + 1))  # longer than the file
    assert online(fetch_file, repository, "weights.bin", REVISION).read_bytes() == CONTENT
    assert hub.downloads("weights.bin")[2:] == [None]


def test_a_small_file_is_compared_with_the_hash_of_git(online, repository):
    content = b'{"of": "a model"}'
    digest = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    folder = online.home / "hub" / f"models--{repository.replace('/', '--')}" / "blobs"
    folder.mkdir(parents=True)
    (folder / f"{digest}.incomplete").write_bytes(b'{"of": "a trap"')
    assert online(fetch_file, repository, "config.json", REVISION).read_bytes() == content
    assert [file.name for file in folder.iterdir()] == [digest]


@pytest.mark.parametrize("wrong", [bytes(len(CONTENT)), CONTENT[:100_000], CONTENT + b"more"])
def test_wrong_content_is_fetched_twice_and_then_refused_and_not_taken_for_a_hub_out_of_reach(
    online, hub, repository, wrong
):
    digest = hashlib.sha256(CONTENT).hexdigest()
    hub.objects[digest] = wrong
    try:
        with pytest.raises(NotFetched, match="what arrives|bytes arrive") as caught:
            online(fetch_file, repository, "weights.bin", REVISION)
    finally:
        hub.objects[digest] = CONTENT
    said = str(caught.value)
    assert not caught.value.out_of_reach and "network and call again" not in said and "not to be trusted" in said
    assert hub.downloads("weights.bin") == [None, None]
    assert not list((online.home / "hub" / f"models--{repository.replace('/', '--')}" / "blobs").iterdir())
    assert online(fetch_file, repository, "weights.bin", REVISION).read_bytes() == CONTENT


def test_a_branch_is_asked_for_and_the_cache_serves_where_nobody_answers(hub_clients, hub, repository):
    first = hub_clients["online"](fetch_file, repository, "weights.bin")
    hub.put(repository, "weights.bin", CONTENT[::-1], "a" * 40)
    assert hub_clients["offline"](fetch_file, repository, "weights.bin") == first
    newer = hub_clients["online"](fetch_file, repository, "weights.bin")
    assert newer.read_bytes() == CONTENT[::-1] and commit_of(newer) == "a" * 40
    assert hub_clients["offline"](fetch_file, repository, "weights.bin") == newer


def test_an_optional_file_may_be_missing_and_that_is_remembered(hub_clients, hub, repository):
    online = hub_clients["online"]
    assert online(fetch_optional, repository, "config.json", REVISION).read_text() == '{"of": "a model"}'
    assert online(fetch_optional, repository, "clip.json", REVISION) is None
    hub.asked.clear()
    for name in ("online", "offline"):
        assert hub_clients[name](fetch_optional, repository, "clip.json", REVISION) is None
    assert hub.asked == []
    said = refusal(hub_clients["offline"], repository, "never_asked.json", REVISION, fetch=fetch_optional)
    assert "offline mode" in said
    hub.private.add(repository)
    assert "log in" in refusal(online, repository, "other.json", REVISION, fetch=fetch_optional)


def test_a_discarded_file_is_gone_and_fetched_anew(hub_clients, hub, repository, tmp_path):
    path = hub_clients["online"](fetch_file, repository, "weights.bin", REVISION)
    blob = path.resolve()
    discard(path)
    assert not path.is_symlink() and not blob.exists()
    assert hub_clients["online"](cached_file, repository, "weights.bin", REVISION) is None
    assert hub_clients["online"](fetch_file, repository, "weights.bin", REVISION).read_bytes() == CONTENT
    (tmp_path / "mine.bin").write_bytes(b"x")
    with pytest.raises(ValueError, match="no file of the hub's cache"):
        discard(tmp_path / "mine.bin")
    assert (tmp_path / "mine.bin").exists() and commit_of(tmp_path / "mine.bin") is None


@pytest.mark.parametrize(
    ("asked", "cause", "remedy"),
    [
        (("test/nothing", "weights.bin", REVISION), "no such repository, or it is private", "check the name"),
        ((None, "weights.bin", ABSENT), f"no revision {ABSENT}", "/commits/main"),
        ((None, "other.bin", REVISION), f"no such file at revision {REVISION}", "/tree/"),
        (("no/such/name", "weights.bin", "main"), "no/such/name", '"owner/name"'),
    ],
)
def test_what_the_hub_does_not_have_is_named(online, repository, asked, cause, remedy):
    asked = (asked[0] or repository, *asked[1:])
    said = refusal(online, *asked)
    assert f"{asked[1]} could not be fetched from {asked[0]}: " in said and cause in said and remedy in said


def test_names_of_two_lines_are_quoted_in_one(online):
    said = refusal(online, "test/two\nlines", "and\nthree", "main")
    assert said.startswith(r"'and\nthree' could not be fetched from 'test/two\nlines': ")


def test_a_gated_repository_says_where_to_ask_and_to_log_in(online, hub, repository):
    hub.gated.add(repository)
    said = refusal(online, repository, "weights.bin", REVISION)
    assert "is gated" in said and f"{hub.address}/{repository}" in said and "`hf auth login`, or set HF_TOKEN" in said


def test_a_private_repository_is_hidden_but_from_its_token(hub_clients, hub, repository):
    hub.private.add(repository)
    assert "it is private" in refusal(hub_clients["online"], repository, "weights.bin", REVISION)
    assert hub_clients["tester"](fetch_file, repository, "weights.bin", REVISION).read_bytes() == CONTENT


def fetched_with(token, *asked):
    os.environ["HF_TOKEN"] = token
    try:
        return fetch_file(*asked)
    finally:
        os.environ["HF_TOKEN"] = ""


def test_a_token_that_is_no_longer_valid_is_the_cause(online, repository):
    with pytest.raises(NotFetched, match="401.*log in with `hf auth login`, or set HF_TOKEN"):
        online(fetched_with, "hf_of_last_year", repository, "weights.bin", REVISION)
    assert online(fetch_file, repository, "weights.bin", REVISION).read_bytes() == CONTENT


def test_a_hub_in_trouble_is_asked_again(online, hub, repository):
    hub.failures["resolve"] = iter([500, 503])
    assert online(fetch_file, repository, "weights.bin", REVISION).read_bytes() == CONTENT
    assert hub.downloads("weights.bin") == [None]


def test_a_hub_in_lasting_trouble_is_given_up(online, hub, repository):
    hub.failures["resolve"] = itertools.repeat(503)
    start = time.monotonic()
    said = refusal(online, repository, "weights.bin", REVISION)
    assert time.monotonic() - start < 6
    assert "503" in said and hub.address in said and "call again" in said


@pytest.mark.parametrize(("network", "cause"), [("offline", "unset HF_HUB_OFFLINE"), ("dead", "check the network")])
def test_without_network_one_paragraph_says_so_quickly(hub_clients, hub, repository, network, cause):
    hub_clients[network](commit_of, "")  # the process has begun
    start = time.monotonic()
    said = refusal(hub_clients[network], repository, "weights.bin", REVISION)
    assert time.monotonic() - start < 6
    assert f"weights.bin could not be fetched from {repository}" in said and cause in said
    assert "Retry" not in hub_clients[network].log.read_text() and hub.asked == []


def test_a_hub_that_is_too_slow_counts_as_out_of_reach(online, hub, repository):
    hub.delay = 8
    start = time.monotonic()
    assert "check the network" in refusal(online, repository, "weights.bin", REVISION)
    assert time.monotonic() - start < 7


def test_what_hangs_where_the_client_has_no_limit_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(answers, "PATIENCE", 0)
    start = time.monotonic()
    with pytest.raises(TimeoutError, match="no answer within 0.5 seconds"):
        answers.within_patience(lambda: time.sleep(10))
    assert time.monotonic() - start < 5
    assert answers.within_patience(lambda: "an answer") == "an answer"
    with pytest.raises(KeyError):
        answers.within_patience(lambda: {}["an error"])


def on_a_small_disk(limit, *asked):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        return fetch_file(*asked)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_said_and_what_has_arrived_is_used_later(online, hub, repository):
    with pytest.raises(NotFetched, match="could not be fetched.*make room there, or set HF_HOME"):
        online(on_a_small_disk, 100_000, repository, "weights.bin", REVISION)
    assert online(fetch_file, repository, "weights.bin", REVISION).read_bytes() == CONTENT
    (again,) = hub.downloads("weights.bin")[1:]
    assert again.startswith("bytes=") and 0 < int(again[6:-1]) <= 100_000
