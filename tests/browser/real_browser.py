"""Real Chromium, and servers for it to visit, for tests and benchmarks: started here, and stopped for certain."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REQUIRED = os.environ.get("RSCLIP_BROWSER") == "required"
START_SECONDS, STOP_SECONDS = 120, 10
# As wide as a notebook on a small laptop.
WINDOW = {"width": 1000, "height": 900}


class NoBrowser(RuntimeError):
    """There is no browser to test with; the message says what is missing."""


def executable() -> str:
    """Chromium's path. Raises NoBrowser where it, or Playwright, is missing."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        raise NoBrowser("no Playwright; pip install playwright") from None
    for name in NAMES:
        if path := shutil.which(name):
            return path
    raise NoBrowser(f"no {', '.join(NAMES[:-1])} or {NAMES[-1]} on the path; install one")


@contextmanager
def chromium() -> Iterator:
    """A running browser, as Playwright has it."""
    path = executable()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # In a container there is no user namespace for Chromium's sandbox; what it visits is this project's.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def chromium_or_skip() -> Iterator:
    """`chromium` for tests: where there is none they are skipped with the reason, or fail where it is REQUIRED."""
    import pytest

    try:
        executable()
    except NoBrowser as error:
        if REQUIRED:
            raise
        pytest.skip(str(error))
    with chromium() as browser:
        yield browser


class Visit:
    """A page of its own, with what it asked for and complained of. `complaints` must stay empty."""

    def __init__(self, browser, url: str, **options) -> None:
        self.context = browser.new_context(viewport=WINDOW, locale="en-GB", **options)
        self.context.set_default_timeout(20_000)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page = self.context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        self.context.on("request", lambda request: self._asked(request.url))
        self.page.on("websocket", lambda sent: self._asked(sent.url))
        self.page.goto(url, wait_until="commit")

    def _console(self, message) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text} ({message.location.get('url')})")

    def _asked(self, url: str) -> None:
        self.requests.append(url)
        if not url.startswith(("data:", "blob:", "about:", "http://127.0.0.1:", "ws://127.0.0.1:")):
            self.complaints.append(f"leaves this machine: {url}")

    def upload(self, button, *files) -> None:
        """Choose files in the upload button."""
        with self.page.expect_file_chooser() as chooser:
            button.click()
        chooser.value.set_files([str(file) for file in files])

    def close(self) -> None:
        self.context.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def served(command: Sequence[str], url: str, folder: Path, **environment: str) -> Iterator[str]:
    """A server, ready when `url` answers; its own process group, ended with all its kernels. Gives the url.

    Raises RuntimeError, with the end of what it printed, where it ends or does not answer in two minutes.
    """
    variables = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"} | environment
    variables.pop("MPLBACKEND", None)  # the tests' own; a notebook's kernel has its own too
    with tempfile.TemporaryFile() as printed:
        options = {"cwd": folder, "env": variables, "stdout": printed, "stderr": printed}
        process = subprocess.Popen(list(map(str, command)), start_new_session=True, **options)
        try:
            _wait(process, url, printed)
            yield url
        finally:
            _stop(process)


def _wait(process: subprocess.Popen, url: str, printed) -> None:
    end = time.monotonic() + START_SECONDS
    while not answers(url):
        if process.poll() is not None or time.monotonic() > end:
            printed.seek(0)
            said = printed.read().decode(errors="replace")[-3000:]
            raise RuntimeError(f"no server at {url}, status {process.poll()}; it said:\n{said}")
        time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _stop(process: subprocess.Popen) -> None:
    """Politely, so that it stops its kernels and removes its files; then whatever is left of its group."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
