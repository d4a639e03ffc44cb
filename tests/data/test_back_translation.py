"""New captions stand after a picture's own, none is the old one again, and an interrupted run goes on."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from rsclip_lab.data import CaptionError, read_captions
from rsclip_lab.data.wording.back_translation import TranslationMemory, back_translate
from rsclip_lab.models.tokenizers import clip_tokenizer

ROOT = Path(__file__).parents[2]
TOKENIZER = clip_tokenizer(77)


class Dictionary:
    """A translation that knows some words and remembers what it was asked."""

    def __init__(self, **words):
        self.words, self.asked = words, []

    def __call__(self, texts):
        self.asked.append(texts)
        return [" ".join(self.words.get(word, word) for word in text.split()) for text in texts]

    @property
    def texts(self):
        return [text for batch in self.asked for text in batch]


def table(*rows):
    """Rows of (file name, caption, split) as a table of captions."""
    captions = pd.DataFrame(rows, columns=["image", "caption", "split"], dtype=object)
    captions["image_id"] = pd.factorize(captions["image"])[0]
    captions["label"] = pd.Series([None] * len(rows), dtype=object)
    return captions[["image", "caption", "image_id", "split", "label"]]


def said(captions, image):
    return captions.loc[captions["image"] == image, "caption"].tolist()


def test_new_captions_stand_after_a_pictures_own_in_the_order_of_the_languages():
    captions = table(("a", "many planes", None), ("b", "a ship", None), ("a", "big planes", None))
    french, german = Dictionary(planes="aircraft"), Dictionary(planes="jets", ship="boat")
    new = back_translate(captions, {"fr": french, "de": german}, TOKENIZER)
    assert said(new, "a") == ["many planes", "big planes", "many aircraft", "big aircraft", "many jets", "big jets"]
    assert said(new, "b") == ["a ship", "a boat"]
    assert list(new["image"].unique()) == ["a", "b"] and list(new.columns) == list(captions.columns)
    assert new["image_id"].tolist() == [0] * 6 + [1] * 2 and new["split"].isna().all()


def test_the_same_tokens_in_other_letters_or_spacing_are_nothing_new():
    captions = table(("a", "many planes .", "train"), ("b", "a ship", "train"))
    louder = back_translate(captions, lambda texts: [f"  {t.upper().replace(' .', '.')} " for t in texts], TOKENIZER)
    assert louder.equals(captions)
    other = back_translate(captions, lambda texts: [text.replace("many", "some") for text in texts], TOKENIZER)
    assert said(other, "a") == ["many planes .", "some planes ."] and said(other, "b") == ["a ship"]


def test_a_caption_repeated_at_one_picture_stays_once_and_at_several_pictures_everywhere():
    captions = table(("a", "a ship", None), ("a", "A ship", None), ("b", "a ship", None))
    new = back_translate(captions, Dictionary(ship="boat"), TOKENIZER)
    assert said(new, "a") == ["a ship", "a boat", "A boat"][:2] and said(new, "b") == ["a ship", "a boat"]


def test_what_one_measures_on_stays_as_it_is():
    captions = table(
        ("a", "a ship", "train"), ("b", "a ship", "val"), ("c", "a ship", "test"), ("c", "A ship", "test")
    )
    new = back_translate(captions, Dictionary(ship="boat"), TOKENIZER)
    assert said(new, "a") == ["a ship", "a boat"]
    assert new[new["split"] != "train"].reset_index(drop=True).equals(captions[1:].reset_index(drop=True))


def test_each_distinct_caption_is_translated_once_in_batches_of_like_length():
    captions = table(*((name, f"{number} ships", None) for name in "ab" for number in (1, 22, 333, 4444, 55555)))
    translate = Dictionary()
    back_translate(captions, translate, TOKENIZER, batch_size=2)
    assert translate.asked == [["55555 ships", "4444 ships"], ["333 ships", "22 ships"], ["1 ships"]]


def test_empty_captions_are_not_translated_and_empty_translations_not_kept():
    captions = table(("a", "a ship", None), ("a", None, None), ("b", " ", None))
    translate = Dictionary(a="", ship="")
    assert back_translate(captions, translate, TOKENIZER).equals(captions)
    assert translate.texts == ["a ship"]


def test_a_table_with_nothing_to_translate_is_refused():
    for captions in (table(("a", "a ship", "test")), table(("a", None, "train"))):
        with pytest.raises(CaptionError, match="no captions to translate"):
            back_translate(captions, Dictionary(), TOKENIZER)


def test_a_function_that_loses_a_caption_is_noticed():
    captions = table(("a", "a ship", None), ("a", "a boat", None))
    with pytest.raises(CaptionError, match="'fr': 1 translations of 2 captions"):
        back_translate(captions, {"fr": lambda texts: texts[:1]}, TOKENIZER)


CAPTIONS = table(*((f"{number}.png", f"picture {number} of boats", "train") for number in range(20)))
# Ends itself, as nothing can catch or tidy up after, when it is asked for the fourth batch.
KILLED = """
import os, signal, sys
import pandas as pd
from rsclip_lab.data.wording.back_translation import TranslationMemory, back_translate
calls = 0
def translate(texts):
    global calls
    calls += 1
    if calls == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return [text.replace("boats", "ships") for text in texts]
