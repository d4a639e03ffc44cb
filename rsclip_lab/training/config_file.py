"""A configuration as a file that explains itself: TOML, a line a field, with the field's comment beside it."""

from __future__ import annotations

import codecs
import inspect
import re
import tomllib
from dataclasses import fields
from difflib import get_close_matches
from numbers import Integral, Real
from pathlib import Path

from rsclip_lab.training.config import FinetuneConfig

HEAD = """\
# A fine-tuning: rsclip-lab finetune DATA --config THIS_FILE, or read_config("THIS_FILE") in Python.
# A line that is missing, or starts with #, means the default: `rsclip-lab finetune --help` tells it.

"""
WHOLE = "`rsclip-lab config` prints a whole file"
KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "None": "left out", "|": "or"}


def config_text(config: FinetuneConfig) -> str:
    """The configuration as TOML with the fields' comments; a field that is None has its line commented out."""
    lines = {field.name: _line(field.name, getattr(config, field.name)) for field in fields(config)}
    width = max(map(len, lines.values()))
    comments = field_comments()
    return HEAD + "".join(f"{line:{width}}  # {comments[name]}\n" for name, line in lines.items())


def write_config(config: FinetuneConfig, path: str | Path) -> None:
    """Write `config_text` to a file, at one stroke; `read_config` gives an equal configuration back."""
    from rsclip_lab.data.disk import replacing  # needs pandas: not before the terminal's help

    with replacing(Path(path).expanduser()) as part:
        part.write_text(config_text(config), encoding="utf-8")


def read_config(path: str | Path) -> FinetuneConfig:
    """The configuration in a TOML file, or of the run in a folder; fields that a file does not name have defaults.

    Raises OSError for a file that cannot be read, and ValueError, with the line, the cause and the remedy, for one
    that is no TOML, names no field of FinetuneConfig, or gives one a value that cannot work.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        return _config_of_run(path)
    text = _text(path)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(
            f"{path}: not readable as TOML ({error}); write one `name = value` a line, words in quotes: {WHOLE}"
        ) from None
    for name, value in values.items():
        _check(name, value, f"{path}, line {_line_of(name, text)}")
    try:
        return FinetuneConfig(**values)
    except ValueError as error:  # each may have its value, but not together
        raise ValueError(f"{path}: {error}; change one of them") from None


def field_comments() -> dict[str, str]:
    """What the comment beside each field of FinetuneConfig says, after the words that the field may be."""
    source = inspect.getsource(FinetuneConfig)
    comments = {}
    for name, kind, comment in re.findall(r"^    (\w+): (.+?) = .+?  # (.+)$", source, re.MULTILINE):
        words = re.findall('"(.+?)"', kind) if kind.startswith("Literal") else []
        comments[name] = f"{', '.join(words)}; {comment}" if words else comment
    return comments


def _line(name: str, value: object) -> str:
    """The field as a line of TOML."""
    match value:
        case None:
            return f"# {name} ="
        case bool():
            return f"{name} = {str(value).lower()}"
        case str():
            return f'{name} = "{value}"'
        case Integral():
            return f"{name} = {int(value)}"
        case Real():
            return f"{name} = {float(value)!r}"
    return f"{name} = {value}"  # what no field may be, in an error


def _text(path: Path) -> str:
    """The file's text: UTF-8, or UTF-16, as older PowerShells write what is redirected to a file."""
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file; `rsclip-lab config > {path}` writes one")
    raw = path.read_bytes()
    encoding = "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not a text in UTF-8 ({error}); save it as UTF-8, or anew: {WHOLE}") from None


def _check(name: str, value: object, where: str) -> None:
    """Raise ValueError unless there is such a field and it may have this value, whatever the others have."""
    names = [field.name for field in fields(FinetuneConfig)]
    if isinstance(value, dict):
        raise ValueError(f"{where}: a configuration has no sections such as {name}; write its lines without. {WHOLE}")
    if name not in names:
        near = get_close_matches(name.replace("-", "_"), names, n=1)
        remedy = f"did you mean {near[0]}?" if near else "correct or remove it;"
        raise ValueError(f"{where}: {name} is no setting of a fine-tuning; {remedy} {WHOLE}")
    try:
        FinetuneConfig(**{name: value})
    except (TypeError, ValueError) as error:
        rule = str(error).removeprefix(f"FinetuneConfig({name}={value!r}): ")
        if isinstance(error, TypeError):
            rule = re.sub(r"\bint\b|\bfloat\b|\bbool\b|None|\|", lambda found: KINDS[found[0]], rule)
            rule = re.sub(r"Literal\[(.+?)\]", r"\1", rule)
        raise ValueError(f"{where}, `{_line(name, value)}`: {rule}") from None


def _line_of(name: str, text: str) -> int:
    """The line on which a key, or the section of that name, stands."""
    found = re.search(rf"""^\s*\[*\s*["']?{re.escape(name)}(?![\w-])""", text, re.MULTILINE)
    return text.count("\n", 0, found.end()) + 1 if found else 1


def _config_of_run(folder: Path) -> FinetuneConfig:
    from rsclip_lab.models.saved.description import read_description
    from rsclip_lab.training.saved.folders import is_unfinished, unfinished_run

    try:
        notes = unfinished_run(folder) if is_unfinished(folder) else read_description(folder)["training"]
        return FinetuneConfig.from_dict(notes["config"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder}: no record of a fine-tuning ({error}); name the folder of a run") from None
