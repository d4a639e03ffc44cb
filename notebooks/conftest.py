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

# With more threads than cores torch is several times slower. The kernels inherit it.
processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // processes)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    lessons = [item for item in items if item.path.suffix == ".ipynb"]
    lessons.sort(key=lambda item: (lesson(item) == "06", item.path.name))
    items[:] = [item for item in items if item not in lessons] + lessons
    for item in lessons:
        item.add_marker(pytest.mark.xdist_group("runs" if lesson(item) in SAME_RUNS else "others"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    if lesson(item) not in WAITING:
        return (yield)
    OUTPUTS.mkdir(exist_ok=True)
    with FileLock(OUTPUTS / ".replay.lock"):
        return (yield)


def lesson(item: pytest.Item) -> str:
    return item.path.name[:2]
