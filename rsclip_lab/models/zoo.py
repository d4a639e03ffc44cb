"""The models one can ask for by name; zoo.toml beside this file holds their facts and where each was read."""

import json
import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import open_clip
import pandas as pd
from safetensors import safe_open

from rsclip_lab.models.hub.files import cached_file
from rsclip_lab.models.saved.files import DESCRIPTION

TABLE, TINY = Path(__file__).with_name("zoo.toml"), Path(__file__).with_name("tiny")
FACTS = ["repository", "file", "revision", "sha256"]
SOURCES = ["file", "activation", "licence", "trained_on"]


@dataclass(frozen=True, kw_only=True)
class HubModel:
    """One file of weights in a repository of the Hugging Face hub, pinned to one revision.

    The weights are a state dict in the names of open_clip or of transformers' CLIPModel. `sources` says, for a fact
    ("file", "activation", "licence", "trained_on"), where it was read.
    """

    name: str
    repository: str
    revision: str  # a commit, or "main" where none is known
    filename: str
    preferred: tuple[str, ...] = ()  # other names that these weights may have there, looked for first
    architecture: str | dict  # open_clip's name of it, or a configuration
    quick_gelu: bool | None = None  # None: as the architecture says
    megabytes: int | None = None  # of 10^6 bytes
    parameters: float | None = None  # millions
    bytes: int | None = None  # the exact size, where it is known
    sha256: str | None = None  # None: not known beforehand, so the pinned revision alone vouches for the file
    licence: str = "not stated"
    trained_on: str = ""
    preprocess: dict | None = None  # fields of open_clip's PreprocessCfg that differ from CLIP's own
    sources: dict[str, str] = field(default_factory=dict)

    @property
    def image_size(self) -> int:
        """Pixels a side."""
        return self._configuration["vision_cfg"].get("image_size", 224)

    @property
    def activation(self) -> str:
        """The one that the text tower and a ViT image tower have: "QuickGELU" or "GELU"."""
        chosen = self._configuration.get("quick_gelu", False) if self.quick_gelu is None else self.quick_gelu
        return activation_name(chosen)

    @property
    def _configuration(self) -> dict:
        named = isinstance(self.architecture, str)
        return open_clip.get_model_config(self.architecture) if named else self.architecture


def read_zoo(path: Path = TABLE) -> dict[str, HubModel]:
    """The entries of a table like zoo.toml by their names; a model's own facts go before its family's."""
    families = tomllib.loads(path.read_text(encoding="utf-8"))
    entries = [_entry(family, model) for family in families.values() for model in family["models"]]
    return {entry.name: entry for entry in entries}


def _entry(family: dict, model: dict) -> HubModel:
    facts = {**family, **model, "sources": {**family["sources"], **model.get("sources", {})}}
    del facts["models"]
    if "bytes" in facts:
        facts["megabytes"] = round(facts["bytes"] / 1e6)
    return HubModel(**facts)


ZOO = read_zoo()


def models(facts: bool = False) -> pd.DataFrame:
    """The zoo, one row a model: what it is, what loading it takes, and whether it is on this machine already.

    Columns: name, image_size (pixels a side), parameters_millions, megabytes (of the file), activation, licence,
    where ("in the package", "downloaded" or "hub: owner/name"), trained_on. `facts` adds repository, file,
    revision, sha256 and where each fact was read (source_of_file, …). The hub is not asked.
    """
    rows = [_tiny_row()] if (TINY / DESCRIPTION).is_file() else []
    table = pd.DataFrame(rows + [_hub_row(entry) for entry in ZOO.values()])
    return table if facts else table.drop(columns=FACTS + [f"source_of_{fact}" for fact in SOURCES])


def activation_name(quick_gelu: bool) -> str:
    return "QuickGELU" if quick_gelu else "GELU"


def _tiny_row() -> dict:
    description = json.loads((TINY / DESCRIPTION).read_text(encoding="utf-8"))
    weights = description["weights"]
    file = TINY / weights["file"]
    return {
        "name": "tiny",
        "image_size": description["preprocess"]["size"],
        "parameters_millions": round(_stored_numbers(file) / 1e6, 1),
        "megabytes": round(file.stat().st_size / 1e6),
        "activation": activation_name(description["architecture"]["quick_gelu"]),
        "licence": "Apache-2.0",
        "where": "in the package",
        "trained_on": "land scenes drawn by this project, no photograph",
        "repository": None,
        "file": file.name,
        "revision": None,
        "sha256": weights["sha256"],
        **{f"source_of_{fact}": f"{DESCRIPTION} beside the file" for fact in SOURCES},
        "source_of_licence": "this package's LICENSE",
    }


def _stored_numbers(file: Path) -> int:
    """How many numbers a safetensors file holds, from its header alone."""
    with safe_open(file, framework="numpy") as stored:
        return sum(math.prod(stored.get_slice(name).get_shape()) for name in stored.keys())


def _hub_row(entry: HubModel) -> dict:
    cached = cached_file(entry.repository, entry.filename, entry.revision)
    return {
        "name": entry.name,
        "image_size": entry.image_size,
        "parameters_millions": entry.parameters,
        "megabytes": entry.megabytes,
        "activation": entry.activation,
        "licence": entry.licence,
        "where": "downloaded" if cached else f"hub: {entry.repository}",
        "trained_on": entry.trained_on,
        "repository": entry.repository,
        "file": entry.filename,
        "revision": entry.revision,
        "sha256": entry.sha256,
        **{f"source_of_{fact}": entry.sources.get(fact) for fact in SOURCES},
    }
