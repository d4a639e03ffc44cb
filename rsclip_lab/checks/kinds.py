"""Every kind of problem the audit knows, how bad it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

SEVERITIES = ("error", "warning", "info")  # breaks or falsifies training; it would suffer; good to know


class Problem(NamedTuple):
    """One finding. row: of the table of captions, None where the whole table is meant; file: the picture's path;
    remedy: where there is a better one than the kind's."""

    kind: str
    row: int | None
    file: str | None
    detail: str
    remedy: str | None = None


@dataclass(frozen=True)
class Kind:
    severity: str
    remedy: str


KINDS = {
    "no_captions": Kind("error", "check the split you asked for and the file the table was read from"),
    "no_negatives": Kind("error", "add pictures, and captions that tell them apart"),
    "no_file_name": Kind("error", "fill it in or remove the row"),
    "missing_folder": Kind("error", "give their folder as image_dir (--images in the terminal)"),
    "missing_file": Kind("error", "restore it, correct its name, or remove the row"),
    "unreadable_picture": Kind("error", "replace it, convert it to 8-bit RGB (PNG or JPEG), or leave it out"),
    "empty_caption": Kind("error", "write one or remove the row"),
    "not_text": Kind("error", "write a caption in words or remove the row"),
    "leak": Kind("error", "keep it in one split only, in training rather than in test; see split_by_image"),
    "near_leak": Kind("error", "look at both; where they are copies keep one, in training rather than in test"),
    "one_class": Kind("warning", "add pictures of other kinds, or drop the labels: captions.assign(label=None)"),
    "number_labels": Kind("warning", "give their names"),
    "tiny_picture": Kind("warning", "use a larger cut-out, or leave it out"),
    "huge_picture": Kind("warning", "cut the scene into tiles"),
    "long_picture": Kind("warning", "cut it into pieces that are nearly square"),
    "blank_picture": Kind("warning", "leave it out"),
    "mostly_nodata": Kind("warning", "cut the part that has data, or leave it out"),
    "dark_picture": Kind("warning", "export it again with its values stretched to 0..255"),
    "repeated_picture": Kind("warning", "keep one of the files, with the captions that fit"),
    "near_copy": Kind("warning", "keep one, unless you made the copies on purpose"),
    "label_conflict": Kind("warning", "decide on one label"),
    "label_spelling": Kind("warning", "write the label in one way"),
    "unknown_class": Kind("warning", "add training pictures of it, or leave it out of the measurement"),
    "absent_class": Kind("warning", "split again by label: see split_by_image"),
    "rare_class": Kind("warning", "add pictures, or merge it with a class close to it"),
    "few_pictures": Kind("warning", "add pictures, or lower batch_size"),
    "placeholder_caption": Kind("warning", "write a caption or remove the row"),
    "cut_caption": Kind("warning", 'shorten it or split it in two; report.fix(cut_captions="shorten") does'),
    "file_name_caption": Kind("warning", "describe what is seen instead"),
    "html_remains": Kind("warning", "remove the marks: html.unescape, and a pattern for the tags"),
    "damaged_text": Kind("warning", "read the original file again in its own encoding"),
    "foreign_caption": Kind("warning", "translate them, or use a model whose tokenizer knows the language"),
    "shared_caption": Kind(
        "info", "nothing with clip_loss and caption_ids, as finetune has it; varied captions teach more"
    ),
    "repeated_row": Kind("info", "nothing, where people wrote it twice (RSICD); else captions.drop_duplicates()"),
    "imbalance": Kind("info", "judge by the mean over classes, not over pictures"),
    "mixed_sizes": Kind("info", "nothing: the model's preprocessing makes them one size"),
    "small_pictures": Kind("info", "nothing to do, unless larger originals exist"),
    "not_rgb": Kind("info", "look at one; if it looks wrong, save as 8-bit RGB"),
    "deep_picture": Kind("info", "look at one; if it is too flat or too hard, stretch and save as 8 bits"),
    "wrong_suffix": Kind("info", "nothing: the content counts; other programs may stumble"),
    "directions": Kind("info", "nothing: training rewrites them when it turns a picture, or else does not turn it"),
}


def counted(number: int, noun: str) -> str:
    """ "1 picture", "2 pictures", "3 classes"."""
    ending = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{ending}"


def quoted(text: object, most: int = 60) -> str:
    """A value in quotes for a message, cut where it is long."""
    text = str(text)
    return repr(text if len(text) <= most else text[: most - 1] + "…")
