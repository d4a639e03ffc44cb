"""`load_model`: one call, whatever the source of the weights."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import open_clip
import torch

from rsclip_lab.environment import select_device
from rsclip_lab.models.architecture import build_network
from rsclip_lab.models.clip import Clip, describe
from rsclip_lab.models.configuration import complete_architecture
from rsclip_lab.models.errors import ModelError, NotFetched
from rsclip_lab.models.hub.files import cached_file, discard
from rsclip_lab.models.mistaken import first_bytes
from rsclip_lab.models.saved.files import read_model
from rsclip_lab.models.sources import (
    Files,
    Parts,
    described_folder,
    file_parts,
    files_of_folder,
    files_of_repository,
    folder_parts,
    hub_entry,
)
from rsclip_lab.models.tags import tagged_model
from rsclip_lab.models.tokenizers import make_tokenizer
from rsclip_lab.models.transformers_layout import from_transformers, is_transformers
from rsclip_lab.models.weights import load_weights, read_weights, sha256_of
from rsclip_lab.models.zoo import TINY, ZOO, HubModel

HUB = "hf-hub:"
KNOWN = ("tiny", *ZOO)
WEIGHT_FILES = {".pt", ".pth", ".bin", ".safetensors"}


def load_model(
    name_or_path: str | Path,
    device: str = "auto",
    fallback: str | Path | None = None,
    *,
    architecture: str | dict | None = None,
    quick_gelu: bool | None = None,
    strict: bool = True,
) -> Clip:
    """The model of that name or in that place, with its tokenizer and preprocessing, on `device`.

    name_or_path: one of
    - a name of `models()`: "tiny", "RemoteCLIP-ViT-B-32", "GeoRSCLIP-ViT-L-14", "clip-rsicd-v2", …;
    - an open_clip architecture with its tag, "ViT-B-32:laion2b_s34b_b79k" (`open_clip.list_pretrained` has all);
    - a repository of the hub, "hf-hub:owner/name", "hf-hub:owner/name@revision", in this package's, open_clip's or
      transformers' layout;
    - a folder: a run, one that `save` or `export` wrote, or one in the layout of open_clip or transformers;
    - a file of weights, .pt, .pth, .bin or .safetensors, together with `architecture`.
    fallback: the model to go on with, after one printed line, when the hub cannot be reached; a lesson then runs
    without network. Other faults (an unknown name, a wrong file, no access) are never passed over.
    architecture: for a file of weights, open_clip's name of its architecture ("ViT-B-32"), or a configuration.
    quick_gelu: the activation to build, whatever the source says. OpenAI's weights, and those that were trained on
    from them, need QuickGELU; with the other one a network gives different features and no error (open_clip issues
    #771, #915). By default the source decides; a file of weights cannot, and brings a warning.
    strict: False loads the weights that fit, and warns of missing, unexpected and wrongly shaped ones.

    Raises `ModelError`, in one paragraph with the remedy: the name is unknown, a folder holds no model, a file is
    damaged, would run code, has another hash than expected (it is removed from the cache) or belongs to another
    architecture; `NotFetched`, one of them, when the hub does not give a file. ValueError for an unknown device.
    """
    device = select_device(device)  # a device that is not there is said before a download
    if not isinstance(name_or_path, str | os.PathLike):
        raise ModelError(f"load_model takes a name or a path, not {name_or_path!r}; models() shows the names")
    name = os.fspath(name_or_path)
    try:
        with _own_torch_state():
            return _load(name, architecture, quick_gelu, strict).to(device)
    except NotFetched as error:
        if not error.out_of_reach:
            raise
        if fallback is None:
            raise NotFetched(f"{error} {_offline_choice()}", out_of_reach=True) from None
        print(f"{error} Going on with {str(fallback)!r}.")
        return load_model(fallback, str(device), quick_gelu=quick_gelu, strict=strict)


@contextmanager
def _own_torch_state() -> Iterator[None]:
    """Weights on the CPU that can be trained, whatever mode and default device the caller is in."""
    with torch.inference_mode(False), torch.device("cpu"):
        yield


def load_hub_model(
    entry: HubModel, device: str = "auto", quick_gelu: bool | None = None, strict: bool = True
) -> Clip:
    """Fetch (once), verify and load an entry of the zoo or of your own making."""
    device = select_device(device)
    with _own_torch_state():
        return assemble(hub_entry(entry), quick_gelu, strict).to(device)


def _load(name: str, architecture: str | dict | None, quick_gelu: bool | None, strict: bool) -> Clip:
    try:
        path = Path(name).expanduser()
        is_file = path.is_file()
    except (OSError, RuntimeError, ValueError):  # too long, of an unknown user, with a null character
        raise ModelError(_unknown(name[:100])) from None
    if architecture is not None and not is_file:
        raise ModelError(f"{name} is no file of weights, and architecture= goes with such a file only: leave it out")
    if is_file and name != "tiny":
        return assemble(file_parts(path, architecture, quick_gelu), quick_gelu, strict)
    if name in ZOO:
        return assemble(hub_entry(ZOO[name]), quick_gelu, strict)
    if name == "tiny" or name and path.is_dir():
        folder = TINY if name == "tiny" else path
        return _from_layout(files_of_folder(folder), folder.name, str(folder), quick_gelu, strict)
    if name.startswith(HUB):
        identifier = name.removeprefix(HUB)
        return _from_layout(files_of_repository(identifier), identifier.partition("@")[0], name, quick_gelu, strict)
    if re.fullmatch(r"[\w./-]{2,}:[\w-]+", name):  # an architecture and its tag; C:\… is a path
        return assemble(hub_entry(tagged_model(name)), quick_gelu, strict)
    raise ModelError(_unknown(name))


def _from_layout(get: Files, name: str, place: str, quick_gelu: bool | None, strict: bool) -> Clip:
    """The model in a folder or repository, in the layout of this package, of open_clip or of transformers."""
    folder = described_folder(get)
    if folder:
        net, description = read_model(folder, quick_gelu, strict)
        return Clip(net, description, make_tokenizer(description["tokenizer"], folder))
    return assemble(folder_parts(get, name, place), quick_gelu, strict)


def assemble(parts: Parts, quick_gelu: bool | None = None, strict: bool = True) -> Clip:
    """The network of `parts` with its weights in it; the file is hashed while the network is built."""
    first_bytes(parts.weights)  # refuses what is no file, on which reading would wait for ever
    architecture = parts.architecture if quick_gelu is None else {**parts.architecture, "quick_gelu": quick_gelu}
    architecture = complete_architecture(architecture)
    with ThreadPoolExecutor(max_workers=1) as pool:
        digest = pool.submit(sha256_of, parts.weights)
        net = build_network(architecture, seed=None if strict else 0)
        if parts.sha256 and digest.result() != parts.sha256:
            refuse(parts, digest.result())
        weights = read_weights(parts.weights)
        if is_transformers(weights):
            weights = from_transformers(weights)
        load_weights(net, weights, parts.weights, strict)
    created_from = parts.created_from | {"sha256": digest.result()}
    description = describe(parts.name, architecture, parts.preprocess, created_from)
    return Clip(net, description, make_tokenizer(description["tokenizer"], parts.tokenizer_folder))


def refuse(parts: Parts, found: str) -> None:
    """A file of another content than was published is out of the cache before anybody can use it."""
    discard(parts.weights)
    raise ModelError(
        f"{parts.name}: {parts.weights.name} is not the expected file (sha256 {found[:12]}…, expected "
        f"{parts.sha256[:12]}…) and was removed from the cache; load again, and if that repeats do not use it: the "
        "file on the hub is another one than when it was listed"
    )


def _offline_choice() -> str:
    """What can be loaded without the hub."""
    cached = [name for name, entry in ZOO.items() if cached_file(entry.repository, entry.filename, entry.revision)]
    if cached:
        return f"Loadable without network: {', '.join(cached)}, and load_model('tiny')."
    return "Nothing of the zoo is in the cache yet; load_model('tiny') needs no network."


def _unknown(name: str) -> str:
    if tags := open_clip.list_pretrained_tags_by_model(name.replace("/", "-")):
        example = f"load_model('{name}:{tags[0]}')"
        return f"{name} is an architecture, whose weights have a tag: {example}; there are {', '.join(tags)}"
    if address := re.match(r"https?://[^/]+/([\w.-]+/[\w.-]+)", name):
        return f"{name} is an address: for a repository of the hub write load_model('{HUB}{address[1]}')"
    if Path(name).suffix in WEIGHT_FILES or re.match(r"[./~\\]|\w:[/\\]", name):
        return f"{name}: there is no such file or folder; correct the path, or choose a name that models() shows"
    listed = (
        f"There are {', '.join(KNOWN)}; an open_clip name with its tag ('ViT-B-32:openai'); 'hf-hub:owner/name'; "
        "a folder that save() wrote; or a file of weights with architecture="
    )
    if "/" in name:
        return f"there is no folder {name}; if it is a repository of the hub, write '{HUB}{name}'. {listed}"
    folded = {known.casefold(): known for known in [*KNOWN, *open_clip.list_models()]}
    near = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)
    guess = f"; did you mean {' or '.join(folded[one] for one in near)}?" if near else "."
    return f"no model is called {name!r}{guess} {listed}"
