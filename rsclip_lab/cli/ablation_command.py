"""`ablation`: what each part of the recipe gives, run by run on the embedded sample."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from rsclip_lab.cli.arguments import Count, Device, Folder, Model, several

FULL_EPOCHS = 3  # fewer than a course run's: a grid has many runs, and what differs between them shows early


def named_factor(text: str) -> tuple[str, tuple]:
    """A factor and its levels from "loss=clip,siglip"."""
    name, separator, levels = text.partition("=")
    if not (name and separator and levels):
        raise ValueError(f"{text!r}: write FACTOR=LEVEL,LEVEL, such as loss=clip,siglip")
    return name.replace("-", "_"), tuple(plain_value(level) for level in levels.split(","))


def plain_value(text: str) -> object:
    """A number, true or false where the text is one; else the text."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


Factors = Annotated[tuple[tuple[str, tuple], ...], several(named_factor, "FACTOR=LEVEL,LEVEL")]


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """Fine-tune on the embedded sample in every setting of a grid."""

    seeds: Count = 3  # runs of each setting
    epochs: Count = FULL_EPOCHS  # of each run
    model: Model = "tiny"
    # for the runs, ablation.csv and the figures; the same command goes on where it was stopped, and started again in
    # a second terminal it shares the work
    folder: Folder = Path("outputs/ablation")
    # the reference level first; the fields of FinetuneConfig are factors, too. None: loss, duplicates,
    # image_augmentation, text_augmentation and replay with all their levels
    factors: Annotated[Factors, arg(help_behavior_hint="")] = ()
    one_at_a_time: bool = False  # only the reference, and each other level alone
    device: Device = "auto"

    def run(self) -> int:
        from rsclip_lab.course import DRAWN, CourseData
        from rsclip_lab.models import load_model
        from rsclip_lab.training.config import FinetuneConfig
        from rsclip_lab.training.trials.ablation import ablation
        from rsclip_lab.training.trials.ablation_result import METHOD, effect_table

        data = CourseData.embedded()
        result = ablation(
            load_model(self.model, self.device),
            data.train,
            data.test,
            data.land_test,
            data.land_train,
            factors=dict(self.factors) or None,
            seeds=self.seeds,
            config=FinetuneConfig(epochs=self.epochs),
            folder=self.folder,
            design="one_at_a_time" if self.one_at_a_time else "full",
        )
        print(result.table().to_string(index=False))
        if not (effects := result.effects()).empty:
            print(f"\n{effect_table(effects).to_string(index=False)}")
        print(f"\n{METHOD}\n{DRAWN}\n{len(result.runs)} runs; {len(result.notes['left_out'])} settings left out.")
        print(f"Written: {', '.join(str(path) for path in self.drawn(result))}")
        return 0

    def drawn(self, result) -> list[Path]:
        """What lies in the folder now, the figures among it."""
        from rsclip_lab.show.ablation_figures import keep_ablation_figures

        return [self.folder / "ablation.csv", *keep_ablation_figures(result, self.folder)]
