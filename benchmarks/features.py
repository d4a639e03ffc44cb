"""Do other implementations compute the same features: open_clip, transformers and onnxruntime beside this package.

    python benchmarks/features.py --json features.json

Full-size networks with random weights, RN50 and ViT-B-32, each with QuickGELU and with GELU, in float32 on the CPU.
Every figure is the largest absolute difference between unit features of the same pictures and texts. Two more show
that a small one means something: what the other activation does to the features (nothing to an RN50's pictures, as
that tower has ReLU throughout), and how far the features of different pictures or texts are apart at least.
About 3 GB of disk in a temporary folder, 4 GB of memory, some minutes; needs the extras "transformers" and "onnx".
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

import rsclip_lab as lab
from rsclip_lab.data import PixelStore, normalise, open_image
from rsclip_lab.models.exports.onnx_features import OnnxClip

LIMIT = 1e-4
NETWORKS = [(name, quick_gelu) for name in ("RN50", "ViT-B-32") for quick_gelu in (True, False)]
SIZES = [(224, 224), (256, 256), (600, 400), (301, 500), (97, 64), (223, 225), (30, 700), (512, 512)]
TEXTS = [
    "a beach",
    "a satellite view of a forest",
    "Two white boats lie at the pier; many small ones are out on the green water.",
    "it's an airport with 12 planes, three terminals & a long runway (no. 7)",
    "many buildings and some green trees are in two sides of a curved river " * 12,
    "",
]


def draw_pictures(folder: Path) -> list[Path]:
    """PNG files of several shapes: colour ramps, rectangles and grain; the last two grey and with transparency."""
    random = np.random.default_rng(0)
    paths = []
    for number, (width, height) in enumerate(SIZES):
        ramp = np.linspace(0, 255, width)[None, :, None] * random.random(3)
        pixels = np.broadcast_to(ramp, (height, width, 3)) + random.normal(0, 12, (height, width, 3))
        for _ in range(6):
            top, left = random.integers(0, height), random.integers(0, width)
            pixels[top : top + height // 3, left : left + width // 3] = random.integers(0, 256, 3)
        mode = {len(SIZES) - 2: "L", len(SIZES) - 1: "RGBA"}.get(number, "RGB")
        paths.append(folder / f"{number}.png")
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).convert(mode).save(paths[-1])
    return paths


def shake(net: nn.Module) -> None:
    """Give gains, biases and running statistics values of their own: fresh ones, zeros and ones, hide errors.

    A fresh RN50 even has gains of zero at the end of its blocks, so that these do nothing, and its variances of one
    let a picture drown in the biases: smaller ones keep pictures apart.
    """
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in net.state_dict().items():
            if name.endswith("running_var"):
                value.copy_(0.05 + 0.1 * torch.rand(value.shape, generator=generator))
            elif value.ndim == 1 and value.is_floating_point():
                value.add_(0.1 * torch.randn(value.shape, generator=generator))


def largest(ours, theirs) -> float:
    return float(np.abs(np.asarray(ours) - np.asarray(theirs)).max())


def unit(features) -> torch.Tensor:
    """Unit vectors of what a network gives; transformers 5 wraps them."""
    return F.normalize(getattr(features, "pooler_output", features), dim=-1)


def compare(figures: dict, label: str, ours: tuple, theirs: tuple) -> None:
    """Note and print the differences of (image features, text features)."""
    note(figures, label, *(largest(mine, others) for mine, others in zip(ours, theirs, strict=True)))


def note(figures: dict, label: str, images: float, texts: float) -> None:
    figures |= {f"{label}, images": images, f"{label}, texts": texts}
    print(f"{label:60}{images:12.1e}{texts:12.1e}", flush=True)


def apart(features: torch.Tensor) -> float:
    """The largest difference of two rows, for the two rows that are closest by that measure."""
    return min(largest(features[row], other) for row in range(len(features)) for other in features[:row])


@torch.no_grad()
def features_of(net: nn.Module, pixels: torch.Tensor, tokens: torch.Tensor) -> tuple:
    """(image features, text features) by a network of open_clip or of transformers."""
    if hasattr(net, "encode_image"):
        return unit(net.encode_image(pixels)), unit(net.encode_text(tokens))
    return unit(net.get_image_features(pixels)), unit(net.get_text_features(tokens))


def encoded(model, paths: list[Path]) -> tuple:
    """As a user gets them, from files and strings: of a Clip or an OnnxClip."""
    return model.encode_images(paths), model.encode_texts(TEXTS)


def open_clip_network(name: str, quick_gelu: bool, paths: list[Path]) -> tuple:
    """open_clip's own network with random weights, and the pixels and tokens by its own means."""
    torch.manual_seed(0)
    net, _, transform = open_clip.create_model_and_transforms(name, force_quick_gelu=quick_gelu)
    shake(net)
    pixels = torch.stack([transform(Image.open(path)) for path in paths])
    return net.eval(), pixels, open_clip.get_tokenizer(name)(TEXTS)


