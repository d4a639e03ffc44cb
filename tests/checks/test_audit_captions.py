"""Captions: each fault planted is found at its row, and plain English ones are left in peace."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsclip_lab.checks import audit
from rsclip_lab.checks.captions import MIRROR, SWAP
from rsclip_lab.checks.tokens import shortened, token_counter
from rsclip_lab.data import read_captions, sample, turned
from rsclip_lab.models.tokenizers import clip_tokenizer


@pytest.fixture
def captions(picture_folder):
    table = read_captions(picture_folder)
    return table.assign(caption=table["caption"].astype(object))


def rows(captions, kind, **options):
    problems = audit(captions, **options).problems
    return problems.loc[problems["kind"] == kind, "row"].tolist()


@pytest.mark.parametrize(
    ("caption", "kind", "severity"),
    [
        (float("nan"), "empty_caption", "error"), (" \n", "empty_caption", "error"), (7.5, "not_text", "error"),
        (["a", "list"], "not_text", "error"), ("NaN", "placeholder_caption", "warning"),
        ("???", "placeholder_caption", "warning"), ("None", "placeholder_caption", "warning"),
        ("beach_0.png", "file_name_caption", "warning"), ("beach 0", "file_name_caption", "warning"),
        ("test/beach_0", "file_name_caption", "warning"), ("a beach<br>and a hotel", "html_remains", "warning"),
        ("a beach &amp; a hotel", "html_remains", "warning"), ("a cafÃ© by the sea", "damaged_text", "warning"),
        ("a caf\ufffd by the sea", "damaged_text", "warning"), ("机场上停着许多飞机", "foreign_caption", "warning"),
        ("íà ñíèìêå âèäåí ïîðò", "damaged_text", "warning"), ("»ú³¡ÉÏÍ£×ÅÐí¶à·É»ú", "damaged_text", "warning"),
        ("Ein Fluss fließt durch den Wald", "foreign_caption", "warning"),
        ("des bateaux dans le port près de la plage", "foreign_caption", "warning"),
    ],
)  # fmt: skip
def test_a_caption_that_cannot_be_meant(captions, caption, kind, severity):
    captions.at[0, "caption"] = caption
    problems = audit(captions).problems
    found = problems[problems["kind"] == kind]
    assert found["row"].tolist() == [0] and found["severity"].tolist() == [severity]


@pytest.mark.parametrize(
    "caption",
    [
        "a train on a test track", "beach", "a café by the sea", "AT&T building, 3 < 4", "baseball diamond",
        "green water green trees .", "été", "São João, Óbidos", "5 km² à 30°",
    ],
)  # fmt: skip
def test_a_caption_that_only_looks_odd(captions, caption):
    captions.at[0, "caption"] = caption
    odd = {"placeholder_caption", "file_name_caption", "html_remains", "damaged_text", "foreign_caption", "not_text"}
    assert not odd & set(audit(captions).problems["kind"])


def test_another_language_is_no_fault_of_a_model_that_knows_it(captions):
    captions.at[0, "caption"] = "机场上停着许多飞机"
    assert rows(captions, "foreign_caption", language=None) == []


def test_cut_captions_tell_what_is_lost_each_and_in_all(captions, random_clip):
    captions.at[2, "caption"], captions.at[5, "caption"] = "boat " * 76, "boat " * 80
    problems = audit(captions, random_clip).problems
    cut = problems[problems["kind"] == "cut_caption"]
    assert cut["row"].tolist() == [2, 5]
    assert "78 tokens, the model reads 77; 1 is cut" in cut["detail"].iloc[0]
    assert "in all 6 tokens of 2 captions" in cut["detail"].iloc[1]


def test_tokens_counted_by_words_are_those_of_the_tokenizer():
    tokenizer = clip_tokenizer(77)
    count = token_counter(tokenizer)
    texts = [*sample("coast")["caption"].unique()[:200], "Café – “naïve” 机场 it's 3.5 km² A&amp;B", "x" * 90]
    assert [count(text) for text in texts] == [len(tokenizer.encode(text)) + 2 for text in texts]


@given(st.text(min_size=1, max_size=60), st.integers(1, 30))
def test_what_is_shortened_fits_and_is_a_beginning(text, most):
    short = shortened(text, lambda part: len(part) <= most)
    assert text.startswith(short) and (len(short) <= most or len(text) == 1)


def test_shortening_keeps_whole_sentences_then_phrases():
    sentences, phrases = "A port. Ships lie in it. Cranes stand.", "a port, with many ships, and cranes"
    assert shortened(sentences, lambda text: len(text) < 27) == "A port. Ships lie in it."
    assert shortened(phrases, lambda text: len(text) < 26) == "a port, with many ships"


def test_directions_are_counted_and_those_that_cannot_be_rewritten(captions):
    captions.at[0, "caption"], captions.at[1, "caption"] = "a ship on the left", "the left bank"
    captions.at[2, "caption"] = "a shed to the left of the house"
    detail = audit(captions).problems.set_index("kind").loc["directions", "detail"]
    assert detail.startswith("3 captions of 24")
    assert "1 of them cannot be rewritten" in detail and "1 for some turns" in detail


def test_two_turns_stand_for_all_eight():
    for text in sample("coast")["caption"].unique()[:300]:
        kept = [turned(text, turn) is not None for turn in range(1, 8)]
        assert any(kept) == (turned(text, MIRROR) is not None or turned(text, SWAP) is not None)


def test_columns_may_hold_anything(captions):
    anything = captions.astype(object)
    for column in captions.columns:
        anything.at[4, column] = {"no": "text"}
        anything.at[5, column] = Path("x.png")
    assert not audit(anything).ok
