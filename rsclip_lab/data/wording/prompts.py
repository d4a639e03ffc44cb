"""Captions and prompts from labels: sentence templates with a place for the label."""

import re
from collections.abc import Sequence

import pandas as pd

from rsclip_lab.data.table import CaptionError, distinct_images, require_columns, text_of

# More of them even out the accidents of one wording.
TEMPLATES = (
    "a satellite view of {label}",
    "a satellite photo of {label}",
    "an aerial photograph of {label}",
    "an aerial image showing {label}",
    "a remote sensing image of {label}",
    "{label} seen from above",
)
DEFAULT_TEMPLATES = TEMPLATES[:1]
# For an ensemble of prompts: what people call a picture from above, in the wordings of remote sensing's own captions.
# The fourth is CLIP-rsicd's (github.com/arampacha/CLIP-rsicd). `written_into` sees to "an airport" and "farmland".
REMOTE_SENSING_TEMPLATES = (
    "a satellite photo of a {label}",
    "a satellite image of a {label}",
    "a satellite view of a {label}",
    "An aerial photograph of {label}",
    "an aerial photo of a {label}",
    "an aerial image of a {label}",
    "an aerial view of a {label}",
    "an overhead picture of a {label}",
    "a remote sensing image of a {label}",
    "a high resolution satellite image of a {label}",
    "a bird's eye view of a {label}",
    "a top view of a {label}",
    "a {label} seen from above",
    "a {label} seen from the air",
)
ARTICLE = re.compile(r"\b([Aa])n? \{label\}")
DETERMINED = re.compile(r"(?:an?|the|some|many|several|no|one|two|three|four|five|six|seven|eight|nine|ten) ", re.I)
UNCOUNTED = re.compile(r"(?:.*\W)?(?:aquaculture|mariculture|chaparral|forestry|housing|scrub|smoke|fog)", re.I)


def checked_templates(templates: str | Sequence[str]) -> list[str]:
    """The templates as a list; CaptionError for none, or for one that is no sentence with {label}."""
    templates = [templates] if isinstance(templates, str) else list(templates)
    for template in templates:
        if not isinstance(template, str) or "{label}" not in template:
            raise CaptionError(f"template {template!r} lacks {{label}}; write it where the class name goes")
    if not templates:
        raise CaptionError(f"no templates; give at least one, such as {TEMPLATES[0]!r}")
    return templates


def written_into(template: str, label: str) -> str:
    """The template with the label in its place: "a photo of a {label}" gives "a photo of an airport".

    An article right before the place goes with the label: "an" before a vowel's sound, none before what is not
    counted or is several ("farmland", "storage tanks"), nor where the label brings its own ("the sea"). All else
    stays as it is written.
    """
    return ARTICLE.sub(lambda found: _article(found[1], label) + "{label}", template).replace("{label}", label)


def _article(a: str, label: str) -> str:
    """ "a ", "an " or nothing, with the capital that `a` has."""
    # Not above: the readers themselves read this module.
    from rsclip_lab.data.readers.detection.english import AN, noun

    one, several = noun(label)
    words = " ".join(re.split(r"[\W_]+", label.lower())).strip()
    if DETERMINED.match(label) or UNCOUNTED.fullmatch(label) or words == several or one == f"area of {words}":
        return ""
    return f"{a}n " if AN.match(label) else f"{a} "


def label_captions(
    captions: pd.DataFrame, templates: str | Sequence[str] = TEMPLATES, keep: bool = True
) -> pd.DataFrame:
    """The table with one caption a template for every labelled picture, such as "a satellite view of beach".

    keep: put them after the picture's own captions, leaving out what stands there already; otherwise they take
    their place. Pictures without a label keep the captions they have. Rows of a picture stand together, in the
    order in which the pictures first appear. Give it the training rows: in a test split the new captions would
    count in retrieval.
    Raises CaptionError where no picture has a label, for a template without {label}, and for a table without the
    columns of `read_captions`.
    """
    templates = checked_templates(templates)
    require_columns(captions)
    pictures = distinct_images(captions)
    pictures = pictures[[bool(label) for label in _labels(pictures)]]
    if pictures.empty:
        raise CaptionError(
            "no picture of the table has a label to write into the templates; "
            "fill its column `label`, or read the pictures from one folder a class"
        )
    own = captions if keep else captions[~captions["image"].isin(pictures["image"])]
    table = pd.concat([own, *(_written_into(template, pictures) for template in templates)], ignore_index=True)
    is_new = table.index >= len(own)
    table = table[~(is_new & table.duplicated(["image", "caption"]))]
    place = {image: number for number, image in enumerate(captions["image"].unique())}
    return table.iloc[table["image"].map(place).argsort(kind="stable")].reset_index(drop=True)


def _written_into(template: str, pictures: pd.DataFrame) -> pd.DataFrame:
    sentences = [written_into(template, label) for label in _labels(pictures)]
    return pictures.assign(caption=pd.Series(sentences, pictures.index, dtype=object))


def _labels(pictures: pd.DataFrame) -> list[str | None]:
    """The labels as text: a class may have a number for its name."""
    return [text_of(label, f"{image}: the label") for image, label in pictures[["image", "label"]].to_numpy(object)]
