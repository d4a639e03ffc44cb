"""Every exercise takes its right answers, written here independently, and names the usual mistakes."""

import math
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from rsclip_lab import exercises
from rsclip_lab.checks import audit
from rsclip_lab.data import false_negative_shares, read_captions, sample, split_by_image
from rsclip_lab.exercises.functions import FunctionExercise
from rsclip_lab.exercises.kinds import NumberExercise
from rsclip_lab.exercises.lesson_03 import FAULTS
from rsclip_lab.exercises.registry import LESSONS, exercise_of, exercises_of
from rsclip_lab.models import load_model

ALL = [one for lesson in LESSONS for one in exercises_of(lesson)]
COSINES = torch.tensor([[0.9, 0.2, 0.1, 0.3], [0.1, 0.7, 0.3, 0.0], [0.6, 0.2, 0.5, 0.1], [0.3, 0.1, 0.0, 0.6]])
LONG = "a harbour with ships, " * 30
FOUND = [SimpleNamespace(images=list(images)) for images in ("abcd", "efgh", "aeim", "ijkl")]
KIND_OF = dict(zip("abcdefghijklm", "sssssrrrrxxxs", strict=True))
HISTORY = pd.DataFrame({"loss": [4.1, 3.0, 1.2, 1.1, 1.0, 0.9, 0.8], "floor": [0.28, 0.3, 0.32, 0.3, 0.28, 0.3, 0.3]})


@pytest.fixture(autouse=True)
def nothing_done():
    exercises.reset()
    yield
    exercises.reset()


@pytest.fixture(scope="module")
def tiny():
    return load_model("tiny", device="cpu")


@pytest.fixture
def report(picture_folder):
    captions = read_captions(picture_folder)
    images = captions["image"].drop_duplicates().tolist()
    open(images[0], "wb").close()
    captions.loc[[4, 5], "caption"] = ""
    return audit(captions)


@pytest.fixture
def evidence(tiny, report):
    """For each exercise that needs it, as the notebooks have it."""
    return {
        "00.1": {"cosines": COSINES},
        "00.3": {"cosines": COSINES, "logit_scale": 5.0},
        "01.1": {"shown": (0.62, 0.07), "logit_scale": 100},
        "01.3": {"seconds_a_step": 0.25, "pictures_a_step": 30.0},
        "02.1": {"loader": 94.0, "model": 174.0},
        "03.3": {"model": tiny, "caption": LONG},
        "04.1": {"history": HISTORY, "batch_size": 32},
        "05.1": {"share": 0.85, "width": 0.04},
        "06.1": {"found": FOUND, "wanted": ["s", "r", "s", None], "labels": KIND_OF},
        "07.2": {"report": report},
    }


def numpy_clip_loss(x, t, scale):
    logits = scale * x.numpy() @ t.numpy().T
    rows = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    columns = np.exp(logits) / np.exp(logits).sum(axis=0, keepdims=True)
    return -(np.log(np.diag(rows)).mean() + np.log(np.diag(columns)).mean()) / 2


def by_hand_of_table():
    logits = 5.0 * COSINES.double().numpy()
    sides = [np.exp(logits) / np.exp(logits).sum(axis=axis, keepdims=True) for axis in (0, 1)]
    return round(-np.mean([np.log(np.diag(side)).mean() for side in sides]), 2)


def three_dimensional_mean(x, mean, std):
    out = x.clone()
    for channel in range(3):
        out[:, channel] = x[:, channel] * std[channel] + mean[channel]
    return out


def plain_recall(cosines, image_of_text, k):
    hits = []
    for picture, row in enumerate(cosines.numpy()):
        best = sorted(range(len(row)), key=lambda text: -row[text])[:k]
        hits.append(any(int(image_of_text[text]) == picture for text in best))
    return sum(hits) / len(hits)


def plain_words(folder):
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|[_-]", " ", folder).lower()
    return re.sub(r"^\d+ ", "", spaced).strip()


def in_turn(count):
    return [("test", "val", "train", "train", "train")[place % 5] for place in range(count)]


def split_of_pictures(captions):
    images = captions["image"].unique()
    return captions.assign(split=captions["image"].map(dict(zip(images, in_turn(len(images)), strict=True))))


def cosine_in_numpy(a, b):
    return float(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))


def softmax_in_numpy(cosines, scale):
    exponentials = np.exp(scale * cosines - (scale * cosines).max())
    return exponentials / exponentials.sum()


def counted_rows(texts):
    return sum(texts.count(text) > 1 for text in texts) / len(texts)


def leaks_by_row(table):
    known = set(table[table["split"] == "train"]["content"])
    return {row.image for row in table.itertuples() if row.split == "test" and row.content in known}


def positives_in_a_loop(x, t):
    return 1 - np.mean([float(a @ b) for a, b in zip(x, t, strict=True)])


