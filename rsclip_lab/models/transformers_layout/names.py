"""The weights of transformers' CLIPModel under open_clip's names, and the other way round.

transformers itself is not needed. The names were read in its `CLIPModel` (5.23) and in open_clip's `CLIP` (3.3).
"""

import torch
from torch import Tensor

from rsclip_lab.models.errors import ModelError
from rsclip_lab.models.transformers_layout.config import config_of

# How a name begins: in transformers, in open_clip.
BEGINNINGS = (
    ("vision_model.embeddings.class_embedding", "visual.class_embedding"),
    ("vision_model.embeddings.patch_embedding.", "visual.conv1."),
    ("vision_model.embeddings.position_embedding.weight", "visual.positional_embedding"),
    ("vision_model.pre_layrnorm.", "visual.ln_pre."),  # spelt so there
    ("vision_model.encoder.layers.", "visual.transformer.resblocks."),
    ("vision_model.post_layernorm.", "visual.ln_post."),
    ("visual_projection.weight", "visual.proj"),
    ("text_model.embeddings.token_embedding.", "token_embedding."),
    ("text_model.embeddings.position_embedding.weight", "positional_embedding"),
    ("text_model.encoder.layers.", "transformer.resblocks."),
    ("text_model.final_layer_norm.", "ln_final."),
    ("text_projection.weight", "text_projection"),
)
# What stands inside the name of a layer's weight. The three q_proj, k_proj, v_proj are one in_proj in open_clip.
INSIDE = (
    (".layer_norm1.", ".ln_1."),
    (".self_attn.", ".attn."),
    (".layer_norm2.", ".ln_2."),
    (".mlp.fc1.", ".mlp.c_fc."),
    (".mlp.fc2.", ".mlp.c_proj."),
)
TRANSPOSED = {"visual.proj", "text_projection"}  # Linear.weight is [out, in], open_clip's are [in, out]
NO_WEIGHTS = ".embeddings.position_ids"  # 0, 1, 2, … in files of older versions


def is_transformers(weights: dict[str, Tensor]) -> bool:
    """Whether a state dict has the names of transformers' two-tower models."""
    return any(name.startswith(("text_model.", "vision_model.")) for name in weights)


def from_transformers(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """A CLIPModel's state dict under open_clip's names. A name that no CLIPModel has stays as it is.

    Raises `ModelError` when one of the three parts of an attention is missing, or of another shape than the others.
    """
    converted = {}
    for name, value in weights.items():
        if name.endswith(NO_WEIGHTS) or ".self_attn.k_proj." in name or ".self_attn.v_proj." in name:
            continue
        if ".self_attn.q_proj." in name:
            value = _joined(weights, name)
            name = name.replace(".q_proj.", ".in_proj_")
        name = _renamed(name, BEGINNINGS, INSIDE)
        converted[name] = value.T.contiguous() if name in TRANSPOSED and value.ndim == 2 else value
    return converted


def to_transformers(weights: dict[str, Tensor], architecture: dict) -> dict[str, Tensor]:
    """The state dict of an open_clip network under CLIPModel's names, each tensor contiguous and on its own.

    Raises `ModelError` when a CLIPModel cannot hold a network of this architecture; see `config_of`.
    """
    config_of(architecture)
    beginnings, inside = ([(here, there) for there, here in pairs] for pairs in (BEGINNINGS, INSIDE))
    converted = {}
    for name, value in weights.items():
        renamed = _renamed(name, beginnings, inside)
        if ".in_proj_" in renamed:
            for part, rows in zip("qkv", value.chunk(3), strict=True):
                converted[renamed.replace(".in_proj_", f".{part}_proj.")] = rows.clone()
        else:
            converted[renamed] = (value.T if name in TRANSPOSED else value).contiguous()
    # open_clip can keep the scale as a vector of one.
    return converted | {"logit_scale": converted["logit_scale"].reshape(())}


def _renamed(name: str, beginnings, inside) -> str:
    for old, new in beginnings:
        if name.startswith(old):
            name = new + name.removeprefix(old)
            break
    for old, new in inside:
        name = name.replace(old, new)
    return name


def _joined(weights: dict[str, Tensor], name: str) -> Tensor:
    """The in_proj that a q_proj of this name and its k_proj and v_proj are."""
    names = [name.replace(".q_proj.", f".{part}_proj.") for part in "qkv"]
    for part in names:
        if part not in weights:
            raise ModelError(
                f"the weights lack {part}, which belongs to others there: download or save the file again"
            )
    kinds = {(weights[part].shape, weights[part].dtype) for part in names}
    if len(kinds) > 1 or not weights[name].ndim:
        shapes = ", ".join(str(list(weights[part].shape)) for part in names)
        raise ModelError(
            f"the weights {name} and its k_proj and v_proj do not fit together ({shapes}): "
            "download or save the file again"
        )
    return torch.cat([weights[part] for part in names])
