"""Platforms of a station with their roofs, or one great hall over all of them."""

import numpy as np

from ..drawing.geometry import local_m, rectangles
from ..drawing.scene import Scene
from ..drawing.textures import GRAIN, MOTTLE
from .runways import YELLOW, bar
from .tracks import Yard, claim_at, paint_at

EDGE = np.array([222, 220, 212], np.float32)  # of platforms, painted white


def lay_platforms(scene: Scene, yard: Yard, u, v) -> None:
    """Paved or sealed, with pale edges, worn middles, benches and stairs."""
    colour = scene.colour("concrete" if scene.chance(0.6) else "asphalt") * scene.uniform(0.8, 1.05)
    reach = 1.2 * scene.shadow_length + scene.gsd
    stops = yard.platforms.astype(np.float32)
    on = (v > stops[0, 0] - reach) & (v < stops[-1, 1] + reach)
    on &= (u > stops[:, 2].min() - 4 * reach) & (u < stops[:, 3].max() + 4 * reach)
    if not on.any():
        return
    u, v, spots = u[on], v[on], np.flatnonzero(on)
    tone = 1 + 0.06 * scene.noise(0.8, MOTTLE)[on] + 0.04 * scene.noise(1, GRAIN)[on]
    one = [
        np.minimum(np.minimum(v - v0, v1 - v), np.minimum(u - u0, u1 - u) * 0.3) for v0, v1, u0, u1 in stops.tolist()
    ]
    d = np.max(one, 0)
    mask = np.clip(d / scene.gsd + 0.5, 0, 1)
    age = np.ones(len(d), np.float32)
    for distance in one:
        age[distance > 0] = scene.uniform(0.88, 1.1)
        claim_at(scene, spots[distance > 0], "platform")
    shadow = 1 - 0.25 * np.clip((d + 1.2 * scene.shadow_length) / scene.gsd, 0, 1) * (1 - mask)
    under = scene.image[on] * shadow[:, None]
    under += (colour * (age * tone)[:, None] - under) * mask[:, None]
    line = EDGE if not scene.chance(0.35) else YELLOW
    under += (line - under) * (bar(d - 0.5, 0.16, scene.gsd) * scene.uniform(0.4, 0.9))[:, None]
    scene.image[on] = under
    if scene.gsd < 1:
        many = yard.platforms[scene.rng.integers(0, len(yard.platforms), 40)]
        spots = np.stack([scene.rng.uniform(many[:, 2], many[:, 3]), many[:, :2].mean(1)], -1)
        shapes = rectangles(yard.at(scene, spots), scene.px(scene.rng.uniform(1, 3, 40)), scene.px(1), yard.angle)
        scene.cast(shapes, 2)
        scene.fill(shapes, scene.colours("asphalt", 40, 4))


def roofs(scene: Scene, yard: Yard, layout: str) -> None:
    """A long roof on most platforms, cut into bays; over a terminus now and then one great hall for all."""
    if layout == "shed":
        _shed(scene, yard)
        return
    colour = scene.colour("flat roof" if scene.chance(0.7) else "roof") * scene.uniform(0.7, 0.95)
    colour = colour * 0.5 + colour.mean() * 0.5
    share, bare = scene.uniform(0.2, 0.9), 0.6 if layout == "halt" else 0.15
    ridge = scene.pick([0.0, 0.13, -0.1], [0.4, 0.35, 0.25])
    bays = [_bays(scene, yard, stop, share) for stop in yard.platforms if not scene.chance(bare)]
    if not bays:
        return
    which = np.repeat(np.arange(len(bays)), [len(some) for some in bays])
    bays = np.concatenate(bays)
    shapes = yard.boxes(scene, bays)
    scene.cast(shapes, 4.5)
    tones = (
        colour
        * scene.rng.uniform(0.93, 1.05, (len(bays), 1))
        * scene.rng.uniform(0.96, 1.04, (which[-1] + 1, 1))[which]
    )
    scene.fill(shapes, np.clip(tones, 5, 245))
    if ridge:  # two slopes, up or down to the middle
        half = shapes.copy()
        half[:, 2:] = (shapes[:, [1, 0]] + shapes[:, [2, 3]]) / 2
        out = shapes[0, 0] - shapes[0, 3]
        lit = 1 - 2 * ridge * float(out @ scene.sun) / (np.linalg.norm(out) + 1e-6)
        scene.fill(half, np.clip(tones * lit, 5, 245))
    elif scene.px(1) > 0.8:
        seams = bays[:, [0, 1, 0, 3]] + np.array([-0.3, 0.4, 0.3, -0.4])
        scene.fill(yard.boxes(scene, seams), np.clip(colour * 0.75, 5, 245))


def _bays(scene: Scene, yard: Yard, stop, share: float) -> np.ndarray:
    """The roof of one platform, cut into boxes [n, 4] (u0, v0, u1, v1) of about the length of a coach."""
    v0, v1, u0, u1 = stop
    long = (u1 - u0) * share * scene.uniform(0.8, 1.05)
    start = u1 - long - 4 if np.isfinite(yard.end) else (u0 + u1 - long) / 2 + scene.uniform(-0.1, 0.1) * long
    over = scene.uniform(-0.9, 0.6)
    cuts = np.linspace(start, start + long, max(int(long / 26), 2))
    return np.stack([cuts[:-1], 0 * cuts[1:] + v0 - over, cuts[1:], 0 * cuts[1:] + v1 + over], -1)


def _shed(scene: Scene, yard: Yard) -> None:
    """One arched roof of glass and sheets over all platforms."""
    # Tracks must still run out of it inside the picture.
    long = min(scene.uniform(90, 190), max(yard.end + 0.12 * scene.width_m, 25))
    u, v = local_m(scene, yard.angle, yard.origin)
    spans = scene.pick([1, 2, 3])
    inside = np.minimum(np.minimum(v - yard.low + 2, yard.high + 2 - v), yard.end + 8 - u)
    inside = np.minimum(inside, u - yard.end + long)
    on = inside > -0.5 * scene.gsd
    cover = np.clip(inside[on] / scene.gsd + 0.5, 0, 1)
    u, across = u[on], (v[on] - yard.low + 2) / ((yard.high - yard.low + 4) / spans)
    scene.cast(
        yard.boxes(scene, [(yard.end - long, yard.low - 2, yard.end + 8, yard.high + 2)]), scene.uniform(14, 22)
    )
    normal = np.array([-np.sin(yard.angle), np.cos(yard.angle)])
    slope = (across % 1) * 2 - 1
    tone = 1 - 0.35 * slope * float(normal @ scene.sun)
    rib = scene.uniform(8, 16)
    tone = tone - 0.12 * bar(u % rib - rib / 2, 0.4, scene.gsd) - 0.1 * (np.abs(slope) > 0.94)
    glass = (np.abs(slope) < scene.uniform(0.15, 0.6)) * np.float32(scene.uniform(0.0, 0.4))
    colour = scene.colour("flat roof") * 0.85 * (tone + 0.06 * scene.noise(1, MOTTLE)[on])[:, None]
    colour += glass[:, None] * (np.array([70, 84, 92], np.float32) - colour)
    paint_at(scene, on, colour, cover)
    claim_at(scene, np.flatnonzero(on)[cover > 0.5], "building")
