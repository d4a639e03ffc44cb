"""A folder that the transformers library loads: `CLIPModel.from_pretrained(FOLDER)`, `CLIPProcessor.from_pretrained`.

The same weights, and the same features of the same pixels and tokens. What its processor does otherwise, whatever
the files say (measured with 5.23):

- CLIPTokenizer lower-cases and joins white space as open_clip's tokenizer does, but does not mend a text before:
  curly quotes, ligatures, full-width letters, mojibake and HTML entities (&amp;) stay as they are. For captions with
  such, hand it `open_clip.tokenizer.basic_clean(text)`. It fills a row with the end token, not with 0: nothing after
  the first end token reaches a feature.
- CLIPImageProcessor resizes with torchvision, in places one grey level of 255 off Pillow;
  `CLIPProcessor.from_pretrained(FOLDER, backend="pil")`, before transformers 5.4 `use_fast=False`, resizes with
  Pillow and is equal to the bit.
- Where 3, 7, 11, … pixels are cut off a side, it cuts one more at the end and one less at the beginning.
"""

import json
from pathlib import Path

from safetensors.torch import save_file

from rsclip_lab.models.clip import Clip
from rsclip_lab.models.errors import ModelError
from rsclip_lab.models.saved.files import stored_weights
from rsclip_lab.models.transformers_layout import config_of, preprocessor_config_of, to_transformers

START, END = "<|startoftext|>", "<|endoftext|>"  # by these names CLIPTokenizer knows them


def write(model: Clip, stage: Path) -> None:
    """Write config.json, model.safetensors, preprocessor_config.json and the tokenizer's files into `stage`.

    Raises `ModelError`, before anything is written, for what a CLIPModel and a CLIPProcessor cannot hold: a ResNet,
    a tower of another library, another pooling or tokenizer, resize_mode "longest".
    """
    architecture, tokenizer = model.description["architecture"], model.description["tokenizer"]
    files = {
        "config.json": config_of(architecture),
        "preprocessor_config.json": preprocessor_config_of(model.description["preprocess"]),
        "tokenizer_config.json": _tokenizer_config(tokenizer),
        "vocab.json": _vocabulary(model.tokenizer.encoder),
    }
    for name, content in files.items():
        (stage / name).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    merges = [" ".join(pair) for pair in model.tokenizer.bpe_ranks]
    (stage / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    weights = to_transformers(stored_weights(model.net), architecture)
    save_file(weights, stage / "model.safetensors", metadata={"format": "pt"})
    (stage / "model.safetensors").chmod((stage / "config.json").stat().st_mode)  # safetensors: for its owner only


def _tokenizer_config(tokenizer: dict) -> dict:
    if tokenizer["name"] != "clip" or tokenizer.get("options", {}).get("clean", "lower") != "lower":
        other = tokenizer.get("source") or tokenizer["options"]
        raise ModelError(
            "transformers' CLIPProcessor reads texts with CLIP's own tokenizer, in lower case, and this model has "
            f"another ({other}); export it with to='open_clip' or to='onnx'"
        )
    return {
        "tokenizer_class": "CLIPTokenizer",
        "processor_class": "CLIPProcessor",
        "model_max_length": tokenizer["context_length"],
        "bos_token": START,
        "eos_token": END,
        "unk_token": END,
        "pad_token": END,
    }


def _vocabulary(encoder: dict[str, int]) -> dict[str, int]:
    names = {"<start_of_text>": START, "<end_of_text>": END}
    return {names.get(token, token): number for token, number in encoder.items()}
