"""A state dict from a file, and into a network."""

import hashlib
import pickle
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from rsclip_lab.models.errors import ModelError

# Entries that OpenAI's and older open_clip checkpoints carry beside the weights.
NOT_WEIGHTS = {"attn_mask", "input_resolution", "context_length", "vocab_size"}


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


def sha256_of(path: str | Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(path: Path, expected: str, remedy: str) -> None:
    found = sha256_of(path)
    if found != expected:
        raise ModelError(f"{path} is not the expected file: sha256 {found}, expected {expected}; {remedy}")
