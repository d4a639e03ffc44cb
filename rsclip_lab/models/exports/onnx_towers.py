"""Both towers as ONNX, with all that somebody without torch needs to use them."""

from __future__ import annotations

import copy
import io
import json
import logging
import re
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rsclip_lab.environment import first_line, progress
from rsclip_lab.models.clip import Clip
from rsclip_lab.models.errors import ModelError
from rsclip_lab.models.exports.local_paths import without_paths
from rsclip_lab.models.exports.onnx_tokenizer import write_tokenizer
from rsclip_lab.models.publish.card_words import words
from rsclip_lab.models.weights import sha256_of

EXTRA = ("onnx", "onnxscript", "onnxruntime", "tokenizers")
LARGEST_FILE = 1_500_000_000  # bytes: protobuf ends at 2 GiB, so larger weights go into a .onnx.data beside
BATCHES = (1, 2, 5)  # each tower is checked with so many inputs at once
TOLERANCE = 1e-4  # largest difference allowed between unit features of onnxruntime and of torch
TOWERS = {
    "image": {"file": "image.onnx", "input": "pixels", "output": "image_features"},
    "text": {"file": "text.onnx", "input": "tokens", "output": "text_features"},
}

README = """# {name}, as ONNX

| file | takes | gives |
|---|---|---|
| `image.onnx` | `pixels`, float32 `[batch, 3, {size}, {size}]`, normalised | `image_features` `[batch, {dim}]` |
| `text.onnx` | `tokens`, int64 `[batch, {context}]` | `text_features` `[batch, {dim}]` |

Features are unit vectors, so that a dot product is a cosine; a score is `logit_scale` times that, plus `logit_bias`
where there is one. `onnx.json` holds both numbers, the mean, the deviation and the resizing of the pixels, the
tokenizer, and the sha256 of each file. A file `.onnx.data` belongs beside the `.onnx` of its name.
{tokenizer}

`features.py` puts it together, without torch (`pip install onnxruntime numpy pillow tokenizers`):

```python
from features import OnnxClip

model = OnnxClip()
images = model.encode_images(["picture.jpg"])
texts = model.encode_texts(["a satellite view of a beach", "a satellite view of a forest"])
print(model.scores(images, texts))
```

Pictures have 8 bits a band here: 16-bit, floating-point and many-band ones are to be converted first.
"""
WITH_TOKENIZER = """`tokenizer.json` is for the `tokenizers` library, cutting and padding included. It does not mend a
text first (broken encodings, HTML entities, ligatures, full-width letters), as the network's own tokenizer does."""
WITHOUT_TOKENIZER = """This model's tokenizer has no form outside its own library: give `OnnxClip.encode_tokens` the
ids that it makes, in place of `encode_texts`."""


def write(model: Clip, stage: Path) -> None:
    """Write image.onnx, text.onnx, onnx.json, tokenizer.json, features.py and README.md into `stage`.

    image.onnx takes "pixels" [batch, 3, size, size] float32, normalised, and gives "image_features" [batch, dim];
    text.onnx takes "tokens" [batch, context] int64 and gives "text_features" [batch, dim]; unit vectors, any batch.
    Each is compared with the network in onnxruntime before it counts as written. `model` stays as it is.
    tokenizer.json is left out where a tokenizer has no such form; onnx.json and README.md then say so.
    Raises `ModelError` when the extra is missing, the exporter cannot express a tower, or the two disagree.
    """
    _require_extra()
    net = copy.deepcopy(model.net).to("cpu", torch.float32).eval()
    facts = {}
    for kind in progress(TOWERS, desc="export to ONNX"):
        facts[kind] = _write_tower(model, _Tower(net, kind), kind, stage)
    portable = write_tokenizer(model.tokenizer, model.description["tokenizer"], stage / "tokenizer.json")
    shutil.copyfile(Path(__file__).with_name("onnx_features.py"), stage / "features.py")
    (stage / "README.md").write_text(_readme(model, portable), encoding="utf-8")
    _describe(model, facts, portable, stage)


def _require_extra() -> None:
    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        raise ModelError(
            f'the export to ONNX needs {", ".join(missing)}: install with pip install "rsclip-lab[onnx]"'
        )
    if tuple(map(int, re.findall(r"\d+", torch.__version__)[:2])) < (2, 8):  # whose exporter stops at a ViT
        raise ModelError(f"the export to ONNX needs torch 2.8 or later, this is {torch.__version__}: upgrade torch")