captions = pd.read_pickle(sys.argv[2])
back_translate(captions, {"fr": translate}, None, TranslationMemory(sys.argv[1], {"beams": 1}), batch_size=3)
"""


def test_a_killed_run_goes_on_and_gives_what_an_uninterrupted_one_gives(tmp_path):
    part = tmp_path / "part"
    CAPTIONS.to_pickle(tmp_path / "captions")
    command = [sys.executable, "-c", KILLED, part, tmp_path / "captions"]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    finished = [text for line in part.read_text().splitlines()[1:] for text in json.loads(line)["pairs"]]
    assert len(finished) == 9
    with part.open("a") as file:
        file.write('{"through": "fr", "pai')  # as a line looks that was cut off

    goes_on, afresh = Dictionary(boats="ships"), Dictionary(boats="ships")
    resumed = back_translate(CAPTIONS, {"fr": goes_on}, TOKENIZER, TranslationMemory(part, {"beams": 1}), 3)
    whole_part = tmp_path / "whole"
    whole = back_translate(CAPTIONS, {"fr": afresh}, TOKENIZER, TranslationMemory(whole_part, {"beams": 1}), 3)
    assert resumed.equals(whole) and len(whole) == 40
    assert goes_on.asked == afresh.asked[3:] and not set(goes_on.texts) & set(finished)
    assert part.read_bytes() == whole_part.read_bytes()


def test_going_on_with_other_settings_is_refused(tmp_path):
    TranslationMemory(tmp_path / "part", {"beams": 1}).add("fr", ["a"], ["b"])
    with pytest.raises(CaptionError, match='part: begun with other settings .*"beams": 1.*delete it'):
        TranslationMemory(tmp_path / "part", {"beams": 4})
    assert TranslationMemory(tmp_path / "part", {"beams": 1}).known("fr") == {"a": "b"}


def test_a_file_that_was_cut_off_in_its_first_line_is_begun_anew(tmp_path):
    TranslationMemory(tmp_path / "whole", {"beams": 1}).add("fr", ["a"], ["b"])
    whole = (tmp_path / "whole").read_bytes()
    for length in range(whole.index(b"\n") + 2):
        (tmp_path / "part").write_bytes(whole[:length])
        memory = TranslationMemory(tmp_path / "part", {"beams": 1})
        assert memory.known("fr") == {}
        memory.add("fr", ["a"], ["b"])
        assert (tmp_path / "part").read_bytes() == whole


def test_a_table_of_other_columns_is_refused():
    with pytest.raises(CaptionError, match="no column image_id, split, label; make it with read_captions"):
        back_translate(pd.DataFrame({"image": ["a"], "caption": ["x"]}), Dictionary(), TOKENIZER)


@pytest.mark.parametrize("content", ["filename,caption\na.png,a ship\n", "[]\n3\n", "{}\n{}\n", "\xff\n", "no line"])
def test_a_file_that_holds_something_else_is_left_alone(tmp_path, content):
    (tmp_path / "part").write_text(content, encoding="latin-1")
    with pytest.raises(CaptionError, match="part: "):
        TranslationMemory(tmp_path / "part")
    assert (tmp_path / "part").read_text(encoding="latin-1") == content


def test_the_real_vocabulary_of_a_folder_goes_through(picture_folder):
    captions = read_captions(picture_folder)
    new = back_translate(captions, Dictionary(satellite="space", shows="depicts"), TOKENIZER)
    assert new["split"].value_counts().to_dict() == {"train": 24, "val": 6, "test": 6}
    assert new["caption"].dtype == object
