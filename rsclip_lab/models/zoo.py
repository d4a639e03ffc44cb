"""The models one can ask for by name, and how each is fetched and verified."""

from dataclasses import dataclass
from pathlib import Path

import open_clip
import pandas as pd

from rsclip_lab.models.files import DESCRIPTION, read_model
from rsclip_lab.models.hub import cached_file

TINY = Path(__file__).parent / "tiny"

# Seen on a mirror of the repository; the RN50 file's is not known.
B32_SHA256 = "60014e395d930a3f2963d1d89c8522bf4ad56775571e4356e866864789af85c4"
L14_SHA256 = "fcc2a7e21e171f4ffcb7a9c0206b8b74ac0c9eb83c67b576958b7a4ed6c8cecb"


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
    cached = cached_file(entry.repository, entry.filename, entry.revision)
    return {
        "name": entry.name,
        "image_size": architecture["vision_cfg"]["image_size"],
        "parameters_millions": float(entry.parameters),
        "megabytes": entry.megabytes,
        "where": "downloaded" if cached else f"hub: {entry.repository}",
        "licence": entry.licence,
        "trained_on": "remote-sensing captions, boxes and masks (RemoteCLIP, TGRS 2024)",
    }
