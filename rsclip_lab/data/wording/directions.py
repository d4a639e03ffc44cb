"""Captions that name a direction, rewritten so that they stay true when the picture is turned or mirrored.

The eight turns are numbers of three bits, done in this order: 1 mirrors left and right, 2 mirrors top and
bottom, 4 swaps the axes (what was on the left is then at the top). 0 leaves all as it is.

Only wordings listed here are rewritten. A direction in any other wording ("the left bank", "turns right", "on
the top", which may be a roof's) makes its caption one that cannot be rewritten: better no turn than nonsense.
Words that only look like directions stay: "a right angle", "land left bare", "on top of", "the top of a roof",
"the bottom of the lake", "the North Sea". So do "above", "below", "up" and "down", which in an aerial picture
mostly mean height.
"""

from __future__ import annotations

import re

TURNS = 8

STEPS = {
    "left": (-1, 0), "right": (1, 0), "top": (0, -1), "upper": (0, -1), "bottom": (0, 1), "lower": (0, 1),
    "west": (-1, 0), "east": (1, 0), "north": (0, -1), "south": (0, 1),
}  # fmt: skip
NOUNS, ADJECTIVES = ("top", "bottom"), ("upper", "lower")  # two pairs of words for up and down in the picture

PICTURE = (
    r"(?:(?:the|this|an?) )?(?:(?:whole|entire|aerial|satellite|overhead) )*"
    r"(?:picture|image|photo|photograph|frame|scene|view|shot|snapshot)\b"
)
TALL = (
    r"(?:building|chimney|cliff|cone|crane|dome|dune|hill|house|mast|mountain|peak|pole|ridge|roof|silo|skyscraper|slope"
    r"|spire|stairs|tank|tower|tree|volcano|wall)s?"
)
DEEP = r"(?:bay|canyon|channel|crater|lake|ocean|pit|pond|pool|quarry|river|sea|valley)s?"
ONE_OF = r"of (?:(?:the|an?|this|that|its|their|each|some|these|those|many|several) )?(?:\w+ )?"
PART = r"(?:side|half|part|portion|section|third|quarter|edge|border|margin|corner|end|area|region)s?|halves"
EDGE = re.compile(r"(?:edge|border|margin)s?\b")  # "the top edge", but "the upper half"

LONGEST_VERB = 40  # letters looked at before a direction

SIDE = r"(?:left|right|top|bottom)"
SINGLE = r"(?:left|right|top|bottom|upper|lower)"
CORNER = r"(?:(?:upper|lower|top|bottom)[- ]?(?:left|right)|(?:left|right)[- ](?:upper|lower|top|bottom))"
END = rf"(?:the )?(?:{CORNER}|{SIDE})"
FAR = r"(?:(?:far|very|extreme) )?"
# After "on the left" these say that "left" was a noun; "on the left bank" is another thing.
GOES_ON = (
    r"(?=\s*(?:[,.;:!?)]|$)| (?:a|above|across|along|an|and|are|around|as|at|before|behind|below|beside|between|but"
    r"|by|can|close|during|from|has|have|in|into|is|lie|lies|near|next|on|or|over|photographed|run|runs|seen|shot|some"
    r"|stand|stands|surrounded|taken|that|the|there|through|to|towards|under|viewed|was|were|where|which|while|with)\b)"
    rf"(?! (?:and|or) (?:the )?{SINGLE}\b)"
)
TO_TOP_OR_BOTTOM = {"on": "at", "in": "at", "to": "towards", "far": "very", "extreme": "very"}
TO_LEFT_OR_RIGHT = {"at": "on", "in": "on", "across": "along", "very": "far", "extreme": "far"}
COMPASS = r"(?:north|south)(?:[- ]?(?:east|west))?|east|west"

