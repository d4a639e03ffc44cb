"""The folder of a saved model: weights, and the description that keeps what must agree together."""

import json
import os
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor, nn

from rsclip_lab.models.architecture import build_network, complete_architecture
from rsclip_lab.models.errors import ModelError
from rsclip_lab.models.weights import check_sha256, load_weights, read_weights, sha256_of

WEIGHTS, DESCRIPTION = "model.safetensors", "clip.json"


def write_model(folder: str | Path, net: nn.Module, description: dict, half: bool = False) -> Path:
    """Write model.safetensors and clip.json into `folder`, each beside its place first, then renamed."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: _stored(value, half) for name, value in net.state_dict().items()}
    temporary = {name: folder / f".{name}.{os.getpid()}.partial" for name in (WEIGHTS, DESCRIPTION)}
    try:
        save_file(weights, temporary[WEIGHTS])
        dtype = "float16" if half else "float32"
        record = {"file": WEIGHTS, "dtype": dtype, "sha256": sha256_of(temporary[WEIGHTS])}
        text = json.dumps({**description, "weights": record}, indent=2, ensure_ascii=False)
        temporary[DESCRIPTION].write_text(text + "\n", encoding="utf-8")
        # safetensors writes for its owner's eyes only, which would follow the file into a wheel.
        temporary[WEIGHTS].chmod(temporary[DESCRIPTION].stat().st_mode)
        for name, path in temporary.items():
            os.replace(path, folder / name)
    finally:
        for path in temporary.values():
            path.unlink(missing_ok=True)
    return folder


def read_model(folder: str | Path) -> tuple[nn.Module, dict]:
    """The network and its description from a folder that `write_model` wrote; `ModelError` otherwise."""
    folder = Path(folder)
    description = _read_description(folder / DESCRIPTION)
    record = description.pop("weights")
    path = folder / record["file"]
    if not path.is_file():
        raise ModelError(f"{path} is missing beside {DESCRIPTION}: save the model again")
    check_sha256(path, record["sha256"], "save the model again")
    net = build_network(complete_architecture(description["architecture"]))
    load_weights(net, read_weights(path), path)
    return net, description


def _read_description(path: Path) -> dict:
    if not path.is_file():
        raise ModelError(f"no model in {path.parent}: no {path.name}; give a folder that save() wrote")
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        missing = {"name", "architecture", "preprocess", "tokenizer", "weights"} - set(description)
    except (ValueError, TypeError) as error:
        raise ModelError(f"{path} is not readable JSON ({error}): save the model again") from None
    if missing:
        raise ModelError(f"{path} lacks {', '.join(sorted(missing))}: save the model again")
    return description


def _stored(value: Tensor, half: bool) -> Tensor:
    """Matrices may be halved; scales, biases and running statistics are few and keep their digits."""
    value = value.detach().cpu().contiguous()
    return value.half() if half and value.is_floating_point() and value.ndim >= 2 else value
