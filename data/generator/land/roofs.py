"""Large flat roofs as of halls, shops and offices: edges, seams, skylights, machinery, stains."""

import numpy as np

from ..drawing.built import buildings
from ..drawing.geometry import in_view, rectangles, to_canvas
from ..drawing.scene import Scene
from ..drawing.textures import MOTTLE

MOST_DETAILED = 40  # roofs of a scene that get parts; the largest first


def flat_roofs(scene: Scene, shapes, colours, heights_m, kind: str | None = "building", pitch: float = 0.0) -> None:
    """Buildings [n, 4, 2] in pixels with everything that lies on such roofs."""
    shapes = np.asarray(shapes, np.float64)
    if len(shapes) == 0:
        return
    colours = np.broadcast_to(np.asarray(colours, np.float32), (len(shapes), 3))
    buildings(scene, shapes, colours, heights_m, pitch, 0.0, kind)
    roof_details(scene, shapes, colours, pitch)
    stain = scene.stamp(shapes[in_view(shapes.mean(1))]) * np.clip(scene.noise(scene.uniform(0.3, 1), MOTTLE), -1, 2)
    scene.texture(-scene.uniform(0.02, 0.09) * stain)


def roof_details(scene: Scene, shapes, colours, pitch: float = 0.0, most: int = MOST_DETAILED) -> None:
    """What lies on the `most` largest of roofs [n, 4, 2] that are painted already, as far as it can be seen."""
    sides = np.linalg.norm(shapes[:, [1, 3]] - shapes[:, :1], axis=-1)
    large = np.flatnonzero((sides.min(1) > 6) & in_view(shapes.mean(1)))
    large = large[np.argsort(-sides[large].min(1))][:most]
    if len(large) == 0:
        return
    if scene.chance(0.6):
        _edges(scene, shapes[large], colours[large], pitch)
    _seams(scene, shapes[large], colours[large], sides[large])
    _parts(scene, shapes[large], colours[large], sides[large])


def _edges(scene: Scene, shapes, colours, pitch: float) -> None:
    """A parapet: the roof's rim is a little lighter or darker than its inside."""
    if pitch:
        return
    middle = shapes.mean(1, keepdims=True)
    reach = np.linalg.norm(shapes - middle, axis=-1, keepdims=True)
    scene.fill(shapes, np.clip(colours * scene.uniform(0.7, 1.25), 5, 250))
    scene.fill(shapes + (middle - shapes) / reach * min(max(1.3, scene.px(0.8)), 3), colours)


def _seams(scene: Scene, shapes, colours, sides) -> None:
    """Stripes across some roofs: seams, rows of skylights, saw-tooth glazing."""
    stripes, shades = [], []
    for shape, colour, (across, down) in zip(shapes, colours, sides, strict=True):
        if scene.chance(0.55):
            continue
        spacing = max(scene.px(scene.log_uniform(3, 12)), 2.5)
        count = min(int(across / spacing), 24)
        if count < 2:
            continue
        long, width, inset = scene.chance(0.7), scene.uniform(0.25, 0.5) * spacing, scene.uniform(0.6, 1)
        places = (np.arange(count)[:, None] + 0.5) / count
        centres = shape[0] + places * (shape[1] - shape[0]) + (shape[3] - shape[0]) / 2
        angle = np.arctan2(*(shape[1] - shape[0])[::-1])
        stripes.append(rectangles(centres, min(width, 0.8) if long else width, down * inset, angle))
        shades.append(np.tile(np.clip(colour * scene.uniform(0.72, 1.22), 5, 250), (count, 1)))
    if stripes:
        scene.fill(np.concatenate(stripes), np.concatenate(shades))


def _parts(scene: Scene, shapes, colours, sides) -> None:
    """Machines, hatches and stairheads strewn over the roofs, each with its shadow."""
    counts = np.minimum(scene.rng.poisson(scene.uniform(1, 7), len(shapes)), (sides.prod(1) / 12).astype(int))
    roof = np.repeat(np.arange(len(shapes)), counts)
    if len(roof) == 0:
        return
    spot = scene.rng.uniform(0.12, 0.88, (len(roof), 2))
    across, down = shapes[:, 1] - shapes[:, 0], shapes[:, 3] - shapes[:, 0]
    centres = shapes[roof, 0] + spot[:, :1] * across[roof] + spot[:, 1:] * down[roof]
    angles = np.arctan2(across[:, 1], across[:, 0])[roof]
    sizes = np.clip(scene.px(scene.rng.lognormal(0.7, 0.5, (len(roof), 2))), 1.1, sides.min(1)[roof, None] * 0.3)
    parts = rectangles(centres, *sizes.T, angles)
    scene.cast(parts, 1.5)
    scene.fill(parts, np.clip(colours[roof] * scene.rng.uniform(0.5, 1.3, (len(roof), 1)), 8, 250))


def wings(scene: Scene, centre, size_m: float, angle: float) -> np.ndarray:
    """Rectangles [n, 4, 2] in pixels of one building grown together from several parts."""
    count = scene.integer(1, 5)
    offsets = np.round(scene.rng.normal(0, 0.32, (count, 2)) / 0.1) * 0.1 * size_m
    offsets[0] = 0
    sizes = size_m * np.stack([scene.rng.uniform(0.25, 0.8, count), scene.rng.uniform(0.2, 0.6, count)], -1)
    sizes[0] = size_m * np.array([scene.uniform(0.7, 1.2), scene.uniform(0.35, 0.8)])
    turns = angle + np.where(scene.rng.random(count) < 0.04, np.pi / 4, 0)
    return rectangles(to_canvas(scene, offsets, angle, np.asarray(centre)), *scene.px(sizes).T, turns)
