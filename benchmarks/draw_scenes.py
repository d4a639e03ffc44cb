"""How fast scenes are drawn on one core, kind by kind, against the limit of 60 a second.

    python benchmarks/draw_scenes.py [--scenes 20] [--json FILE]

Times are CPU time of this process: waiting does not count, but a busy machine computes slower. Ratio: the mean rate
over all kinds over the limit; above 1 is fast enough.
"""

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the generator is no installed package

from data.generator.draw import draw
from data.generator.kinds import SIDES

LIMIT = 60.0  # scenes a second
FIRST_SEED = 40_000
WARM_UP = 30  # scenes of each kind


def measure(scenes: int) -> dict:
    """{"figures": {label: milliseconds a scene, …}, "ratios": …}"""
    milliseconds = {}
    for kinds in SIDES.values():
        for label, kind in kinds.items():
            for i in range(WARM_UP):  # what is made once a process: banks of texture, terrains with their streams
                draw(kind, FIRST_SEED - 1 - i)
            start = time.process_time()
            for i in range(scenes):
                draw(kind, FIRST_SEED + i)
            milliseconds[label] = 1000 * (time.process_time() - start) / scenes
    rate = 1000 * len(milliseconds) / sum(milliseconds.values())
    return {"figures": {"scenes a second": rate, **milliseconds}, "ratios": {"rate/limit": rate / LIMIT}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=20, help="of each kind")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    text = json.dumps(measure(options.scenes), indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
