"""One file from the hub: continued where it was cut off, and refused unless its hash is the expected one."""

import hashlib
import os
from pathlib import Path

from rsclip_lab.data.disk import FULL
from rsclip_lab.data.table import CaptionError
from rsclip_lab.environment import first_line

PATIENCE = 10  # seconds until a hub that does not answer counts as out of reach


def download(repository: str, revision: str, name: str, sha256: str, target: Path) -> None:
    """The file `name` of a data set repository as `target`; a `target` that is there with this hash is kept.

    What arrived before a connection broke lies in `target` + ".part", and the next call goes on from there.
    Raises CaptionError when the hub is out of reach, has no such file or revision, or sends another file (which is
    removed); OSError when the disk is full.
    """
    from huggingface_hub import hf_hub_url

    url = hf_hub_url(repository, name, repo_type="dataset", revision=revision)
    if target.is_file():
        return _require_hash(target, sha256, url)
    part = target.with_name(target.name + ".part")
    try:
        _continue(url, part)
    except Exception as error:  # of several libraries: offline mode, refused, timed out, 404, cut off, …
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        raise CaptionError(
            f"{url}: could not be fetched ({first_line(error)}); check the network and call again (what has arrived "
            f"is kept), or download it by hand to {target} and call again, or work with lab.sample('coast')"
        ) from error
    _require_hash(part, sha256, url)
    os.replace(part, target)


def _continue(url: str, part: Path) -> None:
    # hf_hub_download begins a file anew in each process; http_get, below it, can continue one.
    from huggingface_hub import get_hf_file_metadata
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    size = get_hf_file_metadata(url, timeout=PATIENCE).size
    with part.open("ab") as file:
        if size is not None and file.tell() > size:
            file.seek(0)
            file.truncate()
        http_get(url, file, resume_size=file.tell(), headers=build_hf_headers(), expected_size=size)


def _require_hash(file: Path, sha256: str, url: str) -> None:
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != sha256:
        file.unlink()
        raise CaptionError(
            f"{file}: not the expected file (sha256 {found[:12]}…, expected {sha256[:12]}…) and removed; "
            f"call again, and if that repeats do not use {url}"
        )
