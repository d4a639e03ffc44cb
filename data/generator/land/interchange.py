"""Road interchanges: two highways on two levels, joined by loops and ramps."""

import numpy as np

from ..drawing.geometry import MIDDLE, rectangles, waves
from ..drawing.ground import background, grass, soil, traffic, yard
from ..drawing.plants import canopy, trees
from ..drawing.scene import COLUMNS, ROWS, SIDE, Scene
from ..drawing.textures import GRAIN, LAND, MOTTLE
from .highways import QUADRANTS, Crossing, axis, carriageway, highway, loop, overpass, quarter, ramp
from .roofs import flat_roofs


def road_interchange(scene: Scene) -> None:
    first, skew = scene.uniform(0, 2 * np.pi), scene.uniform(-0.45, 0.45)
    axes = np.array([[np.cos(a), np.sin(a)] for a in (first, first + np.pi / 2 + skew)])
    bend = waves(scene, 12) if scene.chance(0.5) else None
    crossing = Crossing(MIDDLE + scene.rng.normal(0, SIDE * 0.07, 2), axes, bend)
    width = min(scene.uniform(14, 34), scene.width_m / 9)
    _land(scene)
    base = scene.colour("asphalt")
    base = np.clip((base * 0.4 + base.mean() * 0.6) * scene.uniform(0.75, 1.5), 50, 200)
    asphalt = base * (1 + 0.06 * scene.noise(1, GRAIN) + 0.06 * scene.noise(1, MOTTLE))[..., None]
    layout = scene.pick(["cloverleaf", "diamond", "trumpet", "stack"], [0.42, 0.24, 0.14, 0.2])
    draw = {"cloverleaf": _cloverleaf, "diamond": _diamond, "trumpet": _trumpet, "stack": _stack}[layout]
    _local_roads(scene, crossing, asphalt)
    draw(scene, crossing, width, asphalt)
    if scene.chance(0.4):
        _roadside(scene)


def _land(scene: Scene) -> None:
    """Open country, suburb-like clutter or an estate's roofs, and usually a grassy middle."""
    background(scene, scene.pick(["grass", "soil", "forest", "field"], [0.5, 0.2, 0.2, 0.1]))
    if scene.chance(0.45):
        _built_up(scene)
    if scene.chance(0.6):
        x, y = (COLUMNS - SIDE / 2) / SIDE, (ROWS - SIDE / 2) / SIDE
        roundness = scene.uniform(1, 4)  # from a diamond to almost a square
        distance = (np.abs(x) ** roundness + np.abs(y) ** roundness) ** (1 / roundness)
        inside = (
            scene.uniform(0.25, 0.5)
            - distance
            + scene.uniform(0.06, 0.18) * scene.noise(scene.uniform(1, 3), LAND)
        )
        ground = grass(scene) if scene.chance(0.8) else soil(scene)
        scene.paint(np.clip(inside / scene.uniform(0.02, 0.2) + 0.5, 0, 1), ground)
        scene.owner[inside > 0] = 0
    if scene.chance(0.7):
        wood = np.clip(scene.uniform(-0.3, 0.35) + 0.35 * scene.noise(scene.uniform(1, 2), LAND), 0, 0.85)
        trees(scene, wood, scene.uniform(5, 9))
    scene.texture(0.05 * scene.noise(1, MOTTLE))


def _built_up(scene: Scene) -> None:
    """Roofs in rows all round, small ones or large ones."""
    yard(scene, None, scene.uniform(0.3, 0.7), scene.uniform(8, 25))
    small = scene.chance(0.6)
    step = scene.uniform(17, 28) if small else scene.uniform(45, 80)
    step = max(step, scene.width_m / 28)
    angle, reach = scene.angle(), scene.width_m * 0.75
    axis = np.arange(-reach, reach, step)
    at = np.stack(np.meshgrid(axis, axis * scene.uniform(1, 1.5)), -1).reshape(-1, 2)
    at = at[scene.rng.random(len(at)) < scene.uniform(0.5, 0.9)]
    at = at + scene.rng.normal(0, step * 0.07, at.shape)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    sizes = scene.px(step * scene.rng.uniform(0.4, 0.75, (len(at), 2)))
    shapes = rectangles(at @ turn / scene.gsd + MIDDLE, *sizes.T, angle)
    colours = scene.colours("roof" if small else "flat roof", len(at), 5)
    flat_roofs(
        scene,
        shapes,
        colours,
        5 if small else 8,
        "house" if small else "building",
        pitch=0.1 if small else 0.0,
    )
    trees(scene, scene.uniform(0, 0.4), scene.uniform(5, 9))


def _both(scene: Scene, crossing: Crossing, width: float, asphalt) -> None:
    highway(scene, axis(scene, crossing, 0), width, asphalt)
    overpass(
        scene,
        crossing,
        axis(scene, crossing, 1),
        width * scene.uniform(0.7, 1),
        asphalt * scene.uniform(0.88, 1.12),
        width,
    )


