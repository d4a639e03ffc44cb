"""The parts of the page, from a comparison's tables and figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from rsclip_lab.evaluation.calibration import error_of
from rsclip_lab.show.before_after import sentences as say
from rsclip_lab.show.before_after.elements import (
    drawing,
    escape,
    facts,
    folded,
    paragraph,
    section,
    subsection,
    table,
    thumbnail,
)
from rsclip_lab.show.before_after.published_tables import published_part

KINDS, TILES = 10, 24
METRICS = ["metric", "before", "after", "points", "95 % interval", "p", "verdict"]


def metrics_table(metrics: pd.DataFrame) -> str:
    rows = []
    for row in metrics.itertuples():
        if row.Index == "off_diagonal_cosine":  # no share
            numbers = [f"{row.before:.3f}", f"{row.after:.3f}", f"{row.difference:+.3f}".replace("-", "−"), "–", "–"]
        else:
            gain = [say.points(row.difference), say.interval(row.low, row.high), say.p_value(row.p)]
            numbers = [say.share(row.before), say.share(row.after), *gain]
        rows.append([row.metric, *numbers, row.verdict])
    return table("Metrics before and after, differences in percentage points", METRICS, rows)


def summary(report) -> str:
    """The metrics, and how to read them."""
    drawn = _drawn(report, "differences", "What each metric gained, with its 95 % interval")
    notes = "".join(paragraph(text, "note") for text in say.how_to_read(report.comparison.metrics))
    return section("metrics", "By how much", metrics_table(report.comparison.metrics), notes, drawn)


def improved(report) -> str:
    found = report.comparison
    if found.own.empty:
        return ""
    return section(
        "kinds",
        "At what",
        _drawn(report, "topk", "The true kind among the first k answers, with 95 % Wilson intervals"),
        _drawn(report, "classes", "Right answers of each kind, the most improved on top"),
        _kinds_table(f"The {KINDS} most improved kinds", found.most_improved(KINDS)),
        _kinds_table(f"The {KINDS} least improved kinds", found.least_improved(KINDS)),
    )


def _kinds_table(caption: str, kinds: pd.DataFrame) -> str:
    if kinds.empty:
        return paragraph(f"{caption}: none.")
    heads = ["kind", "pictures", "before", "after", "points", "95 % interval", "p", "now taken for"]
    rows = [
        [row.Index, row.pictures, say.share(row.before), say.share(row.after), say.points(row.difference)]
        + [say.interval(row.low, row.high), say.p_value(row.p), row.mistaken_for or "–"]
        for row in kinds.itertuples()
    ]
    return table(caption, heads, rows)


def forgotten(report) -> str:
    found = report.comparison
    if found.control.empty:
        return ""
    rows = [
        [row.Index, row.pictures, say.share(row.before), say.share(row.after), row.lost, row.now_called or "–"]
        for row in found.forgotten.itertuples()
    ]
    heads = ["kind", "pictures", "before", "after", "pictures lost", "most of these now called"]
    lost = table("Kinds of the control set that lost", heads, rows) if rows else paragraph("No kind lost accuracy.")
    drawn = _drawn(report, "control", "Right answers of the control set's kinds, the most improved on top")
    return section("forgotten", "What was forgotten", drawn, lost, paragraph(say.new_names_for_old(found)))


def galleries(report) -> str:
    """Pictures: the surest failures, those lost, those won."""
    found = report.comparison
    if found.own.empty:
        return ""
    return section(
        "pictures",
        "Pictures",
        _gallery("Surest failures", "Wrong after, the most probable mistakes first", found.failures),
        _gallery("Lost", "Right before and wrong after", found.lost),
        _gallery("Won", "Wrong before and right after", found.won, TILES // 2),
    )


def _gallery(heading: str, words: str, answers: pd.DataFrame, most: int = TILES) -> str:
    shown = answers.head(most)
    count = f"{words}: {say.counted(len(answers), 'picture')}"
    count += f", {len(shown)} of them shown." if len(shown) < len(answers) else "."
    tiles = "".join(_tile(row) for row in shown.itertuples())
    return subsection(heading, paragraph(count), f'<div class="tiles">{tiles}</div>' if tiles else "")


def _tile(row) -> str:
    words = f"picture of {row.label}, called {row.before} before and {row.after} after"
    lines = [f"<b>{escape(row.label)}</b>"]
    for side in ("before", "after"):
        right, answer = getattr(row, f"{side}_right"), getattr(row, side)
        sure = f"{100 * getattr(row, f'{side}_probability'):.0f} %"
        mark = f'<span class="{"good" if right else "bad"}">{"✓" if right else "✗"} {escape(answer)}</span>'
        lines.append(f"{side}: {mark} {sure}".replace(" %", "&nbsp;%"))
    file = f'<span class="file">{escape(Path(row.image).name)}</span>'
    below = "<br>".join(lines) + file
    return f'<figure class="tile">{thumbnail(row.image, words)}<figcaption>{below}</figcaption></figure>'


def retrieval(report) -> str:
    words = "Recall at 1, 5 and 10: of pictures one of whose captions is found, of captions whose picture is found"
    return section("retrieval", "Retrieval", _drawn(report, "retrieval", words))


def calibration(report) -> str:
    found = report.comparison.reliability
    if not found:
        return ""
    errors = {side: error_of(table) for side, table in found.items()}
    text = (
        f"Expected calibration error {say.share(errors['after'])} after, {say.share(errors['before'])} before: how "
        "far the probability of the answers and the share of right ones lie apart, on average."
    )
    words = "How sure the answers are, and how many of them are right; larger marks stand for more answers"
    return section("calibration", "As sure as right?", paragraph(text), _drawn(report, "calibration", words))


def published(report) -> str:
    return section("published", "Beside published numbers", published_part(report.comparison))


def origin(report) -> str:
    """How it was made: enough to make it again."""
    parts = [facts(report.made_with)]
    for name, described in report.comparison.measured_on.items():
        known = {key: ", ".join(value) if isinstance(value, list) else value for key, value in described.items()}
        parts.append(folded(f"Data: {name}", facts(known)))
    for side, description in report.descriptions.items():
        model = {name: value for name, value in description.items() if name != "training"}
        heading = f"Model {side}: {report.comparison.names[side]}"
        parts.append(folded(heading, facts(dict(flat(model)))))
    run = report.descriptions["after"].get("training") or {}
    parts.append(folded("The run: configuration, data and machine", facts(dict(flat(run))), opened=True))
    return section("origin", "How it was made", *parts)


def flat(values: Mapping, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Nested dictionaries as one, "training.config.epochs": 8."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{name}.")
        elif value not in (None, {}, []):
            yield f"{prefix}{name}", value


def _drawn(report, name: str, caption: str) -> str:
    figure = report.figures.get(name)
    return drawing(name, figure, f"Chart. {caption}", caption) if figure else ""
