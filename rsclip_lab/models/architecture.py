"""From an open_clip configuration to a network, and from a state dict to the configurations it fits."""

import copy
import difflib
import json
import math
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args, get_type_hints

import open_clip
import torch
from open_clip.coca_model import CoCa, MultimodalCfg
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg, CustomTextCLIP
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from rsclip_lab.environment import first_line
from rsclip_lab.models.errors import ModelError, NotFetched
from rsclip_lab.models.mistaken import shown

# What open_clip, timm and transformers raise over a configuration that they cannot build.
BUILD_ERRORS = (TypeError, ValueError, LookupError, AttributeError, AssertionError, ArithmeticError, RuntimeError)
BUILD_ERRORS += (OSError, ImportError)
PARTS = {"vision_cfg": CLIPVisionCfg, "text_cfg": CLIPTextCfg, "multimodal_cfg": MultimodalCfg}
# Above every published CLIP. A file from somewhere may ask for anything, and building comes before comparing.
LARGEST = {"layers": 256, "width": 16_384, "image_size": 2_048, "size": 2_048, "context_length": 4_096}
LARGEST |= {"embed_dim": 16_384, "attn_pooler_queries": 4_096, "mlp_ratio": 64, "num_hidden_layers": 256}
LARGEST |= {"hidden_size": 16_384, "d_model": 16_384, "num_layers": 256, "encoder_layers": 256, "decoder_layers": 256}
LARGEST_OF_OTHERS = 10_000_000
LARGEST_GRID, MOST_PARAMETERS = 256, 20_000_000_000  # patches along a side; EVA02-E-14-plus has 5 billion
# What in a transformers configuration fetches code: modules of the repository, kernels of another one.
BRINGS_CODE = {"auto_map", "attn_implementation", "_attn_implementation"}

Shapes = dict[str, tuple[int, ...] | None]


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


def build_network(architecture: Mapping, seed: int | None = 0) -> nn.Module:
    """The open_clip network of a completed architecture, float32 on the CPU, random weights from `seed`.

    seed=None is for weights that follow at once (`load_weights`): the parameters have shapes but no memory
    and no values (torch's device "meta"), buffers are as always. A few timm trunks cannot be built that way
    (swin, ViTamin); they come with random weights, in the usual time. The global random state stays as it is.
    Raises `ModelError` when open_clip refuses the configuration, or the one of a transformers text tower brings
    code, and `NotFetched` when that one, which is read from the hub, cannot be had.
    """
    architecture = _with_tower_here(architecture)
    try:
        with torch.random.fork_rng(devices=[]):
            net = _without_memory(architecture) if seed is None else None
            if net is None:
                torch.manual_seed(seed or 0)
                net = _open_clip_network(architecture)
            return net.float().eval()  # whatever the default of torch is now
    except BUILD_ERRORS as error:
        raise ModelError(f"open_clip cannot build this architecture: {shown(first_line(error), 160)}") from error


def _with_tower_here(architecture: Mapping) -> dict:
    """The architecture, a transformers text tower of which is named by a folder whose config.json was looked at.

    transformers would fetch the configuration by itself, and ask at the prompt whether to run the code it names.
    """
    # Not above: the hub's client hashes with weights.py, which imports this module.
    from rsclip_lab.models.hub.files import fetch_file

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


def _without_memory(architecture: Mapping) -> nn.Module | None:
    """The network with its parameters on the meta device; None when something in it needs their values."""
    try:
        with _parameters_on_meta():
            net = _open_clip_network(architecture)
    except RuntimeError:
        return None
    return None if any(buffer.is_meta for buffer in net.buffers()) else net


def _open_clip_network(architecture: Mapping) -> nn.Module:
    options = copy.deepcopy(dict(architecture))
    custom_text = options.pop("custom_text", False)
    network_class = (CoCa if "multimodal_cfg" in options else CustomTextCLIP) if custom_text else CLIP
    net = network_class(**options)
    if isinstance(net, CoCa):  # open_clip 3.3 leaves this one as the memory was, which may be NaN
        projection = net.text_decoder.text_projection
        nn.init.normal_(projection, std=len(projection) ** -0.5)
    trunk = getattr(net.visual, "trunk", None)
    if hasattr(trunk, "set_input_size"):  # a timm transformer is built for its own default size
        trunk.set_input_size(img_size=architecture["vision_cfg"].get("image_size", 224))
    return net


