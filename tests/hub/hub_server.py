"""A small hub on this machine, for models and data sets alike, and processes in which its real client runs."""

import base64
import hashlib
import json
import os
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

REVISION = "0123456789abcdef0123456789abcdef01234567"
TOKEN, READ_TOKEN = "hf_of_the_tester", "hf_for_reading"  # user "tester", also of the organisation "test"
NO_USER = {"X-Error-Message": "Invalid credentials in Authorization header"}
REGULAR = {"", ".json", ".md", ".txt"}  # the others are large files, which come from another address


class HubServer(ThreadingHTTPServer):
    """Serves {(repository, file): bytes} at REVISION and takes uploads, each a new commit; "main" is the last one.

    Ways to misbehave: `cuts` {file: [number of bytes after which the connection breaks, …]}, one entry a download;
    `failures` {part of a path: iterator of statuses}, one a request; `delay` in seconds before each answer; while
    `gate` is cleared, downloads wait. `private` and `gated` name repositories that only TOKEN may read.
    What happened: `asked`, the (method, path, Range) of each request, and `sent`, the bytes of each file.
    """

    daemon_threads = True

    def __init__(self, files: dict[tuple[str, str], bytes]):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.commits: dict[str, dict[str, dict[str, bytes]]] = {}  # repository: {commit: {file: content}}
        self.objects: dict[str, bytes] = {}  # sha256: content
        for (repository, file), content in files.items():
            self.put(repository, file, content)
        self.cuts: dict[str, list[int]] = {}
        self.failures: dict[str, Iterator[int]] = {}
        self.private: set[str] = set()
        self.gated: set[str] = set()
        self.asked: list[tuple[str, str, str | None]] = []
        self.sent: Counter[str] = Counter()
        self.delay = 0.0
        self.gate = threading.Event()
        self.gate.set()
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.cdn = f"http://localhost:{self.server_port}/cdn"  # another host, as far as the client can tell
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def put(self, repository: str, file: str, content: bytes, commit: str = REVISION) -> None:
        """A file of a commit; a repository, and a commit, begins with its first one."""
        self.commits.setdefault(repository, {}).setdefault(commit, {})[file] = content
        self.objects[hashlib.sha256(content).hexdigest()] = content

    def forget(self) -> None:
        """Nothing asked, nothing sent, and no fault from here on."""
        for record in (self.asked, self.sent, self.cuts, self.failures, self.private, self.gated):
            record.clear()
        self.delay = 0.0
        self.gate.set()

    def main(self, repository: str) -> str:
        """The last commit."""
        return list(self.commits[repository])[-1]

    def files(self, repository: str) -> dict[str, bytes]:
        """The files of the last commit."""
        return self.commits[repository][self.main(repository)]

    def downloads(self, file: str) -> list[str | None]:
        """The Range (None: all) of each download of a large file's bytes."""
        return [asked for _, path, asked in self.asked if path.startswith("/cdn/") and path.endswith("/" + file)]

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        pass  # a process that was killed in the middle of a download


