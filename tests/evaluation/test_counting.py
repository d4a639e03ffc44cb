"""Counting: one of ten sentences a picture and kind, and numbers that are those of a count by hand."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, mean_absolute_error

from rsclip_lab.data import CaptionError
from rsclip_lab.evaluation.probes import CountingResult, counting_accuracy
from rsclip_lab.evaluation.probes.counting import things_of


@pytest.fixture
def counts(tmp_path):
    """Five pictures of small boats, three of which also show a bus, and one row beyond ten."""
    random = np.random.default_rng(0)
    paths = [str(tmp_path / f"{number}.png") for number in range(5)]
    for path in paths:
        Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(path)
    rows = [(path, "small boat", count) for path, count in zip(paths, (1, 2, 2, 10, 11), strict=True)]
    rows += [(path, "bus", count) for path, count in zip(paths[2:], (1, 3, 7), strict=True)]
    return pd.DataFrame(rows, columns=["image", "kind", "count"])


@pytest.fixture
def judged():
    random = np.random.default_rng(1)
    truth = random.choice(10, 200, p=np.r_[0.4, np.full(9, 0.6 / 9)]) + 1
    predicted = np.where(random.random(200) < 0.5, truth, random.integers(1, 11, 200))
    kinds = random.choice(["small boat", "bus"], 200, p=[0.7, 0.3])
    table = pd.DataFrame({"image": "a.png", "kind": kinds, "count": truth, "predicted": predicted})
    return CountingResult(table, left_out=4)


def test_the_number_words_go_with_the_plural():
    things = things_of("small boat")
    assert len(things) == 10 and things[0] == "one small boat" and things[9] == "ten small boats"
    assert things_of("bus")[2] == "three buses"


def test_of_ten_sentences_the_nearest_is_the_answer(random_clip, counts):
    found = counting_accuracy(random_clip, counts, template="an aerial image of {things}")
    assert found.left_out == 1 and len(found.table) == 7
    for row in found.table.itertuples():
        texts = random_clip.encode_texts([f"an aerial image of {things}" for things in things_of(row.kind)])
        assert row.predicted == 1 + int((random_clip.encode_images(row.image) @ texts.T).argmax())
    assert found.table["predicted"].nunique() > 1


def test_each_picture_and_each_sentence_is_encoded_once(random_clip, counts, monkeypatch):
    pictures, texts, encode_texts = [], [], random_clip.encode_texts
    random_clip.net.visual.register_forward_pre_hook(lambda module, inputs: pictures.append(len(inputs[0])))
    monkeypatch.setattr(random_clip, "encode_texts", lambda these: texts.append(list(these)) or encode_texts(these))
    counting_accuracy(random_clip, counts)
    assert sum(pictures) == 5 and len(sum(texts, [])) == 20
    assert texts[0][0] == "a satellite view of one small boat"


def test_numbers_equal_scikit_learns(judged):
    truth, predicted = judged.table["count"], judged.table["predicted"]
    assert judged.accuracy == pytest.approx(accuracy_score(truth, predicted), abs=1e-12)
    assert judged.mean_per_count == pytest.approx(balanced_accuracy_score(truth, predicted), abs=1e-12)
    assert judged.mean_absolute_error == pytest.approx(mean_absolute_error(truth, predicted), abs=1e-12)
    np.testing.assert_array_equal(judged.confusion(), confusion_matrix(truth, predicted, labels=range(1, 11)))
    assert judged.chance == 0.1 and judged.always_the_commonest == (truth == 1).mean()
    boats = judged.per_kind().loc["small boat"]
    of_boats = judged.table["kind"] == "small boat"
    assert boats["pictures"] == of_boats.sum() and boats["accuracy"] == judged.correct[of_boats].mean()
    assert "left_out" in judged._repr_html_()


def test_a_confusion_has_ten_rows_whatever_occurs(judged):
    few = CountingResult(judged.table[judged.table["count"] == 3], left_out=0)
    assert few.confusion().shape == (10, 10) and few.confusion().to_numpy().sum() == len(few.table)


def test_counts_that_cannot_be_judged_are_refused(random_clip, counts):
    with pytest.raises(ValueError, match="lack kind"):
        counting_accuracy(random_clip, counts.drop(columns="kind"))
    with pytest.raises(ValueError, match="none of 8 rows"):
        counting_accuracy(random_clip, counts.assign(count=40))
    with pytest.raises(ValueError, match=r"row 0: the count is '1', which is text; .*astype\(int\)"):
        counting_accuracy(random_clip, counts.assign(count=counts["count"].astype(str)))
    with pytest.raises(CaptionError, match="lacks {things}"):
        counting_accuracy(random_clip, counts, template="a satellite view of {label}")
    with pytest.raises(TypeError, match="takes a loaded model"):
        counting_accuracy("tiny", counts)


@pytest.mark.parametrize("column", ["image", "kind"])
@pytest.mark.parametrize("value", [None, np.nan, ""])
def test_a_row_without_a_picture_or_a_kind_is_not_judged_on_anothers(random_clip, counts, column, value):
    counts.index += 40
    counts.loc[42, column] = value
    with pytest.raises(ValueError, match=f"the counts, row 42: no {column} .*; fill it in or remove the row"):
        counting_accuracy(random_clip, counts)