# The first kind that matches at a place is taken. Kinds without a function in REWRITE cannot be rewritten.
KINDS = {
    "no_direction": [
        r"right[- ]angle[sd]?", r"right triangles?", r"right[- ]of[- ]way",
        r"(?<!the )(?<!and )(?<!far )right (?:next|beside|by|in|at|on|along|through|across|above|below|under|over"
        r"|behind|beneath|between|near|against|around|outside|inside|into|up|down|opposite|adjacent|where)",
        r"(?:is|are|was|were|be|been|being|has|have|had|spaces?|room|nothing|little) left(?! of\b|-)",
        r"(?<!the )left (?:alone|bare|behind|blank|empty|fallow|open|over|uncovered|undeveloped|unpaved|unused"
        r"|vacant)",
        rf"(?:(?:on|at|in|to|from|near) )?(?:the )?(?:top {ONE_OF}{TALL}|bottom {ONE_OF}(?:{TALL}|{DEEP}))",
        rf"on top(?![- ](?:left|right)| of {PICTURE})", r"top[- ](?:down|view)", rf"{TALL}[- ]top",
        r"(?:seen|views?|viewed|taken|shot|photographed|captured|observed|looking) (?:down )?from (?:the )?top",
        r"(?:upper|lower) (?:floors?|storeys?|stor(?:y|ies)|decks?|levels?|passageways?|passages?)",
        r"vertical(?:ly)? (?:to|across|cross\w*|directions?|views?|photo\w*|images?|walls?|cliffs?)",
        r"cross\w* (?:\w+ )?vertically", r"(?:the )?(?:middle|far|near) east", r"(?:east|west)ern[- ]style",
        r"(?:north|south|east|west)(?:ern)? (?:africa|america|asia|australia|carolina|dakota|europe|hemisphere|korea"
        r"|pole|virginia)n?",
    ],
    "stuck": [  # which way a road turns is seen from the road
        r"(?:bend|curve|face|go|head|lean|point|swing|turn|veer)(?:e?s|ing|ed)? (?:to )?(?:the )?(?:left|right)",
        rf"(?:upper|lower|top|bottom) (?:{PART}) {ONE_OF}{TALL}",
        r"on the (?:top|bottom)(?! (?:of|left|right)\b)",  # "a hotel with a pool on the top"
        r"(?:antenna|circle|cross|flag|snow|spire)s?(?: \w+){0,2} (?:at|in) the top(?! of\b)",
    ],
    "from_to": [rf"(?:from )?{END}[- ]to[- ]{END}"],
    "place": [
        rf"(?:(?:on|at|in|to|towards?|from|along|across|near) )?(?:the )?{FAR}{SIDE}(?= of\b(?! way))",
        rf"(?:on|at|in|to|towards?|from|along|across|near) the {FAR}{SIDE}(?: (?:and|or) (?:the )?{SIDE})?{GOES_ON}",
        rf"(?:(?:on|at|in) (?:left|right)|at (?:top|bottom)){GOES_ON}",
    ],
    "corner": [rf"{CORNER}(?!,? (?:and|or) (?:the )?{SINGLE}\b(?![- ]?(?:left|right)))"],
    "part": [
        rf"{SINGLE}(?: (?:and|or) (?:the )?{SINGLE})?(?:[- ]?hand)?[- ](?:{PART})",
        r"(?:left|right)[- ]hand",
    ],
    "most": [rf"{SINGLE}most"],
    "axis": [r"north[-–/]south|south[-–/]north|east[-–/]west|west[-–/]east"],
    "compass": [rf"(?:{COMPASS})(?:ern(?:most)?|erly|wards?|bound)?"],
    "upright": [r"(?:horizontal|vertical)(?:ly)?"],
    "unknown": [
        SINGLE, r"(?:left|right|up|down)wards?", r"(?:counter|anti)?-?clockwise", r"o'clock", r"(?-i:NE|NW|SE|SW)",
    ],
}  # fmt: skip
FORM = re.compile(
    r"\b(?:" + "|".join(f"(?P<{kind}>{'|'.join(forms)})" for kind, forms in KINDS.items()) + r")(?!\w)", re.I
)


def names_direction(caption: str) -> bool:
    """Whether a caption says where something is in the picture, or which way it runs."""
    return any(True for _ in _directions(caption))


def turned(caption: str, turn: int) -> str | None:
    """The caption for the picture after `turn` (0 to 7, see above); None where that cannot be said.

    A caption without directions comes back as it is. "To the left of the house" can be mirrored, but with the
    axes swapped it has no good wording: such captions can be rewritten for some turns only.
    """
    if turn not in range(TURNS):
        raise ValueError(f"a turn is a number from 0 to {TURNS - 1}, not {turn}")
    if turn == 0:
        return caption
    text, at = "", 0
    for found in _directions(caption):
        new = REWRITE[found.lastgroup](found, turn) if found.lastgroup in REWRITE else None
        if new is None:
            return None
        text = _with_article(text + caption[at : found.start()], new) + _in_case_of(found[0], new)
        at = found.end()
    return text + caption[at:]


def _directions(caption: str):
    """The matches that are directions, from left to right."""
    for found in FORM.finditer(caption):
        if found.lastgroup != "no_direction" and not _is_name(found):
            yield found


def _is_name(found: re.Match) -> bool:
    """A compass word that is part of a name, "the North Sea": it and the word after it have capitals."""
    return found.lastgroup == "compass" and _two_capitals(found) and not _all_in_capitals(found.string)


def _two_capitals(found: re.Match) -> bool:
    return found[0][0].isupper() and re.match(r" [A-Z]", found.string[found.end() :]) is not None


def _all_in_capitals(caption: str) -> bool:
    """Whether a caption is written so that its capitals say nothing about names."""
    return caption.istitle() or caption.isupper()


def _after(text: str, turn: int) -> tuple[int, int]:
    """Where the place that `text` names lies after the turn: x to the right, y down, each -1, 0 or 1."""
    steps = [STEPS[word] for word in re.findall("|".join(STEPS), text.lower())]
    x, y = sum(x for x, _ in steps), sum(y for _, y in steps)
    x, y = (-x if turn & 1 else x), (-y if turn & 2 else y)
    return (y, x) if turn & 4 else (x, y)


