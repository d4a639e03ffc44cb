"""The numbers of the literature, with the two models' own below them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rsclip_lab.evaluation.comparison.recall_rows import recall_names
from rsclip_lab.evaluation.published import KS, Claim, read_published
from rsclip_lab.show.before_after.elements import linked, table
from rsclip_lab.show.before_after.sentences import not_comparable

TOP_KS = (1, 3, 5, 10)
TOPK, RETRIEVAL = "clip-rsicd", "retrieval"  # protocols of published.toml
RECALLS = tuple(f"{direction} R@{k}" for direction in ("image to text", "text to image") for k in KS)
RECALLS += ("mean recall",)


def published_part(comparison) -> str:
    """CLIP-rsicd's top-k and RemoteCLIP's retrieval, each with its source, and what is not comparable."""
    claims = read_published().claims
    topk = [claim for claim in claims if claim.protocol == TOPK]
    retrieval = [claim for claim in claims if claim.protocol == RETRIEVAL and set(RECALLS) <= set(claim.numbers)]
    parts = [f'<p class="note">{not_comparable(comparison)}</p>']
    if not comparison.own.empty:
        rows = [*_rows(topk, [f"top-{k}" for k in TOP_KS], ".1f"), *_own_topk(comparison)]
        parts.append(table("Zero-shot top-k accuracy, in percent", ["model", *(f"k = {k}" for k in TOP_KS)], rows))
        parts.append(_sources(topk))
    heads = ["model", *(name.replace("image to text", "i→t").replace("text to image", "t→i") for name in RECALLS)]
    rows = [*_rows(retrieval, RECALLS, ".2f"), *_own_recalls(comparison)]
    parts.append(table("Retrieval, in percent (i→t: image to text, t→i: text to image)", heads, rows))
    return "".join([*parts, _sources(retrieval)])


def _rows(claims: list[Claim], metrics, form: str) -> Iterator[list[str]]:
    for claim in claims:
        pictures = f", {claim.pictures:,} pictures" if claim.pictures else ""
        yield [
            f"{claim.model} ({claim.data.upper()}{pictures})",
            *(f"{claim.numbers[one]:{form}}" for one in metrics),
        ]


def _own_topk(comparison) -> Iterator[list[str]]:
    for side, name in comparison.names.items():
        ranks = comparison.own[f"{side}_rank"]
        shares = [f"{100 * (ranks <= k).mean():.1f}" if k < comparison.classes else "–" for k in TOP_KS]
        yield [f"here, {side}: {name}", *shares]


def _own_recalls(comparison) -> Iterator[list[str]]:
    recalls = comparison.metrics.loc[[*recall_names(), "mean_recall"]]
    for side, name in comparison.names.items():
        yield [f"here, {side}: {name}", *(f"{100 * value:.2f}" for value in np.asarray(recalls[side], dtype=float))]


def _sources(claims: list[Claim]) -> str:
    sources = dict.fromkeys(
        claim.source.partition(", retrieval on ")[0] for claim in claims
    )  # the rows name the data
    return f'<p class="note">Source: {"; ".join(map(linked, sources))}.</p>'
