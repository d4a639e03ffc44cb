"""Single files from the Hugging Face hub, through its own client and cache."""

from pathlib import Path

from rsclip_lab.environment import first_line
from rsclip_lab.models.errors import NotFetched


def fetch_file(repository: str, filename: str, revision: str = "main") -> Path:
    """The file in the hub's own cache, downloaded if it is not there yet; `NotFetched` where that fails."""
    from huggingface_hub import HfApi, hf_hub_download

    path = cached_file(repository, filename, revision)
    if path:
        return path
    try:
        # One question with a short limit first: without network the download retries for half a minute.
        HfApi().model_info(repository, revision=revision, timeout=5)
        return Path(hf_hub_download(repository, filename, revision=revision))
    except Exception as error:  # of several libraries: offline mode, refused, timed out, 404, disk full, …
        raise NotFetched(
            f"{filename} could not be fetched from the hub ({repository}): {first_line(error)}. "
            "Check the network, or work offline with load_model('tiny')."
        ) from None


def cached_file(repository: str, filename: str, revision: str = "main") -> Path | None:
    """The file in the hub's cache, or None; no question is asked of the hub."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, filename, revision=revision)
    return Path(found) if isinstance(found, str) else None
