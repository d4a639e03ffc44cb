"""Ships at sea or at a pier; how they look is in `vessels`, `naval`, `carriers` and `submarines`."""

import numpy as np

from ..drawing.built import buildings
from ..drawing.geometry import MIDDLE, rectangles, to_canvas
from ..drawing.ground import cars, road, yard
from ..drawing.scene import SIDE, Scene
from ..kind import Kind
from .carriers import carrier
from .naval import landing_ship, supply_ship
from .sea import boats, local_metres, pier, sea, shifted, wake
from .submarines import black_boat
from .vessels import Berth, freighter, frigate, tug


def _berth(
    scene: Scene,
    share: tuple[float, float],
    sizes: tuple[float, float],
    slender: tuple[float, float],
    under_way: bool,
) -> Berth:
    """A length of `share` of the picture's width, but within the `sizes` in metres that such ships really have.

    Most lie whole in the picture, as kinds of ships are told by their outline; the frame cuts some.
    """
    length = float(np.clip(scene.width_m * scene.uniform(*share), sizes[0], sizes[1] * scene.uniform(0.9, 1.0)))
    heading = scene.uniform(0, 2 * np.pi)
    ahead = np.array([np.cos(heading), np.sin(heading)])
    aside = scene.rng.uniform(-0.2, 0.2, 2) * SIDE
    if under_way:  # room for the wake
        aside = aside + ahead * SIDE * scene.uniform(0, 0.12)
    spare = SIDE * 0.47 - np.abs(ahead) * scene.px(length) / 2
    if scene.chance(0.8):
        aside = np.clip(aside, -np.maximum(spare, 4), np.maximum(spare, 4))
    return Berth(MIDDLE + aside, heading, length, length * scene.uniform(*slender))


def cargo_ship(scene: Scene) -> None:
    sea(scene)
    under_way = scene.chance(0.65)
    berth = _berth(scene, (0.65, 1.2), (95, 360), (0.14, 0.185), under_way)
    if under_way:
        wake(scene, berth.centre, berth.heading, berth.length, berth.beam, scene.uniform(0.6, 1.3))
        scene.notes.append("under way")
    scene.notes.append(freighter(scene, berth))
    boats(scene, 0.15)


def warship(scene: Scene) -> None:
    layout = scene.pick(["at sea", "moored"], [0.75, 0.25])
    sea(scene, rough=0.25 if layout == "at sea" else 0.0)
    berth = _berth(scene, (0.68, 1.05), (105, 165), (0.098, 0.112), layout == "at sea")
    if layout == "at sea":
        wake(scene, berth.centre, berth.heading, berth.length, berth.beam, scene.uniform(0.9, 1.7))
        scene.notes.append("at sea")
    else:
        _sisters(scene, berth, *_moor(scene, berth, False, 1.0))
    frigate(scene, berth)
    boats(scene, 0.1)


def _sisters(scene: Scene, berth: Berth, side: int, across_m: float) -> None:
    """Other warships outboard of the one at the pier, or over at the pier's other side: where one lies, more do."""
    places = [-side * 1.15 * berth.beam, side * (across_m + 3 + berth.beam / 2)]
    for aside in scene.pick([places[:1], places[1:], places], [0.4, 0.3, 0.3]):
        spot = to_canvas(scene, [scene.uniform(-0.1, 0.1) * berth.length, aside], berth.heading, berth.centre)
        heading = berth.heading + (np.pi if scene.chance(0.3) else 0)
        frigate(scene, Berth(spot, heading, berth.length * scene.uniform(0.88, 1.0), berth.beam))


