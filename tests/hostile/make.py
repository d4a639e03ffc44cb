"""Write the whole hostile corpus, a folder a case, to look at: python tests/hostile/make.py FOLDER"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cases import corpus


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write; must not be there yet")
    folder = parser.parse_args().folder.resolve()
    folder.mkdir(parents=True)
    for _, case in corpus():
        (folder / case.name).mkdir()
        case.make(folder / case.name)
        print(f"{case.name}: {case.expect} {' '.join(case.words)}")


if __name__ == "__main__":
    main()
