"""open_clip's configuration of a network: by its name, completed, and refused where no CLIP is like that."""

import copy
import difflib
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_type_hints

import open_clip
from open_clip.coca_model import MultimodalCfg
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

from rsclip_lab.models.errors import ModelError
from rsclip_lab.models.mistaken import shown

PARTS = {"vision_cfg": CLIPVisionCfg, "text_cfg": CLIPTextCfg, "multimodal_cfg": MultimodalCfg}
# Above every published CLIP. A file from somewhere may ask for anything, and building comes before comparing.
LARGEST = {"layers": 256, "width": 16_384, "image_size": 2_048, "size": 2_048, "context_length": 4_096}
LARGEST |= {"embed_dim": 16_384, "attn_pooler_queries": 4_096, "mlp_ratio": 64, "num_hidden_layers": 256}
LARGEST |= {"hidden_size": 16_384, "d_model": 16_384, "num_layers": 256, "encoder_layers": 256, "decoder_layers": 256}
LARGEST_OF_OTHERS = 10_000_000
LARGEST_GRID, MOST_PARAMETERS = 256, 20_000_000_000  # patches along a side; EVA02-E-14-plus has 5 billion


def architecture_named(name: str) -> dict:
    """open_clip's own configuration of that name ("ViT-B-32", "RN50-quickgelu", …), completed.

    Raises `ModelError` with the nearest names when open_clip has none of that name.
    """
    known = open_clip.list_models()
    own_name = name.replace("/", "-")  # OpenAI writes ViT-B/32
    if own_name not in known:
        lowered = {other.lower(): other for other in known}
        near = [lowered[other] for other in difflib.get_close_matches(name.lower(), lowered, n=5)]
        advice = f"did you mean {', '.join(near)}?" if near else "open_clip.list_models() has their names"
        raise ModelError(f"open_clip knows no architecture {name!r}; {advice}")
    return complete_architecture(open_clip.get_model_config(own_name))


def complete_architecture(architecture: Mapping) -> dict:
    """A copy of an open_clip configuration with the choices that must not stay implicit written down.

    The activation is one of them: `quick_gelu` true and false build networks that accept the same weights
    and compute different features (open_clip issues #771 and #915). Raises `ModelError` for parts and numbers
    that no CLIP has, before they could fill the memory or fetch what nobody asked for.
    """
    try:
        architecture = copy.deepcopy(dict(architecture))
    except RecursionError:
        raise ModelError("the architecture is nested too deep: give an open_clip configuration") from None
    missing = {"embed_dim", "vision_cfg", "text_cfg"} - set(architecture)
    if missing:
        missing = ", ".join(sorted(missing))
        raise ModelError(f"the architecture lacks {missing}: give an open_clip configuration")
    vision, text = architecture["vision_cfg"], architecture["text_cfg"]
    if not isinstance(vision, dict) or not isinstance(text, dict):
        raise ModelError("vision_cfg and text_cfg must be dictionaries: give an open_clip configuration")
    if not isinstance(vision.get("image_size", 224), int):
        raise ModelError("vision_cfg.image_size must be one number: pictures are square here")
    if fault := next(_faults(architecture), None):
        raise ModelError(f"{fault}: give the open_clip configuration of a CLIP")
    architecture.setdefault("quick_gelu", False)
    # The patches' features go to CoCa's decoder; to the others' callers they would be one result too many.
    decodes = "multimodal_cfg" in architecture
    for tower in (vision, text):
        if decodes or "output_tokens" in tower:
            tower["output_tokens"] = decodes
    # The weights come from one file, which is named; never a download behind one's back.
    if vision.get("timm_model_name"):
        vision["timm_model_pretrained"] = False
    if text.get("hf_model_name"):
        text["hf_model_pretrained"] = False
        architecture["custom_text"] = True  # the class that can hold such a tower, as open_clip chooses it
    return architecture


