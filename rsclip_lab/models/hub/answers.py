"""Asking the Hugging Face hub: with a short patience, and what the errors of its client mean."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from rsclip_lab.data.disk import FULL, NOT_ALLOWED
from rsclip_lab.environment import first_line

PATIENCE = 5  # seconds until a hub that does not answer counts as out of reach
PAUSES = (0.5, 1, 2)  # seconds before each further try after a passing failure
PASSING = {408, 429, 500, 502, 503, 504}  # statuses that say: try again
LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"

T = TypeVar("T")


class WrongContent(Exception):
    """What arrives, in full, is not the file that the hub announced."""


def within_patience(ask: Callable[[], T]) -> T:
    """What `ask` gives or raises; TimeoutError when that takes longer than PATIENCE.

    The client's own limit is for each address of a host anew, and looking up the name has none.
    """
    answer: Future[T] = Future()

    def wait() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=wait, daemon=True).start()
    limit = PATIENCE + 0.5  # where the client's own limit works, its words are better
    try:
        return answer.result(limit)
    except TimeoutError:
        raise TimeoutError(f"no answer within {limit} seconds") from None


def patiently(work: Callable[[], T]) -> T:
    """What `work` gives; begun again after a pause when the hub is busy or the connection breaks off."""
    for pause in PAUSES:
        try:
            return work()
        except Exception as error:
            if status_of(error) not in PASSING and not isinstance(error, ConnectionAbortedError):
                raise
        time.sleep(pause)
    return work()


def status_of(error: Exception) -> int | None:
    """The HTTP status that an error of the client came with."""
    return getattr(getattr(error, "response", None), "status_code", None)


def is_of_the_disk(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in FULL | NOT_ALLOWED


def is_out_of_reach(error: Exception) -> bool:
    """The hub gave no answer, or none that says anything about what was asked for."""
    from huggingface_hub.utils import EntryNotFoundError, HFValidationError

    about_it = isinstance(error, EntryNotFoundError | HFValidationError | WrongContent) or is_of_the_disk(error)
    return not about_it and status_of(error) in {None, *PASSING}


def on_one_line(name: object) -> str:
    """A name from anywhere as messages show it: as it is, or quoted where it holds what would break the line."""
    text = str(name)
    return text if text.isprintable() else repr(text)


def cause_and_remedy(error: Exception, repository: str, revision: str = "main") -> tuple[str, str]:
    """What an error of the hub's client means, and what to do about it."""
    from huggingface_hub import constants, utils

    said, revision = on_one_line(first_line(error)), on_one_line(revision)
    place = f"{constants.ENDPOINT}/{on_one_line(repository)}"
    known = {
        utils.GatedRepoError: ("the repository is gated", f"ask for access at {place}, then {LOG_IN}"),
        utils.RepositoryNotFoundError: (
            "there is no such repository, or it is private",
            f"check the name, or {LOG_IN}",
        ),
        utils.RevisionNotFoundError: (
            f"the repository has no revision {revision}",
            f"choose one of {place}/commits/main",
        ),
        utils.EntryNotFoundError: (
            f"the repository has no such file at revision {revision}",
            f"choose one of {place}/tree/{revision}",
        ),
        utils.HFValidationError: (said, 'give it as "owner/name"'),
        utils.OfflineModeIsEnabled: ("the hub's client is in offline mode", "unset HF_HUB_OFFLINE and start again"),
        WrongContent: (
            f"{said}, also when it was begun anew; nothing of it is kept",
            "call again later, and from another network: if that repeats, the file there is not to be trusted",
        ),
    }
    for kind, words in known.items():
        if isinstance(error, kind):
            return words
    if status_of(error) in (401, 403):
        return said, f"{LOG_IN}, with a token that may do this"
    if is_of_the_disk(error):
        return f"{error.strerror} ({constants.HF_HUB_CACHE})", "make room there, or set HF_HOME to another folder"
    return f"{said} ({constants.ENDPOINT})", "check the network and call again"
