"""Land under construction at the water's edge: filled and graded ground, dykes, haul tracks, works on its plots."""

import cv2
import numpy as np

from ..drawing.geometry import MIDDLE, curve, to_canvas
from ..drawing.plants import trees
from ..drawing.scene import COLUMNS, ROWS, SHIFT, SIDE, Scene
from ..kind import Kind
from .reclaimed import Site, dyke, earth, shore, standing_water, water
from .sea import small_boat
from .site import (
    CRANE_COLOURS,
    excavators,
    footings,
    half_built,
    heaps,
    huts,
    raw_storeys,
    stores,
    tower_crane,
    trucks,
)

# What the plots carry: shares of footings, halls, storeys, heaps, stores, bare ground.
MIXES = {
    "earthworks": (0.1, 0.0, 0.1, 0.5, 0.2, 0.1),
    "foundations": (0.6, 0.05, 0.1, 0.05, 0.15, 0.05),
    "halls": (0.15, 0.5, 0.05, 0.1, 0.15, 0.05),
    "storeys": (0.2, 0.05, 0.5, 0.05, 0.15, 0.05),
    "mixed": (0.25, 0.2, 0.15, 0.2, 0.1, 0.1),
}


def construction_land(scene: Scene) -> None:
    site = shore(scene, scene.pick(["straight", "corner", "mole", "basin", "fan"], [0.3, 0.2, 0.12, 0.2, 0.18]))
    water(scene, site)
    land = np.clip(site.inland / scene.gsd + 0.5, 0, 1)
    plot = float(np.clip(scene.width_m * scene.uniform(0.24, 0.36), 44, 110))
    scene.paint(land, earth(scene, site, plot))
    dry = standing_water(scene, site) if scene.chance(0.5) else site
    dyke(scene, site, land)
    _green_side(scene, dry)
    lines = _tracks(scene, dry, plot)
    _plots(scene, dry, plot, scene.pick(list(MIXES), [0.28, 0.2, 0.18, 0.16, 0.18]))
    _machines(scene, dry, lines)
    scene.texture(0.055 * site.grain * land)
    if scene.chance(0.3):
        _work_boat(scene, site)


def _tracks(scene: Scene, site: Site, plot: float) -> list[np.ndarray]:
    """Haul ways: some between the plots, some winding, pale and rutted; returns their lines in pixels."""
    far, lines = 0.8 * scene.width_m, []
    run = np.linspace(-far, far, 14)
    for k in range(-2, 3):
        for turned in (False, True):
            if scene.chance(0.55):
                swing = 0.05 * plot * np.sin(run / plot * scene.uniform(0.5, 1.5) + scene.uniform(0, 6))
                line = np.stack([run, k * plot + swing + scene.uniform(-0.05, 0.05) * plot], -1)
                lines.append(to_canvas(scene, line[:, ::-1] if turned else line, site.angle))
    lines += [curve(scene, 0.25) for _ in range(scene.integer(1, 3))]
    pale, ruts = np.zeros((2, SIDE, SIDE), np.uint8)
    for line in lines:
        width, worn = scene.uniform(4, 9), scene.integer(70, 220)
        step = np.gradient(line, axis=0)
        aside = np.stack([-step[:, 1], step[:, 0]], -1) / np.linalg.norm(step, axis=1, keepdims=True)
        _polyline(pale, line, worn, scene.px(width))
        for side in (-0.24, 0.24):
            _polyline(ruts, line + aside * scene.px(side * width), 255, scene.px(0.9))
    pale, ruts = pale.astype(np.float32) / 255, ruts.astype(np.float32) / 255
    worn = np.clip(0.7 + 0.3 * site.fine - 0.2 * site.wide, 0, 1) * np.clip((site.inland - 4) / 6, 0, 1)
    scene.paint(pale * worn * 0.85, scene.colour("sand") * scene.pick([0.6, 0.82, 1.0]))
    scene.shade(ruts * worn, 0.22)
    scene.claim(pale * worn > 0.45, "track")
    return lines


def _polyline(mask: np.ndarray, line, value: int, width_px: float) -> None:
    corners = np.round(line * 2**SHIFT).astype(np.int32)
    cv2.polylines(mask, [corners], False, value, max(1, round(width_px)), cv2.LINE_AA, SHIFT)


def _green_side(scene: Scene, site: Site) -> None:
    """Weeds and bushes come back where work has stopped, mostly inland."""
    weeds = np.clip(0.25 * site.fine - site.wide + (site.inland / scene.width_m - 0.9) * 2, 0, 1)
    weeds = weeds * scene.uniform(0, 0.8) * (site.inland > 8)
    scene.paint(weeds, scene.colour("grass"))
    scene.claim(weeds > 0.35, "grass")
    if scene.chance(0.3):
        trees(scene, np.clip(weeds - 0.3, 0, 1), scene.uniform(4, 7))


