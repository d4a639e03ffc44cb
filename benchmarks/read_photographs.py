"""How well a model names the pictures of a labelled folder, zero-shot, beside chance and a linear probe.

    python benchmarks/read_photographs.py FOLDER [--model tiny] [--json FILE]

FOLDER is one that `lab.read_captions` reads, with a `label` column. Ratios: zero-shot accuracy over chance, and over
a linear probe on the same features, which says what the picture features hold and the prompts do not reach: half of
the pictures to fit (its strength of regularisation chosen among them by three-fold cross-validation), half to test,
mean of five such divisions.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split

import rsclip_lab as lab

TEMPLATE = "a satellite view of {label}"
DIVISIONS, STRENGTHS = 5, (1, 10, 100, 1000)


def measure(folder: Path, name: str) -> dict:
    """{"figures": …, "ratios": …, "recall_of_label": {label: share}} for one folder and one model."""
    model = lab.load_model(name)
    pictures = lab.distinct_images(lab.read_captions(folder))
    names = sorted(pictures["label"].unique())
    labels = pictures["label"].map(names.index).to_numpy()
    features = model.encode_images(pictures["image"].tolist())
    scores = features @ lab.zero_shot_classifier(model, names, [TEMPLATE]).T
    found = scores.argmax(1).numpy()
    zero_shot = lab.topk_accuracy(scores, torch.tensor(labels), ks=(1,))[1]
    probe = _linear_probe(features.numpy(), labels)
    return {
        "model": name,
        "pictures": len(labels),
        "figures": {"zero_shot": zero_shot, "chance": 1 / len(names), "linear_probe": probe},
        "ratios": {"zero_shot/chance": zero_shot * len(names), "zero_shot/linear_probe": zero_shot / probe},
        "recall_of_label": {name: float((found[labels == i] == i).mean()) for i, name in enumerate(names)},
    }


def _linear_probe(features: np.ndarray, labels: np.ndarray) -> float:
    scores = []
    for seed in range(DIVISIONS):
        parts = train_test_split(features, labels, test_size=0.5, stratify=labels, random_state=seed)
        probe = GridSearchCV(LogisticRegression(max_iter=5000), {"C": STRENGTHS}, cv=3)
        scores.append(probe.fit(parts[0], parts[2]).score(parts[1], parts[3]))
    return float(np.mean(scores))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    text = json.dumps(measure(options.folder, options.model), indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
