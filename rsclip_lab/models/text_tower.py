"""A text tower of the transformers library: its configuration, looked at before anything is built from it."""

import json
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from rsclip_lab.environment import first_line
from rsclip_lab.models.configuration import too_large
from rsclip_lab.models.errors import ModelError, NotFetched
from rsclip_lab.models.hub.files import fetch_file
from rsclip_lab.models.mistaken import shown

# What in a transformers configuration fetches code: modules of the repository, kernels of another one.
BRINGS_CODE = {"auto_map", "attn_implementation", "_attn_implementation"}


def with_tower_here(architecture: Mapping) -> dict:
    """The architecture, a transformers text tower of which is named by a folder whose config.json was looked at.

    transformers would fetch the configuration by itself, and ask at the prompt whether to run the code it names.
    """
    tower = architecture["text_cfg"].get("hf_model_name")
    if not tower:
        return dict(architecture)
    name = f"the text tower {shown(tower)}"
    if not find_spec("transformers"):
        raise ModelError(f'{name} is of transformers; pip install "rsclip-lab[transformers]"')
    try:
        config = Path(tower) / "config.json" if Path(tower).is_dir() else fetch_file(tower, "config.json")
        content = json.loads(config.read_text(encoding="utf-8"))
        code = BRINGS_CODE & set(_keys(content))
    except NotFetched as error:
        raise NotFetched(f"{name}: {error}", error.out_of_reach) from None
    except (OSError, ValueError, RecursionError) as error:
        reason = shown(first_line(error), 160)
        raise ModelError(f"{name} has no readable config.json ({reason}); save or fetch it again") from None
    if code:
        raise ModelError(
            f"{name} cannot be built without code that its config.json calls for ({', '.join(sorted(code))}), "
            "which is neither fetched nor run here; take a text tower of transformers' own"
        )
    if fault := next(too_large(content, name), None):
        raise ModelError(f"{fault}; take another text tower")
    here = {"hf_model_name": str(config.parent), "hf_model_pretrained": False}
    return {**architecture, "text_cfg": architecture["text_cfg"] | here}


def _keys(content: object) -> Iterator[str]:
    if isinstance(content, dict):
        yield from content
    for part in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        yield from _keys(part)