def measure(name: str, quick_gelu: bool, paths: list[Path], folder: Path, figures: dict) -> None:
    """One network against every implementation that has it."""
    label = f"{name} {'QuickGELU' if quick_gelu else 'GELU'}"
    net, pixels, tokens = open_clip_network(name, quick_gelu, paths)
    torch.save(net.state_dict(), folder / "weights.pt")
    theirs = features_of(net, pixels, tokens)
    del net
    note(figures, f"{label}: different pictures or texts", *map(apart, theirs))
    other = lab.load_model(folder / "weights.pt", device="cpu", architecture=name, quick_gelu=not quick_gelu)
    compare(figures, f"{label}: the other activation", encoded(other, paths), theirs)
    del other
    model = lab.load_model(folder / "weights.pt", device="cpu", architecture=name, quick_gelu=quick_gelu)
    ours = encoded(model, paths)
    compare(figures, f"{label}: ours and open_clip", ours, theirs)
    lab.export(model, folder / "onnx", to="onnx")
    compare(figures, f"{label}: ours and onnxruntime", ours, encoded(OnnxClip(folder / "onnx"), paths))
    if not name.startswith("RN"):
        to_and_from_transformers(model, label, ours, (paths, pixels, tokens), folder, figures)


def to_and_from_transformers(model, label: str, ours: tuple, inputs: tuple, folder: Path, figures: dict) -> None:
    from transformers import CLIPConfig, CLIPModel

    paths, pixels, tokens = inputs
    lab.export(model, folder / "exported", to="transformers")
    net = CLIPModel.from_pretrained(folder / "exported").eval()
    theirs = features_of(net, pixels, tokens)
    compare(figures, f"{label}: ours exported to transformers", ours, theirs)
    activation = {"hidden_act": "quick_gelu" if "Quick" in label else "gelu"}
    torch.manual_seed(0)
    net = CLIPModel(CLIPConfig(text_config=activation, vision_config=activation)).eval()  # its defaults are ViT-B-32
    shake(net)
    net.save_pretrained(folder / "theirs")
    theirs = features_of(net, pixels, tokens)
    del net
    ours = encoded(lab.load_model(folder / "theirs", device="cpu"), paths)
    compare(figures, f"{label}: transformers' CLIPModel loaded by us", ours, theirs)


def measure_preprocessing(paths: list[Path], figures: dict) -> None:
    """Normalised values, one by one as `preprocess` gives them, and by way of a map of bytes as in training."""
    transform = open_clip.image_transform(224, is_train=False)
    theirs = torch.stack([transform(Image.open(path)) for path in paths])
    model = lab.new_clip(open_clip.get_model_config("ViT-B-32"))
    ours = torch.stack([model.preprocess(open_image(path)) for path in paths])
    figures["preprocess and open_clip's transform"] = largest(ours, theirs)
    store = PixelStore.decode(paths, model.image_size, model.resize)
    ours = normalise(store.gather(np.arange(len(paths))), model.mean, model.std)
    figures["pixels of a PixelStore and open_clip's transform"] = largest(ours, theirs)
    for name in list(figures)[-2:]:
        print(f"{name:60}{figures[name]:12.1e}")


def ratios(figures: dict[str, float]) -> dict[str, float]:
    """The worst difference of each kind in units of the limit, and the least of those that must be large."""

    def of(choose: Callable, part: str) -> float:
        return choose(figure for name, figure in figures.items() if part in name) / LIMIT

    parts = {"open_clip": "and open_clip,", "onnxruntime": "and onnxruntime", "to_transformers": "exported to"}
    parts |= {"from_transformers": "loaded by us", "preprocessing": "open_clip's transform"}
    worst = {f"{name}_vs_limit": of(max, part) for name, part in parts.items()}
    controls = {"different_inputs": "different pictures", "other_activation_on_texts": "the other activation, texts"}
    return worst | {f"{name}_vs_limit": of(min, part) for name, part in controls.items()}


def be_quiet() -> None:
    """No bars of transformers, and no warnings: open_clip has one for random weights, which are wanted here."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--json", type=Path, help="write figures and ratios there")
    chosen = parser.parse_args()
    be_quiet()
    figures: dict[str, float] = {}
    print(f"{'largest difference of unit features':60}{'images':>12}{'texts':>12}")
    with tempfile.TemporaryDirectory(dir=chosen.folder) as pictures:
        paths = draw_pictures(Path(pictures))
        for name, quick_gelu in NETWORKS:
            with tempfile.TemporaryDirectory(dir=chosen.folder) as work:
                measure(name, quick_gelu, paths, Path(work), figures)
            gc.collect()
        measure_preprocessing(paths, figures)
    shares = ratios(figures)
    for name, share in shares.items():
        print(f"{name:60}{share:12.3g}")
    if chosen.json:
        chosen.json.write_text(json.dumps({"figures": figures, "ratios": shares}, indent=2) + "\n")


if __name__ == "__main__":
    main()
