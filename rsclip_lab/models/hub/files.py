"""Single files from the Hugging Face hub, through its own client and into its own cache."""

import errno
import hashlib
import os
import re
from pathlib import Path

from rsclip_lab.data.disk import free_bytes
from rsclip_lab.environment import first_line
from rsclip_lab.models.errors import NotFetched
from rsclip_lab.models.hub.answers import (
    PATIENCE,
    WrongContent,
    cause_and_remedy,
    is_of_the_disk,
    is_out_of_reach,
    on_one_line,
    patiently,
    status_of,
    within_patience,
)
from rsclip_lab.models.weights import sha256_of

COMMIT = re.compile("[0-9a-f]{40}")
DIGEST = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")  # the etag: git's own of a small file, the sha256 of a large one


def fetch_file(repository: str, filename: str, revision: str = "main") -> Path:
    """The file in the hub's own cache, downloaded only if it is not there; a cut download goes on where it was.

    A revision that is a commit (40 hexadecimal digits) needs no question when the file is there. Of a branch the
    newest file is fetched; where the hub is out of reach, the cached one serves. Gated and private repositories
    are read with the client's token; HF_ENDPOINT, HF_HOME and HF_HUB_OFFLINE are the client's too.
    What arrives must have the hash that the hub announces; if it has not, it is fetched a second time.
    Raises `NotFetched`: hub out of reach, no such repository, revision or file, no access, wrong content, disk full.
    """
    try:
        return _cached_or_fetched(repository, filename, revision)
    except Exception as error:  # of several libraries: the client's, its transport's, the system's
        raise _not_fetched(error, repository, filename, revision) from None


def fetch_optional(repository: str, filename: str, revision: str = "main") -> Path | None:
    """As `fetch_file`, and None when the repository has no such file; the cache remembers that too."""
    from huggingface_hub.utils import EntryNotFoundError

    try:
        return _cached_or_fetched(repository, filename, revision)
    except EntryNotFoundError:
        return None
    except Exception as error:
        raise _not_fetched(error, repository, filename, revision) from None


def cached_file(repository: str, filename: str, revision: str = "main") -> Path | None:
    """The file in the hub's cache, or None; no question is asked of the hub."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, filename, revision=revision)
    return Path(found) if isinstance(found, str) else None


def commit_of(path: str | Path) -> str | None:
    """The commit that a file of the hub's cache belongs to; None for a file from elsewhere."""
    found = re.search("/snapshots/([0-9a-f]{40})/", Path(path).as_posix())
    return found[1] if found else None


def discard(path: str | Path) -> None:
    """Remove a wrong file from the hub's cache, where it is a link to the content: both."""
    path = Path(path)
    if commit_of(path) is None:
        raise ValueError(f"{path} is no file of the hub's cache")
    if path.is_symlink():
        (path.parent / os.readlink(path)).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def _not_fetched(error: Exception, repository: str, filename: str, revision: str) -> NotFetched:
    cause, remedy = cause_and_remedy(error, repository, revision)
    file, place = on_one_line(filename), on_one_line(repository)
    message = f"{file} could not be fetched from {place}: {cause}; {remedy}."
    return NotFetched(message, is_out_of_reach(error))


def _cached_or_fetched(repository: str, filename: str, revision: str) -> Path:
    from huggingface_hub import try_to_load_from_cache

    known = try_to_load_from_cache(repository, filename, revision=revision)
    if known and COMMIT.fullmatch(revision):
        return _as_known(known)
    try:
        return patiently(lambda: _fetch(repository, filename, revision))
    except Exception as error:
        if known and is_out_of_reach(error):
            return _as_known(known)
        raise


def _as_known(known: object) -> Path:
    from huggingface_hub.utils import EntryNotFoundError

    if isinstance(known, str):
        return Path(known)
    raise EntryNotFoundError("the cache remembers that the repository has no such file")


def _fetch(repository: str, filename: str, revision: str) -> Path:
    # hf_hub_download of 2.x begins a cut file anew. So the content is put where the client keeps contents first,
    # out of an ".incomplete" file beside it; the client then finds it there, links it and notes the commit.
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.utils import EntryNotFoundError, LocalEntryNotFoundError

    url, content = hf_hub_url(repository, filename, revision=revision), None
    try:
        # Without an answer to this one question the client would go on asking for half a minute.
        found = within_patience(lambda: get_hf_file_metadata(url, timeout=PATIENCE))
        if COMMIT.fullmatch(found.commit_hash or "") and DIGEST.fullmatch(found.etag or ""):
            url = hf_hub_url(repository, filename, revision=found.commit_hash)
            content = _place_content(repository, filename, url, found)
    except EntryNotFoundError:
        pass  # the client says so again, and remembers it
    try:
        path = Path(hf_hub_download(repository, filename, revision=revision))
    except LocalEntryNotFoundError as error:  # a kind of EntryNotFoundError, whatever happened
        raise (error.__cause__ or ConnectionAbortedError(first_line(error))) from None
    if content and not path.is_symlink():  # a system without links got a copy
        content.unlink(missing_ok=True)
    return path


def _place_content(repository: str, filename: str, url: str, found) -> Path:
    """The content in the cache's folder of contents; one process at a time, by the client's own lock."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name
    from huggingface_hub.utils import WeakFileLock

    cache, folder = Path(constants.HF_HUB_CACHE), repo_folder_name(repo_id=repository, repo_type="model")
    content, lock = cache / folder / "blobs" / found.etag, cache / ".locks" / folder / f"{found.etag}.lock"
    for place in (content, lock):
        place.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(lock):
        if not content.exists():
            part = content.with_name(f"{found.etag}.incomplete")
            try:
                _complete(url, part, filename, found)
            except WrongContent:  # what lay there from an earlier call may have been the fault
                _complete(url, part, filename, found)
            os.replace(part, content)
    return content


def _complete(url: str, part: Path, filename: str, found) -> None:
    """Bring `part` to its end; what then is not the file announced is removed, and WrongContent raised."""
    try:
        _go_on(url, part, filename, found.size)
        digest = sha256_of(part) if len(found.etag) == 64 else _git_digest(part)
        if digest != found.etag:
            raise WrongContent(f"what arrives has the hash {digest[:12]}…, and the hub announces {found.etag[:12]}…")
    except WrongContent:
        part.unlink()
        raise


def _git_digest(path: Path) -> str:
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _go_on(url: str, part: Path, filename: str, size: int | None) -> None:
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    with part.open("ab") as file:
        if size is not None and file.tell() > size:
            file.seek(0)
            file.truncate()
        missing = (size or 0) - file.tell()
        if missing > (free := free_bytes(part.parent)):
            needed = f"{missing / 1e6:.0f} MB are needed and {free / 1e6:.0f} MB free"
            raise OSError(errno.ENOSPC, needed)
        options = {"headers": build_hf_headers(), "expected_size": size, "displayed_filename": filename}
        try:
            http_get(url, file, resume_size=file.tell(), **options)
        except Exception as error:
            if status_of(error) or is_of_the_disk(error):
                raise
            if "Consistency check failed" in str(error):  # the client's, of an answer that ended as it should
                raise WrongContent(f"{file.tell()} bytes arrive, and the hub announces {size}") from None
            raise ConnectionAbortedError(f"cut off, what has arrived is kept; {first_line(error)}") from error
