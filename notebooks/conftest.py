"""How `pytest --nbmake notebooks` runs the lessons: in two processes that share the cores, and no training twice."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from rsclip_lab.environment import usable_cores

OUTPUTS = Path(__file__).parent / "outputs"
# 05 goes on with the runs of 04, so one process has both, in this order. 06 needs one of them, and waits.
SAME_RUNS = ("04", "05")
WAITING = ("04", "06")


def pytest_configure(config: pytest.Config) -> None:
    """Cores for each process; the kernels inherit it. With more threads than cores torch is several times slower."""
    processes = config.getoption("numprocesses", None) or 1
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // processes)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: lesson(item.path.name) == "06")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    from xdist.scheduler import LoadScopeScheduling

    class ByRuns(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "runs" if lesson(Path(nodeid.split("::")[0]).name) in SAME_RUNS else "others"

    return ByRuns(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    if lesson(item.path.name) not in WAITING:
        return (yield)
    OUTPUTS.mkdir(exist_ok=True)
    with FileLock(OUTPUTS / ".replay.lock"):
        return (yield)


def lesson(name: str) -> str:
    return name[:2]
