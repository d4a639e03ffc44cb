"""The repaired table, and a log of what was done to it."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass

import pandas as pd

from rsclip_lab.checks.kinds import counted
from rsclip_lab.checks.tokens import context_length, shortened, token_counter
from rsclip_lab.data.table import CaptionError

DROP_PICTURE = {"missing_file", "unreadable_picture", "tiny_picture", "blank_picture"}
DROP_FROM_SPLIT = {"leak", "near_leak", "repeated_picture"}
DROP_ROW = {"no_file_name", "empty_caption", "not_text", "placeholder_caption"}
LOG = ["row", "file", "kind", "action"]


@dataclass(frozen=True, repr=False)
class Repair:
    """captions: the repaired table, numbered from 0. log: `row` (of the audited table), `file`, `kind`, `action`, one
    row a row that was removed or changed."""

    captions: pd.DataFrame
    log: pd.DataFrame

    def __repr__(self) -> str:
        actions = [action.split()[0] for action in self.log["action"]]
        done = Counter(zip(self.log["kind"], actions, strict=True))
        said = ", ".join(f"{count:,} {kind} {action}" for (kind, action), count in done.items())
        return f"Repair: {counted(len(self.captions), 'caption')}; {said or 'nothing to repair'}"


def repair(audited: pd.DataFrame, problems: pd.DataFrame, cut_captions: str, tokenizer) -> Repair:
    """See `AuditReport.fix`."""
    if cut_captions not in ("leave", "shorten"):
        raise ValueError(f'cut_captions is "leave" or "shorten", not {cut_captions!r}')
    if cut_captions == "shorten" and tokenizer is None:
        raise ValueError("which captions are cut is known after an audit with a model: audit(captions, model)")
    log = _removals(audited, problems)
    kept = audited.drop(index=[row for row, *_ in log])
    if len(audited) and kept.empty:
        raise CaptionError(f"the table of captions: nothing would be left of it: {_main_cause(problems, log)}")
    if cut_captions == "shorten":
        cut = problems[problems["kind"] == "cut_caption"]["row"]
        kept, changes = _with_short_captions(kept, [row for row in cut if row in kept.index], tokenizer)
        log += changes
    return Repair(kept.reset_index(drop=True), pd.DataFrame(log, columns=LOG).astype({"row": "Int64"}))


def _removals(audited: pd.DataFrame, problems: pd.DataFrame) -> list[tuple]:
    """The rows to go in the order of the table, each for the first of its reasons."""
    pictures, parts, rows = {}, {}, {}
    splits = audited["split"].astype(object).where(audited["split"].notna(), None)
    for row, file, kind in problems[["row", "file", "kind"]].itertuples(index=False):
        if kind in DROP_PICTURE:
            pictures.setdefault(file, kind)
        elif kind in DROP_FROM_SPLIT:
            parts.setdefault((file, splits[row]), kind)
        elif kind in DROP_ROW:
            rows.setdefault(row, kind)
    names = audited["image"].map(str)
    if (problems["kind"] == "missing_folder").any():
        gone = (path for path in names.drop(index=list(rows)).unique() if not os.path.exists(path))
        pictures = dict.fromkeys(gone, "missing_folder") | pictures
    log = []
    for row, path, split in zip(audited.index, names, splits, strict=True):
        if kind := pictures.get(path) or parts.get((path, split)) or rows.get(row):
            log.append((row, path if kind != "no_file_name" else None, kind, "removed"))
    return log


def _main_cause(problems: pd.DataFrame, log: list[tuple]) -> str:
    """Of the kind that most rows would be removed for, the first problem and its remedy."""
    kind = Counter(kind for _, _, kind, _ in log).most_common(1)[0][0]
    first = problems[problems["kind"] == kind].iloc[0]
    return f"{first['detail']}; {first['remedy']}"


def _with_short_captions(kept: pd.DataFrame, rows: list[int], tokenizer) -> tuple[pd.DataFrame, list[tuple]]:
    count, context = token_counter(tokenizer), context_length(tokenizer)
    texts, log = kept["caption"].astype(object), []
    for row in rows:
        before = texts[row]
        texts[row] = shortened(before, lambda text: count(text) <= context)
        action = f"shortened from {count(before):,} to {count(texts[row]):,} tokens"
        log.append((row, str(kept.at[row, "image"]), "cut_caption", action))
    return kept.assign(caption=texts), log
