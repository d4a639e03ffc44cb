"""Commands: `python -m data.generator sample` redraws the embedded sample, `… pool N FOLDER` draws N land scenes."""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m data.generator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    sample = commands.add_parser("sample", help="redraw data/coast and data/land")
    sample.add_argument("--seed", type=int, default=1, help="another seed draws other pictures (default 1)")
    sample.add_argument("--target", type=Path, default=HERE, help="folder that gets coast/ and land/ (default data)")
    pool = commands.add_parser("pool", help="draw land scenes to train the base model on")
    pool.add_argument("count", type=int, help="pictures, 1 or more")
    pool.add_argument("folder", type=Path, help="a new folder, or one in which a drawing was interrupted")
    options = parser.parse_args()
    try:
        run(options)
    except (ValueError, OSError) as error:
        sys.exit(f"{parser.prog}: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted: the same command goes on with a pool; a sample stays as it was")


def run(options: argparse.Namespace) -> None:
    if options.command == "sample":
        from .sample import write_sample

        write_sample(options.target, options.seed)
    else:
        from .pool import write_pool

        write_pool(options.folder, options.count)


if __name__ == "__main__":
    main()
