"""Baseball fields: one alone or several back to back in a park."""

import numpy as np

from ..drawing.geometry import MIDDLE, beside, edge, rectangles, straight, to_canvas
from ..drawing.ground import furrows, grass, paving, road, yard
from ..drawing.plants import canopy, trees
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import GRAIN
from .tanks import circles


def baseball_field(scene: Scene) -> None:
    _park(scene)
    count = 1 if scene.width_m < 190 else scene.pick([1, 2, 4], [0.45, 0.25, 0.3])
    bases = scene.uniform(24, 28) if count == 1 else scene.uniform(19, 25)
    first, look = scene.uniform(0, 2 * np.pi), _Look(scene)
    for i in range(count):
        away = first + i * 2 * np.pi / count
        aim = away + scene.pick([0, 0.1, -0.1]) if count > 1 else scene.uniform(0, 2 * np.pi)
        home = (
            MIDDLE + scene.px(bases * scene.uniform(0.9, 1.6)) * np.array([np.cos(away), np.sin(away)])
            if count > 1
            else _home(scene, aim, bases)
        )
        _diamond(scene, home, aim, bases, look)
    if scene.chance(0.4):
        trees(
            scene,
            edge(beside(scene, scene.uniform(0.3, 0.42), wobble=0.03), 0.02) * 0.7,
            scene.uniform(5, 10),
        )


def _home(scene: Scene, aim: float, bases: float) -> np.ndarray:
    """Home plate such that the infield lies somewhere about the middle, pixels."""
    back = scene.px(bases * scene.uniform(0.5, 2)) * np.array([np.cos(aim), np.sin(aim)])
    return MIDDLE - back + scene.rng.uniform(-0.15, 0.15, 2) * SIDE


class _Look:
    """What the fields of one park share: surfaces and habits."""

    def __init__(self, scene: Scene):
        self.lawn, self.clay = scene.colour("grass") * scene.uniform(0.95, 1.15), scene.colour("soil")
        self.clay = (self.clay + (np.array([172, 122, 86]) - self.clay) * scene.uniform(0, 0.8)) * scene.uniform(
            0.95, 1.25
        )
        self.grass_infield = scene.chance(0.6)
        self.fence, self.warning_track = scene.uniform(2.6, 4.2), scene.chance(0.5)
        self.striped = scene.chance(0.6)


def _park(scene: Scene) -> None:
    """Lawns with trees, a road, parked cars, a schoolyard's buildings."""
    scene.image = grass(scene)
    if scene.chance(0.25):
        scene.paint(edge(beside(scene, scene.uniform(0.1, 0.4), wobble=0.02), 0.01), paving(scene), "open ground")
    if scene.chance(0.3):
        yard(scene, edge(beside(scene, scene.uniform(0.15, 0.4)), 0.02), 0.6)
    if scene.chance(0.25):
        canopy(scene, mask=edge(beside(scene, scene.uniform(0.25, 0.45)), 0.02))
    trees(scene, np.clip(scene.uniform(-0.4, 0.15) + 0.25 * scene.noise(2), 0, 0.6), scene.uniform(5, 9))
    if scene.chance(0.45):
        road(
            scene,
            straight(scene, None, scene.pick([-1, 1]) * SIDE * scene.uniform(0.36, 0.48)),
            scene.uniform(4, 9),
        )


def _fan(scene: Scene, home, aim, reach_m: float, spread=np.pi / 4, bulge=0.0) -> np.ndarray:
    """The field's outline [n, 2] in pixels: foul lines from home plate and the arc of the fence."""
    turn = np.linspace(-spread, spread, 26)
    radius = reach_m * (1 + bulge * np.cos(2 * turn))
    arc = np.stack([radius * np.cos(turn), radius * np.sin(turn)], -1)
    return to_canvas(scene, np.concatenate([np.zeros((1, 2)), arc]), aim, home)


