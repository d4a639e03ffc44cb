"""Models one at a time: loaded, measured on all that something was published about, and let go."""

import gc
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch

from rsclip_lab.evaluation.published import Claim
from rsclip_lab.first_contact.fetching import in_words, now
from rsclip_lab.first_contact.protocols import PROTOCOLS
from rsclip_lab.first_contact.readings import ACTIVATIONS, QUICK, key_of
from rsclip_lab.models import Clip, load_model


class Workbench:
    """What is measured on: the data sets that could be read, a folder for decoded pictures, a device."""

    def __init__(self, tables: Mapping[str, pd.DataFrame], pixels: Path, device: str):
        self.tables, self.pixels, self.device = tables, pixels, device

    def measure(self, name: str, claims: Sequence[Claim], results: dict, save: Callable[[], None]) -> None:
        """Measure the claims about one model with both activations, into results["measured"]; `save` after each.

        The activation that the zoo names comes first. What was measured with the same file, data and protocol
        stays as it is.
        """
        file = results["files"][name]
        claims = [claim for claim in claims if claim.data in self.tables]
        for activation in sorted(ACTIVATIONS, key=lambda activation: activation != file["activation"]):
            todo = []
            for claim in claims:
                facts = _facts(claim, activation, file, results["data"][claim.data])
                if not _same(results["measured"].get(key_of(claim, activation), {}), facts):
                    todo.append((claim, facts))
            for claim, facts, found in self._found(name, activation, todo):
                results["measured"][key_of(claim, activation)] = facts | found
                save()

    def _found(self, name: str, activation: str, todo: Sequence[tuple]) -> Iterator[tuple[Claim, dict, dict]]:
        """(claim, what it depends on, what was found) for each (claim, what it depends on) of `todo`."""
        if not todo:
            return
        try:
            model = load_model(name, self.device, quick_gelu=activation == QUICK)
        except Exception as error:  # the other models are still to be measured
            yield from ((claim, facts, {"error": in_words(error), "date": now()}) for claim, facts in todo)
            return
        for claim, facts in todo:
            print(f"measuring {name} with {activation} on {claim.data} ({claim.protocol})", flush=True)
            yield claim, facts, self._shares(model, claim)
        del model
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _shares(self, model: Clip, claim: Claim) -> dict:
        start = time.perf_counter()
        try:
            shares = PROTOCOLS[claim.protocol](model, self.tables[claim.data], self.pixels)
        except Exception as error:  # too little memory, pictures that cannot be read, …
            return {"error": in_words(error), "date": now()}
        return {
            "shares": {metric: share._asdict() for metric, share in shares.items()},
            "device": str(model.device),
            "date": now(),
            "seconds": round(time.perf_counter() - start, 2),
        }


def _facts(claim: Claim, activation: str, file: dict, data: dict) -> dict:
    """What a measurement depends on; its protocol by a hash of templates, class names and split."""
    return {
        "model": claim.model,
        "data": claim.data,
        "protocol": claim.protocol,
        "activation": activation,
        "model_sha256": file["sha256"],
        "data_sha256": data["sha256"],
        "protocol_sha256": hashlib.sha256(repr(PROTOCOLS[claim.protocol]).encode()).hexdigest(),
    }


def _same(measured: dict, facts: dict) -> bool:
    return "shares" in measured and facts.items() <= measured.items()