def is_large(file: str) -> bool:
    return PurePosixPath(file).suffix not in REGULAR


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, self.headers.get("Range")))
        time.sleep(self.server.delay)
        path = unquote(urlsplit(self.path).path)
        for part, statuses in self.server.failures.items():
            if part in path and (status := next(statuses, None)):
                return self.reply(status, {"X-Error-Message": "a fault that the test asked for"})
        for method, pattern, route in ROUTES:
            if self.command in method and (found := re.fullmatch(pattern, path)):
                return route(self, **found.groupdict())
        self.reply(404, {"X-Error-Code": "RepoNotFound"})

    do_HEAD = do_GET = do_POST = do_PUT = answer

    # Downloads

    def info(self, repository, revision="main"):
        if commit := self.commit(repository, revision or "main"):
            files = [{"rfilename": file} for file in self.server.commits[repository][commit]]
            private = repository in self.server.private
            facts = {"id": repository, "sha": commit, "private": private, "siblings": files, "tags": []}
            self.reply_json(facts)

    def tree(self, repository, revision):
        if commit := self.commit(repository, revision):
            files = self.server.commits[repository][commit].items()
            self.reply_json(
                [{"type": "file", "path": file, "size": len(data), "oid": _git_sha(data)} for file, data in files]
            )

    def resolve(self, repository, revision, file):
        commit = self.commit(repository, revision)
        if not commit:
            return
        content = self.server.commits[repository][commit].get(file)
        facts = {"X-Repo-Commit": commit}
        if content is None:
            refusal = {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}
            return self.reply(404, {**facts, **refusal})
        if not is_large(file):
            return self.send_file(file, content, {**facts, "ETag": f'"{_git_sha(content)}"'})
        oid = hashlib.sha256(content).hexdigest()
        facts |= {"X-Linked-Etag": f'"{oid}"', "X-Linked-Size": str(len(content))}
        self.reply(302, {**facts, "Location": f"{self.server.cdn}/{oid}/{file}"})

    def content(self, oid, file):
        assert "Authorization" not in self.headers  # the token is the hub's affair
        self.server.gate.wait(timeout=30)
        self.send_file(file, self.server.objects[oid], {})

    def send_file(self, file, content, facts):
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        if start and start >= len(content):
            return self.reply(416, {"Content-Range": f"bytes */{len(content)}"})
        if asked:
            facts = {**facts, "Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        cuts = self.server.cuts.get(file) if self.command == "GET" else None
        cut = cuts.pop(0) if cuts else None
        if self.command == "GET":
            self.server.sent[file] += len(content[start:][:cut])
        self.reply(206 if asked else 200, facts, content[start:], cut)

    # Uploads

    def whoami(self):
        if not self.user():
            return self.reply(401, NO_USER)
        token = {"displayName": "a token", "role": "write" if self.may_write() else "read"}
        organisations = [{"type": "org", "name": "test"}]
        self.reply_json({"type": "user", "name": "tester", "orgs": organisations, "auth": {"accessToken": token}})

    def create(self):
        asked = json.loads(self.body)
        repository = f"{asked['organization']}/{asked['name']}"
        if not self.user():
            return self.reply(401, NO_USER)
        if asked["organization"] not in ("tester", "test") or not self.may_write():
            message = "You don't have the rights to create a model under this namespace"
            return self.reply(403, {"X-Error-Message": message})
        url = {"url": f"{self.server.address}/{repository}"}
        if repository in self.server.commits:
            return self.reply_json(url, 409)
        self.server.commits[repository] = {_git_sha(repository.encode()): {".gitattributes": b"*.pt filter=lfs\n"}}
        if asked.get("private") or asked.get("visibility") == "private":
            self.server.private.add(repository)
        self.reply_json(url)

    def validate_card(self):
        self.reply_json({"errors": [], "warnings": []})

    def preupload(self, repository, revision):
        if self.commit(repository, revision):
            present = self.server.files(repository)
            files = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if is_large(file["path"]) else "regular",
                    "shouldIgnore": False,
                    "oid": _oid(file["path"], present[file["path"]]) if file["path"] in present else None,
                }
                for file in json.loads(self.body)["files"]
            ]
            self.reply_json({"files": files})

    def batch(self, repository):
        if not self.may_write():
            return self.reply(403, {"X-Error-Message": "a token with write permission is needed"})
        objects = [
            known if (known := {"oid": one["oid"], "size": one["size"]})["oid"] in self.server.objects
            else {**known, "actions": {"upload": {"href": f"{self.server.address}/upload/{one['oid']}"}}}
            for one in json.loads(self.body)["objects"]
        ]  # fmt: skip
        self.reply_json({"transfer": "basic", "objects": objects})

    def upload(self, oid):
        if hashlib.sha256(self.body).hexdigest() != oid:
            return self.reply(400, {})
        self.server.objects[oid] = self.body
        self.reply(200, {})

    def new_commit(self, repository, revision):
        if not self.may_write():
            return self.reply(403, {"X-Error-Message": "a token with write permission is needed"})
        if not self.commit(repository, revision):
            return
        files = dict(self.server.files(repository))
        for line in self.body.splitlines():
            operation = json.loads(line)
            key, value = operation["key"], operation["value"]
            if key == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                files[value["path"]] = self.server.objects[value["oid"]]
            elif key == "deletedFile":
                del files[value["path"]]
        commit = _git_sha(self.body + self.server.main(repository).encode())
        self.server.commits[repository][commit] = files
        url = f"{self.server.address}/{repository}/commit/{commit}"
        self.reply_json({"success": True, "commitOid": commit, "commitUrl": url, "hookOutput": ""})

    # Who asks, and what there is

    def token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def user(self) -> bool:
        return self.token() in (TOKEN, READ_TOKEN)

    def may_write(self) -> bool:
        return self.token() == TOKEN

    def commit(self, repository, revision) -> str | None:
        """The commit that a revision means; None once a refusal has been sent."""
        if self.token() and not self.user():
            self.reply(401, NO_USER)  # whatever is asked for
        elif repository in self.server.gated and not self.may_write():
            message = f"Access to model {repository} is restricted"
            self.reply(403 if self.user() else 401, {"X-Error-Code": "GatedRepo", "X-Error-Message": message})
        elif repository in self.server.private and not self.may_write():
            # As the hub has it: whether there is such a repository is nobody's business.
            self.reply(404 if self.user() else 401, {"X-Error-Code": "RepoNotFound"})
        elif repository not in self.server.commits:
            self.reply(404, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
        elif revision == "main":
            return self.server.main(repository)
        elif revision in self.server.commits[repository]:
            return revision
        else:
            message = f"Invalid rev id: {revision}"
            self.reply(404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": message})

    def reply_json(self, facts, status=200):
        self.reply(status, {"Content-Type": "application/json"}, json.dumps(facts).encode())

    def reply(self, status, headers, content=b"", cut=None):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[:cut])
        if cut is not None:
            self.close_connection = True

    def log_message(self, *args):
        pass


REPOSITORY = r"(?P<repository>[^/]+/[^/]+)"
API = rf"/api/(?:models|datasets)/{REPOSITORY}"
ROUTES: list[tuple[tuple[str, ...], str, Callable]] = [
    (("HEAD", "GET"), rf"(?:/datasets)?/{REPOSITORY}/resolve/(?P<revision>[^/]+)/(?P<file>.+)", _Handler.resolve),
    (("GET",), r"/cdn/(?P<oid>\w{64})/(?P<file>.+)", _Handler.content),
    (("GET",), rf"{API}/tree/(?P<revision>[^/]+)(?:/.*)?", _Handler.tree),
    (("GET",), rf"{API}(?:/revision/(?P<revision>[^/]+))?", _Handler.info),
    (("GET",), "/api/whoami-v2", _Handler.whoami),
    (("POST",), "/api/repos/create", _Handler.create),
    (("POST",), "/api/validate-yaml", _Handler.validate_card),
    (("POST",), rf"{API}/preupload/(?P<revision>[^/]+)", _Handler.preupload),
    (("POST",), rf"(?:/datasets)?/{REPOSITORY}\.git/info/lfs/objects/batch", _Handler.batch),
    (("PUT",), r"/upload/(?P<oid>\w{64})", _Handler.upload),
    (("POST",), rf"{API}/commit/(?P<revision>[^/]+)", _Handler.new_commit),
]


def _git_sha(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _oid(file: str, content: bytes) -> str:
    return hashlib.sha256(content).hexdigest() if is_large(file) else _git_sha(content)


class HubClient:
    """A process of its own to call functions in, because huggingface_hub reads its environment when imported.

    `client(function, …)` gives what the function of that name gives there, or raises what it raised; it must
    stand at the top of a module, and arguments and results must be picklable. The cache lies in `home`, and what
    the process says on stderr in `log`. Large files go the plain way, as this hub does not speak xet.
    """

    def __init__(self, home: Path, **environment: str):
        home.mkdir(parents=True, exist_ok=True)
        self.home, self.log = home, home / f"{id(self)}.log"
        settings = {"HF_HOME": str(home), "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "HF_TOKEN": ""}
        settings |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", **environment}
        self.pool = ProcessPoolExecutor(1, get_context("spawn"), _begin, (settings, self.log))

    def __call__(self, function: Callable, *arguments, **named):
        return self.submit(function, *arguments, **named).result(timeout=120)

    def submit(self, function: Callable, *arguments, **named) -> Future:
        return self.pool.submit(function, *arguments, **named)

    def close(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)


def _begin(settings: dict[str, str], log: Path) -> None:
    assert "huggingface_hub" not in sys.modules
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests were started in the background
    os.environ.update(settings)
    with log.open("w") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    from huggingface_hub import constants

    constants.DOWNLOAD_CHUNK_SIZE = 10_000  # what a broken connection leaves comes in such pieces, else of 10 MiB
