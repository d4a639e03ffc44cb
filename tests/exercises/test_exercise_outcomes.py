"""How outcomes, hints and progress are shown, and how they are asked for."""

import html.parser
import subprocess
import sys

import pytest
import torch

from rsclip_lab import exercises
from rsclip_lab.exercises import ExerciseError

SHOWN = {"shown": (0.62, 0.07), "logit_scale": 100}


@pytest.fixture(autouse=True)
def nothing_done():
    exercises.reset()
    yield
    exercises.reset()


def positives(x, t):
    return 1 - (x * t).sum(dim=1).mean()


class Reader(html.parser.HTMLParser):
    """The text of a page, without what is hidden from screen readers; tags have to match."""

    def __init__(self, page):
        super().__init__()
        self.open, self.words, self.roles = [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.roles += [value for name, value in attrs if name == "role"]
        if tag != "br":
            self.open.append((tag, ("aria-hidden", "true") in attrs))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if not any(hidden for _, hidden in self.open):
            self.words.append(data)


def test_progress_counts_what_is_done_and_keeps_it():
    assert str(exercises.progress("04")) == "Lesson 04: 0 of 4 done  □□□□"
    outcome = exercises.check("04.2", positives)
    assert str(outcome).splitlines()[-1] == "Lesson 04: 1 of 4 done  □■□□"
    exercises.check("04.2", 3)
    assert str(exercises.progress("04")) == "Lesson 04: 1 of 4 done  □■□□"
    exercises.check("04.2", positives)
    assert exercises.progress().done == 1
    exercises.reset("04")
    assert exercises.progress().done == 0


def test_progress_of_all_lessons_is_a_table():
    exercises.check("04.2", positives)
    progress = exercises.progress()
    lines = str(progress).splitlines()
    assert len(lines) == 9 and lines[-1] == f"All lessons: 1 of {progress.total} done"
    assert lines[4].startswith("Lesson 04: 1 of 4 done  □■□□") and lines[4].endswith("Fine-tuning")
    read = Reader(progress._repr_html_())
    assert "1 of 4" in read.words and read.roles == ["status"]


def test_the_notebook_says_the_state_in_words_and_to_screen_readers():
    done = Reader(exercises.check("04.2", positives)._repr_html_())
    assert "status" in done.roles
    assert done.words[0] == "Exercise 04.2 · The loss that learns nothing: done"
    assert "Lesson 04: 1 of 4 done " in done.words and "■" not in "".join(done.words)
    wrong = Reader(exercises.check("04.2", lambda x, t: (x * t).sum(dim=1).mean())._repr_html_())
    assert wrong.words[0].endswith(": not yet") and "That is the mean cosine; the loss is 1 minus it." in wrong.words


def test_what_a_learner_wrote_cannot_become_markup():
    def my_loss(x, t):
        raise ValueError("<script>alert(1)</script> `x` \x1b[31m`")

    page = exercises.check("04.2", my_loss)._repr_html_()
    assert "<script>" not in page and "\x1b" not in page
    Reader(page)
    assert len(str(exercises.check("04.2", lambda x, t: int("x" * 10_000)))) < 2000


def test_an_outcome_can_be_asked():
    outcome = exercises.check("01.1", 0.022, **SHOWN)
    assert outcome.done and outcome.state == "done" and outcome.number == "01.1"
    assert repr(outcome) == str(outcome)


def test_hints_get_stronger_and_the_last_is_repeated():
    given = [exercises.hint("04.3") for _ in range(3)]
    assert [one.given for one in given] == [1, 2, 2] and given[0].words != given[1].words == given[2].words
    assert str(given[0]).startswith("Hint 1 of 2 for exercise 04.3:") and ", the last" in str(given[1])
    assert "<code>" in given[1]._repr_html_()
    assert 'exercises.hint("04.3")' in str(exercises.check("04.3", lambda *args: 0.0))


@pytest.mark.parametrize("number", ["4.2", " 04.2 ", 4.2])
def test_a_number_may_be_written_in_other_ways(number):
    assert exercises.check(number, positives).number == "04.2"


def test_an_unknown_number_lists_what_there_is():
    for function in (exercises.check, exercises.hint):
        with pytest.raises(
            ExerciseError, match="lesson 04 has no exercise 04.9; it has: 04.1 Between two lines; 04.2"
        ):
            function("04.9")
        with pytest.raises(ExerciseError, match="no lesson '17'; lessons: 00, 01"):
            function("17.1")
        with pytest.raises(ExerciseError, match="'four' is no exercise"):
            function("four")
    with pytest.raises(ExerciseError, match="no lesson 'x'"):
        exercises.progress("x")


def test_the_lines_of_a_notebook_cell_are_counted_from_its_first(tmp_path):
    """In IPython, where the function's file is a cell that exists in memory only."""
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_cell('def my_cosine(a, b):\\n    c = a * b\\n    return c / nothing')\n"
        "shell.run_cell('from rsclip_lab import exercises; print(exercises.check(\"00.2\", my_cosine))')\n"
    )
    pytest.importorskip("IPython")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert "NameError: name 'nothing' is not defined" in done.stdout, done.stderr
    assert "in line 3: `return c / nothing`" in done.stdout
    assert list(tmp_path.iterdir()) == []  # nothing is written


def test_the_answers_of_a_cell_are_not_shown_by_the_check():
    """What is wanted is not given away by the first wrong number."""
    assert "0.02" not in str(exercises.check("01.1", 0.5, **SHOWN))
    assert str(float(torch.tensor(0.31))) not in str(exercises.check("01.1", 0.31, **SHOWN)).replace("0.31:", "")
