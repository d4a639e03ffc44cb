"""What a hostile case is. The modules beside this one export `CASES`; `corpus()` gathers them all."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

MODULES = ("tables", "annotations", "archives", "pictures")
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """One hostile input and what the package has to make of it.

    make: writes the input below the folder it is given (empty, existing, absolute) and returns a function
    without arguments that runs the package on it. Beside the folder stands `../beside/secret.txt`, which a
    case may try to reach; the working folder, HOME and TMPDIR lie outside it too.
    expect: "error": a CaptionError or ImageError (or a returned AuditReport that is not ok) whose message
    names a file or the folder, has a remedy after "; " and matches all of `words`, regexes for `re.search`.
    "repaired": the function returns something true, such as the comparison with what is right.
    """

    name: str  # words joined by underscores, once in the corpus
    make: Callable[[Path], Callable[[], object]]
    expect: Literal["error", "repaired"]
    words: tuple[str, ...] = ()


def cases_of(module: str) -> list[Case]:
    """The cases of one of MODULES."""
    return importlib.import_module(module).CASES


def corpus() -> list[tuple[str, Case]]:
    """All cases, each with its module, of the modules that are there."""
    present = [name for name in MODULES if (HERE / f"{name}.py").is_file()]
    return [(name, case) for name in present for case in cases_of(name)]