@contextmanager
def _parameters_on_meta() -> Iterator[None]:
    """Modules made in the block, by this thread, get parameters without memory: filling them costs nothing."""
    thread = threading.get_ident()

    def without_memory(module: nn.Module, name: str, value: nn.Parameter | None) -> nn.Parameter | None:
        if value is None or value.is_meta or threading.get_ident() != thread:
            return value
        return nn.Parameter(value.detach().to("meta"), requires_grad=value.requires_grad)

    hook = register_module_parameter_registration_hook(without_memory)
    try:
        yield
    finally:
        hook.remove()


def architectures_that_fit(weights: Mapping[str, Tensor]) -> list[str]:
    """Names of the open_clip configurations whose shapes a state dict in open_clip's names has.

    Activation and number of heads leave no trace in the shapes: "RN50" and "RN50-quickgelu" fit alike.
    Configurations with a timm trunk or a transformers text tower are left out.
    """
    found = {name: tuple(value.shape) for name, value in weights.items()}
    names = []
    for name in open_clip.list_models():
        expected = _telling_shapes(open_clip.get_model_config(name))
        if expected and all(found.get(key) == shape for key, shape in expected.items()):
            names.append(name)
    return names


def _telling_shapes(architecture: dict) -> Shapes | None:
    """Shapes that tell this open_clip configuration from the others; None for a name that must be absent."""
    vision, text = CLIPVisionCfg(**architecture["vision_cfg"]), CLIPTextCfg(**architecture["text_cfg"])
    if vision.timm_model_name or text.hf_model_name:
        return None
    resnet = isinstance(vision.layers, list)
    return {
        **(_resnet_shapes if resnet else _transformer_shapes)(vision, architecture["embed_dim"]),
        **_text_shapes(text, architecture["embed_dim"], "text." if architecture.get("custom_text") else ""),
        **_decoder_shapes(architecture.get("multimodal_cfg"), text.vocab_size),
    }


def _transformer_shapes(vision: CLIPVisionCfg, dim: int) -> Shapes:
    width, patch = vision.width, vision.patch_size
    return {
        "visual.conv1.weight": (width, 3, patch, patch),
        "visual.positional_embedding": ((vision.image_size // patch) ** 2 + 1, width),
        "visual.ln_pre.weight": None if vision.no_ln_pre else (width,),
        "visual.proj": (dim if vision.attentional_pool else width, dim),
        **_block_shapes("visual.transformer", vision),
    }


def _resnet_shapes(vision: CLIPVisionCfg, dim: int) -> Shapes:
    width, last = vision.width, vision.width * 32
    shapes: Shapes = {
        "visual.attnpool.positional_embedding": ((vision.image_size // 32) ** 2 + 1, last),
        "visual.attnpool.c_proj.weight": (dim, last),
    }
    for stage, blocks in enumerate(vision.layers):
        shapes[f"visual.layer{stage + 1}.{blocks - 1}.bn1.weight"] = (width * 2**stage,)
        shapes[f"visual.layer{stage + 1}.{blocks}.bn1.weight"] = None
    return shapes


def _text_shapes(text: CLIPTextCfg, dim: int, prefix: str) -> Shapes:
    return {
        f"{prefix}token_embedding.weight": (text.vocab_size, text.width),
        f"{prefix}positional_embedding": (text.context_length + bool(text.embed_cls), text.width),
        f"{prefix}text_projection": None if text.proj_bias else (text.width, dim),
        **_block_shapes(f"{prefix}transformer", text),
    }


def _decoder_shapes(decoder: dict | None, vocabulary: int) -> Shapes:
    return {"text_decoder.text_projection": (decoder["width"], vocabulary) if decoder else None}


def _block_shapes(prefix: str, tower: CLIPVisionCfg | CLIPTextCfg) -> Shapes:
    """The last block of a transformer, with the width of its hidden layer, and none after it."""
    hidden = int(tower.width * tower.mlp_ratio)
    return {
        f"{prefix}.resblocks.{tower.layers - 1}.mlp.c_fc.weight": (hidden, tower.width),
        f"{prefix}.resblocks.{tower.layers}.mlp.c_fc.weight": None,
    }