def clip_loss_by_cross_entropy(x, t, scale):
    targets = torch.arange(len(x))
    return (F.cross_entropy(scale * x @ t.T, targets) + F.cross_entropy(scale * t @ x.T, targets)) / 2


def topk_by_sorting(scores, labels, k):
    best = np.argsort(-scores.numpy(), axis=1)[:, :k]
    return np.mean([label in row for label, row in zip(labels.tolist(), best.tolist(), strict=True)])


# Not the package's functions; those stand on the other side of the comparison.
RIGHT = {
    "00.1": [3, np.int64(3), torch.tensor(3), 3.0],
    "00.2": [lambda a, b: (a * b).sum() / (a.norm() * b.norm()), cosine_in_numpy],
    "00.3": [by_hand_of_table()],
    "01.1": [0.022, round(math.log(0.62 / 0.07) / 100, 3)],
    "01.2": [lambda cosines, scale: torch.softmax(cosines * scale, 0), softmax_in_numpy],
    "01.3": [10_000 / 30 * 0.25 * 12 / 60],
    "02.1": [61.0, 94 * 174 / (94 + 174)],
    "02.2": [lambda texts: pd.Series(texts).duplicated(keep=False).mean(), counted_rows],
    "02.3": [
        three_dimensional_mean,
        lambda x, m, s: x * torch.tensor(s).view(3, 1, 1) + torch.tensor(m).view(3, 1, 1),
    ],
    "03.1": [{fault: kinds[0] for fault, kinds in FAULTS.items()}],
    "03.2": [leaks_by_row],
    "03.3": [lambda tiny: len(tiny.tokenizer.encode(LONG)) + 2 - 77],
    "04.1": [round((math.log(32) - 1.0) / (math.log(32) - 0.3), 2)],
    "04.2": [lambda x, t: 1 - F.cosine_similarity(x, t).mean(), positives_in_a_loop],
    "04.3": [numpy_clip_loss, clip_loss_by_cross_entropy],
    "04.4": [(torch.ones(4, 8) / 8**0.5, torch.ones(4, 8) / 8**0.5), ([[1.0, 0.0]] * 3, [[1.0, 0.0]] * 3)],
    "05.1": [1225, 1220, 1250],
    "05.2": [lambda scores, y, k: (scores.topk(k).indices == y[:, None]).any(1).float().mean(), topk_by_sorting],
    "05.3": [plain_recall],
    "05.4": [lambda answers, y: pd.Series((answers == y).numpy()).groupby(y.numpy()).mean().mean()],
    "06.1": [round(10 / 12, 2)],
    "06.2": [lambda q, v, k: np.argsort(-(v.numpy() @ q.numpy()) / np.linalg.norm(v.numpy(), axis=1))[:k]],
    "06.3": [lambda cosines, neutral, scale: 1 / (1 + torch.exp(-scale * (cosines - neutral)))],
    "07.1": [plain_words],
    "07.2": [4],
    "07.3": [split_of_pictures, split_by_image],
}
CASES = [(number, place) for number, answers in RIGHT.items() for place in range(len(answers))]


def test_there_are_two_to_four_a_lesson_and_each_has_two_hints_and_right_answers_here():
    assert [lesson for lesson in LESSONS if not 2 <= len(exercises_of(lesson)) <= 4] == []
    assert [one.number for one in ALL] == list(RIGHT) == sorted(RIGHT)
    assert all(len(one.hints) >= 2 and one.question and one.because for one in ALL)


@pytest.mark.parametrize(("number", "place"), CASES)
def test_a_right_answer_is_done(number, place, evidence, tiny):
    answer = RIGHT[number][place]
    if number == "03.3":
        answer = answer(tiny)
    outcome = exercises.check(number, answer, **evidence.get(number, {}))
    assert outcome.done, str(outcome)


@pytest.mark.parametrize("number", [one.number for one in ALL if isinstance(one, FunctionExercise)])
def test_each_known_mistake_of_a_function_gets_its_own_words(number):
    exercise = exercise_of(number)
    for words, mistake in exercise.mistakes.items():
        outcome = exercises.check(number, mistake)
        assert not outcome.done and outcome.words == (f"{words}.",), (words, outcome.words)


@pytest.mark.parametrize("number", [one.number for one in ALL if isinstance(one, NumberExercise)])
def test_each_known_mistake_of_a_number_gets_its_own_words(number, evidence):
    exercise = exercise_of(number)
    values = [evidence[number][name] for name in exercise.evidence]
    for words, mistake in exercise.mistakes.items():
        outcome = exercises.check(number, mistake(*values), **evidence[number])
        assert outcome.words and outcome.words[0].endswith(f": {words}."), (words, outcome.words)


