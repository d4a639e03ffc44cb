"""The terminal's way in: `rsclip-lab course | models | fetch | audit | back-translate | finetune`."""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Sequence
from dataclasses import MISSING, fields
from pathlib import Path

DATA_FORMS = (
    "pictures with captions in any form that read_captions takes: a folder with caption.csv and images/, one "
    "folder a class, a CSV, JSON, JSON lines or parquet file, detection annotations"
)
KINDS = {"int": int, "float": float, "str": str}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns 0, or 1 where an audit found errors, 2 for unusable input, 130 for Ctrl-C."""
    chosen = make_parser().parse_args(arguments)
    try:
        return chosen.run(chosen)
    except (ValueError, OSError, FloatingPointError) as error:  # CaptionError, ImageError, ModelError are ValueErrors
        print(f"rsclip-lab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("rsclip-lab: interrupted", file=sys.stderr)
        return 130


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rsclip-lab", description="Fine-tune CLIP on remote-sensing images.")
    commands = parser.add_subparsers(required=True, metavar="command")

    course = commands.add_parser("course", help="fine-tune on the embedded sample; print the before/after table")
    course.add_argument("--seeds", type=positive, default=1, help="runs to average over (default 1)")
    course.add_argument("--model", default="tiny", help="the base model (default tiny)")
    course.add_argument("--out", type=Path, default=Path("outputs"), help="folder of course.json and course.png")
    course.set_defaults(run=run_course)

    models = commands.add_parser("models", help="list the models that can be loaded by name")
    models.set_defaults(run=list_models)

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

    tune = commands.add_parser("finetune", help="fine-tune a model on pictures with captions")
    add_data(tune)
    tune.add_argument("--model", default="tiny", help="model to start from (default tiny)")
    tune.add_argument("--out", type=Path, default=Path("outputs/run"), help="new folder for the run")
    tune.add_argument("--replay", type=Path, help="earlier data, mixed into every batch (see --distillation)")
    add_config(tune)
    tune.set_defaults(run=run_finetune)
    return parser


def add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, help=DATA_FORMS)
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="the pictures, if not beside the data")


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


def new_file(text: str) -> Path:
    path = Path(text)
    if path.exists():
        raise argparse.ArgumentTypeError(f"{path} is there already; name a new file")
    return path


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def add_config(parser: argparse.ArgumentParser) -> None:
    """One option for each field of FinetuneConfig, with the same name, default and comment.

    Read from its source text, as importing it would import torch, and the help should come at once.
    """
    source = Path(__file__).with_name("training").joinpath("config.py").read_text("utf-8")
    body = source.partition("class FinetuneConfig")[2].partition("\n    def ")[0]
    group = parser.add_argument_group("fine-tuning", "the fields of FinetuneConfig")
    for name, kind, default, comment in re.findall(r"^    (\w+): (\w+).*? = (\S+)  # (.*)$", body, re.MULTILINE):
        how = {"action": argparse.BooleanOptionalAction} if kind == "bool" else {"type": KINDS[kind]}
        value = ast.literal_eval(default)
        words = comment.replace("None: ", "by default ") if value is None else f"{comment} (default {value})"
        option = f"--{name.replace('_', '-')}"
        group.add_argument(option, default=MISSING, help=words.replace("%", "%%"), **how)


def config_from(chosen: argparse.Namespace):
    """The FinetuneConfig that the options name; what was not given keeps its default."""
    from rsclip_lab.training import FinetuneConfig

    given = {field.name: getattr(chosen, field.name) for field in fields(FinetuneConfig)}
    return FinetuneConfig(**{name: value for name, value in given.items() if value is not MISSING})


def run_course(chosen: argparse.Namespace) -> int:
    from rsclip_lab import course
    from rsclip_lab.show import before_after_table

    results = course.run_course(chosen.seeds, chosen.model, folder=chosen.out)
    print(before_after_table(results["runs"]).to_string())
    print(f"\n{course.DRAWN}\nMeans over {chosen.seeds} seed(s), {results['device']}, {results['precision']}.")
    print(f"Written: {chosen.out / 'course.json'}, {chosen.out / 'course.png'}")
    return 0


def list_models(chosen: argparse.Namespace) -> int:
    from rsclip_lab.models import models

    print(models().to_string())
    return 0


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
    from rsclip_lab.models.clip import clip_tokenizer

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


def written(path: Path, folder: str) -> str:
    return f"Written: {path}, with file names that start from {folder}"


def run_finetune(chosen: argparse.Namespace) -> int:
    from rsclip_lab.checks import require_usable
    from rsclip_lab.data import read_captions, split_by_image
    from rsclip_lab.data.table import SPLITS
    from rsclip_lab.evaluation import evaluate
    from rsclip_lab.models import load_model
    from rsclip_lab.show import before_after_table
    from rsclip_lab.training import finetune

    config = config_from(chosen)
    captions = read_captions(chosen.data, chosen.images)
    if captions["split"].isna().all():
        captions = split_by_image(captions, seed=config.seed)
    train, val, test = (captions[captions["split"] == name] for name in SPLITS)
    if len(test):
        require_usable(test, "the test split")  # now rather than after an hour of training
    replay, control = (None, None) if chosen.replay is None else replay_tables(chosen.replay)
    model = load_model(chosen.model)
    run = finetune(model, train, config, val if len(val) else None, replay, chosen.out)
    if len(test):
        results = {"base": evaluate(model, test, control), "tuned": evaluate(run.model, test, control)}
        print(before_after_table(results).to_string())
    print(f"{run}\nWritten: {chosen.out}")
    return 0


def replay_tables(source: Path):
    """What of earlier data to replay, its train split (or all, where none is named), and what forgetting shows on,
    its test split (or None)."""
    from rsclip_lab.checks import require_usable
    from rsclip_lab.data import read_captions

    captions = read_captions(source)
    train, test = (captions[captions["split"] == name] for name in ("train", "test"))
    if len(test):
        require_usable(test, "the test split of the replay data")
    return train if len(train) else captions, test if len(test) else None


if __name__ == "__main__":
    sys.exit(main())
