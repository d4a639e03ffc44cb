"""`load_model`: one call, whatever the source of the weights."""

from pathlib import Path

import open_clip

from rsclip_lab.environment import select_device
from rsclip_lab.models.architecture import build_network, complete_architecture
from rsclip_lab.models.clip import Clip, describe
from rsclip_lab.models.errors import ModelError, NotFetched
from rsclip_lab.models.files import read_model
from rsclip_lab.models.hub import fetch_file
from rsclip_lab.models.weights import check_sha256, load_weights, read_weights
from rsclip_lab.models.zoo import TINY, ZOO, HubModel


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
    path = fetch_file(entry.repository, entry.filename, entry.revision)
    if entry.sha256:
        # Resolved: the hub's cache shows links, and the file to delete is the one they point to.
        check_sha256(path.resolve(), entry.sha256, "delete it, load again, and do not use it if that repeats")
    architecture = entry.architecture
    if isinstance(architecture, str):
        architecture = open_clip.get_model_config(architecture)
    architecture = complete_architecture(architecture)
    net = build_network(architecture)
    load_weights(net, read_weights(path), path)
    source = {"hub": entry.repository, "revision": entry.revision, "file": entry.filename}
    return Clip(net, describe(entry.name, architecture, created_from=source)).to(select_device(device))