BY_HAND = [
    ("00.2", lambda a, b: np.dot(a, b), "dot product"),
    ("01.2", lambda c, s: torch.exp(s * c) / torch.exp(s * c).sum(), "numbers too large for exp"),
    ("02.2", lambda texts: pd.Series(texts).duplicated().mean(), "the first row of each caption is left out"),
    ("04.3", lambda x, t, s: F.cross_entropy(s * x @ t.T, torch.arange(len(x))), "only one direction: rows"),
    ("04.3", lambda x, t, s: F.cross_entropy(s * t @ x.T, torch.arange(len(x))), "only one direction: columns"),
    ("04.3", lambda x, t, s: clip_loss_by_cross_entropy(x, t, np.exp(s)), "ours is the multiplier already"),
    ("04.3", lambda x, t, s: clip_loss_by_cross_entropy(x, t, torch.tensor(s).exp()), "that is exp(logit_scale)"),
    ("04.3", lambda x, t, s: (x @ t.T).log_softmax(1).diagonal().mean(), "it gives"),
    ("04.3", lambda x, t, s: -numpy_clip_loss(x, t, s), "the sign"),
    ("04.3", lambda x, t, s: 3 * numpy_clip_loss(x, t, s), "all results are 3 times"),
    ("04.3", lambda x, t, s: s * x @ t.T, "has shape [4, 4]; wanted is one number"),
    ("04.3", lambda x, t, s: torch.tensor(float("nan")), "NaN"),
    ("04.3", lambda x, t, s: round(float(numpy_clip_loss(x, t, s)), 2), "two digits only"),
    ("04.3", lambda x, t, s: x.mul_(s).mean(), "in place"),
    ("05.2", lambda s, y, k: (s.argmax(1) == y).float().mean(), "top-1, whatever k is"),
    ("06.2", lambda q, v, k: (v @ q).argsort(descending=True)[:k], "forgot to normalise"),
    ("07.1", lambda name: name.replace("_", " "), "it gives"),
    ("07.3", lambda t: t.assign(split=in_turn(len(t))), "rows were divided"),
    ("07.3", lambda t: t.head(10).assign(split="train"), "keep all of them"),
    ("07.3", lambda t: t, "have no split"),
    ("07.3", lambda t: t.assign(split="train"), "val has 0 of 60"),
    ("07.3", lambda t: t.assign(split="training"), "'training'"),
    ("04.4", (torch.eye(4), torch.eye(4)), "the second should be ln(batch)"),
    ("04.4", (torch.eye(4), torch.eye(4).roll(1, 0)), "the first should be 0"),
    ("04.4", (torch.ones(4, 2), torch.ones(4, 2)), "length 1"),
    ("04.4", (torch.ones(1, 2), torch.ones(1, 2)), "batch of 2 or more"),
    ("03.1", dict.fromkeys(FAULTS, "leak"), "not 'leak'"),
    ("03.1", dict.fromkeys(FAULTS, "leeks"), "there is no 'leeks'"),
    ("03.1", dict.fromkeys(list(FAULTS)[:1], "unreadable_picture"), "Still open"),
]


@pytest.mark.parametrize(("number", "answer", "words"), BY_HAND)
def test_a_mistake_as_learners_write_it_is_explained(number, answer, words):
    outcome = exercises.check(number, answer)
    assert "Error" not in str(outcome)  # with it comes the learner's line, and in it these words
    assert not outcome.done and words.lower() in str(outcome).replace("\n  ", " ").lower(), str(outcome)


def test_a_number_in_percent_with_the_wrong_sign_or_nearly_right_says_so():
    def words(answer):
        return exercises.check("04.1", answer, history=HISTORY, batch_size=32).words[0]

    right = (math.log(32) - 1.0) / (math.log(32) - 0.3)
    assert "percent" in words(100 * right) and "sign" in words(-right)
    assert "close" in words(right + 0.015) and "too large" in words(0.99) and "too small" in words(0.2)


NOTEBOOK = torch.tensor([[0.5, 0.2, 0.1, 0.3], [0.1, 0.7, 0.3, 0.0], [0.6, 0.2, 0.9, 0.1], [0.3, 0.1, 0.7, 0.6]])


def loss_words(answer):
    return exercises.check("00.3", answer, cosines=NOTEBOOK, logit_scale=5.0).words[0]


def test_percent_is_said_of_shares_only(evidence):
    assert "percent" not in loss_words(50.9) and "too large" in loss_words(50.9)
    assert "percent" in exercises.check("06.1", 1000 / 12, **evidence["06.1"]).words[0]


