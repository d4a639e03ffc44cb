"""What a folder, a repository, a file or a table's entry says of its network, before one is built."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import open_clip

from rsclip_lab.models.configuration import architecture_named
from rsclip_lab.models.errors import ModelError
from rsclip_lab.models.fitting import architectures_that_fit
from rsclip_lab.models.hub.files import commit_of, fetch_file, fetch_optional
from rsclip_lab.models.saved.description import DESCRIPTION, UNFINISHED, read_description
from rsclip_lab.models.saved.files import TEXT_TOWER
from rsclip_lab.models.tags import weight_files
from rsclip_lab.models.tokenizers import FOLDER as TOKENIZER
from rsclip_lab.models.tokenizers import collect_tokenizer
from rsclip_lab.models.transformers_layout import architecture_of, from_transformers, is_transformers, preprocess_of
from rsclip_lab.models.weights import read_weights, sha256_of
from rsclip_lab.models.zoo import ZOO, HubModel

OPEN_CLIP_CONFIG, TRANSFORMERS_CONFIG = "open_clip_config.json", "config.json"
TRANSFORMERS_WEIGHTS = ("model.safetensors", "pytorch_model.bin")

Files = Callable[[str], Path | None]  # a file of a folder or repository by its name; None where it has none


@dataclass(frozen=True)
class Parts:
    """What a network is made of. sha256: what the file of weights must have, where that is known."""

    name: str
    architecture: dict
    weights: Path
    created_from: dict
    preprocess: dict | None = None
    sha256: str | None = None
    tokenizer_folder: Path | None = None


def hub_entry(entry: HubModel) -> Parts:
    """A row of the zoo, or of open_clip's own table of pretrained weights."""
    path = _first(lambda name: fetch_optional(entry.repository, name, entry.revision), entry.preferred)
    path = path or fetch_file(entry.repository, entry.filename, entry.revision)
    source = _source(entry.repository, path) | _provenance(entry)
    return Parts(entry.name, _architecture_of(entry), path, source, entry.preprocess, entry.sha256)


def _architecture_of(entry: HubModel) -> dict:
    named = isinstance(entry.architecture, str)
    architecture = architecture_named(entry.architecture) if named else dict(entry.architecture)
    return architecture if entry.quick_gelu is None else architecture | {"quick_gelu": entry.quick_gelu}


def _provenance(entry: HubModel) -> dict:
    """What the descriptions and cards of this network's descendants are to say of it."""
    return {"licence": entry.licence, "trained_on": entry.trained_on}


def files_of_folder(folder: Path) -> Files:
    return lambda name: folder / name if (folder / name).is_file() else None


def files_of_repository(identifier: str) -> Files:
    """identifier: `owner/name` or `owner/name@revision` on the hub."""
    repository, _, revision = identifier.partition("@")
    if repository.count("/") != 1 or not all(repository.split("/")):
        raise ModelError(
            f"hf-hub:{identifier}: not a repository; write hf-hub:owner/name, or hf-hub:owner/name@revision"
        )
    revisions = [revision or "main"]

    def get(name: str) -> Path | None:
        path = fetch_optional(repository, name, revisions[-1])
        if path and commit_of(path):  # what belongs together comes from one commit, also while another is pushed
            revisions.append(commit_of(path))
        return path

    return get


def file_parts(path: Path, architecture: str | dict | None, quick_gelu: bool | None) -> Parts:
    """A file of bare weights: its architecture is given, or it is a file of the zoo that was downloaded by hand."""
    if architecture is None:
        entry = _published_file(path)
        if entry:
            source = {"file": path.name} | _provenance(entry)
            return Parts(entry.name, _architecture_of(entry), path, source, entry.preprocess)
        raise ModelError(_which_architecture(path))
    if quick_gelu is None and not _names_its_activation(architecture):
        warnings.warn(
            f"{path.name} does not say with which activation its weights were trained, and is built with GELU. "
            "Weights that descend from OpenAI's (RemoteCLIP's, GeoRSCLIP's, most of remote sensing's) need "
            "quick_gelu=True; others, such as LAION's, quick_gelu=False. The wrong one gives other features and no "
            "error; say which to load_model.",
            stacklevel=4,
        )
    named = isinstance(architecture, str)
    return Parts(path.stem, architecture_named(architecture) if named else architecture, path, {"file": path.name})


def _which_architecture(path: Path) -> str:
    weights = read_weights(path)
    fitting = architectures_that_fit(from_transformers(weights) if is_transformers(weights) else weights)[:6]
    example = f"; their shapes fit {', '.join(fitting)}" if fitting else ", such as architecture='ViT-B-32'"
    asked = f"{path}: of which architecture are these weights? Say it as open_clip names it{example}"
    names = ", ".join(entry.name for entry in _named_like(path) if entry.sha256)
    return f"{asked}. It has the name of {names}'s file, and not its sha256: it is another one" if names else asked


