"""What else is on farmland: borders, waterways, damp and pale ground, wheel tracks, beds, paddies, pivots."""

import numpy as np

from ..drawing.geometry import curve, edge, rectangles, rotate
from ..drawing.plants import trees
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE, PATCH
from .tillage import GREENS, SOILS, STRAWS, Land, distance_m, shade_of, work


def borders(scene: Scene, cuts) -> None:
    """What lies between parcels: a furrow, a strip of grass, a ditch, a way, a hedge; each cut has its own."""
    usual = [scene.pick(BORDERS, SHARES) for _ in range(2)]
    for number, (away, own) in enumerate(cuts):
        kind = usual[scene.integer(0, 1)]
        kind = _strip if kind is _road and number else kind  # roads go right across
        kind(scene, away, own, scene.noise(scene.uniform(0.5, 1.2), PATCH))


def _line(scene: Scene, away, own, width_m: float) -> np.ndarray:
    return np.clip((width_m / 2 - np.abs(away)) / scene.gsd + 0.5, 0, 1) * own


def _furrow(scene: Scene, away, own, noise) -> None:
    depth = scene.uniform(0.1, 0.4) * scene.pick([1, 1, -0.6])
    scene.shade(
        _line(scene, away + 0.3 * noise, own, scene.uniform(0.6, 1.6)) * np.clip(0.7 + 0.3 * noise, 0, 1), depth
    )


def _strip(scene: Scene, away, own, noise) -> None:
    """Rough grass, ragged where the plough came near."""
    width = scene.log_uniform(1.5, 9)
    mask = _line(scene, away, own, width * (1 + 0.3 * noise))
    colour = scene.colour("grass") * scene.uniform(0.75, 1.05)
    tones = 1 + 0.1 * scene.noise(1.3, GRAIN) + 0.08 * noise
    kind = "grass" if width > max(4, 3 * scene.gsd) else None  # a narrower one is not worth a word
    scene.paint(mask * scene.uniform(0.7, 1), colour * tones[..., None], kind)


def _ditch(scene: Scene, away, own, noise) -> None:
    _strip(scene, away, own, noise)
    scene.paint(_line(scene, away + 0.4 * noise, own, scene.uniform(1, 2)) * 0.7, np.float32([38, 44, 36]))


def _way(scene: Scene, away, own, noise) -> None:
    """Two wheel tracks worn into a pale strip, grass beside and sometimes between them."""
    width = scene.uniform(2.4, 4.5)
    _strip(scene, away, own, noise) if scene.chance(0.6) else None
    pale = scene.colour("soil") * scene.uniform(0.9, 1.15)
    mask = _line(scene, away + 0.25 * noise, own, width)
    scene.paint(mask * scene.uniform(0.7, 1), pale * (1 + 0.07 * noise)[..., None], "track")
    if scene.gsd < 0.7:
        scene.paint(_line(scene, away + 0.25 * noise, own, 0.9) * 0.6, scene.colour("grass"))


def _road(scene: Scene, away, own, noise) -> None:
    """A gravel or asphalt road with verges."""
    width = scene.uniform(5, 8)
    _verge = _line(scene, away, own, width + scene.uniform(4, 10) + noise)
    scene.paint(_verge * 0.9, scene.colour("grass") * (1 + 0.09 * noise)[..., None], "grass")
    colour = scene.colour("asphalt" if scene.chance(0.5) else "concrete") * scene.uniform(0.9, 1.1)
    scene.paint(_line(scene, away, own, width), colour * (1 + 0.03 * noise)[..., None], "road")


def _hedge(scene: Scene, away, own, noise) -> None:
    """Trees or a hedge along the boundary, with gaps."""
    _strip(scene, away, own, noise)
    crown = scene.uniform(4, 9)
    rows = _line(scene, away, own, crown * scene.uniform(0.8, 1.4)) * np.clip(
        scene.uniform(0.1, 1) + 0.4 * noise, 0, 1
    )
    trees(scene, rows, crown, kind="hedges" if crown < 6 else "trees")


