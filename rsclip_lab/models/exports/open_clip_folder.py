"""A folder that open_clip loads: `create_model_and_transforms("local-dir:FOLDER")`, or "hf-hub:owner/name" once it is
on the hub; with the clip.json by which `load_model` reads the same folder whole.
"""

import json
from pathlib import Path

from rsclip_lab.models.clip import Clip
from rsclip_lab.models.errors import ModelError
from rsclip_lab.models.saved.files import write_model

CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"


def write(model: Clip, stage: Path) -> None:
    """Write open_clip_config.json, open_clip_model.safetensors and clip.json into the empty folder `stage`.

    The files of a tokenizer that is not CLIP's own lie beside them, where open_clip looks for them. Raises
    `ModelError` for a network that open_clip would build in another shape, and where the disk is full.
    """
    _require_size_of_trunk(model)
    config = {"model_cfg": _model_cfg(model.description), "preprocess_cfg": model.description["preprocess"]}
    text = json.dumps(config, indent=2, ensure_ascii=False)
    (stage / CONFIG).write_text(text + "\n", encoding="utf-8")
    if model.description["tokenizer"]["name"] == "hf":
        model.tokenizer.save_pretrained(stage)
    write_model(stage, model.net, model.description, weights_name=WEIGHTS)


def _model_cfg(description: dict) -> dict:
    architecture, tokenizer = description["architecture"], description["tokenizer"]
    if tokenizer["name"] == "clip":
        return architecture
    # By this name open_clip knows that the tokenizer is not CLIP's own. In a local folder it reads the files there.
    return architecture | {"text_cfg": architecture["text_cfg"] | {"hf_tokenizer_name": tokenizer["source"]}}


def _require_size_of_trunk(model: Clip) -> None:
    """open_clip builds a transformer of timm for timm's own picture size, whatever vision_cfg.image_size says."""
    trunk = getattr(model.net.visual, "trunk", None)
    if not hasattr(trunk, "set_input_size"):
        return
    size = trunk.pretrained_cfg["input_size"][-1]
    if size != model.image_size:
        raise ModelError(
            f"open_clip builds timm's {model.description['architecture']['vision_cfg']['timm_model_name']} for "
            f"{size} px, and this network is one for {model.image_size} px, so it could not load the weights; "
            "save the model with save(), or export it with to='onnx'"
        )