def _plots(scene: Scene, site: Site, plot: float, mix: str) -> None:
    """Something on every plot that lies wholly on land; cranes over what is being built."""
    cells = np.stack(np.meshgrid(np.arange(-2, 2), np.arange(-2, 2)), -1).reshape(-1, 2)
    centres = to_canvas(scene, (cells + 0.5) * plot + scene.rng.uniform(-0.13, 0.13, (16, 2)) * plot, site.angle)
    lean, tone = scene.rng.uniform(-0.22, 0.22, 2), np.array(scene.pick(CRANE_COLOURS), np.float32)
    built, piles = [], []
    for centre in centres:
        x, y = np.clip(np.round(centre), 0, SIDE - 1).astype(int)
        if np.abs(centre - MIDDLE).max() > 0.6 * SIDE or site.inland[y, x] < 0.3 * plot:
            continue
        work = scene.pick(["footings", "hall", "storeys", "heaps", "stores", "bare"], MIXES[mix])
        size = np.array([scene.uniform(0.5, 0.76), scene.uniform(0.32, 0.6)]) * plot
        angle = site.angle + scene.pick([0, np.pi / 2, scene.uniform(-0.3, 0.3)], [0.45, 0.3, 0.25])
        if work == "heaps":
            piles.append(centre)
        elif work == "stores":
            stores(scene, centre, angle, plot * 0.55)
            if scene.chance(0.6):
                huts(scene, centre + scene.rng.uniform(-0.2, 0.2, 2) * scene.px(plot), angle)
        elif work != "bare":
            {"footings": footings, "hall": half_built, "storeys": raw_storeys}[work](scene, centre, size, angle)
            built.append((centre, size, angle))
    if piles or not built or scene.chance(0.5):
        _tip(scene, site, piles, plot)
    for centre, size, angle in built[: scene.integer(1, 3)]:
        if scene.chance(0.7 if mix != "halls" else 0.35):
            tower_crane(scene, to_canvas(scene, [0, size[1] / 2 + 4], angle, centre), lean, tone)


def _tip(scene: Scene, site: Site, piles, plot: float) -> None:
    """Heaps where material is tipped, in loose rows."""
    rows, columns = np.nonzero(site.inland > 0.2 * plot)
    if not len(piles) and len(rows):
        chosen = scene.rng.integers(0, len(rows), scene.integer(2, 5))
        piles = list(np.stack([columns[chosen], rows[chosen]], -1))
    centres = [c + scene.rng.normal(0, 0.2, 2) * scene.px(plot) for c in piles for _ in range(scene.integer(2, 7))]
    centres = np.array([c for c in centres if _on_land(site, c, 5)][:16]).reshape(-1, 2)
    if len(centres):
        radii = np.clip(scene.rng.uniform(0.04, 0.13, len(centres)) * plot, 3 * scene.gsd, 14)
        tone = scene.colour(scene.pick(["sand", "soil", "concrete"], [0.35, 0.4, 0.25])) * scene.uniform(0.66, 0.88)
        heaps(scene, centres, radii, tone, site.fine)


def _on_land(site: Site, centre, margin: float) -> bool:
    x, y = np.clip(np.round(centre), 0, SIDE - 1).astype(int)
    return bool(site.inland[y, x] > margin)


def _machines(scene: Scene, site: Site, lines) -> None:
    """Lorries on the haul ways, excavators beside them, a row of cabins."""
    places, angles = [], []
    for _ in range(scene.integer(4, 16)):
        line = lines[scene.integer(0, len(lines) - 1)]
        k = scene.integer(0, len(line) - 2)
        spot = line[k] + (line[k + 1] - line[k]) * scene.uniform(0.2, 0.8)
        if _on_land(site, spot, 7) and (np.abs(spot - MIDDLE) < 0.5 * SIDE).all():
            places.append(spot)
            angles.append(np.arctan2(*(line[k + 1] - line[k])[::-1]) + np.pi * scene.integer(0, 1))
    trucks(scene, np.array(places).reshape(-1, 2), np.array(angles))
    spots = scene.rng.uniform(0.08, 0.92, (scene.integer(2, 7), 2)) * SIDE
    excavators(scene, [spot for spot in spots if _on_land(site, spot, 5)])
    spot = scene.rng.uniform(0.15, 0.85, 2) * SIDE
    if scene.chance(0.5) and _on_land(site, spot, 16):
        huts(scene, spot, site.angle)


def _work_boat(scene: Scene, site: Site) -> None:
    """A work boat off the shore."""
    rows, columns = np.nonzero(site.inland < -10)
    if len(rows):
        k = scene.integer(0, len(rows) - 1)
        small_boat(scene, np.array([COLUMNS[0, columns[k]], ROWS[rows[k], 0]]))


KINDS = [
    Kind(
        "construction land",
        ("construction land", "a construction site on the shore", "land under construction"),
        construction_land,
        (120, 420),
        ("unfinished building", "foundations", "earth heaps"),
        False,
    ),
]
