"""The models one can ask for by name, and how each is fetched and verified."""

from dataclasses import dataclass
from pathlib import Path

import open_clip
import pandas as pd

from rsclip_lab.environment import first_line, select_device
from rsclip_lab.models.clip import Clip, describe
from rsclip_lab.models.files import (
    DESCRIPTION,
    ModelError,
    build_network,
    check_sha256,
    complete_architecture,
    load_weights,
    read_model,
    read_weights,
)

TINY = Path(__file__).parent / "tiny"

# Seen on a mirror of the repository; the RN50 file's is not known.
B32_SHA256 = "60014e395d930a3f2963d1d89c8522bf4ad56775571e4356e866864789af85c4"
L14_SHA256 = "fcc2a7e21e171f4ffcb7a9c0206b8b74ac0c9eb83c67b576958b7a4ed6c8cecb"


class NotFetched(ModelError):
    """A hub model that is neither in the cache nor within reach."""


@dataclass(frozen=True)
class HubModel:
    """A plain state dict in a repository of the Hugging Face hub, pinned to one revision."""

    name: str
    repository: str
    revision: str
    filename: str
    architecture: str | dict  # an open_clip model name, or a configuration
    megabytes: int
    parameters: int  # millions
    sha256: str | None = None  # None: not known beforehand, so the pinned revision alone vouches for it
    licence: str = "not stated"


def _remote_clip(backbone: str, megabytes: int, parameters: int, sha256: str | None = None) -> HubModel:
    # RemoteCLIP starts from OpenAI's weights, which were trained with QuickGELU. open_clip's plain names
    # build GELU, and nothing warns when these weights go into that (open_clip issues #771, #915).
    return HubModel(
        name=f"RemoteCLIP-{backbone}",
        repository="chendelong/RemoteCLIP",
        revision="bf1d8a3ccf2ddbf7c875705e46373bfe542bce38",
        filename=f"RemoteCLIP-{backbone}.pt",
        architecture=f"{backbone}-quickgelu",
        megabytes=megabytes,
        parameters=parameters,
        sha256=sha256,
    )


ZOO = {
    entry.name: entry
    for entry in (
        _remote_clip("RN50", 408, 102),
        _remote_clip("ViT-B-32", 605, 151, B32_SHA256),
        _remote_clip("ViT-L-14", 1710, 428, L14_SHA256),
    )
}


def load_model(name_or_path: str | Path, device: str = "auto", fallback: str | None = None) -> Clip:
    """The model of that name (see `models()`), or the one saved in that folder, on `device`.

    fallback: the model to go on with, after one printed line, when a hub model cannot be fetched; a lesson
    then runs without network. Other faults (an unknown name, a wrong file) are never passed over.
    Raises `ModelError`, with the remedy, when the name is unknown, the folder holds no model, the hub cannot
    be reached or a file is not the expected one.
    """
    name = str(name_or_path)
    if name in ZOO:
        try:
            return load_hub_model(ZOO[name], device)
        except NotFetched as error:
            if fallback is None:
                raise
            print(f"{error} Going on with {fallback!r}.")
            return load_model(fallback, device)
    folder = TINY if name == "tiny" else Path(name_or_path).expanduser()
    if not folder.is_dir():
        names = ", ".join(["tiny", *ZOO])
        raise ModelError(f"no model {name!r}: choose one of {names}, or a folder that save() wrote")
    return Clip(*read_model(folder)).to(select_device(device))


def load_hub_model(entry: HubModel, device: str = "auto") -> Clip:
    """Fetch (once), verify and load a hub model; `ModelError` in one line where that fails."""
    path = fetch(entry)
    architecture = entry.architecture
    if isinstance(architecture, str):
        architecture = open_clip.get_model_config(architecture)
    architecture = complete_architecture(architecture)
    net = build_network(architecture)
    load_weights(net, read_weights(path), path)
    source = {"hub": entry.repository, "revision": entry.revision, "file": entry.filename}
    return Clip(net, describe(entry.name, architecture, created_from=source)).to(select_device(device))


def fetch(entry: HubModel) -> Path:
    """The file of `entry` in the hub's own cache, downloaded if it is not there yet, its sha256 checked."""
    path = _cached(entry) or _download(entry)
    if entry.sha256:
        # Resolved: the hub's cache shows links, and the file to delete is the one they point to.
        check_sha256(path.resolve(), entry.sha256, "delete it, load again, and do not use it if that repeats")
    return path


def models() -> pd.DataFrame:
    """The zoo, one row a model, and what loading it needs; sizes in pixels, megabytes, million weights."""
    rows = [_tiny_row()] if (TINY / DESCRIPTION).is_file() else []
    rows += [_hub_row(entry) for entry in ZOO.values()]
    return pd.DataFrame(rows)


def _tiny_row() -> dict:
    net, description = read_model(TINY)
    return {
        "name": "tiny",
        "image_size": description["preprocess"]["size"],
        "parameters_millions": round(sum(weight.numel() for weight in net.parameters()) / 1e6, 1),
        "megabytes": round((TINY / "model.safetensors").stat().st_size / 1e6),
        "where": "in the package",
        "licence": "Apache-2.0",
        "trained_on": "land scenes drawn by this project, no photograph",
    }


def _hub_row(entry: HubModel) -> dict:
    architecture = entry.architecture
    if isinstance(architecture, str):
        architecture = open_clip.get_model_config(architecture)
    return {
        "name": entry.name,
        "image_size": architecture["vision_cfg"]["image_size"],
        "parameters_millions": float(entry.parameters),
        "megabytes": entry.megabytes,
        "where": "downloaded" if _cached(entry) else f"hub: {entry.repository}",
        "licence": entry.licence,
        "trained_on": "remote-sensing captions, boxes and masks (RemoteCLIP, TGRS 2024)",
    }


def _cached(entry: HubModel) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(entry.repository, entry.filename, revision=entry.revision)
    return Path(found) if isinstance(found, str) else None


def _download(entry: HubModel) -> Path:
    from huggingface_hub import HfApi, hf_hub_download

    try:
        # One question with a short limit first: without network the download retries for half a minute.
        HfApi().model_info(entry.repository, revision=entry.revision, timeout=5)
        return Path(hf_hub_download(entry.repository, entry.filename, revision=entry.revision))
    except Exception as error:  # of several libraries: offline mode, refused, timed out, 404, disk full, …
        raise NotFetched(
            f"{entry.name} could not be fetched from the hub ({entry.repository}): {first_line(error)}. "
            "Check the network, or work offline with load_model('tiny')."
        ) from None
