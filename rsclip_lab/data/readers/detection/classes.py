"""Names of classes, from the files that detection sets keep them in."""

from __future__ import annotations

import re
from pathlib import Path

from rsclip_lab.data.readers.detection.files import read_text
from rsclip_lab.data.readers.text import parse_json
from rsclip_lab.data.table import CaptionError

YAML_NAMES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
LIST_NAMES = ("classes.txt", "obj.names")
MAX_YAML = 2**20  # bytes
MAX_CLASSES = 2000
Value = int | tuple[int, int, int]  # of grey or palette masks; or red, green, blue


def class_file(names: tuple[str, ...], source: Path, folders: list[Path]) -> Path | None:
    """The first file of these names in the source or its annotation folders, or beside the one that the source is."""
    places = [source, *folders, *([source.parent] if source in folders else [])]
    return next((place / name for place in places for name in names if (place / name).is_file()), None)


def read_classes(path: Path) -> dict[Value, str]:
    """{number or colour: name} of a JSON table, a YAML file with `names`, or a list of a name a line, counted from 0.

    Raises CaptionError for a file that cannot be read or names none.
    """
    read = _of_json if path.suffix == ".json" else _of_yaml if path.name in YAML_NAMES else _of_list
    kinds = read(path)
    if not 0 < len(kinds) <= MAX_CLASSES:
        raise CaptionError(f"{path}: names {len(kinds)} classes; name 1 to {MAX_CLASSES}")
    return kinds


def _of_list(path: Path) -> dict[int, str]:
    names = [line.strip() for line in read_text(path).split("\n")]
    return {number: name for number, name in enumerate(names) if name}


def _of_yaml(path: Path) -> dict[int, str]:
    import yaml

    text = read_text(path, MAX_YAML)
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        cause = " ".join(str(error).split())[:200]
        raise CaptionError(f"{path}: not YAML ({cause}); correct it, or put a classes.txt in its place") from None
    names = data.get("names") if isinstance(data, dict) else None
    names = dict(enumerate(names)) if isinstance(names, list) else names
    if not isinstance(names, dict) or not all(_names_a_class(*pair) for pair in names.items()):
        raise CaptionError(f"{path}: `names` is no list of class names; write one, as names: [ship, harbour]")
    return {number: str(name) for number, name in names.items()}


def _names_a_class(number: object, name: object) -> bool:
    return isinstance(number, int) and isinstance(name, (str, int)) and bool(str(name).strip())


def _of_json(path: Path) -> dict[Value, str]:
    table = parse_json(read_text(path), path)
    if not isinstance(table, dict) or not all(isinstance(name, str) and name.strip() for name in table.values()):
        raise CaptionError(f'{path}: not a table of names; write {{"1": "ship", "2": "harbour"}}')
    kinds = {_value(key, path): name for key, name in table.items()}
    if len({type(value) for value in kinds}) > 1:
        raise CaptionError(f"{path}: numbers and colours are mixed; use one of them")
    return kinds


def _value(key: str, path: Path) -> Value:
    """ "7" → 7; "#ff0000" and "255, 0, 0" → (255, 0, 0)."""
    if re.fullmatch(r"[0-9]{1,9}", key):
        return int(key)
    if re.fullmatch(r"#[0-9a-fA-F]{6}", key):
        return tuple(bytes.fromhex(key[1:]))
    if re.fullmatch(r"([0-9]{1,3}\s*,\s*){2}[0-9]{1,3}", key):
        colour = tuple(int(part) for part in key.split(","))
        if max(colour) <= 255:
            return colour
    raise CaptionError(f'{path}: {key[:40]!r} is no value of a mask; write "7", "#ff0000" or "255,0,0"')
