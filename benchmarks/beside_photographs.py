"""Drawn scenes beside photographs of the same kinds: a contact sheet a kind, and what differs in numbers.

    python benchmarks/beside_photographs.py FOLDER OUT [--json FILE]

FOLDER is read by `lab.read_captions` and has a `label` column whose labels are among those of PAIRS. OUT gets one PNG
a label, photographs above, drawn scenes below; it stays outside the repository when the photographs' licence asks
for that. Ratios are drawn over photographed, averaged over pictures: brightness, contrast, saturation, and the
contrast of five octaves of detail (fine to coarse).
"""

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the generator is no installed package

import rsclip_lab as lab
from data.generator.draw import draw
from data.generator.kinds import LAND

PAIRS = {
    "grass": ["grassland"],
    "field": ["crop field"],
    "forest": ["forest"],
    "industry": ["industrial area", "commercial area"],
    "parking lot": ["parking lot"],
    "residential area": ["dense residential area", "medium residential area", "sparse residential area"],
    "river or lake": ["river", "lake"],
}
SIDE, COLUMNS, ROWS = 96, 10, 3
FIRST_SEED = 60_000
MEASURES = ("brightness", "contrast", "saturation", *(f"octave {i}" for i in range(1, 6)))


def numbers(picture: np.ndarray) -> list[float]:
    """MEASURES of one picture [SIDE, SIDE, 3] uint8 RGB."""
    grey = picture.mean(-1).astype(np.float32)
    found = [grey.mean(), grey.std(), float(np.ptp(picture.astype(float), axis=-1).mean())]
    for _ in range(5):
        smooth = cv2.GaussianBlur(grey, (0, 0), 1.6)
        found.append((grey - smooth).std())
        grey = cv2.resize(smooth, (grey.shape[1] // 2,) * 2, interpolation=cv2.INTER_AREA)
    return found


def photographs(paths: list[str]) -> list[np.ndarray]:
    pictures = [cv2.imread(str(path))[..., ::-1] for path in paths]
    return [cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for picture in pictures]


def drawings(labels: list[str], count: int) -> list[np.ndarray]:
    kinds = [LAND[label] for label in labels]
    pictures = [draw(kinds[i % len(kinds)], FIRST_SEED + i).pixels for i in range(count)]
    return [cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for picture in pictures]


def sheet(real: list[np.ndarray], drawn: list[np.ndarray]) -> np.ndarray:
    """ROWS rows of photographs, a white line, ROWS rows of drawn scenes."""

    def block(pictures):
        step = max(1, len(pictures) // (ROWS * COLUMNS))  # spread over all of them
        shown = pictures[::step][: ROWS * COLUMNS]
        return np.vstack([np.hstack(shown[i * COLUMNS : (i + 1) * COLUMNS]) for i in range(ROWS)])

    return np.vstack([block(real), np.full((6, SIDE * COLUMNS, 3), 255, np.uint8), block(drawn)])


def named(values: np.ndarray) -> dict[str, float]:
    return dict(zip(MEASURES, values.round(2).tolist(), strict=True))


def measure(folder: Path, out: Path) -> dict:
    """{"figures": {label: {side: …}}, "ratios": {label: {measure: drawn/photographed}}}; writes the sheets."""
    pictures = lab.distinct_images(lab.read_captions(folder))
    figures, ratios = {}, {}
    for label, own in pictures.groupby("label"):
        real = photographs(own["image"].tolist())
        drawn = drawings(PAIRS[label], len(real))
        means = [np.mean([numbers(picture) for picture in some], 0) for some in (real, drawn)]
        figures[label] = {side: named(mean) for side, mean in zip(("real", "drawn"), means, strict=True)}
        ratios[label] = named(means[1] / means[0])
        cv2.imwrite(str(out / f"{label.replace(' ', '_')}.png"), sheet(real, drawn)[..., ::-1])
    return {"figures": figures, "ratios": ratios}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    found = measure(options.folder, options.out)
    for label, ratios in found["ratios"].items():
        print(f"{label:18}", "  ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items()))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
