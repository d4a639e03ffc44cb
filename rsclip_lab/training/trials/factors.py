"""What an ablation varies: factors with their levels, and which of their combinations mean anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from itertools import product
from typing import Literal

import numpy as np
import pandas as pd

from rsclip_lab.data.sampler import CaptionPool
from rsclip_lab.data.wording.prompts import label_captions
from rsclip_lab.training.batches import CaptionBatches
from rsclip_lab.training.config import FinetuneConfig

Setting = dict[str, object]  # {factor: level}
Design = Literal["full", "one_at_a_time"]

# The first level of each is the reference, which effects are counted from.
FACTORS: dict[str, tuple] = {
    "loss": ("clip", "siglip", "positives_only"),
    "duplicates": ("positives", "negatives", "apart"),
    "image_augmentation": ("on", "off"),
    "text_augmentation": ("on", "off"),
    "replay": ("off", "on"),
}
DUPLICATES = {
    "positives": {"shared_captions": "positives", "distinct_captions": False},
    "negatives": {"shared_captions": "negatives", "distinct_captions": False},
    "apart": {"shared_captions": "positives", "distinct_captions": True},
}
# Factors that are no field of FinetuneConfig, and where a level of theirs leads.
OWN_FACTORS = ("duplicates", "image_augmentation", "text_augmentation", "replay")


def checked_factors(factors: Mapping[str, Sequence] | None) -> dict[str, tuple]:
    """The factors with their levels; None: FACTORS. ValueError for a factor or a level that there is not."""
    factors = FACTORS if factors is None else factors
    config_fields = {field.name for field in fields(FinetuneConfig)} - {"seed"}
    found = {}
    for name, levels in factors.items():
        levels = (levels,) if isinstance(levels, str) else tuple(levels)
        if name not in OWN_FACTORS and name not in config_fields:
            known = ", ".join(FACTORS)
            raise ValueError(f"factor {name!r}: there are {known}, and the fields of FinetuneConfig but for seed")
        if not levels or len(set(map(str, levels))) < len(levels):
            raise ValueError(f"factor {name!r}: give levels, each once, the reference first; got {list(levels)}")
        if name in OWN_FACTORS and (unknown := [level for level in levels if level not in FACTORS[name]]):
            raise ValueError(f"factor {name!r} has no level {unknown[0]!r}; there are {', '.join(FACTORS[name])}")
        found[name] = levels
    if not found:
        raise ValueError("no factors: name at least one with its levels, such as {'replay': ('off', 'on')}")
    return found


def settings_of(factors: Mapping[str, tuple], design: Design = "full") -> list[Setting]:
    """Every combination of levels ("full"), or the reference and each other level alone ("one_at_a_time")."""
    if design not in ("full", "one_at_a_time"):
        raise ValueError(f'design={design!r}: must be "full" or "one_at_a_time"')
    reference = {name: levels[0] for name, levels in factors.items()}
    if design == "full":
        return [dict(zip(factors, levels, strict=True)) for levels in product(*factors.values())]
    return [reference] + [reference | {name: level} for name, levels in factors.items() for level in levels[1:]]


def configured(config: FinetuneConfig, setting: Setting) -> FinetuneConfig:
    """The configuration that a setting asks for."""
    changes = {name: level for name, level in setting.items() if name not in OWN_FACTORS}
    changes |= DUPLICATES[setting["duplicates"]] if "duplicates" in setting else {}
    if "image_augmentation" in setting:
        changes["augment"] = setting["image_augmentation"] == "on"
    return replace(config, **changes)


def text_tables(captions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """What is trained on with text augmentation: all captions of a picture, and of a labelled one the templates, one
    of which is drawn each epoch; and without: the first caption of each picture."""
    labelled = captions["label"].map(lambda label: isinstance(label, str) and bool(label)).any()
    return {"on": label_captions(captions) if labelled else captions, "off": captions.drop_duplicates("image")}


def left_out(
    setting: Setting, reference: Setting, captions: pd.DataFrame, replay: pd.DataFrame | None, config: FinetuneConfig
) -> str | None:
    """Why a combination tells nothing that another one does not, or cannot be had; None for one to run.

    captions, replay, config: of a run in this setting.
    """
    duplicates = setting.get("duplicates")
    if config.loss == "positives_only" and duplicates != reference.get("duplicates"):
        return "positives_only has no negatives, so how duplicates are counted makes no difference"
    if duplicates == "apart" and cannot_be_apart(captions, replay, config):
        return "too few distinct captions to keep equal ones apart"
    return None


def cannot_be_apart(captions: pd.DataFrame, replay: pd.DataFrame | None, config: FinetuneConfig) -> bool:
    """Whether some pictures must share a caption with another of their batch."""
    plan = CaptionBatches.configured(captions, replay, replace(config, distinct_captions=False))
    pool = CaptionPool.from_table(captions)
    return pool.must_repeat(np.arange(len(pool.images)), plan.steps_per_epoch) > 0
