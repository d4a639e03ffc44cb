"""The arrows of the house go down only, and importing the package costs nothing."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "rsclip_lab"
# Each room may import those on a lower floor; `checks` also reads models, `evaluation` too.
FLOORS = [
    {"environment"},
    {"data", "models"},
    {"evaluation", "search", "checks"},
    {"training"},
    {"show", "exercises"},
    {"course", "first_contact", "cli"},
]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# A model reads pictures; data never knows of models.
SAME_FLOOR = {("models", "data"), ("cli", "course"), ("cli", "first_contact")}
HOME_OF_LIBRARY = {"matplotlib": {"show"}, "ipywidgets": {"show"}, "peft": {"training"}}
# Extras, and what is slow to import: only where it is needed, inside a function.
HOME_OF_LIBRARY |= dict.fromkeys(
    "sklearn faiss lancedb imagecodecs pyarrow webdataset transformers sentencepiece tifffile scipy py3langid".split()
    + "onnx onnxscript onnxruntime tokenizers huggingface_hub voila tornado playwright".split(),
    set(),
)
# Its classes are made of theirs; it is imported inside a function itself.
BEHIND_A_FUNCTION = {"rsclip_lab.show.app.handlers": {"voila", "tornado"}}


def rooms():
    """{room: [(file, ast)]} of every module of the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        room = parts[0]
        found.setdefault(room, []).append((path, ast.parse(path.read_text(encoding="utf-8"))))
    return found


def imported_modules(tree, path):
    """Absolute dotted names of all that a module imports, wherever in it."""
    package = ("rsclip_lab", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            base = ".".join(part for part in (start, node.module) if part)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def rooms_imported(tree, path):
    names = (name.split(".") for name in imported_modules(tree, path))
    return {parts[1] for parts in names if parts[0] == "rsclip_lab" and len(parts) > 1}


def arrows():
    for room, modules in rooms().items():
        for path, tree in modules:
            for other in rooms_imported(tree, path) - {room}:
                yield path, room, other


def test_every_room_has_a_floor():
    assert set(rooms()) - {"__init__"} <= set(FLOOR_OF)
    assert len(list(arrows())) > 10  # the reading of imports works


def test_arrows_only_go_down():
    wrong = [
        f"{path.name}: {room} imports {other}"
        for path, room, other in arrows()
        if room != "__init__"
        and (room, other) not in SAME_FLOOR
        and FLOOR_OF.get(other, 99) >= FLOOR_OF[room]
    ]
    assert not wrong


@pytest.mark.parametrize(
    "source", ["from ..models import Clip", "import rsclip_lab.models.clip", "from rsclip_lab import models"]
)
def test_the_reading_sees_every_way_to_write_an_import(source):
    assert "models" in rooms_imported(ast.parse(source), PACKAGE / "data" / "store.py")


def test_optional_libraries_are_imported_at_the_top_of_their_own_room_only():
    wrong = []
    for room, modules in rooms().items():
        for path, tree in modules:
            module = ".".join(("rsclip_lab", *path.relative_to(PACKAGE).with_suffix("").parts))
            top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
            for name in imported_modules(ast.Module(top, []), path):
                library = name.split(".")[0]
                allowed = library in BEHIND_A_FUNCTION.get(module, ())
                if room not in HOME_OF_LIBRARY.get(library, {room}) and not allowed:
                    wrong.append(f"{path.name} imports {library}")
                if any(name.startswith(behind) for behind in BEHIND_A_FUNCTION):
                    wrong.append(f"{path.name} imports {name}")
    assert not wrong


def in_a_new_python(code, *options):
    done = subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done


def test_importing_the_package_is_quick_and_silent():
    heavy = ["torch", "matplotlib", "ipywidgets", "pandas", "numpy", "open_clip", "PIL", "huggingface_hub"]
    code = f"import rsclip_lab, sys, json; json.dump([m for m in {heavy} if m in sys.modules], sys.stdout)"
    done = in_a_new_python(code, "-W", "error")
    assert json.loads(done.stdout) == []
    assert done.stderr == ""


def test_every_public_name_is_there_and_listed():
    code = (
        "import rsclip_lab as lab\n"
        "assert set(lab.__all__) <= set(dir(lab))\n"
        "for name in set(lab.__all__) - set(lab._HOME['show']): assert getattr(lab, name) is not None, name\n"
        "import sys; assert 'matplotlib' not in sys.modules and 'ipywidgets' not in sys.modules\n"
        "print(type(lab.models()).__name__, lab.show.__name__)"
    )
    assert in_a_new_python(code).stdout.split() == ["DataFrame", "rsclip_lab.show"]


def test_panels_are_public_and_name_their_extra_where_it_is_missing():
    code = (
        "import sys; sys.modules['ipywidgets'] = None\n"
        "import rsclip_lab as lab\n"
        "for name in lab._HOME['show']:\n"
        "    try: getattr(lab, name)\n"
        "    except ModuleNotFoundError as error: print(error)\n"
    )
    said = in_a_new_python(code).stdout.splitlines()
    assert len(said) == 4 and all('pip install "rsclip-lab[notebooks]"' in line for line in said)
    import rsclip_lab as lab

    assert all(hasattr(getattr(lab, name), "figure") for name in lab._HOME["show"])


CONTRACT = """read_captions ImageTextDataset sample audit load_model Clip models clip_loss FinetuneConfig
finetune zero_shot_classifier predict topk_accuracy retrieval_recall evaluate fetch_data export push""".split()


def test_the_names_that_lessons_rely_on_are_public():
    import rsclip_lab as lab

    assert set(CONTRACT) <= set(lab.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        lab.nothing  # noqa: B018
