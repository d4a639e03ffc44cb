"""Measured beside published: one row a number, and which activation the weights were made for."""

from collections.abc import Iterable

from rsclip_lab.first_contact.published import Claim

QUICK, PLAIN = ACTIVATIONS = ("QuickGELU", "GELU")  # as HubModel.activation has them


def key_of(claim: Claim, activation: str) -> str:
    """The name of a measurement in the results."""
    return f"{claim.model}, {claim.data}, {claim.protocol}, {activation}"


def number_rows(claims: Iterable[Claim], results: dict) -> list[dict]:
    """One row a published number of a model in the results, measured with the activation that the zoo names.

    `published`, `measured`, `low`, `high` in percent, `difference` in points (measured - published), `queries`: how
    many pictures or captions the share is of, `reading` in words.
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
    reproduced = abs(difference) <= claim.within
    reading = f"{'within' if reproduced else 'not within'} {claim.within:g} points"
    pictures = shares[claim.headline]["queries"]
    if claim.pictures and pictures != claim.pictures:
        reading += f"; on {pictures} pictures, published on {claim.pictures}"
    measured = {"measured": share["percent"], "difference": difference, "reproduced": reproduced}
    return {**measured, **{name: share[name] for name in ("queries", "low", "high")}, "reading": reading}


def _obstacle(claim: Claim, activation: str, results: dict) -> str:
    """Why a number is missing; what is wrong with a file or a data set stands in its own row."""
    if not results["files"][claim.model]["ok"]:
        return "its weight file is not to be had, see there"
    if not results["data"].get(claim.data, {"ok": True})["ok"]:
        return f"{claim.data} is not to be had, see the data sets"
    return results["measured"].get(key_of(claim, activation), {}).get("error", "its turn has not come")


def activation_rows(claims: Iterable[Claim], results: dict) -> list[dict]:
    """For each model and data set with a published number: which activation comes nearer, and is that conclusive.

    `by`: how many points nearer. Conclusive is: one of the two within the claim's tolerance and the other not.
    """
    rows = []
    for claim in (claim for claim in claims if claim.model in results["files"]):
        found = [_shares(claim, activation, results) for activation in ACTIVATIONS]
        if all(found):
            percent = [shares[claim.headline]["percent"] for shares in found]
            zoo = results["files"][claim.model]["activation"]
            rows.append(_verdict(claim, dict(zip(ACTIVATIONS, percent, strict=True)), zoo))
    return rows


def _verdict(claim: Claim, measured: dict[str, float], zoo: str) -> dict:
    published = claim.numbers[claim.headline]
    off = {activation: abs(percent - published) for activation, percent in measured.items()}
    nearer, other = sorted(off, key=off.get)
    conclusive = off[nearer] <= claim.within < off[other]
    if conclusive:
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
        "nearer": nearer,
        "by": round(off[other] - off[nearer], 2),
        "conclusive": conclusive,
        "reading": reading,
    }
