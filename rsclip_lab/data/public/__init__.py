"""Public sets by one word: fetched once, verified, and read as the one table."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
from filelock import FileLock

from rsclip_lab.data.disk import require_free, unwritable
from rsclip_lab.data.public.archive import unpack
from rsclip_lab.data.public.download import download
from rsclip_lab.data.public.sets import SETS, PublicSet
from rsclip_lab.data.readers import read_captions
from rsclip_lab.data.readers.image_folder import ImageFolder
from rsclip_lab.data.table import CaptionError, select_split, split_by_image
from rsclip_lab.data.writers import write_csv

__all__ = ["SETS", "PublicSet", "fetch_data"]

RECORD = "SOURCE.txt"  # no .json, which read_captions would take for captions
ROOM = 2.5  # times the download: the files themselves and what is unpacked from them
SPLIT_SEED = 0


def fetch_data(name: str, folder: str | Path | None = None, split: str | None = None) -> pd.DataFrame:
    """A public set as the table that `read_captions` gives; downloaded and verified on first use.

    name: "rsicd", "eurosat", "resisc45", "ucmerced" or "sydney".
    folder: where the set lies, or shall lie: a new folder, on a mounted drive too. By default `data/<name>` below
    the current folder, where one sees what a course has downloaded, and can delete it; the package never hides
    half a gigabyte in a cache, and a temporary folder would not survive the session.
    split: keep only this one. RSICD and Sydney have their own; for EuroSAT, RESISC45 and UCMerced, whose
    archives have none, `split_by_image` draws 70 % train, 10 % val, 20 % test, always the same (seed 0): it is
    this course's split, not a published one.

    The first call for a folder prints size, licence and citation, downloads from the Hugging Face hub at a pinned
    commit, compares each file's sha256, and writes `SOURCE.txt` into the folder. Until that is done everything
    lies in `<folder>.partial`, where an interrupted call is continued by the next. Later calls need no network.

    Raises CaptionError for an unknown name, a hub out of reach, a file that is not the expected one, a full disk, and
    a folder that holds something else or is no longer complete.
    """
    name = name.strip().lower()
    if name not in SETS:
        raise CaptionError(
            f"no public set named {name!r}; there are: {', '.join(SETS)}; read_captions reads your own folder"
        )
    chosen = SETS[name]
    folder = Path(os.path.abspath(os.path.expanduser(folder or Path("data", name))))
    if not (folder / RECORD).is_file():
        _fetch(chosen, folder)
    captions = _read(chosen, folder)
    if chosen.draws_split:
        captions = split_by_image(captions, seed=SPLIT_SEED)
    return select_split(captions, split, source=str(folder))


def _read(chosen: PublicSet, folder: Path) -> pd.DataFrame:
    """The table, with as many captions and pictures as when the set was fetched."""
    file = folder / RECORD
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        record = dict(line.split(": ", 1) for line in lines)
        source = record["repository"], record["revision"]
        fetched = {what: int(record[what]) for what in ("captions", "pictures")}
    except (OSError, ValueError, KeyError) as error:
        raise CaptionError(f"{file}: cannot be read ({error}); delete {folder} and call again") from error
    if source != (chosen.repository, chosen.revision):
        raise CaptionError(
            f"{file}: the folder holds {' at '.join(source)}, not {chosen.repository} at {chosen.revision}; "
            "name another folder"
        )
    captions = read_captions(folder / record.get("read", "."))
    for what, there in _counts(captions).items():
        if there != fetched[what]:
            raise CaptionError(
                f"{folder}: {there} {what} are there and {fetched[what]} were fetched; "
                "delete the folder and call again"
            )
    return captions


def _counts(captions: pd.DataFrame) -> dict[str, int]:
    """How many captions there are, and how many of their pictures are files; each folder is listed once."""
    images = captions["image"].unique()
    folder = ImageFolder(os.path.dirname(images[0]))
    return {"captions": len(captions), "pictures": sum(map(folder.has, images))}


def _fetch(chosen: PublicSet, folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CaptionError(
            f"{folder}: holds something else (no {RECORD}); name a new folder, such as {folder / chosen.name}"
        )
    if chosen.keep is None and find_spec("pyarrow") is None:
        raise CaptionError(f'{chosen.name}: reading its files needs pyarrow; pip install "rsclip-lab[parquet]"')
    stage = folder.with_name(folder.name + ".partial")
    lock = folder.with_name(folder.name + ".lock")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            if not (folder / RECORD).is_file():  # another process may have been faster
                _announce(chosen, folder)
                stage.mkdir(exist_ok=True)
                _complete(chosen, stage, folder)
            shutil.rmtree(stage, ignore_errors=True)
        lock.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(stage, error) from error


def _announce(chosen: PublicSet, folder: Path) -> None:
    print(
        f"{chosen.name}: {chosen.contents}; {chosen.megabytes} MB from the hub ({chosen.repository}) to {folder}\n"
        f"  licence: {chosen.licence}\n  please cite: {chosen.citation}"
    )


def _complete(chosen: PublicSet, stage: Path, folder: Path) -> None:
    """Download, unpack and describe the set in `stage`, then make it `folder` in one step."""
    arrived = sum(file.stat().st_size for file in stage.iterdir() if file.is_file())
    require_free(stage, int(ROOM * chosen.megabytes * 1e6) - arrived)
    files = {stage / Path(name).name: name for name in chosen.files}
    for file, name in files.items():
        download(chosen.repository, chosen.revision, name, chosen.files[name], file)
    content, to_read = _content(chosen, list(files), stage / "content")
    record = {
        "name": chosen.name,
        "repository": chosen.repository,
        "revision": chosen.revision,
        **{f"sha256 of {name}": sha256 for name, sha256 in chosen.files.items()},
        "read": to_read,
        **_counts(read_captions(content / to_read)),
        "licence": chosen.licence,
        "citation": chosen.citation,
    }
    text = "".join(f"{key}: {value}\n" for key, value in record.items())
    (content / RECORD).write_text(text, encoding="utf-8")
    if folder.is_dir():
        folder.rmdir()  # empty: it was looked at
    os.replace(content, folder)


def _content(chosen: PublicSet, files: list[Path], place: Path) -> tuple[Path, str]:
    """Make the set's folder from its files: (folder, what in it `read_captions` is to read)."""
    shutil.rmtree(place, ignore_errors=True)  # of a call that was interrupted
    if chosen.keep is None:
        # In the tutorial's layout once and for all: reading hundreds of megabytes of parquet in each session is slow.
        captions = read_captions(files[0].parent, image_dir=place / "images")
        write_csv(captions, place / "caption.csv", place / "images")
        return place, "caption.csv"
    for file in files:
        unpack(file, place)
    found = next(iter(sorted(place.glob(chosen.keep))), None)
    if found is None:
        raise CaptionError(f"{files[0]}: there is no {chosen.keep} in it; unpack it by hand and use read_captions")
    return (found, ".") if found.is_dir() else (found.parent, found.name)
