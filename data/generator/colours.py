"""Colour words for patches of a picture, only where they leave no doubt."""

import numpy as np

AGREE = 0.6  # of a patch's pixels must have the colour that names it
ENOUGH = 4000  # pixels, evenly taken from a larger patch


def colour_of(pixels: np.ndarray) -> str | None:
    """The colour word of pixels [n, 3] uint8 RGB, or None when they disagree or lie between two words."""
    if len(pixels) == 0:
        return None
    pixels = pixels[:: -(-len(pixels) // ENOUGH)]
    for name, mask in _colours(pixels.astype(np.float32)):
        if mask.mean() >= AGREE:
            return name
    return None


def _colours(pixels: np.ndarray):
    """(word, which pixels have it); the limits leave gaps, so that no shade is close to two words."""
    high, low = pixels.max(1), pixels.min(1)
    chroma = high - low
    saturation = chroma / np.maximum(high, 1)
    hue = _hue(pixels, high, np.maximum(chroma, 1e-6))
    vivid = (saturation >= 0.26) & (high >= 64)
    yield "white", (low >= 185) & (saturation <= 0.15)
    yield "grey", (saturation <= 0.13) & (high >= 80) & (high <= 170)
    yield "dark", high <= 56
    yield "red", vivid & (saturation >= 0.4) & ((hue < 13) | (hue > 345))
    yield "brown", vivid & (hue >= 16) & (hue < 44) & (high <= 190)
    yield "green", vivid & (hue >= 72) & (hue < 165)
    yield "turquoise", vivid & (hue >= 168) & (hue < 194) & (high >= 100)
    yield "blue", vivid & (hue >= 198) & (hue < 256)


def _hue(pixels: np.ndarray, high: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """Degrees 0…360 of the colour circle: 0 red, 120 green, 240 blue."""
    red, green, blue = pixels.T
    of_red = ((green - blue) / chroma) % 6
    of_green = (blue - red) / chroma + 2
    of_blue = (red - green) / chroma + 4
    return 60 * np.where(high == red, of_red, np.where(high == green, of_green, of_blue))
