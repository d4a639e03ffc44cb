"""The first time on a machine with real internet: do the published files and numbers hold?"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas as pd

from rsclip_lab.data.table import CaptionError
from rsclip_lab.environment import select_device
from rsclip_lab.evaluation.published import PUBLISHED, Published, read_published
from rsclip_lab.first_contact.fetching import announce, fetch_set, fetch_weights, now, read_given
from rsclip_lab.first_contact.machine import machine
from rsclip_lab.first_contact.measuring import Workbench
from rsclip_lab.first_contact.readings import activation_rows, is_borne_out, number_rows
from rsclip_lab.first_contact.report import as_markdown, read_results, write_results
from rsclip_lab.models import HubModel, ModelError
from rsclip_lab.models.tags import tagged_model
from rsclip_lab.models.zoo import ZOO

__all__ = ["first_contact"]


def first_contact(
    names: Iterable[str] | None = None,
    data: Mapping[str, str | Path] | None = None,
    folder: str | Path = Path("outputs/first_contact"),
    device: str = "auto",
    published: str | Path = PUBLISHED,
) -> dict:
    """Fetch and verify the zoo's weight files, and measure with them what was published about them.

    names: models of the zoo, or open_clip's name:tag; by default all of the zoo and what is published for comparison.
    data: where data sets lie that cannot be fetched ("rsitmd", "ucm", "aid"), or that need not be: a folder or file
    for `read_captions`, read before anything is fetched. The others come by `fetch_data`, into data/<name> below the
    current folder.
    folder: gets first_contact.json (what is returned) and first_contact.md (what is printed), written anew after
    every step, and decoded pictures in `pixels/`, which can be deleted.
    device: as `load_model` takes it. published: the table to compare with, a file like published.toml.

    Each number is measured with QuickGELU and with GELU, which settles what the weights were made for. What fails is
    said in its row and the rest goes on. A call that was interrupted goes on where it was: files come from the hub's
    cache, and what was measured with the same file, data and protocol stays; earlier results for other names too.

    Gives {"date", "machine", "published", "names", "ok", "files", "data", "measured", "numbers", "activation"};
    files[name]["ok"] says whether a file is the expected one. `ok` is about the `names` of this call alone: each of
    their files is the expected one, and of the numbers published about them, if any, at least one was measured.
    Raises ModelError for an unknown name, ValueError for an unknown data set, a device that is not there and a
    first_contact.json of another make, CaptionError for `data` that is not there or cannot be read.
    """
    table, folder = read_published(published), Path(folder).expanduser()
    entries = _entries(names, table)
    data = {name: Path(place).expanduser() for name, place in (data or {}).items()}
    _require_data(data, table)
    select_device(device)
    results = {"date": now(), "machine": machine(), "published": {"file": table.file, "sha256": table.sha256}}
    results |= {"names": list(entries), "ok": False, "files": {}, "data": {}, "measured": {}, **read_results(folder)}

    def save() -> None:
        results["date"] = now()
        results["numbers"] = number_rows(table.claims, results)
        results["activation"] = activation_rows(table.claims, results)
        results["ok"] = is_borne_out(entries, results)
        write_results(results, folder)

    claims = [claim for claim in table.claims if claim.model in entries]
    sets = dict.fromkeys(claim.data for claim in claims)
    announce(entries.values(), [name for name in sets if name not in data], table.by_hand)
    tables = _read({name: data[name] for name in sets if name in data}, results)
    _fetch_weights(entries, results, save)
    claims = [claim for claim in claims if results["files"][claim.model]["ok"]]
    sets = dict.fromkeys(claim.data for claim in claims)
    tables |= _fetch_sets([name for name in sets if name not in data], table.by_hand, results, save)
    workbench = Workbench(tables, folder / "pixels", device)
    for name in entries:
        workbench.measure(name, [claim for claim in claims if claim.model == name], results, save)
    save()
    print(as_markdown(results))
    return results


def _entries(names: Iterable[str] | None, table: Published) -> dict[str, HubModel]:
    known = dict.fromkeys([*ZOO, *(claim.model for claim in table.claims)])
    entries = {}
    for name in known if names is None else names:
        if name not in ZOO and ":" not in name:
            raise ModelError(f"no weight file is known as {name!r}: choose of {', '.join(known)}, or a name:tag")
        entries[name] = ZOO[name] if name in ZOO else tagged_model(name)
    return entries


def _require_data(data: Mapping[str, Path], table: Published) -> None:
    known = sorted({claim.data for claim in table.claims})
    if unknown := sorted(set(data) - set(known)):
        raise ValueError(f"nothing is published on {', '.join(unknown)}: data sets are {', '.join(known)}")
    for name, place in data.items():
        if not place.exists():
            raise CaptionError(f"{name}: there is no {place}; give the folder or the file that holds the captions")


def _read(given: Mapping[str, Path], results: dict) -> dict[str, pd.DataFrame]:
    tables = {}
    for name, place in given.items():
        print(f"reading {name}", flush=True)
        tables[name], results["data"][name] = read_given(name, place)
    return tables


def _fetch_weights(entries: Mapping[str, HubModel], results: dict, save: Callable[[], None]) -> None:
    for name, entry in entries.items():
        print(f"fetching {name}: {entry.filename} from {entry.repository}", flush=True)
        results["files"][name] = fetch_weights(entry)
        save()


def _fetch_sets(
    names: Iterable[str], by_hand: Mapping[str, str], results: dict, save: Callable[[], None]
) -> dict[str, pd.DataFrame]:
    """Those that can be had; all are described in the results."""
    tables = {}
    for name in names:
        print(f"reading {name}", flush=True)
        captions, results["data"][name] = fetch_set(name, by_hand)
        if captions is not None:
            tables[name] = captions
        save()
    return tables
