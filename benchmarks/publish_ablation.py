"""The committed result of the full ablation, made from the folder of its runs.

    rsclip-lab ablation --folder outputs/ablation
    python benchmarks/publish_ablation.py outputs/ablation      # writes benchmarks/ablation/

Writes ablation.csv (every run) and ablation.json (model, configuration, data, what was left out) as they are, and
from them README.md with the table and the effects, settings.png and effects.png.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from rsclip_lab.show.ablation_figures import keep_ablation_figures
from rsclip_lab.training.trials.ablation_result import METHOD, Ablation, effect_table

HERE = Path(__file__).with_name("ablation")
PUBLISHED = """\
CLIP-rsicd's own ablation, whose shape this table has: openai/clip-vit-base-patch32 on RSICD's captions, top-k on
1,027 photographs of 30 kinds (source: the README of github.com/arampacha/CLIP-rsicd). **Not comparable row by row**:
other pictures, kinds, network and prompts. Its three repeats of one setting differ by two points, which is why there
are intervals here.

| setting | k=1 | k=3 | k=5 | k=10 |
|---|---|---|---|---|
| before training | 0.572 | 0.745 | 0.837 | 0.939 |
| lr 1e-4, image and text augmentation | 0.843 | 0.958 | 0.977 | 0.993 |
| the same, an earlier checkpoint | 0.819 | 0.950 | 0.974 | 0.994 |
| lr 1e-4, image augmentation only | 0.812 | 0.942 | 0.970 | 0.991 |
| lr 5e-5, both | 0.831 | 0.959 | 0.977 | 0.994 |
| the same again | 0.811 | 0.945 | 0.972 | 0.993 |
| and again | 0.823 | 0.946 | 0.971 | 0.992 |
| lr 5e-5, image augmentation only | 0.746 | 0.906 | 0.956 | 0.989 |
| lr 5e-5, weight decay 0.02 | 0.820 | 0.946 | 0.965 | 0.990 |
| lr 5e-6, Adam | 0.883 | 0.968 | 0.982 | 0.998 |
"""


def readme(result: Ablation) -> str:
    """The result in words and tables; every number comes from its runs."""
    notes, runs = result.notes, result.runs
    seeds, minutes = runs["seed"].nunique(), runs["seconds"].sum() / 60
    drawn = sorted({f"{name}: {table['note']}" for name, table in notes["data"].items() if "note" in table})
    parts = [
        "# Ablation",
        f"{len(runs)} fine-tunings of `{notes['model']}`, {seeds} seeds, {notes['config']['epochs']} epochs each, "
        f"{minutes:.0f} minutes of training in all ({notes['device']}). Made by "
        "`rsclip-lab ablation` and `python benchmarks/publish_ablation.py`; every run is in `ablation.csv`.",
        "\n".join(f"- {line}" for line in drawn),
        METHOD,
        "## What each factor does",
        "Differences over all pairs of runs that are equal in everything else; all_top1: right answers for new kinds "
        "among all kinds; top1: among their own; control_top1: for old kinds.",
        markdown(effect_table(result.effects())),
        "![effects](effects.png)",
        "## Every setting",
        "k: how often the right kind is among the first k, of the new kinds' test pictures among all kinds.",
        markdown(result.table()),
        "![settings](settings.png)",
        "Left out: " + ("nothing." if not notes["left_out"] else ""),
        "\n".join(f"- {reason} ({count} settings)" for reason, count in reasons(notes["left_out"]).items()),
        "## The published one",
        PUBLISHED.rstrip(),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def reasons(left_out: list[str]) -> dict[str, int]:
    """How many settings were left out for each reason."""
    return pd.Series([line.partition(": ")[2] for line in left_out], dtype=object).value_counts().to_dict()


def markdown(table: pd.DataFrame) -> str:
    lines = [table.columns, ["---"] * len(table.columns), *table.astype(str).to_numpy()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def publish(source: Path, target: Path = HERE) -> Path:
    """Write all of it to `target`; gives the folder."""
    result = Ablation.load(source)
    result.save(target)
    keep_ablation_figures(result, target)
    (target / "README.md").write_text(readme(result), encoding="utf-8")
    return target


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of the runs: --folder of `rsclip-lab ablation`")
    print(f"Written: {publish(parser.parse_args().folder)}")
