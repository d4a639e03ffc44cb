"""An ablation: every setting and seed once, kept one by one, and intervals and effects that come out by hand."""

import signal
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.metrics import accuracy_score, top_k_accuracy_score

from rsclip_lab.data import read_captions
from rsclip_lab.data.wording.prompts import TEMPLATES
from rsclip_lab.evaluation import class_scores, evaluate, zero_shot_classifier
from rsclip_lab.evaluation.evaluate import TestTable
from rsclip_lab.training import finetune
from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.state import Interrupted
from rsclip_lab.training.trials import ablation as module
from rsclip_lab.training.trials.ablation import ablation
from rsclip_lab.training.trials.ablation_measures import measured, packed, unpacked
from rsclip_lab.training.trials.ablation_result import Ablation, effect_table, main_effects
from rsclip_lab.training.trials.ablation_rows import KeptRows
from rsclip_lab.training.trials.factors import FACTORS, checked_factors, configured, settings_of, text_tables

CONFIG = FinetuneConfig(epochs=1, batch_size=4, learning_rate=1e-3, precision="fp32")
TWO = {"loss": ("clip", "positives_only"), "duplicates": ("positives", "negatives")}
TIMES = ["seconds"]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def tables(picture_folder):
    table = read_captions(picture_folder)
    own, old = table[table.image_id < 8], table[table.image_id >= 8]
    return {"captions": own, "test": own, "control": old, "replay": old}


def small(clip, tables, **changes):
    return ablation(clip, **{"factors": TWO, "config": CONFIG, "progress": False, **tables, **changes})


@pytest.fixture
def trainings(monkeypatch):
    """The configurations of all fine-tunings, in order."""
    seen = []

    def noted(model, captions, config, **options):
        seen.append(config)
        return finetune(model, captions, config, **options)

    monkeypatch.setattr(module, "finetune", noted)
    return seen


def test_each_setting_runs_with_each_seed_as_finetune_and_evaluate_do_it(random_clip, tables, trainings):
    result = small(random_clip, tables, seeds=2)
    assert len(trainings) == len(result.runs) == 6
    assert result.notes["left_out"] == [
        "loss positives_only, duplicates negatives: positives_only has no negatives, so how duplicates are counted "
        "makes no difference"
    ]
    row = result.runs[(result.runs.duplicates == "negatives") & (result.runs.seed == 1)].iloc[0]
    config = replace(CONFIG, shared_captions="negatives", seed=1)
    tuned = finetune(random_clip, tables["captions"], config, progress=False).model
    by_hand = evaluate(tuned, tables["test"], tables["control"])
    for name in ("top1", "all_top1", "control_top1", "mean_recall", "off_diagonal_cosine"):
        assert row[name] == pytest.approx(by_hand[name], abs=1e-6)
    before = evaluate(random_clip, tables["test"], tables["control"])
    assert result.base["top1"] == pytest.approx(before["top1"]) and result.runs["steps"].eq(2).all()


def test_the_same_seed_gives_the_same_rows(random_clip, tables):
    factors = {"loss": ("clip", "siglip")}
    options = {"factors": factors, "control": None}
    one, other = (small(random_clip, tables | options, seeds=[3]).runs.drop(columns=TIMES) for _ in range(2))
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    another = small(random_clip, tables | options, seeds=[4]).runs
    assert (one["off_diagonal_cosine"] != another["off_diagonal_cosine"]).all()


def test_measures_equal_scikit_learns(random_clip, tables):
    test, control = (TestTable.of(tables[name]) for name in ("test", "control"))
    row = measured(random_clip, test, control)
    kinds = sorted(set(test.labels))
    scores = class_scores(
        random_clip, random_clip.encode_images(test.images), zero_shot_classifier(random_clip, kinds)
    ).numpy()
    truth = np.array([kinds.index(label) for label in test.labels])
    assert row["top1"] == pytest.approx(accuracy_score(truth, scores.argmax(1)))
    assert row["top3"] == row["top5"] == 1 and row["pictures"] == 8 and row["control_pictures"] == 4
    top2 = top_k_accuracy_score(truth, scores, k=2, labels=range(len(kinds)))
    assert row["top1"] <= top2 <= row["top3"]
    assert unpacked(row["right"], 8).tolist() == (scores.argmax(1) == truth).tolist()
    assert unpacked(row["control_right"], 4).mean() == row["control_top1"]
    assert unpacked(row["all_right"], 8).mean() == row["all_top1"]


