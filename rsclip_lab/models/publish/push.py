"""A model onto the Hugging Face hub: weights, descriptions and card in one commit."""

import copy
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rsclip_lab.models.clip import Clip
from rsclip_lab.models.errors import ModelError
from rsclip_lab.models.exports import open_clip_folder
from rsclip_lab.models.exports.local_paths import without_paths
from rsclip_lab.models.hub.answers import LOG_IN, cause_and_remedy, on_one_line, status_of, within_patience
from rsclip_lab.models.publish.card import model_card
from rsclip_lab.models.saved.files import TEXT_TOWER

CARD = "README.md"
MARK = "\n\n<!-- rsclip-lab wrote the card above: "


def push(
    model,
    repository: str,
    *,
    private: bool = False,
    licence: str | None = None,
    token: str | None = None,
    message: str = "Model and card, by rsclip-lab",
) -> str:
    """Upload a model, or a run's model, to "owner/name" on the hub, which is made if need be; gives its address.

    What is uploaded loads with `load_model("hf-hub:owner/name")` and with open_clip's functions by the same name.
    The card (README.md) is written from the model's description; one that somebody wrote or edited there is kept.
    The configuration and tokenizer of a text tower of transformers go along, and no path of this machine does.
    token: as the hub's client has it (`hf auth login`, HF_TOKEN) unless given.
    Raises `ModelError`: no "owner/name", no token or one that may not write, hub out of reach or in offline mode, a
    private repository asked for where a public one is, or a model that cannot be written; nothing is uploaded then.
    """
    clip = model if isinstance(model, Clip) else getattr(model, "model", None)
    if not isinstance(clip, Clip):
        raise ModelError(f"push() takes a model or a run, not {type(model).__name__}")
    with _in_words(repository):
        api = _logged_in(repository, token)
    with TemporaryDirectory(prefix="rsclip-lab-") as folder:
        clip = _at_home_in(repository, clip)
        open_clip_folder.write(clip, Path(folder))
        _complete_text_tower(Path(folder))
        (Path(folder) / CARD).write_text(_marked(model_card(clip, repository, licence)), encoding="utf-8")
        with _in_words(repository):
            return _upload(api, repository, Path(folder), private, message)


def _at_home_in(repository: str, clip: Clip) -> Clip:
    """The same model, whose tokenizer's and text tower's files, if it needs any, will lie in `repository` itself."""
    description = copy.deepcopy(clip.description)
    text = description["architecture"]["text_cfg"]
    if description["tokenizer"]["name"] == "hf":
        description["tokenizer"]["source"] = text["hf_tokenizer_name"] = repository
    if text.get("hf_model_name"):
        text["hf_model_name"] = repository
    return Clip(clip.net, without_paths(description), clip.tokenizer)


def _complete_text_tower(folder: Path) -> None:
    """open_clip has transformers look up the text tower in a repository by its name, so in config.json at its top."""
    config = folder / TEXT_TOWER / "config.json"
    if config.is_file():
        content = without_paths(json.loads(config.read_text(encoding="utf-8")))  # transformers 4 notes where it was
        config.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        shutil.copyfile(config, folder / config.name)


def _logged_in(repository: str, token: str | None):
    from huggingface_hub import HfApi, constants, get_token
    from huggingface_hub.utils import validate_repo_id

    validate_repo_id(repository)
    if repository.count("/") != 1:
        raise ModelError(f'{repository!r} names no repository: give "owner/name", such as your user name before it')
    token = token or get_token()
    if token is None:
        raise ModelError(f"{repository} cannot be pushed without a token: {LOG_IN}")
    api = HfApi(token=token)
    user = within_patience(api.whoami)
    if user.get("auth", {}).get("accessToken", {}).get("role") == "read":
        remedy = f"make one that may write at {constants.ENDPOINT}/settings/tokens"
        raise ModelError(f"{repository} cannot be pushed with a token for reading: {remedy}")
    return api


def _upload(api, repository: str, folder: Path, private: bool, message: str) -> str:
    from huggingface_hub import CommitOperationAdd

    address = str(api.create_repo(repository, private=private, exist_ok=True))
    there = api.model_info(repository)
    if private and not there.private:
        raise ModelError(f"{repository} is there and public: make it private at {address}/settings, then push again")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if _has_foreign_card(api, there):
        print(f"{address}: its {CARD} was written or edited by hand and is kept; delete it there to push a new one.")
        files.remove(folder / CARD)
    additions = [CommitOperationAdd(path.relative_to(folder).as_posix(), path) for path in files]
    # One commit on what was seen; upload_folder may make several.
    api.create_commit(repository, additions, commit_message=message, parent_commit=there.sha)
    return address


def _has_foreign_card(api, there) -> bool:
    if all(file.rfilename != CARD for file in there.siblings):
        return False
    path = Path(api.hf_hub_download(there.id, CARD, revision=there.sha))
    text = path.read_text(encoding="utf-8", errors="replace")
    return text != _marked(text.rpartition(MARK)[0])


def _marked(card: str) -> str:
    """The card with its own hash below it, so that a later push can tell whether somebody has edited it."""
    card = card.rstrip()
    return f"{card}{MARK}{hashlib.sha256(card.encode()).hexdigest()} -->\n"


@contextmanager
def _in_words(repository: str) -> Iterator[None]:
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # of several libraries: the client's, its transport's, the system's
        cause, remedy = cause_and_remedy(error, repository)
        if status_of(error) == 403:
            remedy += ", or choose a namespace of your own: your user name, or an organisation's you belong to"
        raise ModelError(f"{on_one_line(repository)} could not be pushed: {cause}; {remedy}") from None