def _write_tower(model: Clip, tower: nn.Module, kind: str, stage: Path) -> dict:
    """Export one tower, check it in onnxruntime, and return what onnx.json says of it."""
    path = stage / TOWERS[kind]["file"]
    opset = _export(tower, _example(model, kind, 2), path, model.name)
    difference = _largest_difference(tower, [_example(model, kind, batch) for batch in BATCHES], path)
    if not difference < TOLERANCE:  # also when it is not a number
        raise ModelError(
            f"{model.name} cannot be exported to ONNX: the {kind} features of onnxruntime and of torch "
            f"differ by {difference:.2g}, more than {TOLERANCE:g}; use another format, or other versions of both"
        )
    return {**TOWERS[kind], "opset": opset, "largest_difference_from_torch": difference}


class _Tower(nn.Module):
    """One side of a network: input -> unit vectors."""

    def __init__(self, net: nn.Module, kind: str):
        super().__init__()
        self.net = net
        self.encode = f"encode_{kind}"

    def forward(self, batch: Tensor) -> Tensor:
        return F.normalize(getattr(self.net, self.encode)(batch), dim=-1)


def _example(model: Clip, kind: str, batch: int) -> Tensor:
    """Random input: noise of the size of normalised pixels, or tokens of random words, short and long texts."""
    random = np.random.default_rng(batch)
    if kind == "image":
        pixels = random.standard_normal((batch, 3, model.image_size, model.image_size), dtype=np.float32)
        return torch.from_numpy(pixels)
    lengths = random.integers(1, 60, size=batch)
    letters = list("abcdefghijklmnopqrstuvwxyz ")
    return model.tokenizer(["".join(random.choice(letters, length)) for length in lengths])


def _export(tower: nn.Module, example: Tensor, path: Path, name: str) -> int:
    """Write `tower` to `path` and return the version of the operator set."""
    kind = path.stem
    try:
        with _silent(), torch.no_grad():
            program = torch.onnx.export(
                tower,
                (example,),
                dynamo=True,
                input_names=[TOWERS[kind]["input"]],
                output_names=[TOWERS[kind]["output"]],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
            )
    except Exception as error:  # of many kinds, from torch.export and onnxscript
        raise ModelError(
            f"{name} cannot be exported to ONNX: torch's exporter stops at its {kind} tower "
            f"({first_line(_root(error))}); use another format, or other versions of torch and onnxscript"
        ) from None
    _forget_the_source(program.model.graph)
    weights = sum(value.const_value.nbytes for value in program.model.graph.initializers.values())
    with _silent():
        program.save(path, external_data=weights > LARGEST_FILE)
    return program.model.opset_imports[""]


def _forget_the_source(graph) -> None:
    """The exporter notes for each operation the lines of Python it comes from, with the paths of this machine."""
    graph.metadata_props.clear()
    for node in graph.all_nodes():
        node.metadata_props.clear()


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _largest_difference(tower: nn.Module, inputs: list[Tensor], path: Path) -> float:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # fatal: its other remarks are about speed
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    differences = []
    for batch in inputs:
        (found,) = session.run(None, {TOWERS[path.stem]["input"]: batch.numpy()})
        with torch.no_grad():
            differences.append(np.abs(found - tower(batch).numpy()).max())
    return float(np.max(differences))


@contextmanager
def _silent() -> Iterator[None]:
    """No print, warning or log line inside the block: the exporter reports what only its authors can act on."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def _describe(model: Clip, towers: dict, portable: bool, stage: Path) -> None:
    """onnx.json: what goes in, what comes out, and the hashes of the other files."""
    description = without_paths(model.description)
    facts = {
        "name": description["name"],
        "towers": towers,
        "dim": model.dim,
        "preprocess": description["preprocess"],
        "tokenizer": {**description["tokenizer"], "file": "tokenizer.json" if portable else None},
        "logit_scale": model.logit_scale,
        "logit_bias": model.logit_bias,
        "quick_gelu": description["architecture"]["quick_gelu"],
        "architecture": description["architecture"],
        "created_from": description["created_from"],
        "made_with": {name: import_module(name).__version__ for name in ("torch", *EXTRA)},
        "sha256": {path.name: sha256_of(path) for path in sorted(stage.iterdir())},
    }
    (stage / "onnx.json").write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _readme(model: Clip, portable: bool) -> str:
    return README.format(
        name=words(without_paths(model.name)),
        size=model.image_size,
        context=model.description["tokenizer"]["context_length"],
        dim=model.dim,
        tokenizer=WITH_TOKENIZER if portable else WITHOUT_TOKENIZER,
    )
