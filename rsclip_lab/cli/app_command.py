"""`app`: the panels as one web page."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from rsclip_lab.cli.arguments import MODEL, Device, Folder, OptionalData, optional

TUNED = Path("outputs/tiny/replay")  # where lesson 04 keeps its best run
AppModel = Annotated[
    str | None, arg(metavar="MODEL", help=f"{MODEL}; none: the run of lesson 04, else `tiny`", help_behavior_hint="")
]
OptionalModel = Annotated[str | None, optional("MODEL")]


@dataclass(frozen=True, kw_only=True)
class App:
    """Serve one web page: predict, search, look through the data, train."""

    model: Positional[AppModel] = None
    base: OptionalModel = None  # the model before fine-tuning, shown beside it
    # in any form that read_captions takes, or a folder of pictures without captions; none: the embedded sample
    pictures: OptionalData = None
    port: int = 8866
    host: str = "127.0.0.1"  # 0.0.0.0: other machines may come too, with the link that is printed
    browser: bool = True  # open it
    out: Folder = Path("outputs/app")  # keeps the search index for the next time
    device: Device = "auto"

    def run(self) -> int:
        from rsclip_lab.show.app.prepared import prepare
        from rsclip_lab.show.app.server import require_free, require_voila, serve

        try:
            require_voila()
        except ImportError as error:
            raise ValueError(str(error)) from None  # which the command line says in one line
        require_free(self.host, self.port)
        model, base = self.models()
        prepared = prepare(model, base, self.pictures, self.out, self.device)
        with tempfile.TemporaryDirectory(prefix="rsclip-lab-") as folder:
            serve(prepared, Path(folder), self.host, self.port, self.browser)
        return 0

    def models(self) -> tuple[str, str | None]:
        """The model and the one before it: what was asked for, else lesson 04's run, else `tiny` alone."""
        from rsclip_lab.training.saved.folders import is_run

        if self.model is not None:
            return self.model, self.base
        if is_run(TUNED):
            return str(TUNED), self.base or "tiny"
        print(f"There is no tuned model in {TUNED}: notebook 04 makes one in two minutes. `tiny` alone is shown.")
        return "tiny", self.base