def _cloverleaf(scene: Scene, crossing: Crossing, width: float, asphalt) -> None:
    size = min(scene.uniform(32, 75), scene.width_m * 0.15)
    quadrants = [q for q in QUADRANTS if scene.chance(0.8)] or [QUADRANTS[0]]
    for signs in quadrants:
        ramp(scene, crossing, loop(size * scene.uniform(0.85, 1.1), signs), asphalt, "loop ramp")
    for signs in QUADRANTS:
        if scene.chance(0.85):
            ramp(
                scene,
                crossing,
                quarter(size * scene.uniform(4.2, 5.5), signs, scene.uniform(0.35, 0.55)),
                asphalt,
            )
    _both(scene, crossing, width, asphalt)


def _diamond(scene: Scene, crossing: Crossing, width: float, asphalt) -> None:
    """Straight ramps from the highway up to a smaller road; some quadrants have a loop instead."""
    reach = scene.width_m * scene.uniform(0.3, 0.55)
    for signs in QUADRANTS:
        if scene.chance(0.15):
            ramp(scene, crossing, loop(min(45, scene.width_m * 0.12), signs), asphalt, "loop ramp")
            continue
        t = np.linspace(0, 1, 20)
        rise = scene.uniform(0.12, 0.3) * reach
        points = np.stack([reach * (1 - t), rise * (3 * t**2 - 2 * t**3)], -1)
        ramp(scene, crossing, points * signs, asphalt)
    highway(scene, axis(scene, crossing, 0), width, asphalt)
    overpass(
        scene,
        crossing,
        axis(scene, crossing, 1),
        max(width * 0.55, 9),
        asphalt * scene.uniform(0.85, 1.1),
        width,
    )


def _trumpet(scene: Scene, crossing: Crossing, width: float, asphalt) -> None:
    """A highway that ends at another one: a loop, a ramp around it, and two flat quarters."""
    size, side = min(scene.uniform(35, 70), scene.width_m * 0.14), scene.pick([-1, 1])
    ramp(scene, crossing, loop(size, np.array([side, -1])), asphalt, "loop ramp")
    for signs in ((1, 1), (-1, 1)):
        ramp(
            scene,
            crossing,
            quarter(size * scene.uniform(3, 5), np.array(signs), scene.uniform(0.3, 0.5)),
            asphalt,
        )
    turn = np.linspace(0, 1, 24)[:, None]
    pull = np.array([-side * size * 0.2, -size * 0.1])
    around = (1 - turn) ** 2 * [-side * size * 3, 0] + 2 * turn * (1 - turn) * pull + turn**2 * [0, size * 2]
    ramp(scene, crossing, around, asphalt)
    highway(scene, axis(scene, crossing, 0), width, asphalt)
    overpass(
        scene,
        crossing,
        axis(scene, crossing, 1, -size / scene.width_m),
        max(width * 0.6, 9),
        asphalt * 0.95,
        width,
    )


def _stack(scene: Scene, crossing: Crossing, width: float, asphalt) -> None:
    """Right turns outside, left turns as long ramps on bridges through the middle."""
    reach = scene.width_m * scene.uniform(0.4, 0.7)
    for signs in QUADRANTS:
        if scene.chance(0.9):
            ramp(scene, crossing, quarter(reach, signs, scene.uniform(0.4, 0.6)), asphalt)
    _both(scene, crossing, width, asphalt)
    for signs in QUADRANTS:
        if scene.chance(0.65):
            points_m = quarter(reach, signs, scene.uniform(0.85, 1.0))
            points = crossing.line(scene, points_m)
            scene.shade(scene.stroke(points + scene.sun * scene.px(8 * scene.shadow_length), 8), 0.35)
            ramp(scene, crossing, points_m, asphalt * scene.uniform(1, 1.15))


def _local_roads(scene: Scene, crossing: Crossing, asphalt) -> None:
    """Streets beside a highway."""
    for _ in range(scene.integer(0, 2)):
        off, t = (
            scene.pick([-1, 1]) * scene.uniform(0.25, 0.45) * scene.width_m,
            np.linspace(-1, 1, 40) * scene.width_m,
        )
        points = np.stack([t, np.full(40, off)], -1)
        points = points if scene.chance(0.5) else points[:, ::-1]
        line = crossing.line(scene, points)
        carriageway(scene, line, scene.uniform(6, 11), asphalt * scene.uniform(0.85, 1.1), None)
        traffic(scene, line, scene.integer(0, 10))


def _roadside(scene: Scene) -> None:
    """Woods in a corner."""
    corner = np.hypot(COLUMNS - scene.pick([0, SIDE]), ROWS - scene.pick([0, SIDE])) / SIDE
    mask = np.clip((scene.uniform(0.2, 0.45) - corner + 0.12 * scene.noise(1.5, LAND)) / 0.03, 0, 1)
    canopy(scene, mask=mask)