def _diamond(scene: Scene, home, aim: float, bases: float, look: _Look) -> None:
    """One field: fence, warning track, outfield, infield skin, grass inside it, mound, plates, benches."""
    reach = bases * look.fence
    behind = home - scene.px(bases * 0.25) * np.array([np.cos(aim), np.sin(aim)])
    outer = scene.stamp(_fan(scene, behind, aim, reach + bases * 0.25, np.pi / 4 + 0.06, 0.06)[None])
    rim = look.clay if look.warning_track else look.lawn * 0.9
    scene.paint(outer, rim * (1 + 0.06 * scene.noise(0.7, GRAIN))[..., None])
    field = scene.stamp(_fan(scene, home, aim, reach - bases * 0.12, bulge=0.06)[None])
    scene.paint(field, scene.surface(look.lawn, look.lawn * scene.uniform(0.85, 1.15), 1.5, 0.05))
    if look.striped:
        furrows(scene, field, scene.uniform(0.03, 0.09), scene.uniform(5, 12), aim + scene.pick([0, np.pi / 4]), 0)
    _infield(scene, home, aim, bases, look)
    _lines(scene, home, aim, bases, reach)


def _infield(scene: Scene, home, aim, bases, look) -> None:
    """The clay: claimed, as it is what makes a diamond of a lawn."""
    turn = np.linspace(-np.pi, np.pi, 60)
    mound = bases * 0.67
    skin = mound * np.array([1, 0]) + bases * 1.03 * np.stack([np.cos(turn), np.sin(turn)], -1)
    foul = np.abs(skin[:, 1]) - (skin[:, 0] + bases * 0.18)  # cut along the foul lines
    skin[:, 1] -= np.sign(skin[:, 1]) * np.clip(foul, 0, None)
    scene.fill(to_canvas(scene, skin, aim, home)[None], look.clay, "baseball diamond")
    clay = [to_canvas(scene, skin, aim, home), *circles(home[None], scene.px(bases * 0.16), 60)]
    scene.fill(clay[1:], look.clay)
    scene.texture(scene.stamp(clay) * (0.05 * scene.noise(1.5) + 0.05 * scene.noise(0.7, GRAIN)))
    if look.grass_infield:
        half = bases * 0.5**0.5
        inner = half * np.array([1, 0]) + half * 0.8 * np.array([[-1, 0], [0, -1], [1, 0], [0, 1]])
        scene.fill(to_canvas(scene, inner, aim, home)[None], look.lawn)
        scene.fill(circles(home[None], scene.px(bases * 0.14)), look.clay)
    scene.fill(circles(to_canvas(scene, [[mound, 0]], aim, home), max(scene.px(bases * 0.1), 1.2)), look.clay)


def _lines(scene: Scene, home, aim, bases, reach) -> None:
    """Foul lines, bases, benches and a backstop."""
    for side in (-np.pi / 4, np.pi / 4):
        end = to_canvas(scene, [[reach * np.cos(side), reach * np.sin(side)]], aim, home)[0]
        scene.paint(
            scene.stroke(np.stack([home, end]), 0.3) * min(0.6, scene.px(0.5)),
            np.array([222, 220, 212], np.float32),
        )
    half = bases * 0.5**0.5
    plates = to_canvas(scene, [[0, 0], [half, half], [2 * half, 0], [half, -half]], aim, home)
    size = max(scene.px(0.7), 0.8)
    scene.fill(rectangles(plates, size, size, aim), (226, 224, 216))
    benches = to_canvas(scene, bases * np.array([[0.25, 0.55], [0.25, -0.55]]), aim, home)
    angles = aim + np.array([1, -1]) * np.pi / 4
    shapes = rectangles(benches, scene.px(bases * 0.32), scene.px(2.6), angles)
    if scene.chance(0.7):
        scene.cast(shapes, 3)
        scene.fill(shapes, scene.colour("flat roof"))
    stop = to_canvas(scene, bases * np.array([[0.05, 0.3], [-0.25, 0.12], [-0.25, -0.12], [0.05, -0.3]]), aim, home)
    scene.paint(scene.stroke(stop, 0.8) * 0.7, scene.colour("steel") * 0.7)
