"""Voilà with one page and nothing else: no folder, no other notebook, no file, no terminal; one kernel a visitor."""

from __future__ import annotations

import errno
import ipaddress
import json
import os
import socket
import webbrowser
from pathlib import Path

from rsclip_lab.show.app.prepared import Prepared

MISSING = 'the page needs Voilà: pip install "rsclip-lab[app]"'
TEMPLATES = Path(__file__).with_name("jupyter")
MOST_MEGABYTES = 60  # of a file that is sent to a panel, which may want less; the page refuses larger ones itself
ROOM = 4_000_000  # bytes around the file in the same message
IDLE_SECONDS = 1800  # until a kernel that waits for a visitor is stopped
# The browser itself keeps to this machine, whatever a caption or a file's name tries to load. Scripts in the page and
# compiled ones are Voilà's own (module federation, ajv).
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def require_voila() -> None:
    """Raises ImportError, with the remedy, where Voilà is not installed."""
    try:
        import voila.app  # noqa: F401
    except ImportError:
        raise ImportError(MISSING) from None


def require_free(host: str, port: int) -> None:
    """Raises OSError, with the remedy, for a place where nothing can listen."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, os.name != "nt")
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        taken = getattr(error, "errno", None) == errno.EADDRINUSE
        cause = "is in use" if taken else f"cannot be listened on ({getattr(error, 'strerror', None) or error})"
        remedy = "--port" if taken else "--port or --host"
        raise OSError(f"{host}, port {port}: {cause}; choose another with {remedy}") from None


def is_local(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def serve(prepared: Prepared, folder: Path, host: str, port: int, open_browser: bool = True) -> None:
    """Serve the page until it is interrupted. folder: an empty one, for the page's files; nothing in it is served."""
    require_voila()
    prepared.write(folder)
    write_notebook(folder)
    os.environ["JUPYTER_PATH"] = os.pathsep.join([str(TEMPLATES), *filter(None, [os.environ.get("JUPYTER_PATH")])])
    app = page_server(folder, host, port, open_browser)
    app.initialize([])
    app.start()


def write_notebook(folder: Path) -> None:
    """The notebook of one cell that Voilà runs for each visitor."""
    source = f"from rsclip_lab.show.app.page import show_page\nshow_page({str(folder)!r})"
    cell = {
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "id": "page",
    }
    kernel = {"name": "rsclip-lab", "display_name": "rsclip-lab", "language": "python"}
    notebook = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "page.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def page_server(folder: Path, host: str, port: int, open_browser: bool):
    """Voilà's application, set up for this page only: no configuration file of the machine is read."""
    from voila.app import Voila

    from rsclip_lab.show.app.handlers import OURS

    class PageServer(Voila):
        def launch_browser(self) -> None:
            webbrowser.open(self.display_url)  # Voilà's own way goes through a page that loads icons from elsewhere

        def listen(self) -> None:
            print(f"The page: {self.display_url}\nCtrl-C stops it.", flush=True)
            super().listen()

        def init_handlers(self) -> list:
            return [(path, OURS.get(handler, handler), *rest) for path, handler, *rest in super().init_handlers()]

    app = PageServer(
        config_file_paths=[],
        log_level="ERROR",
        notebook_path=str(folder / "page.ipynb"),
        ip=host,
        port=port,
        port_retries=0,
        open_browser=open_browser,
        auto_token=not is_local(host),
        tornado_settings={
            "allow_remote_access": not is_local(host),  # else a page elsewhere could reach it by a name of its own
            "websocket_max_message_size": int(MOST_MEGABYTES * 1e6) + ROOM,
            "headers": {"Content-Security-Policy": POLICY},
            "xsrf_cookie_kwargs": {"samesite": "Strict"},  # never sent with what another site asks for
            "ws_ping_interval": 0,
        },
    )
    app.config.VoilaConfiguration.update(
        template="rsclip-lab",
        allow_template_override="NO",
        allow_theme_override="NO",
        file_allowlist=[],
        preheat_kernel=True,
        extension_allowlist=[
            "@jupyter-widgets/jupyterlab-manager",
            "@voila-dashboards/widgets-manager7",
            "@voila-dashboards/widgets-manager8",
        ],
        extension_denylist=[],
        resources={"most_megabytes": MOST_MEGABYTES},
    )
    app.config.KernelManager.shutdown_wait_time = 1.0  # nothing in a kernel is worth waiting for
    app.config.MappingKernelManager.update(cull_idle_timeout=IDLE_SECONDS, cull_interval=60)
    return app
