"""CLIPModel's config.json, to and from an open_clip configuration.

transformers itself is not needed. The facts were read in its `CLIPConfig` and `CLIPModel` (5.23), and in open_clip's
`CLIP`, `CLIPVisionCfg` and `CLIPTextCfg` (3.3).
"""

import math
from dataclasses import asdict

from open_clip.model import CLIPTextCfg, CLIPVisionCfg

from rsclip_lab.models.errors import ModelError
from rsclip_lab.models.tokenizers import CLIP_VOCABULARY

ACTIVATIONS = {"quick_gelu": True, "gelu": False}  # hidden_act there, quick_gelu here
LARGEST = 10**7  # far above any number of a published CLIP
EPS = 1e-5  # of a LayerNorm, in torch, open_clip and transformers
END_TOKEN = CLIP_VOCABULARY - 1  # the highest id that CLIP's tokenizer gives
OLD_END_TOKEN = 2  # of older files; transformers takes it for "the highest id in each text"

# What config.json does not say is the default of CLIPTextConfig and CLIPVisionConfig.
TEXT_DEFAULTS = {
    "vocab_size": CLIP_VOCABULARY,
    "hidden_size": 512,
    "intermediate_size": 2048,
    "num_hidden_layers": 12,
    "num_attention_heads": 8,
    "max_position_embeddings": 77,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": EPS,
    "eos_token_id": END_TOKEN,
}
VISION_DEFAULTS = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "num_channels": 3,
    "image_size": 224,
    "patch_size": 32,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": EPS,
}
# Fields of open_clip's towers that CLIPModel has too; fields that do not change what such a network computes.
SHARED = {"layers", "width", "heads", "head_width", "mlp_ratio", "patch_size", "image_size"}
SHARED |= {"context_length", "vocab_size", "eos_id"}
IDLE = {"patch_dropout", "pos_embed_type", "final_ln_after_pool", "attn_pooler_queries", "attn_pooler_heads"}
IDLE |= {"pad_id", "tokenizer_mode", "tokenizer_kwargs"}
# Any other must have its default, or one of these values.
ACCEPTED = {"pool_type": ("tok", "argmax", "eos"), "block_type": (None, "default")}


