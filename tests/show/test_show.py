"""Figures say what the results say: the heights, lines, words and pictures that were passed in."""

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from rsclip_lab import show
from rsclip_lab.data import read_captions

RUNS = {
    "base": {"coast_top1": 0.13, "all_top1": 0.01, "land_top1": 0.74, "mean_recall": 0.1, "seconds": 0.0},
    "clip": {"coast_top1": 0.87, "all_top1": 0.63, "land_top1": 0.23, "mean_recall": 0.4, "seconds": 25.0},
}


def history(steps=20, cosine=0.1):
    step = np.arange(steps)
    return pd.DataFrame(
        {
            "step": step,
            "loss": 4 * np.exp(-step / 9),
            "floor": 0.1,
            "batch_recall": step / steps,
            "off_diagonal_cosine": cosine * step / steps,
        }
    )


def words(figure):
    """All text of a figure, subfigures included."""
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")) if text.get_text()]


def drawn(figure):
    """The figure as a notebook gets it, in one format: it can be drawn, and matplotlib warns of nothing."""
    assert isinstance(figure, Figure)
    png, jpeg = figure._repr_png_(), figure._repr_jpeg_()
    assert (png is None) != (jpeg is None)
    assert png is None or png.startswith(b"\x89PNG")
    assert jpeg is None or jpeg.startswith(b"\xff\xd8")
    return png or jpeg


def test_the_table_has_a_row_a_run_and_a_column_a_metric():
    table = show.before_after_table(RUNS)
    assert list(table.index) == ["before", "CLIP loss"]
    assert table.loc["CLIP loss", "land top-1"] == 0.23
    assert "off-diagonal cosine" not in table.columns  # no run has it


def test_the_table_takes_what_evaluate_gives():
    metrics = {"top1": 0.5, "topk": {1: 0.5}, "mean_recall": 0.2, "recall": {}, "off_diagonal_cosine": 0.3}
    table = show.before_after_table({"base": metrics, "mine": metrics | {"control_top1": 0.6}})
    assert list(table.index) == ["before", "mine"]
    assert table.loc["mine", "control top-1"] == 0.6 and np.isnan(table.loc["before", "control top-1"])


def test_bars_are_as_high_as_the_accuracies():
    figure = show.plot_before_after(RUNS)
    drawn(figure)
    bars, tuned = figure.axes[0].containers[:2]
    assert [bar.get_height() for bar in bars] == [0.13, 0.01, 0.74]
    assert [bar.get_height() for bar in tuned] == [0.87, 0.63, 0.23]
    assert {"13", "87", "before"} <= set(words(figure))


def test_the_history_shows_the_loss_of_knowing_nothing():
    figure = show.plot_history(history(), batch_size=64)
    drawn(figure)
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
    (chance,) = (y for name, y in lines.items() if name.startswith("ln(64)"))
    assert chance[0] == pytest.approx(np.log(64))
    np.testing.assert_array_equal(lines["loss"], history()["loss"])
    assert any(name.startswith("floor") for name in lines)


def test_the_comparison_shows_the_cosine_of_each_run():
    figure = show.plot_comparison({"positives_only": history(cosine=1.0), "clip": history(cosine=0.2)})
    drawn(figure)
    right = {line.get_label(): line.get_ydata() for line in figure.axes[1].lines}
    assert max(right["positives-only loss"]) > 0.85 > 0.25 > max(right["CLIP loss"])


def test_topk_and_chance():
    figure = show.plot_topk({"base": {1: 0.1, 3: 0.4}, "clip": {1: 0.8, 3: 0.9}}, chance=10)
    drawn(figure)
    lines = {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].lines}
    assert lines == {"before": [0.1, 0.4], "CLIP loss": [0.8, 0.9], "chance": [0.1, 0.3]}


def test_the_confusion_counts_rows_by_truth():
    figure = show.plot_confusion(["a", "a", "a", "b"], ["a", "b", "b", "b"], ["a", "b", "c"])
    drawn(figure)
    shares = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(shares, [[1 / 3, 2 / 3, 0], [0, 1, 0], [0, 0, 0]])


def test_the_similarity_matrix_shows_its_numbers_and_names():
    figure = show.plot_similarity_matrix(torch.tensor([[0.9, 0.1], [0.2, 0.8]]), ["x", "y"], ["a sea", "a port"])
    drawn(figure)
    assert {"0.90", "0.20", "x", "a port"} <= set(words(figure))


def test_interpolation_marks_the_chosen_alpha():
    sweep = pd.DataFrame({"alpha": [0, 0.5, 1], "top1": [0.1, 0.7, 0.9], "control_top1": [0.7, 0.6, 0.2]})
    figure = show.plot_interpolation(sweep, chosen=0.5)
    drawn(figure)
    lines = {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].lines}
    assert lines["new kinds"] == [0.1, 0.7, 0.9] and lines["old kinds"] == [0.7, 0.6, 0.2]
    assert "alpha = 0.5" in lines


