"""A state dict from a file, and into a network."""

import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from open_clip.convert import convert_state_dict
from open_clip.model import convert_to_custom_text_state_dict
from safetensors import safe_open
from torch import Tensor, nn

from rsclip_lab.environment import first_line
from rsclip_lab.models.errors import BUILD_ERRORS, ModelError
from rsclip_lab.models.fitting import architectures_that_fit
from rsclip_lab.models.mistaken import (
    check_archive,
    check_pickles,
    first_bytes,
    larger_than_file,
    mistaken,
    shown,
    unreadable,
)

# Under which name training scripts (open_clip's, timm's, the tutorials') keep the state dict.
WRAPPERS = ("model", "state_dict", "model_state_dict")
# Entries that OpenAI's, older open_clip's, transformers' and timm's checkpoints carry beside the weights.
NOT_WEIGHTS = {"attn_mask", "input_resolution", "context_length", "vocab_size"}
NOT_WEIGHTS |= {"position_ids", "relative_position_index"}


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """The state dict in a .safetensors or torch file, on the CPU, in memory of its own, dtypes as stored.

    A checkpoint is unwrapped (its optimizer stays on disk), and the prefixes that DistributedDataParallel and
    torch.compile put before names are dropped. What the file is, its first bytes decide.
    Nothing stored in it is executed. Raises `ModelError` with cause and remedy for anything else.
    """
    path = Path(path)
    head = first_bytes(path)
    try:
        if head[8:9] == b"{" and head[7:8] == b"\0":  # the length of the header in 8 bytes, then its JSON
            weights = _read_safetensors(path)
        else:
            weights = _read_torch(path, head)
    except ModelError:
        raise
    except Exception as error:  # of zipfile, pickle, torch and safetensors, over bytes of any kind
        raise unreadable(path, error) from None
    return _plain_names(weights, path)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    with safe_open(path, framework="pt") as file:
        # The file's tensors are views of its memory map: copied, they outlive changes to the file.
        return {name: file.get_tensor(name).clone() for name in file.keys()}


def _read_torch(path: Path, head: bytes) -> dict[str, Tensor]:
    archive = head.startswith(b"PK")
    if archive:
        check_archive(path)
    elif not head.startswith(b"\x80"):  # the pickles that torch wrote before version 1.6
        raise mistaken(path, head)
    if path.suffix == ".safetensors":  # torch would go by the name
        raise ModelError(f"{path} is a torch file under another name; call it .pt, if you trust where it came from")
    check_pickles(path, archive)
    content = torch.load(path, map_location="cpu", weights_only=True, mmap=archive)
    weights = _state_dict_in(content, path)
    if not archive:
        return weights
    if weights is content:
        return torch.load(path, map_location="cpu", weights_only=True)
    return {name: value.clone() for name, value in weights.items()}


def _state_dict_in(content: object, path: Path) -> dict[str, Tensor]:
    for key in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not content or not all(map(_is_weight, content.items())):
        raise ModelError(f"{path} holds {_nature(content)}; save net.state_dict() of the network")
    if sum(value.nbytes for value in content.values()) > 2 * path.stat().st_size:  # twice: weights may be tied
        raise larger_than_file(path)
    return content


def _is_weight(item: tuple) -> bool:
    name, value = item
    stored = isinstance(value, Tensor) and value.layout is torch.strided and not value.is_meta
    return isinstance(name, str) and stored


def _nature(content: object) -> str:
    if not isinstance(content, dict):
        return f"no state dict (names with tensors) but a {type(content).__name__}"
    if {"optimizer", "optimizer_state_dict", "param_groups"} & set(content):
        return "the state of an optimizer and no network"
    if without := [str(name) for name, value in content.items() if isinstance(value, Tensor) and value.is_meta]:
        return f"no values, only the shapes of a network on the meta device ({_some(without)})"
    others = [item[0] for item in content.items() if not _is_weight(item)]
    # The text of a key that is none may be as long as its maker likes.
    others = [key if isinstance(key, str) else f"a {type(key).__name__}" for key in others]
    return f"no state dict (names with tensors): {_some(others) or 'it is empty'}"


