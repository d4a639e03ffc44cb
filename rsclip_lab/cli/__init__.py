"""The terminal's way in: the notebooks' functions and configuration as commands of `rsclip-lab`."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import tyro

from rsclip_lab.cli.ablation_command import Ablation
from rsclip_lab.cli.app_command import App
from rsclip_lab.cli.data_commands import BackTranslate, Check, Fetch
from rsclip_lab.cli.evaluation_commands import Evaluate, Predict
from rsclip_lab.cli.model_commands import Export, FirstContact, Models, Push
from rsclip_lab.cli.processes import rank, start, started_by_torchrun
from rsclip_lab.cli.project_commands import Badges
from rsclip_lab.cli.report_command import Report
from rsclip_lab.cli.search_commands import Index, Search
from rsclip_lab.cli.training_commands import Config, Configured, Course, Finetune

SECONDS_TO_SPEAK = 10
# Each is called as its class is, FirstContact first-contact; its docstring and comments are its help.
COMMANDS = (
    Course
    | Fetch
    | Check
    | BackTranslate
    | Finetune
    | Config
    | Evaluate
    | Report
    | Ablation
    | Predict
    | Index
    | Search
    | App
    | Models
    | Export
    | Push
    | FirstContact
    | Badges
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns 0, or 1 where a check or a first contact found errors, 2 for unusable input and for a
    run that was stopped, 130 for Ctrl-C. A command line that cannot be understood ends in SystemExit(2)."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        command = parse(arguments)
        if isinstance(command, Finetune) and command.processes > 1 and not started_by_torchrun():
            return start(arguments, command.processes)
        return command.run()
    except KeyboardInterrupt as error:
        return 130 if rank() else complain(str(error) or "interrupted", status=130)
    except (ValueError, OSError, FloatingPointError) as error:  # CaptionError, ImageError, ModelError are ValueErrors
        return complain(str(error), status=2)
    except RuntimeError as error:
        from rsclip_lab.training import TrainingStopped  # these need torch: not before the help
        from rsclip_lab.training.processes import ProcessLost

        if not isinstance(error, TrainingStopped | ProcessLost):
            raise
        return complain(str(error), status=2, last=isinstance(error, ProcessLost))


def parse(arguments: Sequence[str]):
    """The command, with its options from the arguments, else from the file that --config names, else by default."""
    command = understand(arguments)
    if isinstance(command, Configured):
        if command.config:
            command = understand(arguments, default=command.with_defaults_of_file())
        command.finetune_config()  # raises what cannot work before anything slow is imported
    return command


def understand(arguments: Sequence[str], **options):
    return tyro.cli(
        COMMANDS,
        prog="rsclip-lab",
        description="Fine-tune CLIP on remote-sensing images.",
        args=arguments,
        console_outputs=rank() == 0,
        **options,
    )


def complain(what: str, status: int, last: bool = False) -> int:
    """Say in one line what is wrong. Of several processes the first one speaks, as a rule, and torchrun then ends the
    others before they repeat it.

    last: whether another process knows better what is wrong, or torchrun does."""
    if rank() or last:
        time.sleep(SECONDS_TO_SPEAK)
    print(f"rsclip-lab{f', process {rank()}' if rank() else ''}: {what}", file=sys.stderr)
    return status