def test_own_kinds_are_measured_by_their_own_names(random_clip, tables, monkeypatch):
    """As `evaluate` does where the control's "air port" makes "AirPort" stay as it is among all kinds."""
    captions, control = (tables[name].copy() for name in ("test", "control"))
    captions["label"] = np.where(captions["label"] == "beach", "AirPort", captions["label"])
    control["label"] = np.where(control["image_id"] % 2, "air port", "sea")
    vectors = torch.eye(random_clip.dim)
    places = {"air port": 0, "AirPort": 1}

    def encoded(texts):
        return torch.stack([vectors[next((at for name, at in places.items() if name in text), 2)] for text in texts])

    monkeypatch.setattr(random_clip, "encode_texts", encoded)
    alike = torch.nn.functional.normalize(2 * vectors[[0]] + vectors[[2]])  # all pictures
    monkeypatch.setattr(random_clip, "encode_images", lambda images: alike.expand(len(images), -1))
    test = TestTable.of(captions)
    row, expected = measured(random_clip, test, TestTable.of(control)), evaluate(random_clip, captions, control)
    for name in ("top1", "all_top1", "control_top1"):
        assert row[name] == expected[name]
    assert row["top1"] == test.labels.count("AirPort") / len(test.labels) > 0 and row["all_top1"] == 0


@pytest.mark.parametrize("count", [1, 7, 8, 9, 280])
def test_answers_packed_for_a_cell_come_back(count):
    right = np.random.default_rng(count).random(count) < 0.5
    assert unpacked(packed(right), count).tolist() == right.tolist()
    with pytest.raises(ValueError, match="not the answers for"):
        unpacked(packed(right), count + 9)


def press_ctrl_c_in_run(number, monkeypatch):
    done = []

    def finetuned(*arguments, **options):
        done.append(1)
        if len(done) == number:
            stop = type("Stop", (), {"on_step": lambda self, state: signal.raise_signal(signal.SIGINT)})()
            options["callbacks"] = [stop]
        return finetune(*arguments, **options)

    monkeypatch.setattr(module, "finetune", finetuned)


def test_an_interrupted_ablation_goes_on_with_what_is_not_done(random_clip, tables, tmp_path, monkeypatch):
    whole = small(random_clip, tables, seeds=2).runs.drop(columns=TIMES)
    press_ctrl_c_in_run(4, monkeypatch)
    with pytest.raises(Interrupted, match="3 of 6 runs are done. They are kept in .*goes on from there"):
        small(random_clip, tables, seeds=2, folder=tmp_path / "grid")
    assert len(list((tmp_path / "grid" / "runs").glob("*.json"))) == 4  # the base model's measures, too
    monkeypatch.undo()
    seen = []
    monkeypatch.setattr(module, "finetune", lambda *a, **o: seen.append(1) or finetune(*a, **o))
    again = small(random_clip, tables, seeds=2, folder=tmp_path / "grid")
    pd.testing.assert_frame_equal(again.runs.drop(columns=TIMES), whole, check_exact=True)
    assert len(seen) == 3
    small(random_clip, tables, seeds=3, folder=tmp_path / "grid")
    assert len(seen) == 3 + 3  # one more seed only


def test_another_model_table_or_configuration_shares_no_row(random_clip, tables, tmp_path, trainings):
    factors, folder = {"duplicates": ("positives",)}, tmp_path / "grid"
    small(random_clip, tables, factors=factors, folder=folder)
    small(random_clip, tables, factors=factors, folder=folder)
    assert len(trainings) == 1
    small(random_clip, tables, factors=factors, folder=folder, config=replace(CONFIG, weight_decay=0.1))
    small(random_clip, {**tables, "captions": tables["captions"][1:]}, factors=factors, folder=folder)
    small(random_clip, {**tables, "test": tables["test"][1:]}, factors=factors, folder=folder)
    random_clip.net.visual.proj.data.mul_(1.1)
    small(random_clip, tables, factors=factors, folder=folder)
    assert len(trainings) == 5
    small(random_clip, tables, factors=factors, folder=folder, config=replace(CONFIG, save_minutes=1.0))
    assert len(trainings) == 5  # that changes nothing


