"""The figures of an ablation show its means and intervals, and which row or change each belongs to."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from rsclip_lab.show.ablation_figures import keep_ablation_figures, plot_ablation, plot_effects
from rsclip_lab.show.style import BLUE, ORANGE
from rsclip_lab.training.trials.ablation_measures import packed
from rsclip_lab.training.trials.ablation_result import Ablation

FACTORS = {"loss": ["clip", "siglip"], "text_augmentation": ["on", "off"]}


def ablation(control=True):
    """Two seeds of four settings; on the old kinds nothing makes a difference."""
    random, rows = np.random.default_rng(0), []
    for loss, text in itertools.product(*FACTORS.values()):
        for seed in range(2):
            new = random.random(60) < (0.9 if text == "on" else 0.5)
            answers = {"right": new}
            if control:
                answers |= {"all_right": new, "control_right": np.arange(80) % 4 > 0}
            row = {"loss": loss, "text_augmentation": text, "seed": seed, "pictures": 60, "control_pictures": 80}
            row |= {name.replace("right", "top1"): right.mean() for name, right in answers.items()}
            rows.append(row | {name: packed(right) for name, right in answers.items()})
    runs = pd.DataFrame(rows)
    return Ablation(runs, runs.iloc[0].to_dict() | {"all_top1": 0.02, "control_top1": 0.8, "top1": 0.1}, FACTORS)


def dots(axes):
    """(x, y, colour, hollow) of each dot."""
    lines = [line for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata()) == 1]
    looks = [(to_hex(line.get_color()).upper(), line.get_markerfacecolor() == "white") for line in lines]
    return [(*line.get_xydata()[0], *look) for line, look in zip(lines, looks, strict=True)]


def bars(axes):
    """[low, high] of each interval, in the order of the dots."""
    return [list(line.get_xdata()) for line in axes.lines if line.get_linewidth() == 3]


def test_each_setting_is_a_row_with_its_mean_and_interval():
    result = ablation()
    intervals = result.intervals()
    levels, new, old = plot_ablation(intervals, result.factors, result.base).axes
    for axes, metric, colour in ((new, "all_top1", BLUE), (old, "control_top1", ORANGE)):
        expected = intervals[intervals.metric == metric]
        drawn = dots(axes)
        assert [x for x, *_ in drawn] == pytest.approx(expected["mean"].tolist())
        assert [y for _, y, *_ in drawn] == [0, 1, 2, 3] and {c for _, _, c, _ in drawn} == {colour}
        np.testing.assert_allclose(bars(axes), expected[["low", "high"]])
        (before,) = (line for line in axes.lines if line.get_linestyle() == ":")
        assert set(before.get_xdata()) == {result.base[metric]}
    texts = [text.get_text() for text in levels.texts]
    assert texts == ["loss", "clip", "clip", "siglip", "siglip", "text aug.", "on", "off", "on", "off"]


def test_the_reference_has_the_largest_dots():
    result = ablation()
    new = plot_ablation(result.intervals(), result.factors).axes[1]
    sizes = [line.get_markersize() for line in new.lines if line.get_marker() == "o"]
    assert sizes[0] > sizes[1] == sizes[2] == sizes[3]


def test_effects_are_in_points_and_hollow_where_nothing_is_known():
    result = ablation()
    effects = result.effects()
    (axes,) = plot_effects(effects).axes
    for metric, colour in (("all_top1", BLUE), ("control_top1", ORANGE)):
        expected = effects[effects.metric == metric]
        drawn = [dot for dot in dots(axes) if dot[2] == colour]
        assert [x for x, *_ in drawn] == pytest.approx((100 * expected["difference"]).tolist())
        hollow = [low <= 0 <= high for low, high in expected[["low", "high"]].to_numpy()]
        assert [dot[3] for dot in drawn] == hollow
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["loss:\nsiglip instead of clip", "text augmentation:\noff instead of on"]
    captions = {round(y): hollow for _, y, colour, hollow in dots(axes) if colour == BLUE}
    assert captions == {0: True, 1: False}


def test_without_a_control_set_the_new_kinds_stand_alone():
    result = ablation(control=False)
    _, new = plot_ablation(result.intervals(), result.factors, result.base).axes
    assert new.get_xlabel() == "new kinds"
    assert plot_effects(result.effects()).axes[0].get_legend().get_texts()[0].get_text() == "new kinds"


def test_both_are_kept_as_files(tmp_path):
    paths = keep_ablation_figures(ablation(), tmp_path)
    assert [path.name for path in paths] == ["settings.png", "effects.png"]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    assert all(np.asarray(Image.open(path).convert("L")).std() > 5 for path in paths)


def test_factors_of_one_level_have_no_effects_to_draw(tmp_path):
    result = ablation()
    runs = result.runs[(result.runs["loss"] == "clip") & (result.runs["text_augmentation"] == "on")]
    alone = Ablation(runs, result.base, {"loss": ["clip"], "text_augmentation": ["on"]})
    assert [path.name for path in keep_ablation_figures(alone, tmp_path)] == ["settings.png"]
    assert alone._repr_html_().count("<table") == 1 and result._repr_html_().count("<table") == 2
    with pytest.raises(ValueError, match="no effects to draw"):
        plot_effects(alone.effects())
