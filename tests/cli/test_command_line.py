"""The terminal's options are the dataclasses' fields; help comes at once; files and options go together."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsclip_lab.cli import main, parse
from rsclip_lab.training import FinetuneConfig
from rsclip_lab.training.config_file import field_comments, read_config, write_config

COMMANDS = "course fetch check back-translate finetune config evaluate report ablation predict".split()
COMMANDS += "index search models export push first-contact".split()
HELP_OF_ALL = """
import contextlib, io, json, sys
from rsclip_lab.cli import main
pages = {}
for command in ["", *sys.argv[1:]]:
    with contextlib.redirect_stdout(io.StringIO()) as page:
        try: main([*command.split(), "--help"])
        except SystemExit as end: assert end.code == 0
    pages[command] = page.getvalue()
print(json.dumps([pages, [name for name in ("torch", "numpy", "pandas", "PIL") if name in sys.modules]]))
"""


def terminal(*arguments, **options):
    """A process of its own, its output to a pipe, 100 columns wide."""
    environment = os.environ | {"COLUMNS": "100", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, encoding="utf-8", env=environment, **options
    )


@pytest.fixture(scope="module")
def help_pages():
    """{command: its help page, "" for that of all}, and which slow libraries were imported for them."""
    return json.loads(terminal("-c", HELP_OF_ALL, *COMMANDS, check=True).stdout)


def test_help_needs_no_slow_library(help_pages):
    assert set(help_pages[0]) == {"", *COMMANDS} and help_pages[1] == []


def test_the_first_page_lists_each_command_with_one_line(help_pages):
    lines = help_pages[0][""].splitlines()
    for command in COMMANDS:
        (row,) = (row for row, line in enumerate(lines) if f"• {command} " in line)
        assert len(lines[row].split()) > 4 and (not lines[row + 1].strip("│╰─╯ ") or "• " in lines[row + 1])


@pytest.mark.parametrize("command", COMMANDS)
def test_a_help_page_fits_100_columns_and_is_plain_in_a_pipe(help_pages, command):
    page = help_pages[0][command]
    assert max(map(len, page.splitlines())) <= 100
    assert page.startswith(f"usage: rsclip-lab {command} ") and "\x1b" not in page and "training." not in page


def test_every_field_of_the_configuration_is_an_option_with_its_comment_and_default(help_pages):
    text = " ".join(help_pages[0]["finetune"].replace("│", " ").split())
    comments = field_comments()
    for field in fields(FinetuneConfig):
        said = comments[field.name].split("; ", 1)[-1] if "Literal" in field.type[:7] else comments[field.name]
        assert f"--{field.name.replace('_', '-')}" in text
        assert f"{said} (default: {field.default})" in text


def options(config):
    """The command line that names every field."""
    for name, value in asdict(config).items():
        option = name.replace("_", "-")
        if isinstance(value, bool) and name != "freeze_batch_norm":
            yield f"--{option}" if value else f"--no-{option}"
        else:
            yield from (f"--{option}", str(value))


SOME_CONFIGS = st.builds(
    FinetuneConfig,
    epochs=st.integers(1, 999),
    optimizer=st.sampled_from(["adamw", "adam", "adafactor"]),
    learning_rate=st.none() | st.floats(1e-300, 0.999),
    weight_decay=st.floats(0, 1e300),
    augment=st.booleans(),
    freeze_image=st.integers(0, 99) | st.just("all"),
    freeze_batch_norm=st.none() | st.booleans(),
    collapse_alarm=st.none() | st.floats(0.1, 1),
    compile=st.booleans(),
)


@settings(max_examples=20)
@given(SOME_CONFIGS, SOME_CONFIGS)
def test_a_configuration_survives_the_command_line_whatever_the_file_says(tmp_path_factory, config, other):
    path = tmp_path_factory.getbasetemp() / "other.toml"
    write_config(other, path)
    assert parse(["finetune", "x", *options(config)]).finetune_config() == config
    assert parse(["finetune", "x", "--config", str(path), *options(config)]).finetune_config() == config
    assert parse(["finetune", "x", "--config", str(path)]).finetune_config() == other


def test_options_override_the_file_which_overrides_the_defaults(tmp_path):
    path = tmp_path / "my.toml"
    path.write_text("epochs = 8\nlearning_rate = 1e-4\naugment = false\n")
    given = ["--config", str(path), "--epochs", "3", "--learning-rate", "None", "--out", "o"]
    command = parse(["finetune", "x", *given])
    assert command.finetune_config() == FinetuneConfig(epochs=3, augment=False)
    assert (str(command.data), str(command.out), command.model) == ("x", "o", "tiny")
    assert parse(["finetune", "x"]).finetune_config() == FinetuneConfig()


def test_config_prints_a_file_that_finetune_reads(tmp_path, capsys):
    assert main(["config", "--epochs", "3", "--no-flip", "--freeze-image", "all"]) == 0
    (tmp_path / "my.toml").write_text(capsys.readouterr().out)
    assert read_config(tmp_path / "my.toml") == FinetuneConfig(epochs=3, flip=False, freeze_image="all")
    assert main(["config", str(tmp_path / "my.toml"), "--epochs", "4"]) == 0
    assert "epochs = 4" in (printed := capsys.readouterr().out) and "flip = false" in printed


def test_config_prints_the_configuration_of_a_run(random_clip, tmp_path, capsys):
    random_clip.description["training"] = {"config": FinetuneConfig(epochs=5, learning_rate=1e-4).to_dict()}
    assert main(["config", str(random_clip.save(tmp_path / "run"))]) == 0
    printed = capsys.readouterr().out
    assert "epochs = 5 " in printed and "learning_rate = 0.0001 " in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "finetune, config, evaluate"),
        ("finetun", "Available subcommands: "),
        ("finetune", "DATA"),
        ("finetune x --epocs 3", "--epochs INT"),
        ("finetune x --epochs three", "--epochs: invalid literal for int()"),
        ("finetune x --loss hinge", "'clip', 'siglip', 'positives_only'"),
        ("finetune x --processes 0", "must be 1 or more"),
        ("evaluate --data x", "name at least one"),
        ("evaluate tiny", "--data DATA"),
        ("course --seeds 0", "must be 1 or more"),
        ("first-contact --data rsitmd", "write NAME=PLACE"),
    ],
)
def test_a_command_line_that_cannot_be_understood_ends_with_status_2_and_the_remedy(arguments, words, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments.split())
    printed = capsys.readouterr()
    assert end.value.code == 2 and printed.out == ""
    assert words in " ".join(printed.err.replace("│", " ").split())


def test_the_status_of_the_process_is_that_of_the_command(tmp_path):
    done = terminal("-m", "rsclip_lab.cli", "config", "--epochs", "0", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "rsclip-lab: FinetuneConfig(epochs=0): epochs must be at least 1\n"