def test_corrected_labels_and_other_pictures_share_no_row(random_clip, tables, tmp_path, trainings):
    options = {"factors": {"loss": ("clip",)}, "folder": tmp_path / "kept"}
    first = small(random_clip, tables | options)
    labels = dict(zip(sorted(set(tables["test"]["label"])), sorted(set(tables["test"]["label"]))[::-1], strict=True))
    corrected = tables["test"].assign(label=tables["test"]["label"].map(labels))
    second = small(random_clip, tables | options | {"test": corrected})
    assert len(trainings) == 2
    assert second.base["top1"] == pytest.approx(evaluate(random_clip, corrected)["top1"]) != first.base["top1"]
    picture = Path(tables["test"]["image"].iloc[0])
    Image.new("RGB", (50, 50), "red").save(picture)
    small(random_clip, tables | options)
    assert len(trainings) == 3


def test_a_row_that_was_cut_short_is_measured_again(random_clip, tables, tmp_path, trainings):
    first = small(random_clip, tables, folder=tmp_path / "grid").runs
    for path in (tmp_path / "grid" / "runs").glob("*.json"):
        path.write_text(path.read_text()[:20])
    again = small(random_clip, tables, folder=tmp_path / "grid").runs
    pd.testing.assert_frame_equal(first.drop(columns=TIMES), again.drop(columns=TIMES), check_exact=True)
    assert len(trainings) == 2 * len(first)


def test_two_at_work_share_the_rows_and_each_is_made_once(tmp_path):
    made, together = [], threading.Barrier(2)

    def work(key):
        made.append(key)
        if len(made) <= 2:
            together.wait(10)  # both are in a row of their own at once
        return {"key": key}

    def all_rows():
        found.append(dict(KeptRows(tmp_path).rows(["a", "b", "c"], work)))

    found = []
    threads = [threading.Thread(target=all_rows) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join(30) for thread in threads]
    assert sorted(made) == ["a", "b", "c"]
    assert found == [{key: {"key": key} for key in made}] * 2 or all(set(one) == set(made) for one in found)
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["a.json", "b.json", "c.json"]


def test_a_run_that_diverges_is_measured_as_it_stands(random_clip, tables):
    factors = {"learning_rate": (1e-3, 0.9)}
    result = small(random_clip, tables, factors=factors, config=replace(CONFIG, epochs=10, max_grad_norm=1e30))
    stops = result.runs.set_index("learning_rate")["stop"]
    assert stops["0.001"] == "" and (stops["0.9"] == "" or stops["0.9"].split()[0] in ("Diverged", "Collapsed"))


def test_a_run_that_collapses_says_so_in_its_row(random_clip, tables):
    config = replace(CONFIG, epochs=20, collapse_alarm=0.001, warmup=0.0)
    result = small(random_clip, tables, factors={"loss": ("positives_only",)}, config=config)
    assert result.runs["stop"].item().startswith("Collapsed after step") and 10 <= result.runs["steps"].item() < 40


def test_pictures_are_decoded_once_for_all_runs(random_clip, tables, decoded):
    small(random_clip, {**tables, "test": tables["replay"], "control": None}, seeds=3)
    assert len(decoded) == len(set(decoded)) == 12


def test_the_grid_is_every_combination_or_one_change_at_a_time():
    full = settings_of(checked_factors(None))
    assert len(full) == 3 * 3 * 2 * 2 * 2 and full[0] == {name: levels[0] for name, levels in FACTORS.items()}
    single = settings_of(checked_factors(None), "one_at_a_time")
    assert len(single) == 1 + 2 + 2 + 1 + 1 + 1
    assert all(sum(level != single[0][name] for name, level in one.items()) == 1 for one in single[1:])


def test_levels_become_configurations_and_tables(tables):
    everything = {"loss": "siglip", "duplicates": "apart", "image_augmentation": "off", "batch_size": 6}
    config = configured(CONFIG, everything)
    assert (config.loss, config.distinct_captions, config.shared_captions) == ("siglip", True, "positives")
    assert not config.augment and config.batch_size == 6 and config.epochs == CONFIG.epochs
    assert configured(CONFIG, {"duplicates": "negatives"}).shared_captions == "negatives"
    texts = text_tables(tables["captions"])
    assert texts["off"]["image"].is_unique and set(texts["off"]["image"]) == set(texts["on"]["image"])
    assert texts["off"]["caption"].tolist() == tables["captions"]["caption"].tolist()[::2]
    said = set(texts["on"].loc[texts["on"]["label"] == "beach", "caption"])
    assert {template.format(label="beach") for template in TEMPLATES} <= said


