"""From the canvas to the picture: optics, exposure, haze, sensor noise, compression."""

import cv2
import numpy as np

from .scene import Scene

BRIGHTNESS, CONTRAST, VIVID = 0.37, 0.13, 0.11  # of values 0…1, what a provider's tone mapping tends to


def photograph(scene: Scene, size: int = 128) -> np.ndarray:
    """The finished picture [size, size, 3] uint8 RGB."""
    image = scene.image
    blur = scene.uniform(0, 1.1)
    if blur > 0.35:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    if scene.chance(0.6):  # sharpening, as imagery providers apply it
        image = image + scene.uniform(0.2, 1.1) * (image - cv2.GaussianBlur(image, (0, 0), 1.0))
    image = _expose(scene, image / 255) * 255
    if scene.chance(0.6):
        image = image + scene.rng.normal(0, scene.uniform(0.3, 3), (size, size, 1))
    return _compress(scene, np.clip(image, 0, 255).astype(np.uint8))


def _expose(scene: Scene, image: np.ndarray) -> np.ndarray:
    """Saturation, gamma, brightness and contrast, a colour cast and haze, on values 0…1.

    Imagery providers even out their tiles, so dark scenes are lifted and dull ones stretched, part of the way.
    """
    grey = image.mean(-1, keepdims=True)
    vivid = float(np.abs(image - grey).mean() / grey.mean())
    image = grey + (image - grey) * scene.uniform(0.6, 1.1) * np.clip((VIVID / max(vivid, 0.01)) ** 0.4, 0.6, 1.2)
    image = np.clip(image, 0, 1.3) ** scene.uniform(0.8, 1.3)
    middle, spread = float(image.mean()), float(image.std())
    gain = (BRIGHTNESS / middle) ** scene.uniform(0.2, 0.6) * scene.uniform(0.8, 1.35)
    stretch = np.clip((CONTRAST / spread) ** scene.uniform(0, 0.4), 0.8, 1.7) * scene.uniform(0.85, 1.25)
    grey = image.mean(-1, keepdims=True)
    even = np.maximum((grey - middle) * stretch * np.sqrt(gain) + middle * gain, 0.01)
    image = image * (even / np.maximum(grey, 0.01))  # the hue stays: stretched apart, dull greens would turn teal
    image = image * scene.rng.normal((1.0, 1.0, 1.01), 0.022)
    if scene.chance(0.4):  # the greenish, yellowish cast of many providers' tiles
        image = image * (1 + scene.uniform(0.3, 1.4) * np.array([-0.02, 0.03, -0.07]))
    if scene.chance(0.3):
        image = image + scene.uniform(0.03, 0.22) * (np.array([0.66, 0.71, 0.74]) - image)
    return image


def _compress(scene: Scene, image: np.ndarray) -> np.ndarray:
    if not scene.chance(0.8):
        return image
    quality = [cv2.IMWRITE_JPEG_QUALITY, scene.integer(35, 95)]
    coded = cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), quality)[1]
    return cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1]


def visible(scene: Scene) -> dict[int, int]:
    """Pixels of the canvas that each drawn object still owns: {object id: pixels}, hidden ones left out."""
    counts = np.bincount(scene.owner.ravel(), minlength=len(scene.drawn))
    return {i: int(n) for i, n in enumerate(counts) if i and n}
