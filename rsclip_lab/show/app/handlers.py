"""What this page's server does otherwise than Voilà's: a kernel ends with its page, and odd paths are not found."""

from __future__ import annotations

import re

from tornado.ioloop import IOLoop
from tornado.web import HTTPError, RequestHandler
from voila.app import (
    FileFindHandler,
    TemplateStaticFileHandler,
    ThemesHandler,
    TornadoVoilaHandler,
    VoilaKernelWebsocketHandler,
)

# Until a kernel ends, at work or not, whose page has gone without a word (a closed one says so) or never connected:
# longer than a connection is interrupted for, or a page takes to start.
LEFT_SECONDS = 90
PING_SECONDS = 30  # between two looks whether a page is still there, and for its answer
KERNEL = re.compile(r'"kernelId": "([0-9a-f-]+)"')  # in the page


def end_if_left(kernels, kernel_id: str) -> None:
    """Look after `LEFT_SECONDS` whether anybody is connected to the kernel, and end it if not."""

    async def end() -> None:
        if kernel_id in kernels and not kernels.kernel_model(kernel_id)["connections"]:
            await kernels.shutdown_kernel(kernel_id)

    IOLoop.current().call_later(LEFT_SECONDS, end)


class PageHandler(TornadoVoilaHandler):
    async def get(self, path=None) -> None:
        _ = self.xsrf_token  # sets the cookie that a page that is left has to show to end its kernel
        self.kernel = None
        try:
            await super().get(path)
        finally:
            if self.kernel:
                end_if_left(self.kernel_manager, self.kernel[1])

    def write(self, chunk) -> None:
        if isinstance(chunk, str):
            self.kernel = self.kernel or KERNEL.search(chunk)
        super().write(chunk)


class Connection(VoilaKernelWebsocketHandler):
    def get_websocket_protocol(self):
        protocol = super().get_websocket_protocol()
        if protocol is not None:  # Tornado's pings: Jupyter's own, in milliseconds, are none that it understands
            protocol.params.ping_interval = protocol.params.ping_timeout = PING_SECONDS
        return protocol

    def on_close(self) -> None:
        end_if_left(self.kernel_manager, self.kernel_id)
        super().on_close()


class PageFiles(TemplateStaticFileHandler):
    def parse_url_path(self, path: str) -> str:
        if not re.match(r"[\w-]+/static/[^/]", path) or ".." in path or "\0" in path:
            raise HTTPError(404)  # Voilà's own way fails on them
        return super().parse_url_path(path)


class Extensions(FileFindHandler):
    write_error = RequestHandler.write_error  # Jupyter's page with the error fails in Voilà


class Themes(ThemesHandler):
    write_error = RequestHandler.write_error


OURS = {
    FileFindHandler: Extensions,
    ThemesHandler: Themes,
    TornadoVoilaHandler: PageHandler,
    VoilaKernelWebsocketHandler: Connection,
    TemplateStaticFileHandler: PageFiles,
}
