"""Commands: `python -m data.generator sample` redraws the embedded sample, `… pool N FOLDER` draws N land scenes."""

import argparse
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m data.generator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    sample = commands.add_parser("sample", help="redraw data/coast and data/land")
    sample.add_argument("--seed", type=int, default=1)
    sample.add_argument("--target", type=Path, default=HERE)
    pool = commands.add_parser("pool", help="draw land scenes to train the base model on")
    pool.add_argument("count", type=int)
    pool.add_argument("folder", type=Path)
    options = parser.parse_args()
    if options.command == "sample":
        from .sample import write_sample

        write_sample(options.target, options.seed)
    else:
        from .pool import write_pool

        write_pool(options.folder, options.count)


if __name__ == "__main__":
    main()
