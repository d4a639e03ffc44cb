"""`course`, `finetune` and `config`: train, and measure before and after."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, Positional

from rsclip_lab.cli.arguments import Count, Device, Folder, Model, OnCaptions, OptionalData, optional, with_split
from rsclip_lab.cli.processes import rank
from rsclip_lab.training.config import FinetuneConfig


@dataclass(frozen=True, kw_only=True)
class Course:
    """Fine-tune on the embedded sample; print the before/after table."""

    seeds: Count = 1  # runs to average over
    model: Model = "tiny"
    out: Folder = Path("outputs")  # for course.json and course.png

    def run(self) -> int:
        from rsclip_lab import course
        from rsclip_lab.show import before_after_table

        results = course.run_course(self.seeds, self.model, folder=self.out)
        print(before_after_table(results["runs"]).to_string())
        print(f"\n{course.DRAWN}\nMeans over {self.seeds} seed(s), {results['device']}, {results['precision']}.")
        print(f"Written: {self.out / 'course.json'}, {self.out / 'course.png'}")
        return 0


class Training(FinetuneConfig):
    """The fields of FinetuneConfig; what is not given here is as in the configuration file, or the default."""

    def __post_init__(self) -> None:
        """Unchecked until the command line and the file have been put together."""


@dataclass(frozen=True, kw_only=True)
class Configured:
    """A command with the fields of FinetuneConfig as options, and a file or run that their defaults come from."""

    config: Path | None = None
    training: OmitArgPrefixes[Training] = Training()

    def with_defaults_of_file(self) -> Configured:
        from rsclip_lab.training.config_file import read_config

        return replace(self, training=Training(**read_config(self.config).to_dict()))

    def finetune_config(self) -> FinetuneConfig:
        return FinetuneConfig(**asdict(self.training))


@dataclass(frozen=True, kw_only=True)
class Config(Configured):
    """Print a configuration as a file: rsclip-lab config --epochs 8 > my.toml"""

    config: Annotated[Positional[Path | None], optional("[FILE]")] = None  # to begin with; or a run's folder

    def run(self) -> int:
        from rsclip_lab.training.config_file import config_text

        print(config_text(self.finetune_config()), end="")
        return 0


@dataclass(frozen=True, kw_only=True)
class Finetune(Configured, OnCaptions):
    """Fine-tune a model on pictures with captions."""

    model: Model = "tiny"
    out: Folder = Path("outputs/run")  # of the run; the same command again goes on with an unfinished one
    replay: OptionalData = None  # earlier data, mixed into every batch (see --distillation)
    config: Annotated[Path | None, optional("FILE")] = None  # as `rsclip-lab config` writes it, or a run's folder
    device: Device = "auto"
    processes: Count = 1  # on this machine, one a GPU; several machines: see torchrun

    def run(self) -> int:
        from rsclip_lab.training.processes import join_processes

        with join_processes():  # first of all: "auto" is then this process's own GPU
            return self.tuned()

    def tuned(self) -> int:
        from rsclip_lab.checks import require_usable
        from rsclip_lab.data.table import SPLITS
        from rsclip_lab.evaluation import evaluate
        from rsclip_lab.models import load_model
        from rsclip_lab.show import before_after_table
        from rsclip_lab.training import finetune

        config = self.finetune_config()
        captions = with_split(self.captions(), config.seed)
        train, val, test = (captions[captions["split"] == name] for name in SPLITS)
        if len(test):
            require_usable(test, "the test split")  # now rather than after an hour of training
        replay, control = (None, None) if self.replay is None else replay_tables(self.replay)
        model = load_model(self.model, self.device)
        if val["image"].nunique() == 1:
            val = val[:0]
            if rank() == 0:
                print("not validated: the val split has one picture, by which every epoch is as good as any")
        run = finetune(model, train, config, val if len(val) else None, replay, self.out)
        if rank() > 0:
            return 0
        if len(test):
            results = {"base": evaluate(model, test, control), "tuned": evaluate(run.model, test, control)}
            run.record(test, control, **results)
            print(before_after_table(results).to_string())
        print(f"{run}\nWritten: {self.out}")
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
