"""The terminal's way in: the notebooks' functions and configuration as commands of `rsclip-lab`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rsclip_lab.cli import data_commands, model_commands, training_commands


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns 0, or 1 where an audit or a first contact found errors, 2 for unusable input, 130 for
    Ctrl-C."""
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
    for room in (training_commands, data_commands, model_commands):
        room.add_commands(commands)
    return parser
