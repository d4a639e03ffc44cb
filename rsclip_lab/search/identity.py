"""What an index remembers of the model that its vectors come from: another one's cannot be compared with them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields

import torch

from rsclip_lab.models import ModelError
from rsclip_lab.models.inputs import require_loaded
from rsclip_lab.models.saved.description import plain


@dataclass(frozen=True)
class ModelIdentity:
    """Two models with the same identity give the same vectors; the name is for people and may differ.

    dim: length of a vector. activation: QuickGELU and GELU share their weights and give other vectors. preprocess,
    tokenizer: as in the model's description. weights: SHA-256 of the network's state.
    """

    name: str
    dim: int
    activation: str
    preprocess: dict
    tokenizer: dict
    weights: str

    @property
    def key(self) -> str:
        """16 letters that differ where the vectors do."""
        what = {name: value for name, value in asdict(self).items() if name != "name"}
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]

    def to_dict(self) -> dict:
        """Plain JSON values; `from_dict` reads them back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> ModelIdentity:
        """Raises ModelError for what `to_dict` cannot have given."""
        kinds = {"name": str, "dim": int, "activation": str, "preprocess": dict, "tokenizer": dict, "weights": str}
        if not isinstance(values, dict) or {*values} != {*kinds}:
            raise ModelError(f"{values!r:.80} does not say which model an index is of: build the index again")
        if wrong := [name for name, kind in kinds.items() if not isinstance(values[name], kind)]:
            raise ModelError(f"the model of the index has no usable {', '.join(wrong)}: build the index again")
        return cls(**values)


def model_identity(model) -> ModelIdentity:
    """The identity of a loaded model; hashing its weights takes about a second a gigabyte.

    Raises TypeError for what is no loaded model.
    """
    require_loaded(model, "model_identity")
    words = plain({"preprocess": model.description["preprocess"], "tokenizer": model.description["tokenizer"]})
    return ModelIdentity(model.name, model.dim, model.activation, **words, weights=weights_hash(model.net))


def weights_hash(net: torch.nn.Module) -> str:
    """SHA-256 over names, types, shapes and bytes of all parameters and buffers, in the order of their names."""
    digest = hashlib.sha256()
    for name, value in sorted(net.state_dict().items()):
        value = value.detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {list(value.shape)};".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy() if value.numel() else b"")
    return digest.hexdigest()


def require_same_model(identity: ModelIdentity, model, where: str = "the index") -> ModelIdentity:
    """The identity of `model`; ModelError, naming both and what differs, unless it is the one of `where`."""
    found = model_identity(model)
    require_same_identity(identity, found, where)
    return found


def require_same_identity(identity: ModelIdentity, found: ModelIdentity, where: str) -> None:
    """`require_same_model` for a model whose identity is known."""
    if found.key != identity.key:
        differs = [one.name for one in fields(identity) if getattr(found, one.name) != getattr(identity, one.name)]
        differs = ", ".join(name for name in differs if name != "name")
        raise ModelError(
            f"{where} was built with the model {_short(identity)}, this one is {_short(found)} (not the same: "
            f"{differs}), and their vectors cannot be compared: load the model it was built with, or build it anew"
        )


def _short(identity: ModelIdentity) -> str:
    return f"{identity.name!r} [{identity.weights[:8]}]"