BORDERS = (_furrow, _strip, _ditch, _way, _road, _hedge)
SHARES = (0.24, 0.24, 0.08, 0.18, 0.12, 0.14)


def damp(scene: Scene) -> None:
    """Wet ground, dark and soft at the edges."""
    field = scene.noise(scene.uniform(0.6, 2.2), LAND) + 0.15 * scene.noise(0.8, PATCH)
    field = np.clip((field - scene.uniform(0.4, 1.4)) * scene.uniform(0.8, 2.5), 0, 1)
    scene.image *= 1 - (scene.uniform(0.15, 0.42) * field)[..., None] * np.float32([1.05, 1, 0.9])


def pale(scene: Scene) -> None:
    """Eroded knolls and washed-out sand, light and dry."""
    field = scene.noise(scene.uniform(0.6, 2), LAND) + 0.25 * scene.noise(0.8, PATCH) - scene.uniform(0.8, 1.7)
    field = np.clip(field * scene.uniform(0.8, 2), 0, 1) * scene.uniform(0.2, 0.55)
    scene.image *= 1 + field[..., None] * np.float32([1.1, 1.0, 0.9])  # brighter, with the lines still there


def tracks(scene: Scene) -> None:
    """The paired wheel marks of a tractor that crossed the field or turned on it, pale or dark."""
    for _ in range(scene.integer(1, 3)):
        away = distance_m(scene, curve(scene, scene.uniform(0.05, 0.4)) + scene.rng.normal(0, 0.3, 2) * SIDE)
        line = np.clip(1 - np.abs(away - 1) / max(0.7 * scene.gsd, 0.35), 0, 1)
        fade = np.clip(0.3 + 0.6 * scene.noise(scene.uniform(1, 3), PATCH), 0, 1)
        scene.shade(line * fade, scene.uniform(0.1, 0.3) * scene.pick([1, -1]))


def strays(scene: Scene) -> None:
    """A tree or a few that the plough goes around."""
    where = scene.rng.uniform(0.1, 0.9, 2) * SIDE
    stretch, size = scene.rng.uniform(0.5, 1.6), max(scene.px(scene.uniform(3, 12)), 2.5)
    away = np.hypot((COLUMNS - where[0]) * stretch, ROWS - where[1]) / size + 0.4 * scene.noise(0.4, PATCH)
    scene.paint(edge(1.2 - away, 0.5) * 0.7, scene.colour("grass") * 0.85)
    trees(scene, np.clip(1.3 - away, 0, 1) * scene.uniform(0.4, 1), scene.uniform(5, 9))


