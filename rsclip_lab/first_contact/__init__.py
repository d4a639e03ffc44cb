"""The first time on a machine with real internet: do the published files and numbers hold?"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import pandas as pd

import rsclip_lab
from rsclip_lab.environment import environment_report, select_device
from rsclip_lab.first_contact.fetching import fetch_weights, now, read_data
from rsclip_lab.first_contact.measuring import Workbench
from rsclip_lab.first_contact.published import PUBLISHED, Claim, Published, read_published
from rsclip_lab.first_contact.readings import activation_rows, number_rows
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
    for `read_captions`. The others come by `fetch_data`, into data/<name> below the current folder.
    folder: gets first_contact.json (what is returned) and first_contact.md (what is printed), written anew after
    every step, and decoded pictures in `pixels/`, which can be deleted.
    device: as `load_model` takes it. published: the table to compare with, a file like published.toml.

    Each number is measured with QuickGELU and with GELU, which settles what the weights were made for. What fails is
    said in its row and the rest goes on. A call that was interrupted goes on where it was: files come from the hub's
    cache, and what was measured with the same file, data and protocol stays; earlier results for other names too.

    Gives {"date", "machine", "published", "files", "data", "measured", "numbers", "activation"}; files[name]["ok"]
    says whether a file is the expected one. Raises ModelError for an unknown name, ValueError for an unknown data
    set, a device that is not there, and a first_contact.json of another make.
    """
    table, folder = read_published(published), Path(folder).expanduser()
    entries = _entries(names, table)
    data = {name: Path(place).expanduser() for name, place in (data or {}).items()}
    _require_known(data, table)
    select_device(device)
    results = {"date": now(), "machine": _machine(), "published": {"file": table.file, "sha256": table.sha256}}
    results |= {"files": {}, "data": {}, "measured": {}, **read_results(folder)}

    def save() -> None:
        results["date"] = now()
        results["numbers"] = number_rows(table.claims, results)
        results["activation"] = activation_rows(table.claims, results)
        write_results(results, folder)

    _fetch(entries, results, save)
    claims = [claim for claim in table.claims if claim.model in entries and results["files"][claim.model]["ok"]]
    tables = _read(claims, data, table.by_hand, results, save)
    workbench = Workbench(tables, folder / "pixels", device)
    for name in entries:
        workbench.measure(name, [claim for claim in claims if claim.model == name], results, save)
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


def _require_known(data: Mapping[str, Path], table: Published) -> None:
    known = sorted({claim.data for claim in table.claims})
    if unknown := sorted(set(data) - set(known)):
        raise ValueError(f"nothing is published on {', '.join(unknown)}: data sets are {', '.join(known)}")


def _machine() -> dict[str, str]:
    report = environment_report().query("item != 'precision'")  # of training; everything here is float32
    versions = {name: version(name) for name in ("huggingface_hub", "numpy")}
    report = dict(zip(report["item"], report["value"], strict=True))
    return {"rsclip-lab": rsclip_lab.__version__, **versions, **report}


def _fetch(entries: Mapping[str, HubModel], results: dict, save: Callable[[], None]) -> None:
    gigabytes = sum(entry.megabytes or 0 for entry in entries.values()) / 1000
    print(f"{len(entries)} weight files of together about {gigabytes:.1f} GB", flush=True)
    for name, entry in entries.items():
        print(f"fetching {name}: {entry.filename} from {entry.repository}", flush=True)
        results["files"][name] = fetch_weights(entry)
        save()


def _read(
    claims: Sequence[Claim], given: Mapping[str, Path], by_hand: Mapping[str, str], results: dict, save
) -> dict[str, pd.DataFrame]:
    """The data sets that the claims are about, those that can be had; all are described in the results."""
    tables = {}
    for name in dict.fromkeys(claim.data for claim in claims):
        print(f"reading {name}", flush=True)
        captions, results["data"][name] = read_data(name, given, by_hand)
        if captions is not None:
            tables[name] = captions
        save()
    return tables
