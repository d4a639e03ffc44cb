"""`evaluate` and `predict`: what models know of pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from rsclip_lab.cli.arguments import (
    Count,
    Data,
    Device,
    Model,
    NewFile,
    OnCaptions,
    OptionalData,
    Pictures,
    SeveralModels,
    Texts,
    with_split,
)


@dataclass(frozen=True, kw_only=True)
class Evaluate(OnCaptions):
    """Measure models on pictures with captions, one row a model."""

    models: Positional[SeveralModels]
    data: Data  # pictures with captions, in any form that `finetune` takes
    control: OptionalData = None  # pictures of other kinds: what was forgotten of them
    split: Literal["train", "val", "test", "all"] = "test"  # where the data name none, it is drawn as in `finetune`
    seed: int = 0  # of a drawn split: the seed of the run
    classes: Texts = ()  # class names to choose between; none: the labels of the data
    templates: Texts = ()  # prompts with {label} in place of a class name; none: "a satellite view of {label}"
    json: NewFile = None  # write all metrics, and on what they were measured, to this new file
    device: Device = "auto"

    def run(self) -> int:
        from rsclip_lab.data import read_captions
        from rsclip_lab.data.disk import in_words, replacing
        from rsclip_lab.evaluation import evaluate
        from rsclip_lab.evaluation.record import describe_tables
        from rsclip_lab.models import load_model
        from rsclip_lab.models.saved.description import plain
        from rsclip_lab.show import before_after_table

        test = self.chosen(self.captions(), self.data)
        control = None if self.control is None else self.chosen(read_captions(self.control), self.control)
        words = (self.classes or None, self.templates or None)
        results = {name: evaluate(load_model(name, self.device), test, control, *words) for name in self.models}
        print(before_after_table(results).to_string())
        if self.json:
            found = plain({"metrics": results, "measured_on": describe_tables(captions=test, control=control)})
            with in_words(self.json), replacing(self.json) as part:
                part.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            print(f"Written: {self.json}")
        return 0

    def chosen(self, captions, source: Path):
        """The rows of the split asked for, their pictures seen to be there."""
        from rsclip_lab.checks import require_usable

        splits = with_split(captions, self.seed)["split"]
        rows = captions if self.split == "all" else captions[splits == self.split]
        if rows.empty:
            there = ", ".join(sorted(splits.dropna().unique()))
            raise ValueError(f"{source}: nothing in the {self.split} split, only in {there}; choose one by --split")
        require_usable(rows, f"the {self.split} split of {source}")
        print(f"{source}: {rows['image'].nunique()} pictures, {len(rows)} captions ({self.split})")
        return rows


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Say which of several texts fits each picture best."""

    model: Positional[Model]
    pictures: Positional[Pictures]  # JPEG, PNG, TIFF, …
    prompts: Texts = ()  # whole sentences to choose between, two at least
    labels: Texts = ()  # or class names, which become sentences by --templates
    templates: Texts = ()  # sentences with {label}, averaged; none: "a satellite view of {label}"
    several: bool = False  # judge each prompt by itself, as several may be true, instead of choosing between them
    top: Count = 3  # texts to print of each picture
    csv: NewFile = None  # write the probabilities of all texts to this new file
    device: Device = "auto"

    def run(self) -> int:
        from rsclip_lab.data.disk import in_words, replacing
        from rsclip_lab.models import load_model

        if bool(self.prompts) == bool(self.labels) or (self.templates and self.prompts):
            raise ValueError("give --prompts with whole sentences, or --labels with class names (and --templates)")
        if self.several and self.labels:
            raise ValueError("--several judges whole sentences: give them as --prompts")
        table = self.probabilities(load_model(self.model, self.device))
        names, texts = (max(map(len, axis)) for axis in table.axes)
        for name, row in table.iterrows():
            best = [f"{share:4.0%} {text:{texts}}" for text, share in row.nlargest(self.top).items()]
            print(" ".join([f"{name:{names}}", *best]).rstrip())
        if self.csv:
            with in_words(self.csv), replacing(self.csv) as part:
                table.to_csv(part)
            print(f"Written: {self.csv}")
        return 0

    def probabilities(self, model):
        """One row a picture, one column a text, as `evaluation.predict` gives them."""
        import pandas as pd

        from rsclip_lab.evaluation import class_scores, predict, zero_shot_classifier
        from rsclip_lab.evaluation.zero_shot import picture_names

        if self.prompts:
            return predict(model, self.pictures, self.prompts, self.several)
        classifier = zero_shot_classifier(model, self.labels, self.templates or None)
        scores = class_scores(model, model.encode_images(self.pictures), classifier).softmax(dim=-1)
        index = pd.Index(picture_names(self.pictures), name="image")
        return pd.DataFrame(scores.numpy(), index, list(self.labels))
