"""The prompt doctor finds what is wrong with texts for a model, and nothing where all is well."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from rsclip_lab.data import read_captions, sample
from rsclip_lab.data.wording.prompts import REMOTE_SENSING_TEMPLATES
from rsclip_lab.evaluation import interpolate, zero_shot_classifier
from rsclip_lab.evaluation.prompts.doctor import prompt_doctor, usual_distance
from rsclip_lab.evaluation.prompts.symptoms import MOST_PAIRS
from rsclip_lab.evaluation.prompts.vocabulary import unseen_words
from rsclip_lab.models import ModelError, load_model
from rsclip_lab.training import FinetuneConfig, finetune

VIEW = "a satellite view of {label}"


@pytest.fixture(scope="module")
def tiny():
    return load_model("tiny", device="cpu")


@pytest.fixture
def grown_up(random_clip):
    """A random network that says it was trained elsewhere, as published ones do."""
    random_clip.description["created_from"] = {"source": "a hub"}
    return random_clip


def kinds(report):
    return report.problems["kind"].tolist()


def problem(report, kind):
    (found,) = report.problems[report.problems["kind"] == kind].itertuples(index=False)
    return found


def test_words_tiny_was_never_trained_on_are_named(tiny):
    texts = ["a helicopter carrier", "a glacier", "a forest", "a parking lot with rows of parked cars"]
    assert unseen_words(tiny, texts) == [["helicopter", "carrier"], ["glacier"], [], []]
    report = prompt_doctor(tiny, texts)
    flagged = report.problems[report.problems["kind"] == "unseen_word"]
    assert flagged["text"].tolist() == texts[:2]
    assert 'tiny was never trained on "helicopter", "carrier"' in flagged["detail"].iloc[0]


def test_no_word_of_the_captions_that_made_tiny_is_taken_for_unseen(tiny):
    land = sample("land")
    texts = land["caption"].drop_duplicates().sample(300, random_state=0).tolist()
    assert sum(map(bool, unseen_words(tiny, texts))) <= 3  # other scenes than the 60,000, so a rare word may be new


def test_signs_are_tokens_too(tiny):
    assert unseen_words(tiny, ["a forest, a lake"]) == [[]]
    assert unseen_words(tiny, ["a forest; a lake"]) == [[";"]]


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_what_fine_tuning_showed_is_known_and_the_rest_is_not(random_clip, picture_folder, tmp_path, optimizer):
    table = random_clip.net.token_embedding.weight.detach()
    table.copy_(0.02 * table.sign())  # as `tiny` began
    # One caption a picture: of several, training would draw one a step.
    captions = read_captions(picture_folder).drop_duplicates("image")
    assert unseen_words(random_clip, captions["caption"][:1].tolist()) == [["a", "satellite", "view", "of", "beach"]]
    # With decay, and an average: rows that nobody called move as well.
    config = FinetuneConfig(
        epochs=2, batch_size=6, learning_rate=1e-2, weight_decay=0.5, ema=0.5, optimizer=optimizer
    )
    tuned = finetune(
        random_clip, captions, replace(config, precision="fp32", optimizer=optimizer), progress=False
    ).model
    again = load_model(tuned.save(tmp_path / "half", half=True), device="cpu")
    for model in (tuned, again, interpolate(random_clip, tuned, 0.3)):
        model.description["training"] = {}  # the table by itself tells it
        assert not any(unseen_words(model, list(captions["caption"])))
        assert unseen_words(model, ["a glacier near a harbour"]) == [["glacier", "near"]]


def test_labels_learned_with_a_frozen_text_tower_are_known_from_the_record(tiny):
    frozen = tiny.copy()
    frozen.description |= {"training": {"data": {"captions": {"labels": ["submarine"]}, "replay": {}}}}
    assert unseen_words(frozen, ["a submarine", "a glacier"]) == [[], ["glacier"]]
    child = tiny.copy()
    child.description["created_from"] = {"fine_tuned_from": {"name": "frozen", **frozen.description}}
    assert unseen_words(child, ["a submarine", "a glacier"]) == [[], ["glacier"]]
    odd = tiny.copy()
    odd.description |= {"training": {"data": {"captions": {"pictures": 3}}}}  # pictures without labels
    assert unseen_words(odd, ["a submarine"]) == [["submarine"]]


def test_a_published_network_lacks_no_word_and_an_untrained_one_is_called_so_once(random_clip):
    texts = ["a helicopter carrier", "a glacier", "a forest"]
    report = prompt_doctor(random_clip, texts, ["{label} from above"])
    assert report.problems[["kind", "text"]].to_numpy().tolist() == [["untrained", "random"]]
    random_clip.description["created_from"] = {"source": "a hub"}
    assert {"unseen_word", "untrained"}.isdisjoint(kinds(prompt_doctor(random_clip, texts)))


def test_what_all_is_well_with_has_no_problem(tiny):
    report = prompt_doctor(tiny, ["forest", "lake", "storage tanks"], [VIEW, "an aerial view of a {label}"])
    assert report.ok and report.problems.columns.tolist() == ["kind", "text", "detail", "remedy"]
    assert str(report) == "3 texts for tiny: no problems"
    assert report._repr_html_() == "<div style='color:inherit'><p><b>3 texts for tiny: no problems</b></p></div>"
    assert prompt_doctor(tiny, "a forest").ok


def test_a_text_beyond_the_token_limit_tells_what_is_lost(grown_up):
    text = "forest " * 74 + "and lake beyond"  # 77 tokens, of which 75 fit
    report = prompt_doctor(grown_up, ["a short one", text])
    found = problem(report, "cut")
    assert found.text == text
    assert found.detail == '2 of 77 tokens are cut off, the model reads 75: "lake beyond" is lost'
    assert "cut" not in kinds(prompt_doctor(grown_up, ["forest " * 75]))
    names = prompt_doctor(
        grown_up, ["lake", "forest " * 73 + "end"], ["{label} seen from above", "the {label} here now"]
    )
    assert problem(names, "cut").detail.startswith("2 of 77 tokens")


def test_texts_that_nearly_coincide_are_told_with_their_cosine(tiny):
    texts = ["parking lot", "forest", "car park", "lake"]
    report = prompt_doctor(tiny, texts, VIEW)
    classifier = zero_shot_classifier(tiny, texts, VIEW)
    found = problem(report, "coincide")
    assert found.text == "parking lot"
    assert f'cosine {classifier[0] @ classifier[2]:.3f} with "car park"' in found.detail
    nearest = report.classes.set_index("text")["nearest"]
    assert nearest["parking lot"] == "car park" and nearest["car park"] == "parking lot"
    assert report.classes["cosine"].iloc[0] == pytest.approx(float(classifier[0] @ classifier[2]), abs=1e-6)


def test_near_is_a_quarter_of_what_plain_kinds_lie_apart(grown_up, monkeypatch):
    # Unit vectors in a plane: the sixteen plain kinds in two clumps, then texts at given cosines to the first.
    def encode(texts):
        cosines = [float(text) if text[0] in "01" else (1.0, 0.6)["e" in text] for text in texts]
        vectors = torch.zeros(len(texts), grown_up.dim)
        vectors[:, 0] = torch.tensor(cosines)
        vectors[:, 1] = (1 - vectors[:, 0] ** 2).sqrt()
        return vectors

    monkeypatch.setattr(grown_up, "encode_texts", encode)
    monkeypatch.setattr("rsclip_lab.evaluation.prompts.doctor.usual_distance", lambda features: 0.4)
    assert kinds(prompt_doctor(grown_up, ["1.0", "0.89"])) == []
    assert kinds(prompt_doctor(grown_up, ["1.0", "0.91"])) == ["coincide"]
    monkeypatch.setattr("rsclip_lab.evaluation.prompts.doctor.usual_distance", lambda features: 0.04)
    assert kinds(prompt_doctor(grown_up, ["1.0", "0.985"])) == []  # all is near in this one
    monkeypatch.setattr("rsclip_lab.evaluation.prompts.doctor.usual_distance", lambda features: 0.004)
    report = prompt_doctor(grown_up, ["1.0", "0.5"])
    assert kinds(report) == ["collapsed"] and "0.9960" in report.problems["detail"][0]


def test_the_usual_distance_is_the_median_over_pairs():
    vectors = torch.nn.functional.normalize(torch.randn(6, 4, generator=torch.manual_seed(0)), dim=1).numpy()
    apart = [1 - vectors[a] @ vectors[b] for a in range(6) for b in range(a)]
    assert usual_distance(torch.tensor(vectors)) == pytest.approx(np.median(apart), abs=1e-6)


def test_a_collapsed_network_is_called_so_and_no_pair_of_its_texts(tiny):
    collapsed = tiny.copy()
    with torch.no_grad():
        collapsed.net.text_projection.copy_(
            collapsed.net.text_projection[:1].expand_as(collapsed.net.text_projection)
        )
        collapsed.net.ln_final.weight.zero_()
    assert kinds(prompt_doctor(collapsed, ["forest", "lake"], VIEW)) == ["collapsed"]


def test_many_pairs_are_listed_up_to_a_number(tiny):
    texts = [f"a forest{', a forest' * number}" for number in range(8)]
    found = prompt_doctor(tiny, texts).problems
    found = found[found["kind"] == "coincide"]
    assert len(found) == MOST_PAIRS
    cosines = found["detail"].str.extract(r"cosine ([\d.]+) ")[0].astype(float)
    assert cosines.is_monotonic_decreasing
    assert found["detail"].str.contains("more pairs are as near").tolist() == [False] * (MOST_PAIRS - 1) + [True]


def test_how_far_a_wording_moves_the_answers(grown_up):
    names, templates = ["beach", "pier", "forest", "lake"], ["{label}", "not a {label} but " + "noise " * 20]
    images = torch.nn.functional.normalize(torch.randn(50, 32, generator=torch.manual_seed(1)), dim=1)
    report = prompt_doctor(grown_up, names, templates, images)
    ensemble = zero_shot_classifier(grown_up, names, templates)
    for row, template in enumerate(templates):
        alone = zero_shot_classifier(grown_up, names, template)
        changed = ((images @ alone.T).argmax(1) != (images @ ensemble.T).argmax(1)).float().mean()
        assert report.templates["changed"][row] == pytest.approx(float(changed))
        moved = (alone @ ensemble.T).argmax(1) != torch.arange(4)
        assert report.templates["classes_moved"][row] == pytest.approx(float(moved.float().mean()))
    features = torch.stack([zero_shot_classifier(grown_up, names, template) for template in templates], dim=1)
    spread = (1 - (features * ensemble[:, None]).sum(-1)).mean(1)
    np.testing.assert_allclose(report.classes["spread"], spread, atol=1e-6)
    wordings = report.problems[report.problems["kind"] == "wording"]
    assert set(wordings["text"]) & set(templates) == {
        template for template, share in zip(templates, report.templates["changed"], strict=True) if share > 0.1
    }
    moved = report.templates["classes_moved"].to_numpy().sum() > 0
    assert moved == wordings["text"].isin(names).any()


def test_a_class_that_a_wording_moves_is_told_with_where_to(tiny):
    templates = [VIEW, "an aerial view of {label}", "a river, not {label} at all, a river"]
    report = prompt_doctor(tiny, ["forest", "river", "desert"], templates)
    found = report.problems[report.problems["kind"] == "wording"].set_index("text")["detail"]
    assert 'nearer to another class: to "river" in "a river, not {label} at all, a river"' in found["desert"]
    assert "river" not in found
    assert report.templates["classes_moved"].tolist()[:2] == [0, 0]


def test_names_are_looked_at_as_words_and_told_as_given(tiny):
    report = prompt_doctor(tiny, ["AnnualCrop", "Forest"], VIEW)
    assert '"annual"' in problem(report, "unseen_word").detail
    assert problem(report, "unseen_word").text == "AnnualCrop"
    raw = prompt_doctor(tiny, ["AnnualCrop", "forest"], VIEW, as_words=False)
    assert '"AnnualCrop"' in problem(raw, "unseen_word").detail


def test_unseen_words_of_templates_are_told_of_the_template(tiny):
    report = prompt_doctor(tiny, ["forest", "lake"], REMOTE_SENSING_TEMPLATES)
    found = report.problems[report.problems["kind"] == "unseen_word"]["text"].tolist()
    assert "a remote sensing image of a {label}" in found and "an aerial view of a {label}" not in found


def test_empty_repeated_and_foreign_texts_are_told(grown_up):
    report = prompt_doctor(grown_up, ["", "a forest", "森林", "a forest", "Gebäude größer", " "])
    assert kinds(report)[:5] == ["empty", "empty", "repeated", "foreign_letters", "foreign_letters"]
    assert report.problems["detail"][4] == "letters that English has not: ä ö ß"
    assert len(report.classes) == 3
    assert kinds(prompt_doctor(grown_up, ["", " "], VIEW)) == ["empty", "empty"]


def test_the_report_shows_itself_and_lets_no_markup_through(tiny):
    report = prompt_doctor(tiny, ["<b>a glacier</b>", "x" * 200])
    assert "<b>a glacier" not in report._repr_html_() and "&lt;b&gt;a glacier" in report._repr_html_()
    assert "x" * 100 not in report._repr_html_() and "x" * 100 not in str(report)
    lines = str(report).splitlines()
    assert lines[0] == f"2 texts for tiny: {len(report.problems)} problems" and len(lines) == 1 + len(report.problems)
    assert isinstance(report.problems, pd.DataFrame)


@pytest.mark.parametrize(
    ("texts", "templates", "error", "message"),
    [
        ([], None, ValueError, "no texts"),
        (["a", None], None, ModelError, "text 1 is None"),
        (["forest"], ["a view"], ValueError, "lacks {label}"),
        (["forest"], [], ValueError, "no templates"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(random_clip, texts, templates, error, message):
    with pytest.raises(error, match=message):
        prompt_doctor(random_clip, texts, templates)
    with pytest.raises(TypeError, match="prompt_doctor takes a loaded model"):
        prompt_doctor("tiny", ["forest"])


def test_names_that_would_become_the_same_words_are_compared_as_the_classifier_has_them(grown_up):
    names, template = ["1a", "2a", "beach"], "a {label}"
    report, classifier = prompt_doctor(grown_up, names, template), zero_shot_classifier(grown_up, names, template)
    assert report.classes["text"].tolist() == names and "repeated" not in kinds(report)
    cosines = (classifier @ classifier.T).fill_diagonal_(-1).max(dim=1).values
    np.testing.assert_allclose(report.classes["cosine"], cosines, atol=1e-6)


def test_names_of_one_vector_coincide_and_no_wording_moves_them(tiny):
    report = prompt_doctor(tiny, ["Forest", "forest", "lake"], VIEW)
    assert kinds(report) == ["coincide"] and problem(report, "coincide").detail.startswith(
        'cosine 1.000 with "forest"'
    )


def test_answers_for_no_images_are_refused(grown_up):
    for images in ([], torch.zeros(0, grown_up.dim)):
        with pytest.raises(ValueError, match="no images: give at least one"):
            prompt_doctor(grown_up, ["beach", "lake"], VIEW, images)
