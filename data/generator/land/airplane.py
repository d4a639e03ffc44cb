"""Airplanes seen from above."""

import numpy as np

from ..drawing.geometry import in_view, rectangles, rotate
from ..drawing.scene import Scene

# Half an airplane seen from above, nose at x = 0.5, as shares of its length: fuselage, wing, tailplane.
FUSELAGE = ((0.5, 0), (0.47, 0.03), (0.4, 0.052), (-0.25, 0.052), (-0.5, 0.012))
WING = ((0.14, 0.04), (-0.1, 0.46), (-0.17, 0.46), (-0.08, 0.04))
TAIL = ((-0.36, 0.02), (-0.46, 0.17), (-0.5, 0.17), (-0.48, 0.02))


def airplane(scene: Scene, centre, length_m: float, angle: float) -> None:
    """An airliner or light airplane with its shadow, at a centre in pixels."""
    parts = []
    swept = scene.uniform(0.55, 1) if length_m > 15 else 0.15  # light airplanes have straight wings
    for outline, lean in ((WING, swept), (TAIL, 1.0), (FUSELAGE, 1.0)):
        half = np.array(outline, np.float64)
        half[:, 0] = half[0, 0] + (half[:, 0] - half[0, 0]) * (lean if outline is WING and lean > 0.5 else 1)
        if length_m < 15 and outline is WING:
            half = np.array([(0.2, 0.03), (0.2, 0.6), (0.02, 0.6), (0.02, 0.03)])
        whole = np.concatenate([half, half[::-1] * [1, -1]])
        parts.append(rotate(whole * scene.px(length_m), angle) + centre)
    if not in_view(np.mean(parts[-1], 0)[None], scene.px(length_m) / 2)[0]:
        return
    shift = scene.sun * scene.px(length_m * 0.12) * scene.shadow_length
    masks = [scene.stamp([part]) for part in parts]
    shadow = np.max([scene.stamp([part + shift]) for part in parts], 0)
    body = np.max(masks, 0)
    scene.shade(shadow * (1 - body))
    colour = np.array([226, 228, 230], np.float32) * scene.uniform(0.8, 1.05)
    scene.paint(np.maximum(masks[0], masks[1]), colour * 0.88)
    scene.paint(body, np.where(masks[2][..., None] > 0, colour, colour * 0.88), "airplane")
    fin = rectangles(
        [rotate(np.array([-0.44, 0]) * scene.px(length_m), angle) + centre],
        scene.px(length_m * 0.1),
        1,
        angle,
    )
    scene.fill(fin, scene.colour("container") * 0.9)
