"""Stacked containers, drawn all at once by table rather than one by one."""

import numpy as np

from ..drawing.scene import Scene
from ..drawing.textures import GRAIN
from .sea import shifted

UNIT, ROW, TIER = 6.4, 2.75, 2.6  # metres: a 20-foot place along, a row across, a container's height


def stacks(scene: Scene, along, across, inside, rows: int, lane_m: float, fullness: float) -> None:
    """Blocks of containers, `rows` side by side between lanes; along and across are metres [SIDE, SIDE]."""
    far = scene.width_m * 0.8
    period = rows * ROW + lane_m
    block = np.floor((across + far) / period)  # np.divmod takes five times as long
    place = across + far - block * period
    row = np.floor(place / ROW).astype(int)
    unit = np.floor((along + far) / UNIT)
    offset = along + far - unit * UNIT
    unit, block = unit.astype(int), block.astype(int)
    here = inside & (row < rows)
    row = np.minimum(row, rows - 1) + block * rows
    height, colour = _stock(scene, unit.max() + 2, row.max() + 1, fullness)
    tiers = np.where(here, height[unit, row], 0)
    shadow = _stack_shadows(scene, tiers)
    scene.shade(shadow)
    lit = colour[unit, row] * (0.74 + 0.075 * tiers * (1 - 0.6 * shadow))[..., None]
    seam = place - np.floor(place / ROW) * ROW
    gap = (unit % 2 == 0) & (offset < max(0.5, 0.55 * scene.gsd)) | (seam < 0.45 * scene.gsd)
    lit = lit * np.where(gap, 0.62, 1 + 0.05 * scene.noise(0.6, GRAIN))[..., None] * (1 - 0.45 * shadow)[..., None]
    scene.paint((tiers > 0).astype(np.float32), lit, "containers")


def _stock(scene: Scene, units: int, rows: int, fullness: float) -> tuple[np.ndarray, np.ndarray]:
    """How high and in which colour containers are stacked: tables [units, rows] and [units, rows, 3]."""
    rng, highest = scene.rng, scene.integer(2, 5)
    pairs = (units + 1) // 2
    level = highest * rng.uniform(0.45, 1, (pairs, 1)) + rng.normal(0, 0.8, (pairs, rows))
    height = np.clip(np.round(level), 1, highest) * (rng.random((pairs, rows)) < fullness)
    height = height * (rng.random((pairs, 1)) < 0.5 + 0.5 * fullness)  # a bay left free
    height[:: scene.integer(8, 16)] = 0  # cross lanes
    owners = np.stack([scene.colour("container") for _ in range(9)])
    faded = scene.rng.uniform(0.08, 0.4, (9, 1)) + scene.uniform(-0.05, 0.1)  # sun and salt bleach the paint
    owners = owners + (0.75 * owners.mean(1, keepdims=True) + 26 - owners) * faded
    chosen = np.where(
        rng.random((pairs, rows)) < 0.3, rng.integers(0, 9, (pairs, 1)), rng.integers(0, 9, (pairs, rows))
    )
    chosen, height = np.repeat(chosen, 2, 0), np.repeat(height, 2, 0)
    short = rng.random(rows) < scene.uniform(0, 0.5)  # rows of 20-foot containers
    chosen[1::2] = np.where(short, rng.integers(0, 9, chosen[1::2].shape), chosen[1::2])
    colour = owners[chosen] * rng.uniform(0.88, 1.1, (*chosen.shape, 1))
    return height.astype(np.float32), colour.astype(np.float32)


def _stack_shadows(scene: Scene, tiers) -> np.ndarray:
    """Where a higher stack keeps the sun away, by marching towards the sun in single pixels."""
    height, shadow = tiers * TIER, np.zeros(tiers.shape, bool)
    reach = int(np.clip(scene.px(height.max() * scene.shadow_length), 1, 24))
    steps = np.unique(np.linspace(1, reach, min(reach, 9)).round())
    for step in steps:
        sunward = shifted(height, scene.sun * step)
        shadow |= sunward - step * scene.gsd / scene.shadow_length > height + 0.4 * TIER
    return shadow.astype(np.float32)
