"""The model card: what a stranger must know of a model, from its description, as the hub shows it."""

import json
import re
from collections.abc import Iterator

import yaml

from rsclip_lab.models.errors import ModelError
from rsclip_lab.models.publish.card_results import metrics_of, results
from rsclip_lab.models.publish.card_words import (
    FOUNDATIONS,
    LICENCES,
    LIMITS,
    OF_REPLAY,
    PAPERS,
    TESTED,
    UNTESTED,
    USE,
    USES,
    bullets,
    counted,
    figure,
    object_of,
    table,
    words,
)
from rsclip_lab.models.saved.description import plain
from rsclip_lab.models.saved.provenance import ancestors, parents

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


def model_card(model, repository: str | None = None, licence: str | None = None) -> str:
    """A model card in Markdown under the hub's YAML header, from what `model.description` records.

    repository: "owner/name" where the model will stand, for the code that loads it. licence: of these weights, such
    as "apache-2.0"; the header leaves it out where it is not known or no identifier. What was not recorded is said
    to be missing. Metrics come from `Run.record` or `record_metrics`.
    Raises ModelError for a repository that is no "owner/name".
    """
    if repository is not None and not HUB_NAME.fullmatch(repository):
        raise ModelError(f"{repository!r} is no repository of the hub: give owner and name, as in 'owner/name'")
    known = plain(model.description)
    licence = licence or _stated(_source(known).get("licence"))
    sections = {
        "": _what_it_is(known, model),
        "## Data": _data(known),
        "## Training": _training(known),
        "## Results": results(known),
        "## How to use it": _use(repository),
        "## Licence": _licence(known, licence),
        "## Limits": [bullets([TESTED if object_of(known.get("measured_on")) else UNTESTED, *LIMITS])],
        "## To cite": [bullets(_citations(known))],
    }
    header = yaml.safe_dump(_header(known, licence), sort_keys=False, allow_unicode=True, width=10_000)
    parts = [f"---\n{header}---", f"# {words(known['name'])}"]
    for title, paragraphs in sections.items():
        parts += [title, *paragraphs]
    return "\n\n".join(filter(None, parts)) + "\n"


def _source(known: dict) -> dict:
    return object_of(known.get("created_from"))


def _stated(licence) -> str | None:
    return None if licence in (None, "", "not stated") else str(licence)


def _header(known: dict, licence: str | None) -> dict:
    header = {
        "library_name": "open_clip",
        "pipeline_tag": "zero-shot-image-classification",
        "tags": ["clip", "remote-sensing"],
    }
    name = "-".join((licence or "").lower().split())
    if name in LICENCES:
        header["license"] = name
    elif re.fullmatch(r"[A-Za-z0-9][\w.-]*", licence or "", re.ASCII):  # of free text the hub would make a name
        header |= {"license": "other", "license_name": name}
    if bases := list(dict.fromkeys(_repositories(_source(known)))):
        header["base_model"] = bases
    measured = {name for run in metrics_of(known).values() for name in run}
    signs = {"accuracy": "top", "recall": "recall"}
    if kinds := [kind for kind, sign in signs.items() if any(sign in name for name in measured)]:
        header["metrics"] = kinds
    return header


def _repositories(source: dict) -> Iterator[str]:
    """Where on the hub these weights descend from, the nearest of each line."""
    if HUB_NAME.fullmatch(str(source.get("hub"))):
        yield source["hub"]
    else:
        for parent in parents(source):
            yield from _repositories(parent)


def _what_it_is(known: dict, model) -> Iterator[str]:
    source = _source(known)
    made_of = " and ".join(map(_named, parents(source))) or "a base that is not recorded"
    if "training" in known:
        yield f"A CLIP network for pictures from above, fine-tuned with rsclip-lab from {made_of}."
    elif "interpolation" in source:
        yield f"A CLIP network: the weights of {made_of}, mixed at alpha {words(source.get('alpha'))} (WiSE-FT)."
    else:
        itself = _named({**source, "name": known["name"]})
        yield f"A CLIP network: {itself}. Not trained with this package, or not so that its description records it."
    vision, tokenizer = object_of(known["architecture"].get("vision_cfg")), known["tokenizer"]
    tower = vision.get("timm_model_name") or ("ResNet" if isinstance(vision.get("layers"), list) else "ViT")
    size, parameters = known["preprocess"]["size"], sum(weight.numel() for weight in model.net.parameters())
    rows = {
        "image tower": f"{words(tower)}, reads {size} x {size} px",
        "text tower": f"{figure(tokenizer['context_length'])} tokens, tokenizer {words(tokenizer['name'])}",
        "activation": words(model.activation),
        "features": f"{figure(model.dim)} dimensions",
        "parameters": f"{parameters / 1e6:.1f} million",
    }
    yield table(["", ""], list(rows.items()))


