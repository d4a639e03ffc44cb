"""Boxes become five captions by rule, as in RemoteCLIP's box-to-caption (B2C) conversion, arXiv:2306.11029."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rsclip_lab.data.readers.detection.boxes import Box, Scene, within
from rsclip_lab.data.readers.detection.english import MANY, amount, listing, noun
from rsclip_lab.data.readers.notes import note
from rsclip_lab.data.readers.records import Record

MOST_KINDS = 8  # that a caption names: about 50 of CLIP's 77 tokens where their names are long
PICTURE = ("picture", "image", "photo", "photograph")
CENTRE = (
    "{things} at the centre of the {picture}",
    "{things} in the middle of an overhead {picture}",
    "in the middle of this {picture} from above {be} {things}",
    "there {be} {things} in the centre of the {picture}",
    "the centre of this overhead {picture} shows {things}",
    "a remote sensing image with {things} at its centre",
)
AWAY = (
    "{things} away from the centre of the {picture}",
    "{things} outside the middle of an overhead {picture}",
    "away from the middle of this {picture} from above {be} {things}",
    "there {be} {things} outside the centre of the {picture}",
    "outside its centre, this overhead {picture} shows {things}",
    "a remote sensing image with {things} away from its centre",
)
LIST = (
    "an overhead {picture} of {things}",
    "this {picture} taken from above shows {things}",
    "{things} seen from above",
    "a remote sensing image showing {things}",
    "a bird's-eye view of {things}",
)
EXISTENCE = (
    "there {be} {things} in the {picture}",
    "the {picture} shows {things}",
    "this remote sensing image contains {things}",
    "one can see {things} in this overhead {picture}",
    "this {picture} from above has {things} in it",
)
TOGETHER = (
    "{first} together with {rest}",
    "{first} along with {rest} from above",
    "besides {rest}, the {picture} shows {first}",
    "an overhead {picture} of {first}, and also of {rest}",
    "a scene with {first} as well as {rest}",
)
ALONE = (
    "{first} from above",
    "a scene with {first}",
    "looking down on {first}",
    "{first} in an overhead {picture}",
    "an overhead {picture} with {first} in it",
)


def box_captions(boxes: Sequence[Box], width: float, height: float, name: str) -> list[str]:
    """Exactly five captions that are true of the boxes; none where there are no boxes.

    The rule is that of RemoteCLIP's box-to-caption (arXiv:2306.11029): the first two say what is at the centre of
    the picture and what is not, three more which kinds there are and how many of each, above ten (and for a
    crowd) "many". At the centre is a box whose own centre lies in the middle third of the picture both ways. Where
    all boxes are at the centre, or none, both captions on place speak of the same boxes. A caption names the
    `MOST_KINDS` most numerous kinds. The sentences are this package's own.

    boxes: inside the picture, see `within`; width, height: of the picture in the boxes' units.
    name: the picture's; it chooses the wording, always the same for the same name.
    """
    if not boxes:
        return []
    dice = iter(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest())
    centre = [box for box in boxes if _at_centre(box, width, height)]
    away = [box for box in boxes if not _at_centre(box, width, height)]
    if centre and away:
        places = [_drawn(CENTRE, dice), _drawn(AWAY, dice)]
    else:
        first = _drawn(CENTRE if centre else AWAY, dice)
        places = [first, _drawn([other for other in (CENTRE if centre else AWAY) if other != first], dice)]
    everything = _phrases(boxes)
    sentences = [
        (places[0], _phrases(centre or away)),
        (places[1], _phrases(away or centre)),
        (_drawn(LIST, dice), everything),
        (_drawn(EXISTENCE, dice), everything),
        (_drawn(TOGETHER if len(everything) > 1 else ALONE, dice), everything),
    ]
    return [_filled(template, phrases, _drawn(PICTURE, dice)) for template, phrases in sentences]


def _at_centre(box: Box, width: float, height: float) -> bool:
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    return width <= 3 * x <= 2 * width and height <= 3 * y <= 2 * height


def _drawn(choices: Sequence[str], dice: Iterator[int]) -> str:
    return choices[next(dice) % len(choices)]


def _phrases(boxes: Sequence[Box]) -> list[str]:
    """ "many cars", "two ships", …: the most numerous kind first, kinds of one number by name."""
    counts = Counter(noun(box.kind) for box in boxes)
    counts.update({noun(box.kind): MANY for box in boxes if box.crowd})
    order = sorted(counts, key=lambda kind: (-min(counts[kind], 11), kind))
    phrases = [amount(kind, counts[kind]) for kind in order]
    return phrases if len(phrases) <= MOST_KINDS else [*phrases[:MOST_KINDS], "other objects"]


def _filled(template: str, phrases: Sequence[str], picture: str) -> str:
    be = "is" if phrases[0].startswith(("a ", "an ")) else "are"
    first, rest = phrases[0], listing(phrases[1:])
    return template.format(things=listing(phrases), be=be, first=first, rest=rest, picture=picture)


def records_of(scenes: Iterable[Scene], source: Path) -> Iterator[Record]:
    """Five records a scene, with a label where all its boxes are of one kind.

    A scene without objects has none, since nothing would be true of it; a warning says how many there were.
    """
    empty = []
    for scene in scenes:
        boxes = within(scene.boxes, scene.width, scene.height)
        empty += [] if boxes else [scene.file]
        kinds = {noun(box.kind) for box in boxes}
        label = kinds.pop()[0] if len(kinds) == 1 else None
        for caption in box_captions(boxes, scene.width, scene.height, Path(scene.file).stem):
            yield Record(scene.file, caption, scene.where, scene.split, label)
    if empty:
        first = f"{empty[0]}, …" if len(empty) > 1 else empty[0]
        note(f"{source}: pictures without objects, so without captions: {len(empty)} ({first})")
