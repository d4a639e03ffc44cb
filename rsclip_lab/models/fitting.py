"""Which of open_clip's architectures a state dict fits, told from its shapes."""

from collections.abc import Mapping

import open_clip
from open_clip.model import CLIPTextCfg, CLIPVisionCfg
from torch import Tensor

Shapes = dict[str, tuple[int, ...] | None]


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
