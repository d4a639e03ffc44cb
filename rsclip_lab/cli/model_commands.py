"""`models`, `export` and `push`: weights in, and out again."""

from __future__ import annotations

import argparse
from pathlib import Path

LAYOUTS = ("open_clip", "transformers", "onnx")
MODEL = "a name of `rsclip-lab models`, ViT-B-32:TAG, hf-hub:OWNER/NAME, or the folder of a run or model"


def add_commands(commands) -> None:
    models = commands.add_parser("models", help="list the models that can be loaded by name")
    models.add_argument("--facts", action="store_true", help="also files, revisions, hashes and where each was read")
    models.set_defaults(run=list_models)

    out = commands.add_parser("export", help="write a model in the layout of another tool")
    out.add_argument("model", help=MODEL)
    out.add_argument("--to", choices=LAYOUTS, default="open_clip", help="whose layout (default open_clip)")
    out.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="new folder")
    out.set_defaults(run=run_export)

    push = commands.add_parser("push", help="upload a model with its card to the Hugging Face hub")
    push.add_argument("model", help=MODEL)
    push.add_argument("repository", metavar="OWNER/NAME", help="created if missing")
    push.add_argument("--private", action="store_true", help="create the repository as private")
    push.add_argument("--licence", help="of your weights, such as apache-2.0; the base's may also apply")
    push.set_defaults(run=run_push)

    contact = commands.add_parser(
        "first-contact", help="fetch and check the published weights, and measure what was published of them"
    )
    contact.add_argument("names", nargs="*", metavar="MODEL", help="of `rsclip-lab models` (default all: 14 GB)")
    contact.add_argument(
        "--data", type=named_place, action="append", default=[], metavar="NAME=PLACE", help="rsitmd=my/rsitmd, …"
    )
    contact.add_argument("--out", type=Path, default=Path("outputs/first_contact"), help="continued if it exists")
    contact.add_argument("--device", default="auto", help="auto, cuda, mps or cpu (default auto)")
    contact.set_defaults(run=run_first_contact)


def named_place(text: str) -> tuple[str, str]:
    name, separator, place = text.partition("=")
    if not (name and separator and place):
        raise argparse.ArgumentTypeError(f"{text!r}: write NAME=PLACE, such as rsitmd=my/rsitmd")
    return name, place


def list_models(chosen: argparse.Namespace) -> int:
    from rsclip_lab.models import models

    table = models(facts=chosen.facts)
    if chosen.facts:  # too wide for a terminal: one block a model
        for _, facts in table.iterrows():
            print(*(f"{name:21} {fact}" for name, fact in facts.dropna().items()), "", sep="\n")
    else:
        print(table.to_string(index=False))
    return 0


def run_export(chosen: argparse.Namespace) -> int:
    from rsclip_lab.models import export, load_model

    print(f"Written: {export(load_model(chosen.model, 'cpu'), chosen.out, chosen.to)}")
    return 0


def run_push(chosen: argparse.Namespace) -> int:
    from rsclip_lab.models import load_model, push

    model = load_model(chosen.model, "cpu")
    print(push(model, chosen.repository, private=chosen.private, licence=chosen.licence))
    return 0


def run_first_contact(chosen: argparse.Namespace) -> int:
    """1 where a file of the named models is not the expected one, or none of the numbers published on them could be
    measured; what earlier calls recorded of other models does not count."""
    from rsclip_lab.first_contact import first_contact

    results = first_contact(chosen.names or None, dict(chosen.data), chosen.out, chosen.device)
    return 0 if results["ok"] else 1