def test_interpolation_marks_the_recommended_alpha_where_none_is_chosen():
    sweep = pd.DataFrame({"alpha": [0, 0.5, 1], "top1": [0.1, 0.7, 0.9], "control_top1": [0.7, 0.6, 0.2]})
    figure = show.plot_interpolation(sweep)
    (mark,) = (line for line in figure.axes[0].lines if line.get_label() == "recommended: 0.5")
    assert list(mark.get_xdata()) == [0.5, 0.5]
    unlabelled = sweep.assign(top1=np.nan, mean_recall=[0.2, 0.4, 0.5])
    lines = {line.get_label(): list(line.get_ydata()) for line in show.plot_interpolation(unlabelled).axes[0].lines}
    assert lines["new pairs (mean recall)"] == [0.2, 0.4, 0.5] and "new kinds" not in lines


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)


def shown(figure):
    return [np.asarray(image.get_array()) for axes in figure.axes for image in axes.images]


@pytest.mark.parametrize("kind", ["array", "PIL", "path", "uint8 tensor", "unit tensor", "normalised tensor"])
def test_a_batch_shows_the_pictures_whatever_they_come_as(picture, kind, tmp_path):
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
    tensor = torch.from_numpy(picture).permute(2, 0, 1)
    Image.fromarray(picture).save(tmp_path / "p.png")
    normal = (tensor / 255 - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    forms = {
        "array": (picture,),
        "PIL": (Image.fromarray(picture),),
        "path": (tmp_path / "p.png",),
        "uint8 tensor": (tensor,),
        "unit tensor": (tensor / 255,),
        "normalised tensor": (normal, mean, std),
    }
    image, *norm = forms[kind]
    figure = show.plot_batch([image, image], ["one", "two"], 4, *norm)
    drawn(figure)
    assert len(shown(figure)) == 2
    np.testing.assert_array_equal(shown(figure)[0], picture)
    assert {"one", "two"} <= set(words(figure))


def test_failures_are_those_that_are_wrong_the_surest_first(picture):
    images = [np.full_like(picture, n) for n in range(4)]
    figure = show.plot_failures(images, list("abca"), list("abbb"), confidence=[0.9, 0.9, 0.4, 0.8])
    drawn(figure)
    assert [image[0, 0, 0] for image in shown(figure)] == [3, 2]
    assert "b 80 %" in words(figure)


def test_no_failures_is_said(picture):
    figure = show.plot_failures([picture], ["a"], ["a"])
    drawn(figure)
    assert "no failures" in words(figure)


def test_predictions_are_marked_by_sign_and_not_by_colour_alone(picture):
    figure = show.plot_predictions(
        [picture] * 2, ["pier", "reef"], {"before": ["reef", "reef"], "after": ["pier", "pier"]}
    )
    drawn(figure)
    assert {"before: ✗ reef", "before: ✓ reef", "after: ✓ pier", "after: ✗ pier"} <= set(words(figure))


def test_the_class_grid_has_a_row_a_label(picture_folder):
    figure = show.plot_class_grid(read_captions(picture_folder), each=5)
    drawn(figure)
    assert len(shown(figure)) == 12  # 4 of each of 3 labels, the fifth place is empty
    assert {"beach", "harbour", "forest"} <= set(words(figure))


def test_a_set_without_labels_is_one_row(picture_folder):
    figure = show.plot_class_grid(read_captions(picture_folder).assign(label=None), each=5)
    drawn(figure)
    assert len(shown(figure)) == 5 and "no labels" in words(figure)


def test_the_course_figure_says_that_the_pictures_are_drawn(picture):
    histories = {"positives_only": history(cosine=1.0), "clip": history()}
    said = {"before": ["b"] * 3, "after": ["a"] * 3}
    figure = show.plot_course(RUNS, histories, [picture] * 3, list("aaa"), said, "All pictures are drawn")
    drawn(figure)
    assert "All pictures are drawn" in words(figure)
    assert words(figure).count("after: ✓ a") == 3


def test_a_figure_tells_the_blind_what_it_shows():
    import base64

    from IPython.core.formatters import DisplayFormatter
    from nbconvert import HTMLExporter
    from nbformat import v4

    figure = show.plot_circle({"before & after": {"picture": 90, "text": 30}})
    data, metadata = DisplayFormatter().format(figure)
    words = (
        "Pictures and texts as points on circles: the closer two lie, the larger their cosine. In it: before & after."
    )
    assert set(data) == {"image/png", "text/plain"} and metadata == {"image/png": {"alt": words}}
    data["image/png"] = base64.b64encode(data["image/png"]).decode()  # as the kernel sends it
    cell = v4.new_code_cell("x", outputs=[v4.new_output("display_data", data=data, metadata=metadata)])
    page, _ = HTMLExporter(template_name="classic").from_notebook_node(v4.new_notebook(cells=[cell]))
    assert f'alt="{words.replace("&", "&amp;")}"' in page or f'alt="{words}"' in page


def test_every_figure_has_words_of_its_own(picture):
    figure = show.plot_batch([picture], ["a river"])
    assert figure.alt != "Figure" and len(figure.alt) > 20
