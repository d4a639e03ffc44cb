"""`fetch`, `audit` and `back-translate`: pictures and captions before training."""

from __future__ import annotations

import argparse
from pathlib import Path

from rsclip_lab.cli.arguments import add_data, new_file, positive, written


def add_commands(commands) -> None:
    fetch = commands.add_parser("fetch", help="download a public set of pictures with captions")
    fetch.add_argument("name", help="its name, such as rsicd or eurosat")
    fetch.add_argument("--folder", type=Path, help="where to put it (default data/NAME)")
    fetch.set_defaults(run=run_fetch)

    audit = commands.add_parser("audit", help="look for faults in pictures with captions")
    add_data(audit)
    audit.add_argument("--model", help="also check caption lengths against this model")
    audit.add_argument("--fix", type=new_file, metavar="OUT.csv", help="write the repaired captions to this file")
    audit.set_defaults(run=run_audit)

    add_back_translate(commands)


def add_back_translate(commands) -> None:
    words = "add training captions in other words: to another language and back"
    parser = commands.add_parser("back-translate", help=words, description=f"{words}.")
    add_data(parser)
    parser.add_argument("--out", type=new_file, required=True, metavar="FILE.jsonl", help="JSON lines, one a picture")
    for option, metavar, how, help in (
        ("--through", "LANGUAGE", {"nargs": "+", "default": []}, "fr de …: through Helsinki-NLP/opus-mt-en-fr …"),
        ("--model-folder", "FOLDER", {"type": Path}, "has opus-mt-en-fr/ and so on; nothing is fetched then"),
        ("--to", "FOLDER", {"type": Path}, "instead of --through: a Marian model from English"),
        ("--back", "FOLDER", {"type": Path}, "and one from that language to English"),
        ("--beams", "N", {"type": positive, "default": 1}, "1: greedy; more: slower, a little better (default 1)"),
        ("--batch-size", "N", {"type": positive, "default": 64}, "captions at a time (default 64)"),
    ):
        parser.add_argument(option, metavar=metavar, help=help, **how)
    parser.set_defaults(run=run_back_translate)


def run_fetch(chosen: argparse.Namespace) -> int:
    from rsclip_lab.data.public import fetch_data

    captions = fetch_data(chosen.name, chosen.folder)
    print(f"{chosen.name}: {captions['image'].nunique()} pictures, {len(captions)} captions")
    return 0


def run_audit(chosen: argparse.Namespace) -> int:
    from rsclip_lab.checks import audit
    from rsclip_lab.data import read_captions
    from rsclip_lab.data.writers import write_csv
    from rsclip_lab.models import load_model

    captions = read_captions(chosen.data, chosen.images)
    report = audit(captions, load_model(chosen.model) if chosen.model else None)
    print(report)
    if chosen.fix:
        fixed = report.fix()
        print(fixed)
        print(written(chosen.fix, write_csv(fixed.captions, chosen.fix, chosen.images)))
    return 0 if report.ok else 1


def run_back_translate(chosen: argparse.Namespace) -> int:
    from rsclip_lab.data import read_captions
    from rsclip_lab.data.wording.back_translation import TranslationMemory, back_translate
    from rsclip_lab.data.wording.marian import RoundTrip
    from rsclip_lab.data.writers import write_json_lines
    from rsclip_lab.models.tokenizers import clip_tokenizer

    pairs = translation_models(chosen)
    captions = read_captions(chosen.data, chosen.images)
    settings = {"models": {name: [str(model) for model in pair] for name, pair in pairs.items()}}
    settings |= {"beams": chosen.beams, "batch_size": chosen.batch_size}
    memory = TranslationMemory(chosen.out.with_name(f"{chosen.out.name}.part"), settings)
    functions = {name: RoundTrip(*pair, beams=chosen.beams) for name, pair in pairs.items()}
    table = back_translate(captions, functions, clip_tokenizer(77), memory, chosen.batch_size)
    folder = write_json_lines(table, chosen.out, chosen.images)
    memory.path.unlink()
    print(f"{len(captions)} captions have become {len(table)} of {table['image'].nunique()} pictures")
    print(written(chosen.out, folder))
    return 0


def translation_models(chosen: argparse.Namespace) -> dict[str, tuple]:
    """{name: (model from English, model back)} for the languages or the pair of folders that the options name."""
    from rsclip_lab.data.wording.marian import opus_models

    pair = (chosen.to, chosen.back)
    if bool(chosen.through) == any(pair) or any(pair) != all(pair):
        raise ValueError("name languages (--through fr de) or two model folders (--to FOLDER --back FOLDER)")
    if any(pair):
        return {chosen.to.name: pair}
    return {language: opus_models(language, chosen.model_folder) for language in chosen.through}