def _words(text: str, turn: int, up_down: tuple[str, str] = NOUNS) -> str:
    """One place in words. Its own words for up and down are kept, `up_down` is for those that had none."""
    x, y = _after(text, turn)
    if re.search("upper|lower|top|bottom", text, re.I):
        up_down = ADJECTIVES if re.search("upper|lower", text, re.I) else NOUNS
    between = "-" if "-" in text else " " if " " in text else ""
    return between.join([up_down[y > 0]] * bool(y) + [("left", "right")[x > 0]] * bool(x))


def _from_to(found: re.Match, turn: int) -> str:
    """What runs, stretches or extends is a line without an end: said from the left, or else from the top, so that
    pictures that look alike have one caption. Other movement, "driving from right to left", keeps its sense."""
    ends = [end[0] for end in re.finditer(rf"{CORNER}|{SIDE}", found[0], re.I)]
    before = found.string[max(0, found.start() - LONGEST_VERB) : found.start()]
    if re.search(r"\b(?:run|stretch|extend|reach|span)\w* $", before, re.I):
        ends.sort(key=lambda end: _after(end, turn))
    rewritten = iter(ends)
    return re.sub(rf"{CORNER}|{SIDE}", lambda _: _words(next(rewritten), turn), found[0], flags=re.I)


def _place(found: re.Match, turn: int) -> str | None:
    """ "on the left" becomes "at the top". Of a thing, not of the picture, "top" mostly means height, so that
    "the top of the field" stays unsaid, and "the left of the house" can be mirrored only."""
    text = found[0].lower()
    vertical = "left" not in text and "right" not in text
    if re.match(rf" of (?!{PICTURE})", found.string[found.end() :], re.I) and (vertical or turn & 4):
        return None
    if turn & 4:
        swaps = TO_LEFT_OR_RIGHT if vertical else TO_TOP_OR_BOTTOM
        swaps = swaps if " the " in text else swaps | {"at": "at"}  # "at top", "at left"
        text = re.sub(r"\b(?:at|in|on|to|across|far|very|extreme)\b", lambda w: swaps.get(w[0], w[0]), text)
    return re.sub(SIDE, lambda side: _words(side[0], turn), text)


def _part(found: re.Match, turn: int) -> str:
    """ "the left half" becomes "the upper half", "the left hand side" "the upper side"."""
    text = found[0].lower()
    if turn & 4:
        text = re.sub(r"[- ]?hand(?=[- ]\w)", "", text)
        text = re.sub(r"[- ]hand$", " side", text)
    up_down = NOUNS if EDGE.search(text) else ADJECTIVES
    return re.sub(SINGLE, lambda side: _words(side[0], turn, up_down), text)


def _axis(found: re.Match, turn: int) -> str:
    """ "north-south" names a line without an end: mirrored it is the same."""
    swapped = {"north": "east", "south": "west", "east": "north", "west": "south"}
    return re.sub("[a-z]+", lambda word: swapped[word[0]], found[0].lower()) if turn & 4 else found[0]


def _compass(found: re.Match, turn: int) -> str | None:
    """ "northern" becomes "eastern"; where all words have capitals, "North Sea" could be a name or a place."""
    if _two_capitals(found):
        return None
    wind, ending = re.match(rf"({COMPASS})(.*)", found[0], re.I).groups()
    x, y = _after(wind, turn)
    between = "-" if "-" in wind else " " if " " in wind else ""
    return between.join([("north", "south")[y > 0]] * bool(y) + [("west", "east")[x > 0]] * bool(x)) + ending.lower()


def _upright(found: re.Match, turn: int) -> str:
    """Next to a crossing "vertical" may mean "at a right angle", which no turn changes."""
    text = found[0].lower()
    if not turn & 4:
        return text
    if re.search("cross|perpendicular|transvers", found.string, re.I):
        return None
    return text.replace("horizontal", "vertical") if text[0] == "h" else text.replace("vertical", "horizontal")


REWRITE = {
    "from_to": _from_to, "place": _place, "part": _part, "axis": _axis, "compass": _compass, "upright": _upright,
    "corner": lambda found, turn: _words(found[0], turn),
    "most": lambda found, turn: _words(found[0], turn) + "most",
}  # fmt: skip


def _with_article(before: str, new: str) -> str:
    """ "an upper corner", but "a left corner": the article fits the word that follows it now."""
    fitting = "an" if new[0] in "aeiou" else "a"
    return before[:-4] + re.sub(r"\b([Aa])n? $", lambda a: a[1] + fitting[1:] + " ", before[-4:])


def _in_case_of(old: str, new: str) -> str:
    """`new` in the letters of `old`: capitals, a capital in front, or a capital in front of each word."""
    if old.isupper():
        return new.upper()
    if old.istitle() and re.search(r"\W", old):
        return new.title()
    return new[0].upper() + new[1:] if old[0].isupper() else new
