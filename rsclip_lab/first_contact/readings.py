"""Measured beside published: one row a number, and which activation the weights were made for."""

from collections.abc import Collection, Iterable

from rsclip_lab.evaluation.published import Claim

QUICK, PLAIN = ACTIVATIONS = ("QuickGELU", "GELU")  # as HubModel.activation has them


def key_of(claim: Claim, activation: str) -> str:
    """The name of a measurement in the results."""
    return f"{claim.model}, {claim.data}, {claim.protocol}, {activation}"


def number_rows(claims: Iterable[Claim], results: dict) -> list[dict]:
    """One row a published number of a model in the results, measured with the activation that the zoo names.

    `published`, `measured`, `low`, `high` in percent, `difference` in points (measured - published), `queries`: how
    many pictures or captions the share is of, `reading` in words. `reproduced`: within the claim's tolerance, and on
    as many pictures as were published about where that is known.
    """
    rows = []
    for claim in (claim for claim in claims if claim.model in results["files"]):
        activation = results["files"][claim.model]["activation"]
        shares = _shares(claim, activation, results)
        for metric, published in claim.numbers.items():
            row = {"model": claim.model, "data": claim.data, "metric": metric, "published": published}
            if shares:
                row |= _compared(claim, metric, shares)
            else:
                row |= {"measured": None, "reading": f"not measured: {_obstacle(claim, activation, results)}"}
            rows.append(row | {"protocol": claim.protocol, "source": claim.source})
    return rows


def _shares(claim: Claim, activation: str, results: dict) -> dict | None:
    """What was measured, on the file that is there now and, where the data set is there now, on that."""
    found = results["measured"].get(key_of(claim, activation), {})
    file, data = results["files"][claim.model], results["data"].get(claim.data, {})
    if found.get("model_sha256") != file.get("sha256") or data.get("sha256") not in (None, found.get("data_sha256")):
        return None
    return found.get("shares")


def _compared(claim: Claim, metric: str, shares: dict) -> dict:
    share = shares[metric]
    difference = round(share["percent"] - claim.numbers[metric], 2) + 0.0  # not -0.0
    near, other_test = abs(difference) <= claim.within, _other_test(claim, shares)
    reading = f"{'within' if near else 'not within'} {claim.within:g} points"
    if other_test:
        reading = f"not comparable: {other_test}"
    measured = {"measured": share["percent"], "difference": difference, "reproduced": near and not other_test}
    return {**measured, **{name: share[name] for name in ("queries", "low", "high")}, "reading": reading}


def _other_test(claim: Claim, shares: dict) -> str:
    """Why nothing follows for the claim from what was measured; "" where it does."""
    pictures = shares[claim.headline]["queries"]
    if claim.pictures in (None, pictures):
        return ""
    return f"on {pictures} pictures, published on {claim.pictures}"


def _obstacle(claim: Claim, activation: str, results: dict) -> str:
    """Why a number is missing; what is wrong with a file or a data set stands in its own row."""
    if not results["files"][claim.model]["ok"]:
        return "its weight file is not to be had, see there"
    if not results["data"].get(claim.data, {"ok": True})["ok"]:
        return f"{claim.data} is not to be had, see the data sets"
    return results["measured"].get(key_of(claim, activation), {}).get("error", "its turn has not come")


def is_borne_out(models: Collection[str], results: dict) -> bool:
    """Whether each file of `models` is the expected one and, if anything was published of them, any of it measured.

    One number measured is enough: of those on data sets that must be got by hand nobody needs to have all.
    """
    rows = [row for row in results["numbers"] if row["model"] in models]
    measured = [row for row in rows if row["measured"] is not None]
    return all(results["files"].get(model, {}).get("ok") for model in models) and bool(measured or not rows)


def activation_rows(claims: Iterable[Claim], results: dict) -> list[dict]:
    """For each model and data set with a published number: which activation comes nearer, and is that conclusive.

    `nearer` is "–" for a tie; `by`: how many points nearer. Conclusive is: measured on as many pictures as were
    published about where that is known, and one of the two within the claim's tolerance and the other not.
    """
    rows = []
    for claim in (claim for claim in claims if claim.model in results["files"]):
        found = [_shares(claim, activation, results) for activation in ACTIVATIONS]
        if all(found):
            zoo = results["files"][claim.model]["activation"]
            rows.append(_verdict(claim, dict(zip(ACTIVATIONS, found, strict=True)), zoo))
    return rows


def _verdict(claim: Claim, found: dict[str, dict], zoo: str) -> dict:
    published = claim.numbers[claim.headline]
    measured = {activation: shares[claim.headline]["percent"] for activation, shares in found.items()}
    off = {activation: round(abs(percent - published), 2) for activation, percent in measured.items()}
    nearer, other = sorted(off, key=off.get)
    other_test = next(filter(None, (_other_test(claim, shares) for shares in found.values())), "")
    conclusive = not other_test and off[nearer] <= claim.within < off[other]
    if other_test:
        reading = f"not conclusive: {other_test}"
    elif conclusive:
        reading = f"{nearer}, " + ("as the zoo has it" if nearer == zoo else f"not {zoo}: correct zoo.toml")
    elif off[other] <= claim.within:
        reading = f"not conclusive: both are within {claim.within:g} points"
    else:
        reading = f"not conclusive: neither is within {claim.within:g} points, so data, protocol or file differ too"
    return {
        "model": claim.model,
        "data": claim.data,
        "metric": claim.headline,
        "published": published,
        **measured,
        "nearer": nearer if off[nearer] < off[other] else "–",
        "by": round(off[other] - off[nearer], 2),
        "conclusive": conclusive,
        "reading": reading,
    }