def _moor(scene: Scene, berth: Berth, alone: bool = True, piers: float = 0.5) -> tuple[int, float]:
    """A pier, with the chance `piers`, or a quay at one side of the vessel; now and then a tug at the other.

    Returns that side, 1 or -1, and how far from the vessel's middle the pier ends, in metres.
    """
    side, width = scene.pick([1, -1]), 0.0
    if scene.chance(piers):
        width = scene.uniform(10, 28)
        right = np.array([-np.sin(berth.heading), np.cos(berth.heading)])
        aside = float((berth.centre - MIDDLE) @ right) * scene.gsd
        middle = side * (berth.beam / 2 + 4 + width / 2)
        pier(scene, berth.heading, aside + middle, width)
        _dockside(scene, berth, middle - width / 2 + 3, middle + width / 2 - 3, 0.5)
    else:
        _quay(scene, berth, side)
    scene.notes.append("moored")
    if alone and scene.chance(0.3):
        tug(scene, berth, -side)
    return side, berth.beam / 2 + 4 + width


def _quay(scene: Scene, berth: Berth, side: int) -> None:
    """Land at one side of the vessel: worn paving with rails and a coping, a road, stores, parked cars."""
    heading = berth.heading if side > 0 else berth.heading + np.pi  # so that the land is at +y
    edge = berth.beam / 2 + scene.uniform(3, 6)
    _, across = local_metres(scene, heading, berth.centre)
    land = np.clip((across - edge) / scene.gsd + 0.5, 0, 1)
    scene.shade(shifted(land, scene.sun * scene.px(3 * scene.shadow_length)))
    deck = scene.surface(scene.colour("concrete"), scene.colour("asphalt"), scene.uniform(0.5, 1.5), 0.07, 1.0)
    inland = across - edge
    thin = max(0.5, 0.5 * scene.gsd)
    for where, tone in (
        (np.minimum(np.abs(inland - 6), np.abs(inland - 16)) < thin, 0.72),
        (np.abs(inland - 0.8) < 0.8 + 0.3 * scene.gsd, 1.2),
        (np.mod(across + 200, 14) < 0.6 * thin, 0.9),  # joints between the slabs
    ):
        deck[where] *= tone
    scene.paint(land, deck, "quay")
    shore = Berth(berth.centre, heading, berth.length, berth.beam)
    road_at = edge + scene.uniform(26, 40)
    ends = to_canvas(scene, [[-600, road_at], [600, road_at]], heading, berth.centre)
    yard(scene, np.clip((across - road_at - 8) / 6, 0, 1), scene.uniform(0.15, 0.4), scene.uniform(8, 20))
    road(scene, ends, scene.uniform(6, 9))
    _stores(scene, shore, road_at + 6)
    _stores(scene, shore, road_at + scene.uniform(62, 85))
    _dockside(scene, shore, edge + 4, road_at - 7, 1.0)


def _stores(scene: Scene, shore: Berth, start_m: float) -> None:
    """Sheds of different sizes behind the quay's road, with gaps where lorries and cars stand."""
    x, shapes = -0.75 * scene.width_m, []
    while x < 0.75 * scene.width_m:
        length, depth = scene.uniform(20, 85), scene.uniform(15, 34)
        if scene.chance(0.75):
            place = [x + length / 2, start_m + scene.uniform(1, 8) + depth / 2]
            spot = to_canvas(scene, place, shore.heading, shore.centre)
            shapes.append(rectangles(spot, scene.px(length), scene.px(depth), shore.heading)[0])
        x += length + scene.uniform(8, 30)
    if shapes:
        colours = scene.colours("flat roof", len(shapes), 4)
        buildings(scene, np.array(shapes), colours, scene.uniform(6, 12), 0.08, 0.5, "warehouse")


