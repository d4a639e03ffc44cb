"""Networks to and from disk: architecture, weights, and the description that keeps them together."""

import copy
import hashlib
import json
import os
import pickle
from pathlib import Path

import torch
from open_clip.model import CLIP, CustomTextCLIP
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

WEIGHTS, DESCRIPTION = "model.safetensors", "clip.json"
CLIP_VOCABULARY = 49408

# Entries that OpenAI's and older open_clip checkpoints carry beside the weights.
NOT_WEIGHTS = {"attn_mask", "input_resolution", "context_length", "vocab_size"}


class ModelError(ValueError):
    """A model that cannot be found, read, built or combined; the message says what to do."""


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


def load_weights(net: nn.Module, weights: dict[str, Tensor], source: str | Path) -> None:
    """Copy a state dict into `net`; every name and shape must match, `ModelError` otherwise."""
    weights = {name.removeprefix("module."): value for name, value in weights.items()}
    weights = {name: value for name, value in weights.items() if name not in NOT_WEIGHTS}
    try:
        net.load_state_dict(weights)
    except RuntimeError as error:
        first = "; ".join(" ".join(line.split())[:160] for line in str(error).splitlines()[1:4])
        raise ModelError(f"{source} holds weights of another architecture: {first}") from None


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """A state dict from .safetensors or a torch file; nothing stored in the file is ever executed."""
    path = Path(path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        cause = str(error).strip().splitlines()[0][:200]
        remedy = "download or save it again"
        raise ModelError(f"{path} cannot be read as plain weights ({cause}): {remedy}") from None
    weights = weights.get("state_dict", weights) if isinstance(weights, dict) else weights
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise ModelError(f"{path} holds no state dict (names with tensors): save net.state_dict()")
    return weights


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


def sha256_of(path: str | Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(path: Path, expected: str, remedy: str) -> None:
    found = sha256_of(path)
    if found != expected:
        raise ModelError(f"{path} is not the expected file: sha256 {found}, expected {expected}; {remedy}")


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
