"""`course` and `finetune`: train, and measure before and after."""

from __future__ import annotations

import argparse
from pathlib import Path

from rsclip_lab.cli.arguments import add_config, add_data, config_from, positive


def add_commands(commands) -> None:
    course = commands.add_parser("course", help="fine-tune on the embedded sample; print the before/after table")
    course.add_argument("--seeds", type=positive, default=1, help="runs to average over (default 1)")
    course.add_argument("--model", default="tiny", help="the base model (default tiny)")
    course.add_argument("--out", type=Path, default=Path("outputs"), help="folder of course.json and course.png")
    course.set_defaults(run=run_course)

    tune = commands.add_parser("finetune", help="fine-tune a model on pictures with captions")
    add_data(tune)
    tune.add_argument("--model", default="tiny", help="model to start from (default tiny), as load_model takes it")
    tune.add_argument("--out", type=Path, default=Path("outputs/run"), help="new folder for the run")
    tune.add_argument("--replay", type=Path, help="earlier data, mixed into every batch (see --distillation)")
    add_config(tune)
    tune.set_defaults(run=run_finetune)


def run_course(chosen: argparse.Namespace) -> int:
    from rsclip_lab import course
    from rsclip_lab.show import before_after_table

    results = course.run_course(chosen.seeds, chosen.model, folder=chosen.out)
    print(before_after_table(results["runs"]).to_string())
    print(f"\n{course.DRAWN}\nMeans over {chosen.seeds} seed(s), {results['device']}, {results['precision']}.")
    print(f"Written: {chosen.out / 'course.json'}, {chosen.out / 'course.png'}")
    return 0


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
        run.record(test, control, **results)
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
