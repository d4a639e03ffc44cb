"""A small server that speaks the hub's routes for downloads, and processes that talk to it."""

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parents[2]
REVISION = "0123456789abcdef0123456789abcdef01234567"


class HubServer(ThreadingHTTPServer):
    """Serves {(repository, file): bytes} at REVISION; large files come from another address, as with the hub.

    cuts: {file: [number of bytes after which the connection breaks, …]}, one entry a download.
    asked: (method, path, Range) of each request. gate: while it is cleared, downloads wait.
    """

    def __init__(self, files: dict[tuple[str, str], bytes]):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.cuts, self.asked = files, {}, []
        self.gate = threading.Event()
        self.gate.set()
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.cdn = f"http://localhost:{self.server_port}/cdn"  # another host, as far as the client can tell
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def downloads(self, file: str) -> list[str | None]:
        """The Range (None: all) of each download of a file's bytes."""
        return [asked for _, path, asked in self.asked if path.startswith("/cdn/") and path.endswith("/" + file)]

    def handle_error(self, request, client_address):
        pass  # a process that was killed in the middle of a download


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        self.server.asked.append((self.command, self.path, self.headers.get("Range")))
        if found := re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/(\w+)/(.+)", self.path):
            return self.resolve(*found.groups())
        if found := re.fullmatch(r"/cdn/([^/]+/[^/]+)/(.+)", self.path):
            return self.content(*found.groups())
        self.reply(404, {"X-Error-Code": "RepoNotFound"})

    def resolve(self, repository, revision, file):
        if all(repository != known for known, _ in self.server.files):
            return self.reply(404, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
        if revision != REVISION:
            message = f"Invalid rev id: {revision}"
            return self.reply(404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": message})
        content = self.server.files.get((repository, file))
        if content is None:
            return self.reply(404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"})
        etag = hashlib.sha256(content).hexdigest()
        facts = {"X-Repo-Commit": REVISION, "X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(content))}
        self.reply(302, {**facts, "Location": f"{self.server.cdn}/{repository}/{file}"})

    def content(self, repository, file):
        self.server.gate.wait(timeout=30)
        content = self.server.files[repository, file]
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        facts = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if asked else {}
        cuts = self.server.cuts.get(file)
        self.reply(206 if asked else 200, facts, content[start:], cuts.pop(0) if cuts else None)

    def reply(self, status, headers, content=b"", cut=None):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content[:cut])
        if cut is not None:
            self.close_connection = True

    def log_message(self, *args):
        pass


# Runs in its own process, as huggingface_hub reads its environment when it is imported: one line of JSON in, one out.
FETCHER = """
import contextlib, io, json, resource, sys
from huggingface_hub import constants
from rsclip_lab.data.public import SETS, PublicSet, fetch_data
from rsclip_lab.data.table import CaptionError

constants.DOWNLOAD_CHUNK_SIZE = 10_000  # bytes kept when a connection breaks come in such pieces, usually of 10 MiB
for line in sys.stdin:
    what = json.loads(line)
    SETS[what["set"]["name"]] = PublicSet(**what["set"])
    printed = io.StringIO()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (what.get("largest_file", before[0]), before[1]))
    try:
        with contextlib.redirect_stdout(printed):
            table = fetch_data(what["set"]["name"], what["folder"], what.get("split"))
        answer = {"table": table.to_dict("list")}
    except CaptionError as error:
        answer = {"error": str(error)}
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    print(json.dumps({**answer, "printed": printed.getvalue()}), flush=True)
"""


class Fetcher:
    """A process that calls `fetch_data` with the environment given."""

    def __init__(self, home: Path, **environment: str):
        self.log = home / "log"
        settings = {"HF_HOME": str(home), "PYTHONPATH": str(ROOT), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", FETCHER],
            env={**os.environ, "HF_HUB_OFFLINE": "0", **settings, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log.open("w"),
            text=True,
        )

    def ask(self, **what) -> None:
        self.process.stdin.write(json.dumps(what, default=str) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict:
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        return json.loads(line)

    def fetch(self, entry: dict, folder: Path, **more) -> dict:
        self.ask(set=entry, folder=folder, **more)
        return self.answer()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()