def _named(origin: dict) -> str:
    """A network by its name, with what is known of where it came from."""
    name, hub = words(origin.get("name")), str(origin.get("hub"))
    if HUB_NAME.fullmatch(hub):
        revision = str(origin.get("revision"))
        at = f" at `{revision}`" if re.fullmatch(r"[\w.-]+", revision, re.ASCII) else ""
        return f"{name} ([{words(hub)}](https://huggingface.co/{hub}){at})"
    if older := parents(origin):
        step = "fine-tuned" if "fine_tuned_from" in origin else "mixed"
        return f"{name} (itself {step} from {' and '.join(map(_named, older))})"
    trained_on = origin.get("trained_on") or origin.get("pictures")
    return f"{name} (trained on {words(trained_on)})" if trained_on else name


def _data(known: dict) -> Iterator[str]:
    """The tables of the training and of the test, with their hashes."""
    trained, measured = object_of(_record(known).get("data")), object_of(known.get("measured_on"))
    used = {**trained, **{"test" if name == "captions" else name: entry for name, entry in measured.items()}}
    used = {USES.get(name, words(name)): entry for name, entry in used.items() if object_of(entry)}
    if not used:
        yield "What it was trained and tested on is not recorded."
        return
    heads = ["used for", "pictures", "captions", "kinds", "SHA-256"]
    yield table(heads, [[use, *_cells(entry)] for use, entry in used.items()])
    notes = [f"{use}: {words(entry['note'])}" for use, entry in used.items() if entry.get("note")]
    yield bullets(notes)
    beyond = " beyond that" if notes else ""
    yield (
        "The hash is of file names and captions in order, not of pixels. Where the pictures come from, and under "
        f"which licence, is not recorded{beyond}."
    )


def _cells(entry: dict) -> Iterator[str]:
    yield figure(entry.get("pictures"))
    yield figure(entry.get("captions"))
    yield _kinds(entry)
    digest = entry.get("sha256")
    yield f"`{digest[:16]}…`" if re.fullmatch("[0-9a-f]{64}", str(digest)) else figure(digest)


def _kinds(entry: dict) -> str:
    """Their number, and which, unless most of the pictures have none."""
    labels, pictures = entry.get("labels"), entry.get("pictures")
    if not isinstance(labels, list):
        return figure(labels)
    names = words(", ".join(map(str, labels)), longest=100)
    labelled = entry.get("labelled", pictures)
    if labelled == pictures:
        return f"{len(labels)}: {names}"
    numbers = all(type(count) is int for count in (labelled, pictures))
    listed = f": {names}" if numbers and 2 * labelled >= pictures else ""
    return f"{counted(len(labels), 'kind')}, of {figure(labelled)} of {counted(pictures, 'picture')}{listed}"


def _record(known: dict) -> dict:
    """The record of the training: its own, or that of the nearest network these weights were made of."""
    records = [object_of(one.get("training")) for one in (known, *ancestors(_source(known)))]
    return next(filter(None, records), {})


def _training(known: dict) -> Iterator[str]:
    record = _record(known)
    if not record:
        yield "No training is recorded."
        return
    steps, seconds, config = record.get("steps"), record.get("seconds"), object_of(record.get("config"))
    taken = counted(steps, "step") if steps else "steps not recorded"
    lasted = f" in {seconds:,.0f} s" if isinstance(seconds, (int, float)) else ""
    yield f"From {words(record.get('base_model'))}: {taken}{lasted}, seed {figure(config.get('seed'))}."
    if "training" not in known:
        yield "This is the training of what its weights were made of; it was not trained further."
    versions = ", ".join(f"{words(name)} {words(value)}" for name, value in object_of(record.get("versions")).items())
    unused = OF_REPLAY if "replay" not in object_of(record.get("data")) else ()
    settings = {name: value for name, value in config.items() if name not in unused}
    settings |= {"device": record.get("device"), "number format": record.get("precision")}
    rows = [(words(name), words(value)) for name, value in settings.items() if value is not None]
    yield table(["setting", "value"], [*rows, ("versions", versions or "not recorded")])


def _use(repository: str | None) -> Iterator[str]:
    name = f"hf-hub:{repository}" if repository else "path/to/this/folder"
    condition = "" if repository else ', from a folder that `lab.export(model, folder, to="open_clip")` wrote'
    theirs = name if repository else f"local-dir:{name}"
    yield USE.format(ours=json.dumps(name), theirs=json.dumps(theirs), condition=condition)


def _licence(known: dict, licence: str | None) -> Iterator[str]:
    yield f"These weights: {words(licence)}." if licence else (
        "No licence is stated for these weights, and none should be assumed: ask whoever published them."
    )
    # Of what was fine-tuned or mixed here the licence is that of what it was made of.
    origins = [one for one in ancestors(_source(known)) if _stated(one.get("licence")) or not parents(one)]
    found = {words(one.get("name")): words(one.get("licence") or "not recorded") for one in origins}
    yield bullets([f"{name}, which they come from: {stated}." for name, stated in found.items()])


def _citations(known: dict) -> list[str]:
    """The papers of what these weights descend from, then of CLIP itself."""
    names = [name for one in (_source(known), *ancestors(_source(known))) for name in _repositories(one)]
    links = {name: PAPERS.get(name, f"<https://huggingface.co/{name}>") for name in names}
    return [*dict.fromkeys(links.values()), *FOUNDATIONS]
