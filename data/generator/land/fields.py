"""Crop fields: a few large parcels, each worked in lines of its own (the lines: `tillage`; the rest: `acres`)."""

import numpy as np

from ..drawing.geometry import curve, local_m
from ..drawing.scene import SIDE, Scene
from ..drawing.textures import LAND
from ..kind import Kind
from . import acres, swards
from .parcelling import Parcel, divide, heading
from .tillage import Land, distance_m, land, main_state, shade_of, work

MARKS = {acres.damp: 0.35, acres.pale: 0.3, acres.tracks: 0.2, acres.strays: 0.1, acres.pond: 0.04}  # chances


def crop_field(scene: Scene) -> None:
    layouts = {_parcels: 0.34, _one: 0.16, _contour: 0.15, _drained: 0.1, _strips: 0.08, _paddies: 0.05, _plots: 0.05}
    layout = scene.pick([*layouts, _pivots], [*layouts.values(), 0.06])
    ground = land(scene)
    cuts = layout(scene, ground) or []
    for part, chance in MARKS.items():
        if scene.chance(chance):
            part(scene)
    acres.borders(scene, cuts)
    if scene.chance(0.1):
        swards.farmyard(scene)


def _parcels(scene: Scene, ground: Land):
    """Two to five big parcels, no two alike."""
    frames = heading(scene)
    parcels, nearest, cuts = divide(scene, frames, scene.pick([2, 3, 4, 5], [0.35, 0.3, 0.22, 0.13]))
    head = scene.uniform(6, 16) if scene.chance(0.4) else 0
    for number, parcel in enumerate(parcels):
        _till(scene, ground, frames, parcel, nearest, head, None if number else main_state(scene))
    scene.notes.append("divided into parcels")
    return cuts


def _till(scene: Scene, ground: Land, frames, parcel: Parcel, nearest, head: float, what) -> None:
    """One parcel: lines along its longer side as a rule, around the headland, or all the way round it."""
    axis = parcel.short if scene.chance(0.8) else 1 - parcel.short
    across, along = frames[axis], frames[1 - axis]
    if scene.chance(0.07):
        across = nearest
    elif head and scene.chance(0.6):
        turn = nearest < head
        across, along = np.where(turn, nearest, across), np.where(turn, across, along)
    if work(scene, ground, across, along, parcel.own, what) == "stubble" and scene.chance(0.4):
        acres.bales(scene, across, along, parcel.own)
    if scene.chance(0.15):
        _half_done(scene, ground, frames[axis], frames[1 - axis], parcel.own)


def _half_done(scene: Scene, ground: Land, across, along, own) -> None:
    """Work that stopped half way: some passes done, the last one not to its end."""
    there = across[own]
    cut, width = float(np.quantile(there[::17], scene.uniform(0.2, 0.75))), scene.uniform(8, 30)
    stop = float(np.quantile(along[own][::17], scene.uniform(0.1, 0.9)))
    work(scene, ground, across, along, own & ((across < cut) | ((across < cut + width) & (along < stop))))


def _one(scene: Scene, ground: Land):
    """A single field that fills the picture, or nearly."""
    across, along = frames = heading(scene)
    everywhere = np.ones((SIDE, SIDE), bool)
    if work(scene, ground, across, along, everywhere, main_state(scene)) == "stubble" and scene.chance(0.4):
        acres.bales(scene, across, along, everywhere)
    if scene.chance(0.45):
        _half_done(scene, ground, across, along, everywhere)
    if scene.chance(0.5):
        return None
    frame = frames[scene.integer(0, 1)] * scene.pick([-1, 1])
    away = frame - float(np.quantile(frame[::8, ::8], scene.uniform(0.72, 0.95)))  # its edge, and a neighbour
    if scene.chance(0.6):
        head = (away < 0) & (away > -scene.uniform(6, 24))
        work(scene, ground, away, along if frame is not along else across, head)
    other = frames if scene.chance(0.5) else frames[::-1]
    work(scene, ground, *other, away > 0)
    return [(away, everywhere)]


