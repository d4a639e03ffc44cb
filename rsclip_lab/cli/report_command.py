"""`report`: two models before and after, as a web page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional

from rsclip_lab.cli.arguments import (
    Data,
    Device,
    Model,
    OnCaptions,
    OptionalData,
    Texts,
    new_file,
    read_by,
)
from rsclip_lab.cli.evaluation_commands import Evaluate

Page = Annotated[Path, read_by(new_file, "FILE")]


@dataclass(frozen=True, kw_only=True)
class Report(OnCaptions):
    """Compare a model with what became of it, as a web page."""

    before: Positional[Model]
    after: Positional[Model]
    data: Data  # pictures with captions, in any form that `finetune` takes
    out: Page  # the page to write, a new file that ends with .html
    control: OptionalData = None  # pictures of other kinds: what was forgotten of them
    split: Literal["train", "val", "test", "all"] = "test"  # where the data name none, it is drawn as in `finetune`
    seed: int = 0  # of a drawn split: the seed of the run
    classes: Texts = ()  # class names to choose between; none: the labels of the data
    templates: Texts = ()  # prompts with {label} in place of a class name; none: "a satellite view of {label}"
    device: Device = "auto"

    def run(self) -> int:
        from rsclip_lab.data import read_captions
        from rsclip_lab.models import load_model
        from rsclip_lab.show.before_after import before_after_report, require_page
        from rsclip_lab.show.before_after.sentences import forgetting, headline

        require_page(self.out)
        chosen = Evaluate(models=(), data=self.data, split=self.split, seed=self.seed).chosen
        test = chosen(self.captions(), self.data)
        control = None if self.control is None else chosen(read_captions(self.control), self.control)
        before, after = (load_model(name, self.device) for name in (self.before, self.after))
        words = (self.classes or None, self.templates or None)
        report = before_after_report(before, after, test, control, *words)
        print(headline(report.comparison))
        if said := forgetting(report.comparison):
            print(said)
        print(f"Written: {report.save(self.out)}")
        return 0