def test_the_right_number_with_too_few_decimals_is_told_from_a_mistake_nearby(evidence):
    assert exercises.check("00.3", 0.51, cosines=NOTEBOOK, logit_scale=5.0).done
    assert loss_words(0.5) == "0.5 is rounded too much: give two decimals."
    columns = -(5.0 * NOTEBOOK).log_softmax(dim=0).diagonal().mean().item()
    assert "only one direction: columns" in loss_words(columns)
    assert "give three decimals" in exercises.check("01.1", 0.02, **evidence["01.1"]).words[0]
    assert "share of queries" in exercises.check("06.1", 1, **evidence["06.1"]).words[0]
    assert "too small" in exercises.check("01.1", 0, **evidence["01.1"]).words[0]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (1300, "1300 is close; compute it to 50 or better."),
        (1_234_567, "1234567 is too large."),
        (0.5, "0.5 is too small."),
    ],
)
def test_numbers_are_written_without_an_exponent(answer, words, evidence):
    assert exercises.check("05.1", answer, **evidence["05.1"]).words == (words,)


def test_the_text_of_the_picture_that_is_looked_for_is_called_a_text():
    """In the notebook's table picture 4 would be given text 3, which is also row 4 counted from 0."""
    assert "that is the text that goes astray, a column" in exercises.check("00.1", 3, cosines=NOTEBOOK).words[0]
    assert "rows are counted from 1" in exercises.check("00.1", 2, cosines=COSINES).words[0]


@pytest.mark.parametrize("answer", ["four", "picture 4", "nan"])
def test_a_number_in_words_is_asked_for_in_digits(answer):
    said = exercises.check("00.1", answer, cosines=NOTEBOOK).words[0]
    assert said == f"a number is wanted, this is text ({answer!r}): write it in digits, without quotes."
    assert "leave out the quotes" in exercises.check("00.1", "4", cosines=NOTEBOOK).words[0]


def test_the_right_answer_follows_the_evidence():
    assert exercises.check("00.1", 4, cosines=COSINES.flip(0).flip(1)).done is False
    assert exercises.check("00.1", 2, cosines=COSINES.flip(0).flip(1)).done
    assert exercises.check("02.1", 200, loader=400.0, model=400.0).done


def test_a_right_loss_without_a_gradient_is_done_with_a_remark():
    cut = exercises.check("04.3", lambda x, t, s: numpy_clip_loss(x.detach(), t.detach(), s))
    kept = exercises.check("04.3", clip_loss_by_cross_entropy)
    assert cut.done and "gradient" in cut.words[-1] and kept.done and "gradient" not in str(kept)


def test_the_share_of_false_negatives_is_the_package_s_closed_form():
    table = sample("coast", "train").drop_duplicates("image")
    whole = false_negative_shares(table, batch_sizes=[len(table)])["exact"].item()
    assert exercise_of("02.2").right(table["caption"].tolist()) == pytest.approx(whole)


def test_the_width_that_is_asked_for_is_just_reached():
    from rsclip_lab.evaluation.intervals import wilson_interval

    needed = exercise_of("05.1").right(0.85, 0.04)
    widths = [np.diff(wilson_interval(0.85, n)).item() for n in (needed - 1, needed)]
    assert widths[0] > 0.04 >= widths[1]


def test_the_audit_reports_the_faults_under_the_kinds_that_are_asked_for(picture_folder, tiny):
    """03.1's key, against an audit of a folder broken in these ways."""
    import shutil

    from PIL import Image, ImageEnhance, ImageOps

    coast = sample("coast").drop_duplicates("image")
    train, test = (
        coast[coast["split"] == "train"]["image"].tolist(),
        coast[coast["split"] == "test"]["image"].tolist(),
    )
    names = [f"{n}.jpg" for n in range(8)]
    sources = [train[3], train[50], train[100], test[0], test[5], train[150], train[0], train[20]]
    files = [picture_folder / "images" / name for name in names]
    for source, file in zip(sources, files, strict=True):
        shutil.copy(source, file)
    files[0].write_bytes(files[0].read_bytes()[:900])
    Image.new("RGB", (128, 128)).save(files[1])
    Image.open(files[2]).point(lambda value: value // 20).save(files[2], quality=95)
    shutil.copy(files[6], files[3])
    copy = ImageEnhance.Brightness(ImageOps.mirror(Image.open(files[7]))).enhance(1.1)
    copy.save(files[4], quality=60)
    texts = ["a reef", "a ship", "a shed", "a jetty", "a yard", "ships " * 100, "n/a", "a crane"]
    splits = ["train", "train", "train", "test", "test", "train", "train", "train"]
    table = pd.DataFrame(
        {"image": map(str, files), "caption": texts, "image_id": range(8), "split": splits, "label": None}
    )
    found = audit(table, tiny).problems.groupby("file")["kind"].agg(set)
    by_fault = [found[str(files[n])] for n in (0, 1, 2, 3, 4, 5, 6)]
    for (fault, kinds), reported in zip(FAULTS.items(), by_fault, strict=True):
        assert set(kinds) & reported, (fault, reported)