def _contour(scene: Scene, ground: Land):
    """Passes that bend around a hill, and bands of another crop along them."""
    line = curve(scene, scene.uniform(0.08, 0.3)) + scene.rng.uniform(-0.5, 0.5, 2) * SIDE
    across = distance_m(scene, line)
    along = local_m(scene, scene.angle())[0]
    everywhere = np.ones((SIDE, SIDE), bool)
    work(scene, ground, across, along, everywhere, main_state(scene))
    if scene.chance(0.6):
        band = max(scene.uniform(14, 50), scene.width_m * scene.uniform(0.08, 0.3))
        bounds = np.cumsum(scene.rng.lognormal(0, 0.5, 40)) * band - scene.uniform(0, 2) * band
        place = np.searchsorted(bounds.astype(np.float32), across + np.float32(0.05 * band) * ground.wander)
        own = place % 2 == 0 if scene.chance(0.6) else place < np.median(place)
        work(scene, ground, across, along, own)
    if scene.chance(0.45):
        frames = heading(scene)
        parcels, _, cuts = divide(scene, frames, 2)
        work(scene, ground, *frames, parcels[scene.integer(0, len(parcels) - 1)].own)
        return cuts
    return None


def _drained(scene: Scene, ground: Land):
    """A grassed waterway and its arms, with a few passes along them and straight work beyond."""
    frames = heading(scene)
    lines = acres.arms(scene)
    away = distance_m(scene, *lines)
    parcels, _, cuts = divide(scene, frames, scene.integer(1, 3))
    beside = scene.uniform(10, 45) * (scene.integer(0, 2) > 0)
    turn = away < beside
    across, along = np.where(turn, away, frames[0]), np.where(turn, 0.5 * (frames[0] + frames[1]), frames[1])
    for number, parcel in enumerate(parcels):
        work(scene, ground, across, along, parcel.own, None if number else main_state(scene))
    if beside and scene.chance(0.65):  # cut first, or left standing
        work(scene, ground, across, along, turn, scene.pick(["stubble", None]))
    acres.waterway(scene, ground, away)
    return cuts if scene.chance(0.6) else None


def _strips(scene: Scene, ground: Land):
    """Long plots side by side, of many widths, worked along their length."""
    across, along = heading(scene)
    widths = scene.rng.lognormal(0, 0.6, 40) * max(scene.width_m * scene.uniform(0.07, 0.2), 8)
    bounds = np.cumsum(widths) - widths.sum() / 2
    number = np.searchsorted(bounds, across).astype(np.int32)
    half = along > scene.uniform(-0.45, 0.45) * scene.width_m if scene.chance(0.5) else np.zeros_like(number, bool)
    number = number + 50 * half
    few = [None, *(shade_of(scene, [c]) for c in ground.soils)]
    for own in np.unique(number):
        work(scene, ground, across, along, number == own, colour=scene.pick(few, [0.8, 0.1, 0.1]))
    bound = bounds[np.clip(np.searchsorted(bounds, across - widths.mean() / 2), 0, 39)]
    scene.notes.append("divided into parcels")
    return [((across - bound).astype(np.float32), np.ones((SIDE, SIDE), bool))] if scene.chance(0.6) else None


def _paddies(scene: Scene, ground: Land):
    """Flooded or green terraces between low dykes that follow the slope."""
    bent = distance_m(scene, curve(scene, scene.uniform(0.05, 0.3)) + scene.rng.uniform(-0.5, 0.5, 2) * SIDE)
    along = local_m(scene, scene.angle())[0]
    acres.paddies(scene, ground, bent, along)


def _plots(scene: Scene, ground: Land):
    """Beds of vegetables in blocks, some under glass or plastic."""
    frames = heading(scene)
    parcels, nearest, cuts = divide(scene, frames, scene.integer(4, 8))
    for parcel in parcels:
        across, along = frames[parcel.short], frames[1 - parcel.short]
        acres.beds(scene, ground, across, along, parcel.own, scene.chance(0.2))
    scene.notes.append("divided into parcels")
    return cuts


def _pivots(scene: Scene, ground: Land):
    """Circles under a turning sprinkler: its wheels' rings, sectors of other crops, dry corners."""
    frames = heading(scene)
    work(scene, ground, *frames, np.ones((SIDE, SIDE), bool), "bare")
    scene.texture(-0.1 * np.clip(scene.noise(1.5, LAND), 0, 2))
    radius, first = SIDE * scene.uniform(0.3, 0.7), scene.rng.uniform(0.05, 0.95, 2) * SIDE
    for step in range(scene.integer(1, 3)):
        turn = scene.integer(0, 3) * np.pi / 2
        centre = first + (step > 0) * 2.06 * radius * np.array([np.cos(turn), np.sin(turn)])
        acres.pivot(scene, ground, frames, centre, radius)


KINDS = [Kind("crop field", ("a crop field", "farmland", "a field", "farm fields"), crop_field, (64, 640))]
