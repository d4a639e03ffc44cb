"""Hostile input gets a message with place, cause and remedy, or is repaired; it harms nothing."""

import os
import re
import sys
from pathlib import Path

import pytest
from cases import MODULES, corpus
from jail import GIGABYTES, SECONDS, run

CASES = corpus()
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and memory are read the Linux way")


def test_the_corpus_is_large_and_its_names_are_distinct():
    assert len(CASES) >= 60
    assert len({case.name for _, case in CASES}) == len(CASES)
    assert {module for module, _ in CASES} == set(MODULES)


@pytest.mark.parametrize(("module", "case"), CASES, ids=[case.name for _, case in CASES])
def test_hostile_input_is_named_or_repaired_and_harms_nothing(module, case, tmp_path):
    folder = tmp_path / "input"
    folder.mkdir()
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "secret.txt").write_text("secret\n")
    outcome = run(module, case.name, folder)
    assert outcome.kind == {"error": "error", "repaired": "returned"}[case.expect], outcome
    assert outcome.seconds < SECONDS and outcome.grown < GIGABYTES, outcome
    assert _outside(tmp_path) == {"beside/secret.txt": "secret\n"}
    if case.expect == "repaired":
        assert outcome.truth, outcome
    else:
        _require_helpful(outcome.message, case.words, folder)


def _require_helpful(message: str, words: tuple[str, ...], folder: Path) -> None:
    assert "; " in message and len(message) < 2000
    names = [str(folder), *(name for _, folders, files in os.walk(folder) for name in folders + files)]
    assert any(name in message for name in names), f"names no file: {message}"
    for expected in words:
        assert re.search(expected, message), f"{expected!r} not in: {message}"


def _outside(base: Path) -> dict[str, str]:
    """Every file beside the input, with its content."""
    files = (path for path in base.rglob("*") if path.is_file() and base / "input" not in path.parents)
    return {str(path.relative_to(base)): path.read_text(errors="replace") for path in files}
