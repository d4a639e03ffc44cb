"""Lists of captions in a cell of a table, as JSON, Python or numpy write them."""

import ast
import json
import re

QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.S)


def captions_of_cell(cell: str) -> list[str]:
    """The captions in a cell: itself, or the items of a list as JSON, Python or numpy write it."""
    if not (cell.startswith("[") and cell.endswith("]")):
        return [cell]
    try:
        listed = json.loads(cell)
    except (ValueError, RecursionError):
        listed = _literals(cell[1:-1])
    if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
        return [cell]
    return [item.strip() for item in listed] or [""]


def _literals(inside: str) -> list[str] | None:
    """The quoted strings of a list; numpy writes no commas between them, and Python would join those to one."""
    if QUOTED.sub("", inside).strip(", \n\r\t"):
        return None
    try:
        return [ast.literal_eval(text) for text in QUOTED.findall(inside)]
    except (ValueError, SyntaxError):  # a line break in a string, a broken escape
        return None
