"""Five captions a picture, from what remains visible in it.

Counts and shares are read from `scene.owner` after everything is drawn, so a boat hidden by a bridge or outside
the frame is not mentioned. Directions are not used: training flips and turns pictures, which would make them false.
"""


from .drawing.camera import visible
from .drawing.scene import SIDE, Scene
from .kind import Kind

TEMPLATES = (
    "a satellite view of {}",
    "a satellite image of {}",
    "an aerial photo of {}",
    "{} seen from above",
    "an overhead picture of {}",
    "an aerial view of {}",
    "{} from the air",
    "a satellite photo of {}",
)
# Things that are counted: (singular, plural). Ground that is only there or not: {kind: phrase}.
COUNTED = {
    "car": ("a car", "cars"),
    "house": ("a house", "houses"),
    "building": ("a building", "buildings"),
    "airplane": ("an airplane", "airplanes"),
    "storage tank": ("a round tank", "round tanks"),
    "circular field": ("a circular field", "circular fields"),
    "baseball diamond": ("a baseball diamond", "baseball diamonds"),
    "bridge": ("a bridge", "bridges"),
    "overpass": ("an overpass", "overpasses"),
    "loop ramp": ("a loop ramp", "loop ramps"),
    "swimming pool": ("a swimming pool", "swimming pools"),
    "jetty": ("a jetty", "jetties"),
    "cargo ship": ("a cargo ship", "cargo ships"),
    "warship": ("a warship", "warships"),
    "submarine": ("a submarine", "submarines"),
    "small boat": ("a small boat", "small boats"),
    "pier": ("a pier", "piers"),
    "harbour crane": ("a harbour crane", "harbour cranes"),
    "yard gantry": ("a yard gantry", "yard gantries"),
    "truck": ("a truck", "trucks"),
    "warehouse": ("a warehouse", "warehouses"),
    "cage": ("a net cage", "net cages"),
    "feed barge": ("a feed barge", "feed barges"),
    "fish pond": ("a fish pond", "fish ponds"),
    "shed": ("a shed", "sheds"),
}
GROUND = {
    "road": "a road", "track": "a dirt track", "trees": "trees", "hedges": "hedges", "forest": "woodland",
    "pond": "a small pond", "bare soil": "bare patches", "clearing": "a clearing", "shrubs": "sparse shrubs",
    "dry stream bed": "a dry stream bed", "sand bar": "a sand bar", "island": "an island", "river": "a river",
    "lake": "a lake", "surf": "white surf", "runway": "a runway", "taxiway": "a taxiway", "parking": "a parking lot",
    "ramp": "ramps", "rails": "rail tracks", "grass": "lawns", "sand": "sand", "water": "water",
    "wake": "a wake", "whitecaps": "whitecaps", "containers": "stacked containers", "floats": "rows of buoys",
    "seaweed": "dark seaweed lines", "reef": "a reef", "shallows": "turquoise shallows",
    "mud": "drained mud", "heap": "heaps of bulk cargo", "sea": "open sea",
    "parked cars": "rows of parked cars", "leafless trees": "leafless trees", "pipes": "pipes", "apron": "an apron",
    "threshold markings": "threshold markings",
}  # fmt: skip
NUMBERS = ("no", "a", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
LEAST_SHARE = 0.004  # of the picture, for ground to be mentioned
LEAST_PIXELS = 10  # of the canvas, for an object to be counted


def counts(scene: Scene) -> dict[str, int]:
    """Visible objects by kind: those of which at least 40 % of the drawn area can still be seen."""
    found: dict[str, int] = {}
    for i, pixels in visible(scene).items():
        thing = scene.drawn[i]
        if thing.kind in COUNTED and pixels >= max(LEAST_PIXELS, 0.4 * thing.area):
            found[thing.kind] = found.get(thing.kind, 0) + 1
    return found


def shares(scene: Scene) -> dict[str, float]:
    """Visible part of the picture covered by each kind, 0…1."""
    found: dict[str, float] = {}
    for i, pixels in visible(scene).items():
        kind = scene.drawn[i].kind
        found[kind] = found.get(kind, 0) + pixels / SIDE**2
    return found


def attributes(scene: Scene, kind: Kind) -> list[str]:
    """Phrases that are true of the picture, each to follow "with"."""
    phrases = [note.removeprefix("with ") for note in scene.notes if note.startswith("with ")]
    for name, count in counts(scene).items():
        if name not in kind.shows:
            phrases.append(_counted(name, count))
    for name, share in shares(scene).items():
        if name in GROUND and name not in kind.shows and share >= LEAST_SHARE:
            phrases.append(_amount(name, share))
    return phrases


def _counted(name: str, count: int) -> str:
    one, many = COUNTED[name]
    if count == 1:
        return one
    return f"{NUMBERS[count]} {many}" if count <= 4 else f"{'several' if count <= 10 else 'many'} {many}"


def _amount(name: str, share: float) -> str:
    phrase = GROUND[name]
    if name == "trees":
        return "a few trees" if share < 0.05 else ("trees" if share < 0.2 else "many trees")
    return phrase


def _scale(scene: Scene) -> str:
    if scene.width_m < 110:
        return ", close up"
    return ", from high altitude" if scene.width_m > 330 else ""


def _season(scene: Scene) -> str:
    return {"lush": " in a green season", "dry": " in a dry season", "autumn": " in autumn"}.get(
        scene.season, ""
    )


def describe(scene: Scene, kind: Kind) -> list[str]:
    """Five different true captions; the first is always "a satellite view of" the plain name."""
    rng = scene.rng
    captions = [TEMPLATES[0].format(kind.names[0])]
    phrases = attributes(scene, kind)
    layout = [note for note in scene.notes if not note.startswith("with ")]
    while len(captions) < 5:
        subject = str(rng.choice(kind.names))
        if layout and rng.random() < 0.3:
            subject += " " + str(rng.choice(layout))
        if phrases and rng.random() < 0.75:
            some = rng.permutation(phrases)[: rng.integers(1, min(3, len(phrases)) + 1)]
            subject += " with " + _join(list(some))
        if kind.seasonal and rng.random() < 0.25:
            subject += _season(scene)
        caption = str(rng.choice(TEMPLATES)).format(subject)
        if rng.random() < 0.25:
            caption += _scale(scene)
        if caption not in captions:
            captions.append(caption)
    return captions


def _join(phrases: list[str]) -> str:
    return phrases[0] if len(phrases) == 1 else ", ".join(phrases[:-1]) + " and " + phrases[-1]
