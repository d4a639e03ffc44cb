"""`models`, `export`, `push` and `first-contact`: weights in, and out again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, UseAppendAction, arg

from rsclip_lab.cli.arguments import Device, Folder, Model, NamedPlace, optional


@dataclass(frozen=True, kw_only=True)
class Models:
    """List the models that can be loaded by name."""

    facts: bool = False  # also files, revisions, hashes and where each was read

    def run(self) -> int:
        from rsclip_lab.models import models

        table = models(facts=self.facts)
        if self.facts:  # too wide for a terminal: one block a model
            for _, facts in table.iterrows():
                print(*(f"{name:21} {fact}" for name, fact in facts.dropna().items()), "", sep="\n")
        else:
            print(table.to_string(index=False))
        return 0


@dataclass(frozen=True, kw_only=True)
class Export:
    """Write a model in the layout of another tool."""

    model: Positional[Model]
    out: Folder  # new folder
    to: Literal["open_clip", "transformers", "onnx"] = "open_clip"  # whose layout

    def run(self) -> int:
        from rsclip_lab.models import export, load_model

        print(f"Written: {export(load_model(self.model, 'cpu'), self.out, self.to)}")
        return 0


@dataclass(frozen=True, kw_only=True)
class Push:
    """Upload a model with its card to the Hugging Face hub."""

    model: Positional[Model]
    repository: Annotated[Positional[str], arg(metavar="OWNER/NAME")]  # created if missing
    private: bool = False  # create the repository as private
    licence: Annotated[str | None, optional("NAME")] = None  # of your weights, such as apache-2.0; see the base's

    def run(self) -> int:
        from rsclip_lab.models import load_model, push

        print(push(load_model(self.model, "cpu"), self.repository, private=self.private, licence=self.licence))
        return 0


@dataclass(frozen=True, kw_only=True)
class FirstContact:
    """Fetch and check the published weights, and repeat published measurements."""

    names: Annotated[Positional[tuple[str, ...]], optional("[MODEL …]")] = ()  # of `rsclip-lab models`; none: all
    data: UseAppendAction[tuple[NamedPlace, ...]] = ()  # rsitmd=my/rsitmd, once for each set that lies elsewhere
    out: Folder = Path("outputs/first_contact")  # continued if it exists
    device: Device = "auto"

    def run(self) -> int:
        """1 where a file of the named models is not the expected one, or none of the numbers published on them could
        be measured; what earlier calls recorded of other models does not count."""
        from rsclip_lab.first_contact import first_contact

        results = first_contact(self.names or None, dict(self.data), self.out, self.device)
        return 0 if results["ok"] else 1
