"""What stands in the wrong place, or could measure nothing, is told before anything is done."""

import re
from types import SimpleNamespace

import pytest

from rsclip_lab.data import CaptionError, read_captions
from rsclip_lab.evaluation import evaluate, interpolation_sweep, predict
from rsclip_lab.training import FinetuneConfig, finetune, learning_rate_range_test, load_or_finetune, overfit
from rsclip_lab.training.callbacks import ProgressBar

CONFIG = FinetuneConfig(epochs=1, batch_size=4, learning_rate=1e-3, precision="fp32")


@pytest.fixture
def table(picture_folder):
    return read_captions(picture_folder)


@pytest.mark.parametrize("tune", [finetune, learning_rate_range_test, overfit])
def test_swapped_arguments_are_named(random_clip, table, tune):
    name = tune.__name__
    with pytest.raises(TypeError, match=f"{name} takes a loaded model, not 'tiny': {name}\\(load_model"):
        tune("tiny", table)
    with pytest.raises(TypeError, match=f"{name} takes a loaded model, not .*: {name}\\(run.model"):
        tune(SimpleNamespace(model=random_clip), table)
    with pytest.raises(TypeError, match=re.escape(f"{name}(config=…): takes a FinetuneConfig, not {{'epochs': 1}}")):
        tune(random_clip, table, config={"epochs": 1})
    with pytest.raises(TypeError, match=re.escape(f"{name}(captions=…): takes a table as read_captions gives it")):
        tune(random_clip, "captions.csv")


def test_a_table_in_the_place_of_the_configuration_is_named(random_clip, table):
    with pytest.raises(TypeError, match=f"config=….*not a table of {len(table)} rows"):
        finetune(random_clip, table, table)


@pytest.mark.parametrize(
    ("callbacks", "words"),
    [
        ([object()], "of a LivePlot its .of"),
        ([ProgressBar], "of a class give an instance"),
        ([SimpleNamespace(on_stpe=print)], "is no object that has one of on_start, on_step"),
        ("bar", "takes a list of callbacks, not 'bar'"),
        (None, "takes a list of callbacks, not None"),
        (ProgressBar(), "takes a list of callbacks, not <"),
    ],
)
def test_what_would_never_be_called_back_is_refused(random_clip, table, callbacks, words):
    with pytest.raises(TypeError, match=words):
        finetune(random_clip, table, CONFIG, callbacks=callbacks)


def test_a_validation_by_which_no_epoch_is_better_is_refused(random_clip, table):
    for rows in (table[table["image_id"] == 0], table.assign(caption="a field")):
        with pytest.raises(CaptionError, match="validation table has .*every epoch is as good as any"):
            finetune(random_clip, table, CONFIG, validation=rows)


def test_validation_pictures_that_are_trained_on_are_counted(random_clip, table):
    with pytest.warns(UserWarning, match="3 of the 5 validation pictures are trained on as well"):
        train, validation = table[table["image_id"] < 8], table[table["image_id"].between(5, 9)]
        finetune(random_clip, train, CONFIG, validation=validation, progress=False)


def test_evaluation_says_what_to_give_it_of_a_run(random_clip, table, tmp_path):
    run = load_or_finetune(tmp_path / "run", random_clip, table, CONFIG, progress=False)
    for ask in (
        lambda: evaluate(run, table),
        lambda: predict(run, list(table["image"][:1]), ["a", "b"]),
        lambda: interpolation_sweep(random_clip, run, table),
    ):
        with pytest.raises(TypeError, match=r"takes a loaded model, not Run.*\(run\.model, …\)"):
            ask()