def test_captions_that_cannot_be_kept_apart_are_left_out(random_clip, tables):
    factors = {"duplicates": ("positives", "apart"), "text_augmentation": ("on", "off")}
    result = small(random_clip, tables, factors=factors, config=replace(CONFIG, batch_size=8))
    assert result.runs[["duplicates", "text_augmentation"]].to_numpy().tolist() == [
        ["positives", "on"], ["positives", "off"], ["apart", "on"]
    ]  # fmt: skip
    assert "too few distinct captions" in result.notes["left_out"][0]


def test_replay_is_trained_on_where_it_is_on(random_clip, tables):
    runs = small(random_clip, tables, factors={"replay": ("off", "on")}).runs
    assert runs["steps"].tolist() == [2, 4]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"factors": {"temperature": (1, 2)}}, "factor 'temperature': there are loss, duplicates"),
        ({"factors": {"seed": (1, 2)}}, "factor 'seed'"),
        ({"factors": {"replay": ("off", "half")}}, "has no level 'half'; there are off, on"),
        ({"factors": {"loss": ("clip", "clip")}}, "each once"),
        ({"factors": {"loss": ("clip", "hinge")}}, "loss must be one of"),
        ({"factors": {}}, "no factors"),
        ({"seeds": 0}, "give how many, at least 1"),
        ({"seeds": [1, 1]}, "each once"),
        ({"design": "half"}, 'must be "full" or "one_at_a_time"'),
        ({"factors": {"replay": ("off", "on")}, "replay": None}, "give the table to replay"),
    ],
)
def test_what_cannot_be_run_is_refused_in_words(random_clip, tables, changes, words, trainings):
    with pytest.raises(ValueError, match=words):
        small(random_clip, tables, **changes)
    assert not trainings


def test_tables_by_which_nothing_can_be_counted_are_refused(random_clip, tables):
    with pytest.raises(ValueError, match="the test table names 1 kinds"):
        small(random_clip, {**tables, "test": tables["test"][tables["test"].label == "beach"]})
    with pytest.raises(ValueError, match="the control table names 0 kinds"):
        small(random_clip, {**tables, "control": tables["control"].assign(label=None)})
    with pytest.raises(TypeError, match="ablation"):
        small("tiny", tables)


# What is made of the rows


def made_up(answers, factors, seeds=1, **columns):
    """Runs whose right answers are given, {levels: [seeds, pictures]}."""
    rows = []
    for levels, right in answers.items():
        for seed, one in enumerate(np.atleast_2d(right)):
            cells = {"top1": np.mean(one), "right": packed(one), "pictures": len(one)}
            cells |= {"mean_recall": np.mean(one) / 2, "steps": 1, "seconds": 1.0, "stop": ""}
            rows.append(dict(zip(factors, levels, strict=True)) | {"seed": seed} | cells)
    return pd.DataFrame(rows)


def test_effects_are_the_means_over_matched_pairs_by_hand():
    factors = {"loss": ["clip", "siglip"], "replay": ["off", "on"]}
    runs = made_up(
        {
            ("clip", "off"): [1, 1, 0, 0],  # 0.5
            ("clip", "on"): [1, 1, 1, 0],  # 0.75
            ("siglip", "off"): [0, 1, 0, 0],  # 0.25
            ("siglip", "on"): [1, 1, 1, 1],  # 1
        },
        factors,
    )
    effects = main_effects(runs, factors, ["top1", "mean_recall"]).set_index(["factor", "metric"])
    replay, loss = effects.loc["replay", "top1"], effects.loc["loss", "top1"]
    assert (replay.level, replay.reference, replay.pairs) == ("on", "off", 2)
    assert replay.difference == pytest.approx((0.25 + 0.75) / 2) and loss.difference == pytest.approx(0)
    # Student's t of 0.25 and 0.75, and the pictures' means (0.5, 0, 1, 0.5), in squares.
    students = 12.7062 * np.std([0.25, 0.75], ddof=1) / np.sqrt(2)
    pictures = 1.959964 * np.std([0.5, 0, 1, 0.5], ddof=1) / 2
    assert replay.high - replay.difference == pytest.approx(np.hypot(students, pictures), rel=1e-4)
    recall = effects.loc["replay", "mean_recall"]
    assert recall.difference == pytest.approx(0.25) and recall.high - 0.25 == pytest.approx(students / 2, rel=1e-4)