def _faults(architecture: dict) -> Iterator[str]:
    """What open_clip would not refuse, or not in time: kinds, sizes, and names that lead out of open_clip."""
    yield from _of_other_kinds(architecture, get_type_hints(CLIP.__init__) | {"custom_text": bool}, "")
    for name in filter(architecture.__contains__, PARTS):
        if not isinstance(architecture[name], dict):
            yield f"{name} is no dictionary"
        yield from _of_other_kinds(architecture[name], get_type_hints(PARTS[name]), f"{name}.")
    yield from too_large(architecture, "the architecture")
    trunk = architecture["vision_cfg"].get("timm_model_name")
    if trunk and not re.fullmatch(r"[\w.]+", trunk):  # "hf-hub:…" and "local-dir:…" are places, not names
        yield f"vision_cfg.timm_model_name is {shown(trunk)}, and a name of timm's has no path"
    yield from _too_many(architecture)


def _of_other_kinds(values: dict, kinds: dict[str, Any], place: str) -> Iterator[str]:
    for key, value in values.items():
        if key not in kinds or key in PARTS:
            continue
        wanted = get_args(kinds[key]) or (kinds[key],)
        # open_clip writes None where another choice makes a part superfluous
        unused = value is None and key in ("patch_size", "timm_proj", "act_kwargs", "norm_kwargs")
        if not unused and not any(_is_of(value, kind) for kind in wanted):
            names = " or ".join(getattr(kind, "__name__", "numbers").replace("NoneType", "None") for kind in wanted)
            yield f"{place}{key} is {shown(repr(value))}, and must be {names}"


def _is_of(value: object, kind: Any) -> bool:
    if kind is float:
        return type(value) is int or type(value) is float and math.isfinite(value)
    if kind is int:
        return type(value) is int and value >= 0
    if members := get_args(kind):
        return isinstance(value, list | tuple) and len(value) == len(members) and all(map(_is_of, value, members))
    return isinstance(value, kind)


def too_large(value: object, place: str, largest: int = LARGEST_OF_OTHERS) -> Iterator[str]:
    """Numbers that no CLIP has: a network of that size would fill the memory before it could be compared."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        limit = LARGEST.get(key, LARGEST_OF_OTHERS if isinstance(value, dict) else largest)
        yield from too_large(part, f"{place}.{key}", limit)
    if isinstance(value, (int, float)) and not abs(value) <= largest:
        yield f"{shown(place, 160)} is {shown(repr(value), 20)}, and no CLIP comes near {largest:,}"


def _too_many(architecture: dict) -> Iterator[str]:
    """Products of numbers of which each may be in order: patches, and parameters."""
    vision, text = vars(CLIPVisionCfg()) | architecture["vision_cfg"], vars(CLIPTextCfg()) | architecture["text_cfg"]
    decoder = vars(MultimodalCfg(layers=0, width=0)) | architecture.get("multimodal_cfg", {})
    patch = vision["patch_size"] or vision["image_size"] or 1
    grid = vision["image_size"] // patch
    if grid > LARGEST_GRID and not vision["timm_model_name"]:
        yield f"vision_cfg has {grid} patches along a side, and no CLIP comes near {LARGEST_GRID}"
    if isinstance(vision["layers"], list | tuple):  # of a ResNet, with eight times the width at its end
        vision |= {"layers": sum(vision["layers"]), "width": 10 * vision["width"]}
    count = (grid**2 + 3 * patch**2 + vision["attn_pooler_queries"]) * vision["width"]
    count += (text["vocab_size"] + text["context_length"]) * text["width"] + text["vocab_size"] * decoder["width"]
    for tower in (vision, text, decoder, decoder):  # which has a second attention in each layer
        count += tower["layers"] * (4 + 2 * tower["mlp_ratio"]) * tower["width"] ** 2
    if count > MOST_PARAMETERS:
        yield f"the architecture has some {count / 1e9:,.0f} billion parameters, and no CLIP comes near that"
