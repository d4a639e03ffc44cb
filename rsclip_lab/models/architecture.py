"""From an open_clip configuration to a network."""

import copy

import torch
from open_clip.model import CLIP, CustomTextCLIP
from torch import nn

from rsclip_lab.models.errors import ModelError

CLIP_VOCABULARY = 49408


def complete_architecture(architecture: dict) -> dict:
    """A copy of an open_clip configuration with the choices that must not stay implicit written down.

    The activation is one of them: `quick_gelu` true and false build networks that accept the same weights
    and compute different features (open_clip issues #771 and #915).
    """
    architecture = copy.deepcopy(dict(architecture))
    missing = {"embed_dim", "vision_cfg", "text_cfg"} - set(architecture)
    if missing:
        missing = ", ".join(sorted(missing))
        raise ModelError(f"the architecture lacks {missing}: give an open_clip configuration")
    text = architecture["text_cfg"]
    other_tokenizer = text.get("hf_model_name") or text.get("hf_tokenizer_name")
    if other_tokenizer or text.get("vocab_size", CLIP_VOCABULARY) < CLIP_VOCABULARY:
        raise ModelError(f"the text tower must read CLIP's own tokens ({CLIP_VOCABULARY} of them)")
    if not isinstance(architecture["vision_cfg"].get("image_size", 224), int):
        raise ModelError("vision_cfg.image_size must be one number: pictures are square here")
    architecture.setdefault("quick_gelu", False)
    if "timm_model_name" in architecture["vision_cfg"]:
        architecture["vision_cfg"]["timm_model_pretrained"] = False  # never a download behind one's back
    return architecture


def build_network(architecture: dict, seed: int = 0) -> nn.Module:
    """The open_clip network of a completed architecture, float32 on the CPU, random weights from `seed`.

    The global random state stays as it is. Raises `ModelError` when open_clip refuses the configuration.
    """
    options = copy.deepcopy(architecture)
    network_class = CustomTextCLIP if options.pop("custom_text", False) else CLIP
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = network_class(**options)
    except (TypeError, KeyError, AssertionError, RuntimeError, ZeroDivisionError) as error:
        raise ModelError(f"open_clip cannot build this architecture: {error}") from error
    trunk = getattr(net.visual, "trunk", None)
    if hasattr(trunk, "set_input_size"):  # a timm transformer is built for its own default size
        trunk.set_input_size(img_size=architecture["vision_cfg"].get("image_size", 224))
    return net.eval()