def test_runs_without_a_partner_do_not_count():
    factors = {"loss": ["clip", "positives_only"], "duplicates": ["positives", "negatives"]}
    answers = {("clip", "positives"): [1, 1], ("clip", "negatives"): [0, 0], ("positives_only", "positives"): [0, 1]}
    runs = made_up(answers, factors)
    effects = main_effects(runs, factors, ["top1"]).set_index("factor")
    assert effects.loc["loss", "pairs"] == 1 and effects.loc["loss", "difference"] == -0.5
    assert effects.loc["duplicates", "difference"] == -1
    assert main_effects(runs[:1], factors, ["top1"]).empty


def test_pairs_have_the_same_seed():
    factors = {"replay": ["off", "on"]}
    runs = made_up({("off",): [[1, 0], [0, 0]], ("on",): [[1, 1], [1, 0]]}, factors)
    shuffled = runs.sample(frac=1, random_state=2)
    for table in (runs, shuffled):
        effect = main_effects(table, factors, ["mean_recall"]).iloc[0]
        assert effect.difference == pytest.approx(0.25) and effect.low == pytest.approx(0.25)  # both gain as much


@pytest.fixture
def result():
    factors = {"loss": ["clip", "siglip"], "replay": ["off", "on"]}
    random = np.random.default_rng(0)
    answers = {(loss, replay): random.random((3, 40)) < 0.7 for loss in factors["loss"] for replay in ("off", "on")}
    runs = made_up(answers, factors)
    base = runs.iloc[0][["top1", "right", "pictures", "mean_recall"]].to_dict() | {"top1": 0.1}
    return Ablation(runs, base, factors, {"data": {"test": {"note": "40 of 40 are drawn"}}})


def test_the_table_has_a_row_a_setting_with_mean_and_interval(result):
    table = result.table()
    assert list(table.columns) == ["loss", "replay", "runs", "k=1", "mean recall"]
    assert table["loss"].tolist() == ["before training", "clip", "clip", "siglip", "siglip"]
    assert table["runs"].tolist() == [0, 3, 3, 3, 3] and table["k=1"][0].startswith("0.100 [0.04, 0.2")
    found = result.intervals().iloc[0]
    runs = result.runs[(result.runs.loss == "clip") & (result.runs.replay == "off")]
    assert found["mean"] == pytest.approx(runs["top1"].mean())
    assert table["k=1"][1] == f"{found['mean']:.3f} [{found['low']:.2f}, {found['high']:.2f}]"


def test_what_is_saved_comes_back(result, tmp_path):
    result.save(tmp_path / "kept")
    back = Ablation.load(tmp_path / "kept")
    pd.testing.assert_frame_equal(back.runs, result.runs, check_dtype=False)
    assert back.factors == result.factors and back.notes == result.notes and back.base["top1"] == 0.1
    pd.testing.assert_frame_equal(back.table(), result.table())
    pd.testing.assert_frame_equal(back.effects(), result.effects())


def test_a_folder_without_an_ablation_is_told(result, tmp_path):
    with pytest.raises(FileNotFoundError, match="no ablation here"):
        Ablation.load(tmp_path)
    result.save(tmp_path)
    (tmp_path / "ablation.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="not the table of an ablation"):
        Ablation.load(tmp_path)


def test_it_shows_itself_with_the_method_and_that_pictures_are_drawn(result):
    shown = result._repr_html_()
    assert "siglip instead of clip" in shown and "Wilson" in shown and "40 of 40 are drawn" in shown
    assert repr(result) == "Ablation(12 runs: 4 settings, 3 seeds; .table(), .effects())"
    cells = effect_table(result.effects())
    assert cells["change"].tolist() == ["siglip instead of clip", "on instead of off"]
    assert cells["top1"].str.fullmatch(r"[+-]0\.\d{3} \[[+-]0\.\d\d, [+-]0\.\d\d\]").all()


def test_an_ablation_is_saved_with_its_runs_and_read_from_its_folder(random_clip, tables, tmp_path):
    result = small(random_clip, tables, folder=tmp_path / "grid")
    back = Ablation.load(tmp_path / "grid")
    pd.testing.assert_frame_equal(back.runs, result.runs, check_dtype=False)
    assert back.notes == result.notes and back.notes["config"]["epochs"] == 1
    assert back.base["right"] == result.base["right"] and back.base["top1"] == pytest.approx(result.base["top1"])
