"""From an open_clip configuration to a network, and from a state dict to the configurations it fits."""

import copy
import difflib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec

import open_clip
import torch
from open_clip.coca_model import CoCa
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg, CustomTextCLIP
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from rsclip_lab.environment import first_line
from rsclip_lab.models.errors import ModelError, NotFetched

# What open_clip, timm and transformers raise over a configuration that they cannot build.
BUILD_ERRORS = (TypeError, ValueError, LookupError, AttributeError, AssertionError, ArithmeticError, RuntimeError)

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
    and compute different features (open_clip issues #771 and #915).
    """
    architecture = copy.deepcopy(dict(architecture))
    missing = {"embed_dim", "vision_cfg", "text_cfg"} - set(architecture)
    if missing:
        missing = ", ".join(sorted(missing))
        raise ModelError(f"the architecture lacks {missing}: give an open_clip configuration")
    vision, text = architecture["vision_cfg"], architecture["text_cfg"]
    if not isinstance(vision, dict) or not isinstance(text, dict):
        raise ModelError("vision_cfg and text_cfg must be dictionaries: give an open_clip configuration")
    if not isinstance(vision.get("image_size", 224), int):
        raise ModelError("vision_cfg.image_size must be one number: pictures are square here")
    architecture.setdefault("quick_gelu", False)
    # The weights come from one file, which is named; never a download behind one's back.
    if vision.get("timm_model_name"):
        vision["timm_model_pretrained"] = False
    if text.get("hf_model_name"):
        text["hf_model_pretrained"] = False
        architecture["custom_text"] = True  # the class that can hold such a tower, as open_clip chooses it
    return architecture


def build_network(architecture: Mapping, seed: int | None = 0) -> nn.Module:
    """The open_clip network of a completed architecture, float32 on the CPU, random weights from `seed`.

    seed=None is for weights that follow at once (`load_weights`): the parameters have shapes but no memory
    and no values (torch's device "meta"), buffers are as always. A few timm trunks cannot be built that way
    (swin, ViTamin); they come with random weights, in the usual time. The global random state stays as it is.
    Raises `ModelError` when open_clip refuses the configuration, and `NotFetched` when that of a transformers
    text tower, which is read from the hub, cannot be had.
    """
    tower = architecture["text_cfg"].get("hf_model_name")
    if tower and not find_spec("transformers"):
        raise ModelError(f'the text tower {tower} is of transformers; pip install "rsclip-lab[transformers]"')
    try:
        with torch.random.fork_rng(devices=[]):
            net = _without_memory(architecture) if seed is None else None
            if net is None:
                torch.manual_seed(seed or 0)
                net = _open_clip_network(architecture)
            return net.eval()
    except OSError as error:
        raise NotFetched(
            f"the configuration of the text tower {tower} is not in the hub's cache and could not be fetched "
            f"({first_line(error)}); check the network"
        ) from error
    except BUILD_ERRORS as error:
        raise ModelError(f"open_clip cannot build this architecture: {first_line(error)}") from error


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