def _dockside(scene: Scene, shore: Berth, near_m: float, far_m: float, much: float) -> None:
    """Stains, crates, lorries and cars between two distances from the vessel's middle, in metres."""
    count = max(2, int(much * scene.integer(8, 22)))
    reach = 0.6 * max(scene.width_m, shore.length)

    firm = np.array([drawn.kind in ("pier", "quay") for drawn in scene.drawn])[scene.owner]

    def places(number: int) -> np.ndarray:
        aside = scene.rng.uniform(*sorted((near_m, far_m)), number)
        spots = np.stack([scene.rng.uniform(-reach, reach, number), aside], -1)
        ends = to_canvas(scene, spots[:, None] + [[-8, 0], [8, 0]], shore.heading, shore.centre)
        x, y = np.moveaxis(np.clip(ends, 0, SIDE - 1).astype(int), -1, 0)
        return ends.mean(1)[firm[y, x].all(1)]  # none beyond a pier's head

    spots = places(count)
    stains = rectangles(spots, scene.px(scene.rng.uniform(4, 16, len(spots))), scene.px(3), shore.heading)
    scene.shade(scene.stamp(stains), scene.uniform(0.08, 0.22))
    spots = places(count)
    number = len(spots)
    turned = shore.heading + scene.rng.normal(0, 0.1, number)
    crates = rectangles(spots, scene.px(scene.rng.uniform(3, 12.4, number)), scene.px(2.6), turned)
    scene.cast(crates, 2.6)
    scene.fill(crates, (scene.colours("container", number, 4) + scene.colours("flat roof", number, 4)) / 2)
    spots = places(count // 2)
    cars(scene, spots, shore.heading + scene.rng.choice([0, np.pi / 2], len(spots)))


def aircraft_carrier(scene: Scene) -> None:
    _naval(scene, carrier, (0.75, 1.12), (240, 335), (0.225, 0.26), 0.68)


def auxiliary_ship(scene: Scene) -> None:
    _naval(scene, supply_ship, (0.68, 1.08), (130, 230), (0.132, 0.152), 0.66)


def transport_ship(scene: Scene) -> None:
    _naval(scene, landing_ship, (0.7, 1.05), (125, 210), (0.17, 0.192), 0.66, 48)


def _naval(scene: Scene, draw, share, sizes, slender, at_sea: float, least: float = 0) -> None:
    """One ship drawn by `draw`, under way with the chance `at_sea`, else moored, on a sea no darker than `least`."""
    moving = scene.chance(at_sea)
    sea(scene, least, rough=0.3 if moving else 0.0)
    berth = _berth(scene, share, sizes, slender, moving)
    if moving:
        wake(scene, berth.centre, berth.heading, berth.length, berth.beam * 0.8, scene.uniform(0.35, 0.95))
        scene.notes.append("at sea")
    else:
        _moor(scene, berth)
    draw(scene, berth)
    boats(scene, 0.1 if moving else 0.4)


def submarine(scene: Scene) -> None:
    layout = scene.pick(["surfaced", "half submerged", "moored"], [0.43, 0.42, 0.15])
    sea(scene, least=62, rough=0.12)  # a black boat on black water could not be seen
    berth = _berth(scene, (0.6, 1.1), (60, 165), (0.08, 0.105), layout != "moored")
    if layout == "moored":
        _moor(scene, berth)
    else:
        wake(scene, berth.centre, berth.heading, berth.length, berth.beam * 0.7, scene.uniform(0.5, 1.1))
        scene.notes.append("on the surface" if layout == "surfaced" else layout)
    black_boat(scene, berth, layout)


KINDS = [
    Kind(
        "cargo ship",
        ("a cargo ship", "a cargo vessel", "a freighter"),
        cargo_ship,
        (150, 420),
        ("cargo ship",),
        False,
    ),
    Kind(
        "submarine",
        ("a submarine", "a surfaced submarine", "a naval submarine"),
        submarine,
        (90, 260),
        ("submarine",),
        False,
    ),
    Kind("warship", ("a warship", "a frigate", "a surface combatant"), warship, (110, 230), ("warship",), False),
    Kind(
        "aircraft carrier",
        ("an aircraft carrier", "a carrier ship"),
        aircraft_carrier,
        (250, 420),
        ("aircraft carrier",),
        False,
    ),
    Kind(
        "auxiliary ship",
        ("an auxiliary ship", "a naval supply ship", "a replenishment ship"),
        auxiliary_ship,
        (140, 300),
        ("auxiliary ship",),
        False,
    ),
    Kind(
        "transport ship",
        ("a transport ship", "a landing ship", "an amphibious transport ship"),
        transport_ship,
        (135, 280),
        ("transport ship",),
        False,
    ),
]
