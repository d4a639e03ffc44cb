"""Class names as English nouns: one, several and many of a kind, and lists of them."""

import re
from collections.abc import Sequence
from functools import lru_cache

from rsclip_lab.data.readers.class_names import class_words

NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
MANY = float("inf")  # more than can be counted
IRREGULAR = {
    "person": "people", "man": "men", "woman": "women", "child": "children", "bus": "buses", "wharf": "wharves",
    "shelf": "shelves", "leaf": "leaves", "half": "halves", "volcano": "volcanoes",
}  # fmt: skip
SINGULAR = {plural: one for one, plural in IRREGULAR.items()}
UNCHANGED = re.compile(r"(?:craft|sheep|deer|fish|series|species|chassis|headquarters)$")
MASS = re.compile(
    r"(?:water|vegetation|soil|sand|mud|ice|snow|grass|rubble|debris|clutter|asphalt|pavement|sky|shade"
    r"|agriculture|(?:farm|grass|wood|crop|range|shrub|scrub|park|bare)?land)"
)
HEAD = re.compile(r"(.+?)((?: (?:of|with|in|on|at|under|for|from|by|without) .+)?)$")  # "body" of "body of water"
AN = re.compile(
    r"(?!eu|ewe|one\b|once\b|u(?:ni[tvfqco]|s[aeu]|t[ei]|(?:fo|av|k|s)\b))[aeiou]"
    r"|hour|heir|honou?r|(?:suv|rv|lng)\b",
    re.I,
)


Noun = tuple[str, str]  # singular and plural


@lru_cache(maxsize=4096)
def noun(name: str) -> Noun:
    """Singular and plural of a class name: "storage-tank" → "storage tank", "storage tanks".

    A name that is a plural already keeps its meaning ("buildings" → "building", "buildings"); what cannot be
    counted is counted in areas ("water" → "area of water", "areas of water").
    """
    words = " ".join(class_words(name).split()) or "object"
    head, tail = HEAD.match(words).groups()
    before, space, last = head.rpartition(" ")
    if MASS.fullmatch(last):
        return f"area of {words}", f"areas of {words}"
    one, several = _forms(last)
    return f"{before}{space}{one}{tail}", f"{before}{space}{several}{tail}"


def _forms(word: str) -> Noun:
    if UNCHANGED.search(word):
        return word, word
    if word in SINGULAR or re.search(r"[^sui]s$", word):
        return _singular(word), word
    return word, _plural(word)


def _plural(word: str) -> str:
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word.endswith("sis"):
        return word[:-2] + "es"
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + ("es" if re.search(r"(?:s|x|z|ch|sh)$", word) else "s")


def _singular(word: str) -> str:
    if word in SINGULAR:
        return SINGULAR[word]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if re.search(r"(?:ss|x|zz|ch|sh)es$", word) else word[:-1]


def amount(kind: Noun, count: float) -> str:
    """ "a ship", "three ships", and above ten "many ships"."""
    one, several = kind
    if count == 1:
        return f"{'an' if AN.match(one) else 'a'} {one}"
    return f"{NUMBERS[int(count) - 2] if count <= 10 else 'many'} {several}"


def listing(phrases: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(phrases[:-1]), phrases[-1]] if len(phrases) > 1 else phrases)