def architecture_of(config: dict) -> dict:
    """The open_clip configuration of the network that a CLIPModel's config.json describes, activation included.

    Raises `ModelError` when open_clip cannot build that network, or the file is another model's.
    """
    if config.get("model_type", "clip") != "clip":
        raise _not_here(f"it is a {config['model_type']!s:.80}")
    text, vision = _given(config, "text_config", TEXT_DEFAULTS), _given(config, "vision_config", VISION_DEFAULTS)
    activation = text["hidden_act"]
    if vision["hidden_act"] != activation or activation not in list(ACTIVATIONS):
        activations = " and ".join(sorted({f"{tower['hidden_act']!s:.80}" for tower in (text, vision)}))
        raise _not_here(f"its activation is {activations}, and it must be gelu or quick_gelu in both towers")
    if vision["num_channels"] != 3:
        raise _not_here(f"it reads pictures of {vision['num_channels']!r:.80} channels")
    image = {name: _whole(vision, name) for name in ("image_size", "patch_size")}
    language = {"context_length": _whole(text, "max_position_embeddings"), "vocab_size": _whole(text, "vocab_size")}
    return {
        "embed_dim": _whole({"projection_dim": 512, **config}, "projection_dim"),
        "quick_gelu": ACTIVATIONS[activation],
        "vision_cfg": image | {"head_width": _whole(vision, "hidden_size") // _heads(vision)} | _tower(vision),
        "text_cfg": language | {"heads": _heads(text)} | _tower(text) | _pooling(text),
    }


def _given(config: dict, name: str, defaults: dict) -> dict:
    # Where an old file has text_config_dict too, transformers reads that one, and what it leaves out is the default.
    given = config.get(f"{name}_dict")
    given = config.get(name) if given is None else given
    if not isinstance(given, (dict, type(None))):
        raise _not_here(f"its {name} is {given!r:.80}")
    return defaults | {key: value for key, value in (given or {}).items() if value is not None}


def _whole(values: dict, name: str) -> int:
    value = values[name]
    if isinstance(value, list) and value and all(one == value[0] for one in value):  # square pictures and patches
        value = value[0]
    if type(value) is not int or not 1 <= value <= LARGEST:
        raise _not_here(f"its {name} is {value!r:.80}, and it must be one whole number of up to {LARGEST:,}")
    return value


def _heads(tower: dict) -> int:
    heads, width = _whole(tower, "num_attention_heads"), _whole(tower, "hidden_size")
    if width % heads:
        raise _not_here(f"{heads} heads cannot share a width of {width}")
    return heads


def _tower(tower: dict) -> dict:
    width, inner = _whole(tower, "hidden_size"), _whole(tower, "intermediate_size")
    ratio = inner / width
    if int(width * ratio) < inner:  # as open_clip computes it; the quotient may have been rounded down
        ratio = math.nextafter(ratio, math.inf)
    eps = tower["layer_norm_eps"]
    if type(eps) not in (int, float) or not 0 <= eps < 1:
        raise _not_here(f"its layer_norm_eps is {eps!r:.80}, and it must be a number of 0 to below 1")
    norm = {} if eps == EPS else {"norm_kwargs": {"eps": eps}}
    return {"layers": _whole(tower, "num_hidden_layers"), "width": width, "mlp_ratio": ratio} | norm


def _pooling(text: dict) -> dict:
    """Where the feature of a text is read: at its highest token (open_clip's default), or at the first `eos_id`."""
    end = text["eos_token_id"]
    if end in (OLD_END_TOKEN, _highest_token(text["vocab_size"])):
        return {}
    return {"pool_type": "eos", "eos_id": _whole(text, "eos_token_id")}


def _highest_token(vocabulary: int) -> int:
    return min(vocabulary - 1, END_TOKEN)


def config_of(architecture: dict) -> dict:
    """The config.json with which transformers' CLIPModel builds the network of this open_clip configuration.

    Raises `ModelError` when CLIPModel cannot hold it: a ResNet or a tower of another library, another pooling, …
    """
    vision, text = _fields_of_clip_model(architecture)
    activation = "quick_gelu" if architecture.get("quick_gelu", False) else "gelu"
    end = _highest_token(text["vocab_size"]) if text["pool_type"] == "argmax" else text["eos_id"]
    return {
        "architectures": ["CLIPModel"],
        "model_type": "clip",
        "projection_dim": architecture["embed_dim"],
        "text_config": {
            "model_type": "clip_text_model",
            "max_position_embeddings": text["context_length"],
            "vocab_size": text["vocab_size"],
            "eos_token_id": end,
            **_tower_config(text, text["heads"], activation, architecture["embed_dim"]),
        },
        "vision_config": {
            "model_type": "clip_vision_model",
            "image_size": vision["image_size"],
            "patch_size": vision["patch_size"],
            **_tower_config(vision, vision["width"] // vision["head_width"], activation, architecture["embed_dim"]),
        },
    }


def _tower_config(tower: dict, heads: int, activation: str, dim: int) -> dict:
    return {
        "hidden_size": tower["width"],
        "intermediate_size": int(tower["width"] * tower["mlp_ratio"]),
        "num_hidden_layers": tower["layers"],
        "num_attention_heads": heads,
        "hidden_act": activation,
        "layer_norm_eps": (tower["norm_kwargs"] or {}).get("eps", EPS),
        "projection_dim": dim,
    }


def _fields_of_clip_model(architecture: dict) -> tuple[dict, dict]:
    """Every field of the two towers, `vision_cfg` and `text_cfg`, of a network that CLIPModel can hold."""
    if architecture.get("custom_text") or architecture.get("multimodal_cfg"):
        raise _not_there("its text tower is not CLIP's own")
    if architecture.get("init_logit_bias") is not None:
        raise _not_there("its logits have a bias, as SigLIP's have")
    vision = asdict(CLIPVisionCfg(**architecture["vision_cfg"]))
    text = asdict(CLIPTextCfg(**architecture["text_cfg"]))
    if vision["timm_model_name"]:
        raise _not_there(f"its image tower is timm's {vision['timm_model_name']}")
    if not isinstance(vision["layers"], int):
        raise _not_there("its image tower is a ResNet, and CLIPModel has vision transformers only")
    if text["hf_model_name"]:
        raise _not_there(f"its text tower is {text['hf_model_name']}")
    for tower, fields, defaults in (("vision_cfg", vision, CLIPVisionCfg()), ("text_cfg", text, CLIPTextCfg())):
        other = [f"{k}={v!r}" for k, v in fields.items() if not _is_held(k, v, getattr(defaults, k))]
        if other:
            raise _not_there(f"it has nothing for {tower} {', '.join(other)}")
    if text["pool_type"] == "eos" and text["eos_id"] == OLD_END_TOKEN:
        raise _not_there("its text feature is read at token 2, which CLIPModel takes for the highest token")
    return vision, text


def _is_held(name: str, value, default) -> bool:
    """Whether CLIPModel computes the same with this field of a tower."""
    if name in SHARED | IDLE or name.startswith(("timm_", "hf_")):
        return True
    if name == "norm_kwargs":
        return set(value or {}) <= {"eps"}
    return value in ACCEPTED.get(name, (default,))


def _not_here(reason: str) -> ModelError:
    return ModelError(
        f"open_clip cannot build what this config.json of transformers describes: {reason}; use it with transformers"
    )


def _not_there(reason: str) -> ModelError:
    return ModelError(
        f"transformers' CLIPModel cannot hold this network: {reason}; export it with to='open_clip' or to='onnx'"
    )
