"""Five captions a picture, from what can be seen in it (see `truth`)."""

from dataclasses import replace

from .drawing.scene import Scene
from .kind import Kind
from .truth import Thing
from .words import COLOURED, COLOURED_GROUND, COUNTED, GROUND, NUMBERS, PLURAL_GROUND

VIEWS = (
    "a satellite view of {}",
    "a satellite image of {}",
    "a satellite photo of {}",
    "an aerial photo of {}",
    "an aerial view of {}",
    "an overhead picture of {}",
    "{} seen from above",
    "{} from the air",
)
PICTURES = ("this aerial photo", "this satellite image", "the picture", "this overhead view")
SEASONS = {"lush": " in a green season", "dry": " in a dry season", "autumn": " in autumn"}


def describe(scene: Scene, kind: Kind, seen: list[Thing]) -> list[str]:
    """Five different true captions; the first is always "a satellite view of" the plain name."""
    captions = [VIEWS[0].format(kind.names[0])]
    told = [_told(thing, kind) for thing in seen if worth_telling(thing, kind)]
    placed = [thing for thing in told if thing.place or thing.beside]
    rng = scene.rng
    while len(captions) < 5:
        if placed and rng.random() < 0.35:
            caption = _placed(scene, kind, placed[rng.integers(len(placed))])
        elif told and rng.random() < 0.75:
            caption = _with(scene, kind, told)
        else:
            caption = _view(scene, _subject(scene, kind, seen) + _season(scene, kind))
        if rng.random() < 0.15 and not caption.endswith(("above", "air")):
            caption += _height(scene)
        if caption not in captions:
            captions.append(caption)
    return captions


def worth_telling(thing: Thing, kind: Kind) -> bool:
    """Not what the label says already, unless there are several of it."""
    if kind.label == thing.kind:
        return False
    return thing.kind not in kind.shows or (thing.count or 0) > 1


def _told(thing: Thing, kind: Kind) -> Thing:
    """Without a neighbour that is the kind itself: no house "next to a lake" in a view of that lake."""
    return replace(thing, beside=None) if thing.beside in kind.shows else thing


def noun(thing: Thing, colour: bool = False) -> str:
    """The thing as a noun phrase, with its number or amount; with its colour if that is wanted and known."""
    if thing.count is None:
        if colour and thing.colour:
            return COLOURED_GROUND[thing.kind].format(thing.colour)
        return _amount(thing)
    one, many = COLOURED[thing.kind] if colour and thing.colour else COUNTED[thing.kind]
    if thing.count == 1:
        return one.format(thing.colour)
    return f"{_number(thing.count)} {many.format(thing.colour)}"


def _number(count: int) -> str:
    return NUMBERS[count] if count < len(NUMBERS) else ("several" if count <= 10 else "many")


def _amount(thing: Thing) -> str:
    if thing.kind == "trees":
        return "a few trees" if thing.share < 0.05 else ("trees" if thing.share < 0.2 else "many trees")
    return GROUND[thing.kind]


def _plural(thing: Thing) -> bool:
    return thing.kind in PLURAL_GROUND if thing.count is None else thing.count > 1


def _subject(scene: Scene, kind: Kind, seen: list[Thing]) -> str:
    """One of the kind's names, or how many of it there are; now and then with its layout."""
    own = [thing for thing in seen if thing.kind == kind.label and (thing.count or 0) > 1]
    subject = noun(own[0]) if own and scene.chance(0.6) else str(scene.rng.choice(kind.names))
    if scene.notes and scene.chance(0.3):
        subject += " " + str(scene.rng.choice(scene.notes))
    return subject


def _view(scene: Scene, subject: str) -> str:
    return str(scene.rng.choice(VIEWS)).format(subject)


def _with(scene: Scene, kind: Kind, told: list[Thing]) -> str:
    """The kind with one to three things: "an aerial photo of a lake with trees and two white boats"."""
    rng, subject = scene.rng, str(scene.rng.choice(kind.names))
    told = [thing for thing in told if not _said(thing, subject)] or told
    some = [told[i] for i in rng.permutation(len(told))[: rng.integers(1, 4)]]
    phrases = _join([noun(thing, scene.chance(0.5)) for thing in some])
    if scene.chance(0.25):
        return f"{phrases} can be seen in {rng.choice(PICTURES)} of {subject}"
    return _view(scene, f"{subject} with {phrases}" + _season(scene, kind))


def _said(thing: Thing, subject: str) -> bool:
    """Whether the subject has the word already: no "scattered houses with two houses"."""
    words = COUNTED[thing.kind][1] if thing.kind in COUNTED else GROUND[thing.kind]
    return words.split()[-1] in subject.split()


def _placed(scene: Scene, kind: Kind, thing: Thing) -> str:
    """Where a thing is: "in this aerial photo of a lake, two boats are on the left"."""
    name = noun(thing, scene.chance(0.4))
    if thing.beside and (not thing.place or scene.chance(0.5)):
        where = f"{'surrounded by' if thing.surrounded else 'next to'} {GROUND[thing.beside]}"
    else:
        where = thing.place
    subject = scene.rng.choice(kind.names)
    if scene.chance(0.5):
        verb = "are" if _plural(thing) else "is"
        return f"in {scene.rng.choice(PICTURES)} of {subject}, {name} {verb} {where}"
    return _view(scene, f"{subject} with {name} {where}")


def _season(scene: Scene, kind: Kind) -> str:
    return SEASONS.get(scene.season, "") if kind.seasonal and scene.chance(0.2) else ""


def _height(scene: Scene) -> str:
    if scene.width_m < 110:
        return ", close up"
    return ", from high altitude" if scene.width_m > 330 else ""


def _join(phrases: list[str]) -> str:
    return phrases[0] if len(phrases) == 1 else ", ".join(phrases[:-1]) + " and " + phrases[-1]
