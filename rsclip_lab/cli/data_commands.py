"""`fetch`, `check` and `back-translate`: pictures and captions before training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from rsclip_lab.cli.arguments import Count, NewFile, OnCaptions, OptionalFolder, optional


@dataclass(frozen=True, kw_only=True)
class Fetch:
    """Download a public set of pictures with captions."""

    name: Annotated[Positional[str], arg(metavar="NAME")]  # rsicd, eurosat, resisc45, ucmerced or sydney
    folder: OptionalFolder = None  # where to put it; by default data/NAME

    def run(self) -> int:
        from rsclip_lab.data.public import fetch_data

        captions = fetch_data(self.name, self.folder)
        print(f"{self.name}: {captions['image'].nunique()} pictures, {len(captions)} captions")
        return 0


@dataclass(frozen=True, kw_only=True)
class Check(OnCaptions):
    """Look for faults in pictures with captions, and repair them."""

    model: Annotated[str | None, optional("MODEL")] = None  # also check caption lengths against this model
    fix: NewFile = None  # write the repaired captions to this new .csv file

    def run(self) -> int:
        from rsclip_lab.checks import audit
        from rsclip_lab.data.writers import write_csv
        from rsclip_lab.models import load_model

        captions = self.captions()
        report = audit(captions, load_model(self.model) if self.model else None)
        print(report)
        if self.fix:
            fixed = report.fix()
            print(fixed)
            print(written(self.fix, write_csv(fixed.captions, self.fix, self.images)))
        return 0 if report.ok else 1


@dataclass(frozen=True, kw_only=True)
class BackTranslate(OnCaptions):
    """Add training captions in other words: to another language and back."""

    out: NewFile  # new file of JSON lines (.jsonl), one a picture
    through: Annotated[tuple[str, ...], optional("LANGUAGE …")] = ()  # fr de …: Helsinki-NLP/opus-mt-en-fr and back
    model_folder: OptionalFolder = None  # has opus-mt-en-fr/ and so on; nothing is fetched then
    to: OptionalFolder = None  # instead of --through: a Marian model from English
    back: OptionalFolder = None  # and one from that language to English
    beams: Count = 1  # 1: greedy; more: slower, a little better
    batch_size: Count = 64  # captions at a time

    def run(self) -> int:
        from rsclip_lab.data.wording.back_translation import TranslationMemory, back_translate
        from rsclip_lab.data.wording.marian import RoundTrip
        from rsclip_lab.data.writers import write_json_lines
        from rsclip_lab.models.tokenizers import clip_tokenizer

        pairs = self.pairs()
        captions = self.captions()
        settings = {"models": {name: [str(model) for model in pair] for name, pair in pairs.items()}}
        settings |= {"beams": self.beams, "batch_size": self.batch_size}
        memory = TranslationMemory(self.out.with_name(f"{self.out.name}.part"), settings)
        functions = {name: RoundTrip(*pair, beams=self.beams) for name, pair in pairs.items()}
        table = back_translate(captions, functions, clip_tokenizer(77), memory, self.batch_size)
        folder = write_json_lines(table, self.out, self.images)
        memory.path.unlink()
        print(f"{len(captions)} captions have become {len(table)} of {table['image'].nunique()} pictures")
        print(written(self.out, folder))
        return 0

    def pairs(self) -> dict[str, tuple]:
        """{name: (model from English, model back)} for the languages or the pair of folders that are named."""
        from rsclip_lab.data.wording.marian import opus_models

        pair = (self.to, self.back)
        if bool(self.through) == any(pair) or any(pair) != all(pair):
            raise ValueError("name languages (--through fr de) or two model folders (--to FOLDER --back FOLDER)")
        if any(pair):
            return {self.to.name: pair}
        return {language: opus_models(language, self.model_folder) for language in self.through}


def written(path: Path, folder: str) -> str:
    return f"Written: {path}, with file names that start from {folder}"