def _plain_names(weights: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    plain = {name.replace("_orig_mod.", ""): name for name in weights}
    if twice := [name for name in weights if plain[name.replace("_orig_mod.", "")] != name]:
        raise ModelError(f"{path} has weights twice, with and without _orig_mod. ({_some(twice)}); save one network")
    weights = {name: weights[stored] for name, stored in plain.items()}
    while weights and all(name.startswith("module.") for name in weights):
        weights = {name.removeprefix("module."): value for name, value in weights.items()}
    return weights


def load_weights(net: nn.Module, weights: Mapping[str, Tensor], source: str | Path, strict: bool = True) -> None:
    """Put a state dict in open_clip's names into `net`, in the dtypes of the network.

    A network built with seed=None takes the tensors over as its parameters, without a copy; any other keeps
    its memory and gets their values. Raises `ModelError` naming what is missing, unexpected or of another
    shape, and what the weights would fit; with strict=False what fits is loaded, the rest of the network
    keeps its values, and one warning says the same. Values that are not finite are an error in any case.
    """
    weights = _named_for(net, weights, source)
    slots = net.state_dict()
    fitting = {name: value for name, value in weights.items() if name in slots and _fits(value, slots[name])}
    if differences := _differences(weights, slots):
        report = f"{source} holds weights of another architecture: {differences}; {_advice(weights)}"
        if strict or not fitting:
            raise ModelError(report)
        warnings.warn(f"Only what fits was loaded. {report}", stacklevel=2)
    own = _untied({name: _own(value, slots[name]) for name, value in fitting.items()})
    if broken := [name for name, value in own.items() if not _all_finite(value)]:
        raise ModelError(f"{source} has values that are not finite in {_some(broken)}; take an earlier checkpoint")
    net.load_state_dict(own, strict=False, assign=any(slot.is_meta for slot in slots.values()))
    if any(parameter.is_meta for parameter in net.parameters()):
        raise ModelError(f"{source} does not fill the whole network; build it with a seed to load a part")


def _named_for(net: nn.Module, weights: Mapping[str, Tensor], source: str | Path) -> dict[str, Tensor]:
    """The weights under the names and in the forms that this open_clip network has for them."""
    try:
        weights = convert_state_dict(net, dict(weights))
    except BUILD_ERRORS as error:  # it knows MobileCLIP's files by one of their names
        raise ModelError(
            f"{source} has names of MobileCLIP's, which cannot be put into this network "
            f"({shown(first_line(error))}); give the architecture that they were trained in, such as MobileCLIP-S1"
        ) from None
    if not hasattr(net, "positional_embedding"):
        weights = convert_to_custom_text_state_dict(weights)
    for name in ("logit_scale", "logit_bias"):
        slot = getattr(net, name, None)
        if slot is not None and name in weights and weights[name].numel() == 1:
            weights[name] = weights[name].reshape(slot.shape)
    slots = net.state_dict()
    return {name: value for name, value in weights.items() if name in slots or _last(name) not in NOT_WEIGHTS}


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _fits(value: Tensor, slot: Tensor) -> bool:
    # Whole numbers for a parameter would be quantised weights, which mean something else.
    return value.shape == slot.shape and (value.is_floating_point() or not slot.is_floating_point())


def _differences(weights: Mapping[str, Tensor], slots: Mapping[str, Tensor]) -> str:
    # torch supplies the counter of batch norms, which checkpoints from before version 0.4.1 lack.
    missing = [name for name in slots if name not in weights and _last(name) != "num_batches_tracked"]
    unexpected = [name for name in weights if name not in slots]
    other = [
        f"{shown(name)} is {_form(value)} and should be {_form(slots[name])}"
        for name, value in weights.items()
        if name in slots and not _fits(value, slots[name])
    ]
    kinds = {
        f"{len(missing)} missing": _some(missing),
        f"{len(unexpected)} unexpected": _some(unexpected),
        f"{len(other)} of another shape": _listed(other),
    }
    return ", ".join(f"{kind} ({names})" for kind, names in kinds.items() if names)


def _advice(weights: Mapping[str, Tensor]) -> str:
    first = next(iter(weights), "").partition(".")[0] + "."
    if first not in ("visual.", "text.", "transformer.") and all(name.startswith(first) for name in weights):
        return f"all names begin with '{shown(first)}': save them without it"
    if fitting := architectures_that_fit(weights):
        return f"its shapes are those of {_some(fitting, 6)}: give the right one of these as the architecture"
    return "give the architecture that they were trained in, or strict=False to load what fits"


def _form(value: Tensor) -> str:
    return f"{str(value.dtype).removeprefix('torch.')} {list(value.shape)}"


def _some(names: list[str], count: int = 3) -> str:
    return _listed([shown(name) for name in names[: count + 1]], count)


def _listed(words: list[str], count: int = 3) -> str:
    return ", ".join(words[:count]) + (", …" if len(words) > count else "")


def _own(value: Tensor, slot: Tensor) -> Tensor:
    """`value` in the slot's dtype; a copy where it is part of a larger tensor's memory."""
    value = value.detach().to(slot.dtype).contiguous()
    return value if value.untyped_storage().nbytes() == value.nbytes else value.clone()


def _untied(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Of what has one memory under several names, a copy for each further name: training is to move them apart."""
    untied, places = {}, set()
    for name, value in weights.items():
        place = value.untyped_storage().data_ptr()
        untied[name] = value.clone() if place in places else value
        places.add(place)
    return untied


def _all_finite(value: Tensor) -> bool:
    return bool(value.sum().isfinite() or value.isfinite().all())  # the sum is quicker, and may overflow


def sha256_of(path: str | Path) -> str:
    """The hash of a file's content in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(path: Path, expected: str, remedy: str) -> None:
    """`ModelError`, with the remedy given, when the file is not the one with this hash."""
    found = sha256_of(path)
    if found != expected:
        raise ModelError(f"{path} is not the expected file: sha256 {found}, expected {expected}; {remedy}")