def bales(scene: Scene, across, along, own) -> None:
    """Straw bales left where the baler dropped them, along every few swaths."""
    if scene.gsd > 1.2:
        return
    row, step = scene.uniform(12, 30), scene.uniform(15, 40)
    line = np.round(across / row)
    start = scene.rng.uniform(0, step, 64)[line.astype(int) % 64]
    at = np.flatnonzero(own & (np.abs(across - line * row) < scene.gsd) & ((along + start) % step < 0.75 * scene.gsd))
    at = at[scene.rng.random(len(at)) < scene.uniform(0.3, 0.8)]
    spots = np.stack([at % SIDE, at // SIDE], -1) + scene.rng.normal(0, 0.8, (len(at), 2))
    size = max(scene.px(scene.uniform(1.3, 1.9)), 1.0)
    shapes = rectangles(spots, size * 1.2, size, scene.rng.uniform(0, 3, len(at)))
    scene.cast(shapes, 1.6)
    scene.fill(shapes, scene.colours("sand", max(len(at), 1), 2)[: len(at)] * 0.9)


def pond(scene: Scene) -> None:
    """A farm pond: murky, with trodden banks and a few bushes."""
    where = scene.rng.uniform(0.1, 0.9, 2) * SIDE
    stretch, size = scene.rng.uniform(0.6, 1.5), scene.px(scene.uniform(8, 22))
    field = (
        1
        - np.hypot((COLUMNS - where[0]) * stretch, ROWS - where[1]) / size
        + 0.3 * scene.noise(scene.uniform(0.5, 1), PATCH)
    )
    scene.paint(edge(field + 0.3, 0.25) * 0.8, scene.colour(scene.pick(["soil", "grass"])) * _mottled(scene))
    trees(scene, np.clip(field + 0.45, 0, 0.5) * scene.uniform(0, 0.6), scene.uniform(3, 6))
    scene.paint(
        edge(field, 0.06),
        np.float32(scene.pick([(48, 60, 52), (84, 82, 62), (40, 52, 58)])) * _mottled(scene),
        "pond",
    )


def _mottled(scene: Scene) -> np.ndarray:
    return (1 + 0.07 * scene.noise(scene.uniform(0.6, 1.5), MOTTLE))[..., None]


def arms(scene: Scene) -> list[np.ndarray]:
    """A winding line [n, 2] in pixels across the canvas and up to three that run into it."""
    main = curve(scene, scene.uniform(0.05, 0.25), 40)
    lines, along = [main], scene.pick([-1, 1])  # which way is up
    for _ in range(scene.integer(0, 3)):
        at = scene.integer(8, 30)
        way = along * (main[at + 1] - main[at - 1])
        t = np.linspace(0, 1, 12)
        arm = np.stack([t, scene.uniform(-0.2, 0.2) * np.sin(t * scene.uniform(2, 5))], -1) * SIDE
        aside = scene.uniform(0.4, 1.1) * scene.pick([-1, 1])  # they meet at a sharp angle
        lines.append(main[at] + rotate(arm, np.arctan2(way[1], way[0]) + aside))
    return lines


def waterway(scene: Scene, ground: Land, away: np.ndarray) -> None:
    """Grass along the drain, here broad and there narrow, frayed by the plough, darker where it is wet."""
    frayed = scene.noise(scene.uniform(0.5, 1), PATCH)
    width = scene.uniform(4, 10) * (1 + 0.3 * ground.wander + 0.25 * frayed) + 0.8 * ground.grain
    mask = np.clip((width / 2 - away) / max(1.5 * scene.gsd, 1.2) + 0.5, 0, 1)
    colour = scene.colour("grass") * scene.uniform(0.75, 1.1)
    tones = 1 + 0.12 * ground.grain - 0.12 * frayed + 0.1 * ground.patch
    scene.paint(mask * np.clip(scene.uniform(0.7, 1) - 0.1 * frayed, 0, 1), colour * tones[..., None], "grass")
    if scene.chance(0.5):
        scene.shade(np.clip(1.2 - away / scene.uniform(1, 3), 0, 1), scene.uniform(0.1, 0.35))


def beds(scene: Scene, ground: Land, across, along, own, covered: bool) -> None:
    """Narrow beds side by side; `covered` ones are plastic tunnels or glass, ribbed and gleaming."""
    width = max(scene.uniform(4, 9) if covered else scene.log_uniform(4, 30), 2.5 * scene.gsd)
    number = np.floor(across[own] / width).astype(np.int32) % 199
    main, tint = shade_of(scene, GREENS), scene.uniform(0.3, 0.8)
    few = [main, main, *(main + tint * (c - main) for c in (shade_of(scene, GREENS), *ground.soils))]
    if covered:
        few = [np.float32(scene.pick([(176, 180, 180), (150, 158, 160), (190, 188, 180)]))]
    elif scene.chance(0.15):
        few.append(np.float32([150, 152, 150]))  # film on the ground
    colours = np.stack(few)[scene.rng.integers(0, len(few), 199)] * scene.rng.uniform(0.9, 1.1, (199, 1))
    work(scene, ground, across, along, own, "green", colours[number].astype(np.float32))
    if covered:
        ridge = np.abs(across / width - np.floor(across / width) - 0.5) * 2
        scene.image[own] *= (0.86 + 0.2 * (1 - ridge[own] ** 3))[:, None]
        scene.shade((ridge > 0.8) * own.astype(np.float32), 0.15)


def paddies(scene: Scene, ground: Land, bent, along) -> None:
    """Terraces of many widths with cross dykes of their own: water, mud, seedlings, ripe rice."""
    size = max(scene.uniform(14, 40), scene.width_m * scene.uniform(0.08, 0.16))
    bounds = np.cumsum(scene.rng.lognormal(0, 0.3, 60)).astype(np.float32) * np.float32(size)
    terrace = np.searchsorted(bounds, bent).astype(np.int32)
    long = size * scene.uniform(1.5, 5)
    place = along / np.float32(long) + scene.rng.uniform(50, 51, 61).astype(np.float32)[terrace]
    cell = (terrace * 37 + np.floor(place).astype(np.int32)) % 241
    main = shade_of(scene, GREENS)
    others = (shade_of(scene, GREENS), shade_of(scene, SOILS) * 0.8, shade_of(scene, STRAWS))
    water = np.float32([88, 90, 78]) * scene.uniform(0.6, 1.2)
    few = [main, water, *(main + scene.uniform(0.3, 0.8) * (c - main) for c in others)]
    share = scene.rng.dirichlet((2, 1, 1.5, 0.7, 0.4))
    colours = np.stack(few)[scene.rng.choice(5, 241, p=share)] * scene.rng.uniform(0.9, 1.1, (241, 1))
    everywhere = np.ones((SIDE, SIDE), bool)
    work(scene, ground, bent, along, everywhere, "green", colours[cell].reshape(-1, 3).astype(np.float32))
    part = place - np.floor(place)
    to_cross = np.minimum(part, 1 - part) * long
    ends = np.concatenate([[-1e6], bounds, [1e6]]).astype(np.float32)
    to_bank = np.minimum(bent - ends[terrace], ends[terrace + 1] - bent)
    away = (np.minimum(to_cross, to_bank) + 0.3 * ground.patch).astype(np.float32)
    dyke = np.clip((scene.uniform(0.8, 1.8) - away) / scene.gsd + 0.5, 0, 1)
    colour = scene.colour("grass") if scene.chance(0.6) else scene.colour("soil")
    scene.paint(dyke * scene.uniform(0.6, 0.95), colour * (1 + 0.1 * ground.grain)[..., None])
    scene.notes.append("divided into parcels")


def pivot(scene: Scene, ground: Land, frames, centre, radius: float) -> None:
    """A circular field: one crop or sectors of several, the rings of the sprinkler's wheels, its track inwards."""
    away = np.hypot(COLUMNS - centre[0], ROWS - centre[1]).astype(np.float32)
    bearing = (np.arctan2(ROWS - centre[1], COLUMNS - centre[0]) + scene.uniform(0, 6)) % (2 * np.pi)
    inside = away + 0.6 * ground.patch < radius
    if not inside.any():
        return
    lines = (away * scene.gsd, bearing * radius * scene.gsd * 0.5) if scene.chance(0.25) else frames
    split = scene.pick([0, np.pi, scene.uniform(0.5, 5)])
    work(scene, ground, *lines, inside, scene.pick(["green", "green", "rows", "ripe"]))
    if split and (inside & (bearing < split)).any():
        work(scene, ground, *lines, inside & (bearing < split), scene.pick(["green", "rows", "stubble", "ripe"]))
    span = max(scene.px(scene.uniform(30, 55)), 12)
    ring = np.clip(1.2 - np.abs(away % span - span / 2), 0, 1) * inside
    scene.shade(ring * np.clip(0.6 + 0.4 * ground.patch, 0, 1), scene.uniform(-0.25, 0.25))
    if scene.chance(0.6):
        end = centre + radius * np.array([np.cos(turn := scene.uniform(0, 6.3)), np.sin(turn)])
        way = scene.stroke(np.stack([centre, end]), 2) * inside
        scene.paint(way * scene.uniform(0.2, 0.5), scene.colour("soil"))
    scene.claim(inside, "circular field")
