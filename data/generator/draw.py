"""One scene from its kind and its seed: the picture, what can be seen in it, and five captions."""

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from .captions import describe
from .drawing.camera import photograph
from .drawing.scene import Scene
from .kind import Kind
from .truth import Thing, things


@dataclass(frozen=True)
class Picture:
    """`pixels` [size, size, 3] uint8 RGB, five `captions`, what is `seen`, and the `scene` with its visible masks."""

    pixels: np.ndarray
    captions: list[str]
    seen: list[Thing]
    scene: Scene


def draw(kind: Kind, seed: int, size: int = 128) -> Picture:
    """Draw one scene; the same kind and seed give the same picture."""
    rng = np.random.default_rng([seed, crc32(kind.label.encode())])
    scene = Scene(rng, float(np.exp(rng.uniform(*np.log(kind.width_m)))))
    kind.draw(scene)
    pixels = photograph(scene, size)
    seen = things(scene, pixels)
    return Picture(pixels, describe(scene, kind, seen), seen, scene)