def _named_like(path: Path) -> list[HubModel]:
    return [entry for entry in ZOO.values() if Path(entry.filename).name == path.name]


def _published_file(path: Path) -> HubModel | None:
    """The entry of the zoo whose file this is, by its hash, or by its name where nobody else's is called so."""
    named = _named_like(path)
    if len(named) == 1 and named[0].sha256 is None:
        return named[0]
    digest = sha256_of(path) if named else None
    return next((entry for entry in named if entry.sha256 == digest), None)


def _names_its_activation(architecture: str | dict) -> bool:
    if isinstance(architecture, dict):
        return "quick_gelu" in architecture
    # Where open_clip has only one of the two, there is nothing to confuse.
    return architecture.endswith("-quickgelu") or f"{architecture}-quickgelu" not in open_clip.list_models()


def described_folder(get: Files) -> Path | None:
    """The folder with a clip.json, once the files it names are in it too; None where there is no clip.json."""
    description = get(DESCRIPTION)
    if description:
        content = read_description(description.parent)
        get(content["weights"]["file"])
        if content["tokenizer"]["name"] == "hf":
            collect_tokenizer(get)  # as push lays it out
            collect_tokenizer(lambda name: get(f"{TOKENIZER}/{name}"))  # as save does
            get(f"{TEXT_TOWER}/config.json")
    return description and description.parent


def folder_parts(get: Files, name: str, place: str) -> Parts:
    """The parts in a folder or repository that open_clip or transformers wrote."""
    config = get(OPEN_CLIP_CONFIG)
    if config:
        return _open_clip_parts(config, get, name, place)
    config = get(TRANSFORMERS_CONFIG)
    if config and _json(config).get("model_type") == "clip":
        return _transformers_parts(config, get, name, place)
    if get(UNFINISHED):
        raise ModelError(
            f"{place}: holds a fine-tuning that is not finished; go on with it by the same call or command as before"
        )
    raise ModelError(
        f"no model in {place}: no {DESCRIPTION} (as save() writes), no {OPEN_CLIP_CONFIG} (open_clip), no "
        f"{TRANSFORMERS_CONFIG} of a CLIPModel (transformers); to read a file of bare weights, give its path and "
        "architecture="
    )


def _open_clip_parts(config: Path, get: Files, name: str, place: str) -> Parts:
    content = _json(config)
    architecture = content.get("model_cfg", content)
    if not isinstance(architecture, dict):
        raise ModelError(f"{config}: model_cfg is no configuration; save or download it again")
    weights = _first(get, weight_files()) or _missing(place, weight_files())
    preprocess, source = content.get("preprocess_cfg"), _source(place, weights)
    return Parts(name, architecture, weights, source, preprocess, tokenizer_folder=config.parent)


def _transformers_parts(config: Path, get: Files, name: str, place: str) -> Parts:
    weights = _first(get, TRANSFORMERS_WEIGHTS) or _missing(place, TRANSFORMERS_WEIGHTS)
    preprocess, source = _transformers_preprocess(get, place), _source(place, weights)
    return Parts(name, architecture_of(_json(config)), weights, source, preprocess)


def _transformers_preprocess(get: Files, place: str) -> dict | None:
    """What the folder says of its preprocessing; from version 5 on, transformers saves it with the processor's."""
    file = get("preprocessor_config.json")
    content = _json(file) if file else None
    if content is None and (file := get("processor_config.json")):
        content = _json(file).get("image_processor")
    if isinstance(content, dict):
        return preprocess_of(content)
    warnings.warn(
        f"{place} does not say how its pictures are prepared (no preprocessor_config.json); CLIP's own way is taken",
        stacklevel=6,
    )
    return None


def _first(get: Files, names: Iterable[str]) -> Path | None:
    return next(filter(None, map(get, names)), None)


def _missing(place: str, names: Iterable[str]):
    raise ModelError(f"{place}: no weights beside the configuration ({' or '.join(names)}); save or push it again")


def _json(path: Path) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not readable JSON ({error}): save or download it again") from None
    if not isinstance(content, dict):
        raise ModelError(f"{path} holds no description: save or download it again")
    return content


def _source(place: str, path: Path) -> dict:
    commit = commit_of(path)
    if commit is None:  # only the folder's name: the description may be published one day
        return {"folder": Path(place).name, "file": path.name}
    return {"hub": place.removeprefix("hf-hub:").partition("@")[0], "revision": commit, "file": path.name}
