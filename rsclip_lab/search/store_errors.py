"""What a database on a disk or in an object store says when something is wrong, in words and with a remedy."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from rsclip_lab.data.disk import FULL, NOT_ALLOWED, write_error

# What the store's message holds, what that means, and what to do; the first one that fits is told.
CAUSES = [
    (r"NoSuchBucket|bucket does not exist", "there is no such bucket; create it, or correct the url"),
    (
        r"InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|Forbidden|PermissionDenied|Unauthenticated"
        r"|InvalidClientTokenId|ExpiredToken|status: 40[13]|status code: 40[13]",
        "access denied; see that the credentials (storage_options, or the environment: AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY for s3://) are right, and may list, read, write and delete there",
    ),
    (
        r"169\.254\.169\.254|credential provider|CredentialsNotLoaded|no providers in chain",
        "no credentials; give them as storage_options or in the environment (AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY for s3://)",
    ),
    (
        r"URL scheme is not allowed|BadScheme",
        'the endpoint is http, not https; say storage_options={"allow_http": "true", …} if that is meant',
    ),
    (
        r"kind: Connect|ConnectionRefused|ConnectionReset|IncompleteMessage|dns error|timed out|TimedOut|Timeout",
        "the server does not answer; see that it runs, that the network is there, and that the endpoint is right; "
        "nothing that is stored is lost, the same call goes on",
    ),
    (r"No object store provider", "LanceDB knows no such store; name a folder, or s3://…, gs://… or az://…"),
]
SECRET = re.compile(r"key|secret|token|password|credential|sas", re.IGNORECASE)
RUST = re.compile(r",?\s*/\S+\.rs:\d+(:\d+)?")  # where in LanceDB's source it happened
CONFLICT = re.compile(r"commit conflict|concurrent writers|concurrent transaction", re.IGNORECASE)


class StoreError(OSError):
    """A database's store that is not there, does not answer or refuses; the message says what to do."""


@contextmanager
def store_in_words(url: str, options: dict | None) -> Iterator[None]:
    """StoreError for what LanceDB raises in the block; its own words are long, and may hold credentials."""
    try:
        yield
    except (StoreError, ImportError):
        raise
    except Exception as error:
        raise StoreError(f"{url}: {_cause(error, options or {})}") from None


def is_conflict(error: Exception) -> bool:
    """Whether another writer was faster, and the same can be tried again."""
    return bool(CONFLICT.search(str(error)))


def _cause(error: Exception, options: dict) -> str:
    text = str(error)
    if found := next((meaning for pattern, meaning in CAUSES if re.search(pattern, text)), None):
        return found
    number = getattr(write_error(error), "errno", None)
    if number in FULL:
        return "the disk is full; make room there, or name a folder on another disk"
    if number in NOT_ALLOWED:
        return f"cannot be read or written ({os.strerror(number)}); name another folder, or ask for access"
    says = _without_secrets(RUST.sub("", text), options)
    return (
        f"the database cannot be read or written; LanceDB says: {says}. If its files are damaged, take a copy "
        "of it, or remove it and build it again"
    )


def _without_secrets(text: str, options: dict) -> str:
    given = [*options.items(), *os.environ.items()]
    for secret in sorted({str(value) for name, value in given if SECRET.search(name) and value}, key=len)[::-1]:
        text = text.replace(secret, "…") if len(secret) > 3 else text
    text = re.sub(r"//[^/@\s]+@", "//…@", text)
    return (text.strip().splitlines() or ["nothing"])[0][:200]


def check_url(url: str) -> None:
    """Raises ValueError for an address with credentials in it, which would stand in every message and history."""
    parts = urlsplit(url) if "://" in url else None
    if parts and (parts.username is not None or parts.password is not None):
        raise ValueError(
            f"{parts.scheme}://…@{parts.hostname}: no credentials in an address; give them as storage_options or in "
            "the environment"
        )
