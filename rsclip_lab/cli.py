"""The terminal's way in: `rsclip-lab course | models | audit | finetune`."""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Sequence
from dataclasses import MISSING, fields
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns 0, or 1 where an audit found errors, 2 for input that cannot be used."""
    chosen = make_parser().parse_args(arguments)
    try:
        return chosen.run(chosen)
    except (
        ValueError,
        OSError,
        FloatingPointError,
    ) as error:  # CaptionError, ImageError, ModelError are ValueErrors
        print(f"rsclip-lab: {error}", file=sys.stderr)
        return 2


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

    audit = commands.add_parser("audit", help="look for faults in a folder of pictures with captions")
    audit.add_argument("data", type=Path, help="a folder with caption.csv and images/, or a CSV file")
    audit.add_argument("--model", help="also check caption lengths against this model")
    audit.set_defaults(run=run_audit)

    tune = commands.add_parser("finetune", help="fine-tune a model on a folder of pictures with captions")
    tune.add_argument("data", type=Path, help="a folder with caption.csv and images/, or a CSV file")
    tune.add_argument("--model", default="tiny", help="model to start from (default tiny)")
    tune.add_argument("--out", type=Path, default=Path("outputs/run"), help="new folder for the run")
    tune.add_argument("--replay", type=Path, help="earlier data, mixed into every batch (see --distillation)")
    add_config(tune)
    tune.set_defaults(run=run_finetune)
    return parser


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def add_config(parser: argparse.ArgumentParser) -> None:
    """One option for each field of FinetuneConfig, with the same name, default and comment."""
    from rsclip_lab.training import FinetuneConfig

    comments = dict(re.findall(r"^    (\w+): .*?  # (.*)$", inspect.getsource(FinetuneConfig), re.MULTILINE))
    group = parser.add_argument_group("fine-tuning", "the fields of FinetuneConfig")
    for field in fields(FinetuneConfig):
        option = f"--{field.name.replace('_', '-')}"
        kind = next(kind for kind in (bool, float, int, str) if field.type.startswith(kind.__name__))
        how = {"action": argparse.BooleanOptionalAction} if kind is bool else {"type": kind}
        words = f"{comments[field.name]} (default {field.default})".replace("%", "%%")
        group.add_argument(option, default=MISSING, help=words, **how)


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


def run_audit(chosen: argparse.Namespace) -> int:
    from rsclip_lab.checks import audit
    from rsclip_lab.data import read_captions
    from rsclip_lab.models import load_model

    report = audit(read_captions(chosen.data), load_model(chosen.model) if chosen.model else None)
    print(report)
    return 0 if report.ok else 1


def run_finetune(chosen: argparse.Namespace) -> int:
    from rsclip_lab.checks import require_usable
    from rsclip_lab.data import read_captions, split_by_image
    from rsclip_lab.evaluation import evaluate
    from rsclip_lab.models import load_model
    from rsclip_lab.show import before_after_table
    from rsclip_lab.training import finetune

    config = config_from(chosen)
    captions = read_captions(chosen.data)
    if captions["split"].isna().all():
        captions = split_by_image(captions, seed=config.seed)
    train, val, test = (captions[captions["split"] == name] for name in ("train", "val", "test"))
    if len(test):
        require_usable(test, "the test split")  # now rather than after an hour of training
    replay = None if chosen.replay is None else training_rows(read_captions(chosen.replay))
    model = load_model(chosen.model)
    run = finetune(model, train, config, val if len(val) else None, replay, chosen.out)
    if len(test):
        print(before_after_table({"base": evaluate(model, test), "tuned": evaluate(run.model, test)}).to_string())
    print(f"{run}\nWritten: {chosen.out}")
    return 0


def training_rows(captions):
    """The rows of the train split, or all where no split is named."""
    train = captions[captions["split"] == "train"]
    return train if len(train) else captions


if __name__ == "__main__":
    sys.exit(main())
