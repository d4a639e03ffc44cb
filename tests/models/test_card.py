"""A model card: it says what is recorded, says what is not, survives any text, and its code runs."""

import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from conftest import TINY_ARCHITECTURE
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt
from PIL import Image

from rsclip_lab.models import ModelError, new_clip
from rsclip_lab.models.publish.card import model_card
from rsclip_lab.models.saved.files import write_model
from rsclip_lab.models.saved.provenance import describe_descendant, describe_finetuned, origin

HASH = "ab" * 32
REMOTE = {"hub": "chendelong/RemoteCLIP", "revision": "bf1d8a3c", "file": "x.pt", "licence": "not stated"}
TRAINING = {
    "config": {"epochs": 3, "learning_rate": 5e-6, "seed": 17, "loss": "clip"},
    "base_model": "RemoteCLIP-RN50",
    "data": {"captions": {"pictures": 1234, "captions": 6170, "sha256": HASH, "labels": ["reef", "pier|quay"]}},
    "device": "cuda:0",
    "precision": "bf16: this GPU has it",
    "versions": {"torch": "2.15.0"},
    "steps": 60,
    "seconds": 71.25,
}
METRICS = {
    "base": {"top1": 0.25, "topk": {1: 0.25, 3: 0.5}, "off_diagonal_cosine": np.float32(0.125)},
    "tuned": {"top1": 0.75, "topk": {1: 0.75, 3: 1}, "recall": {"image_to_text": {"5": 0.5}}, "control_top1": np.nan},
}
TEST_DATA = {"captions": {"pictures": 40, "captions": 40, "sha256": HASH, "note": "40 of 40 pictures are drawn"}}
NASTY = [
    "# heading",
    "a\n\n## forged\n\n- list",
    "x | y || z",
    "<script>alert(1)</script><!--",
    "[link](https://evil.example) ![](x.png)",
    "`code` ``` **bold** __bold__ ~~gone~~ _it_",
    "---\nlicense: mit\n---",
    "$$\\int$$ \\\\(x\\\\) &amp; &lt; \\",
    "\u202eright to left\x00\x1b[31m",
    "'quotes' \"and\" : colons, {braces}: [yes, no]",
    "é ü 海 🌊",
]


@pytest.fixture
def base():
    model = new_clip(TINY_ARCHITECTURE, name="RemoteCLIP-RN50")
    model.description["created_from"] = REMOTE
    return model


@pytest.fixture
def tuned(base):
    model = base.copy()
    model.description = describe_finetuned(base.description, TRAINING)
    model.description |= {"metrics": METRICS, "measured_on": TEST_DATA}
    return model


def header(card):
    return yaml.safe_load(re.match(r"---\n(.*?)\n---\n", card, re.DOTALL)[1])


def body(card):
    return card.split("\n---\n", 1)[1]


def parsed(card):
    return MarkdownIt("commonmark").enable("table").parse(body(card))


def cells(card):
    """Every table's rows, as the texts a reader sees."""
    tokens, rows = parsed(card), []
    for place, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("td_open", "th_open"):
            rows[-1].append("".join(part.content for part in tokens[place + 1].children))
    return rows


def test_the_header_is_what_the_hub_reads(tuned):
    card = model_card(tuned, "me/reefs", licence="MIT")
    expected = {
        "library_name": "open_clip",
        "pipeline_tag": "zero-shot-image-classification",
        "tags": ["clip", "remote-sensing"],
        "license": "mit",
        "base_model": ["chendelong/RemoteCLIP"],
        "metrics": ["accuracy", "recall"],
    }
    assert header(card) == expected
    assert ModelCard(card, ignore_metadata_errors=False).data.to_dict() == expected


def test_a_licence_of_ones_own_gets_a_name_and_one_that_is_not_known_is_left_out(tuned):
    own = model_card(tuned, licence="Institute-Licence-2.0")
    assert header(own)["license"] == "other" and header(own)["license_name"] == "institute-licence-2.0"
    assert "These weights: Institute-Licence-2.0." in own
    silent = model_card(tuned)
    assert "license" not in header(silent) and "No licence is stated for these weights" in silent
    assert "RemoteCLIP-RN50, which they come from: not stated." in silent


@pytest.mark.parametrize("text", ["CC, which one is not stated", "see LICENSE.txt", "GPL-3.0+"])
def test_a_licence_in_free_text_is_said_in_words_and_is_no_name_for_the_hub(base, text):
    base.description["created_from"] = REMOTE | {"licence": text}
    card = model_card(base)
    assert {"license", "license_name"}.isdisjoint(header(card)) and f"These weights: {text}." in card
    assert f"These weights: {text}." in model_card(base.copy(), licence=text)


@pytest.mark.parametrize("licence", ["apache-2.0", "Apache-2.0", "CC BY 4.0"])
def test_a_published_model_keeps_the_licence_it_has(base, licence):
    base.description["created_from"] = REMOTE | {"licence": licence}
    assert header(model_card(base))["license"] == licence.lower().replace(" ", "-")


def test_before_and_after_stand_beside_each_other_and_what_is_missing_is_a_dash(tuned):
    rows = cells(model_card(tuned))
    assert ["metric", "before", "after"] in rows
    assert ["top-1, own kinds", "0.250", "0.750"] in rows
    assert ["top-3, own kinds", "0.500", "1"] in rows
    assert ["image to text, R@5", "–", "0.500"] in rows
    assert all("control top-1" not in row for row in rows)  # a NaN is nothing measured
    assert ["off-diagonal cosine", "0.125", "–"] in rows
    assert sum(row[0].startswith("top-1") for row in rows) == 1


def test_a_run_in_which_nothing_was_measured_is_no_column(tuned):
    tuned.description["metrics"] = {"base": {"top1": None, "topk": {"1": None}}, "tuned": {"top1": 0.5}}
    assert ["metric", "after"] in cells(model_card(tuned))
    tuned.description["metrics"] = {"tuned": {"top1": float("nan")}}
    card = model_card(tuned)
    assert "No metrics were recorded" in card and "metrics" not in header(card)


def test_data_configuration_and_seed_are_told(tuned):
    card = model_card(tuned)
    rows = cells(card)
    assert ["training", "1,234", "6,170", "2: reef, pier|quay", "abababababababab…"] in rows
    assert ["test", "40", "40", "–", "abababababababab…"] in rows
    for setting in (["learning_rate", "5e-06"], ["device", "cuda:0"], ["versions", "torch 2.15.0"]):
        assert setting in rows
    assert "60 steps in 71 s, seed 17" in card
    assert "test: 40 of 40 pictures are drawn" in card and "nothing about real imagery" in card
    assert "huggingface.co/chendelong/RemoteCLIP) at `bf1d8a3c`" in card
    assert "RemoteCLIP: A Vision Language Foundation Model" in card


@pytest.mark.parametrize(
    ("labelled", "pictures", "shown"),
    [
        (10, 30, "2 kinds, of 10 of 30 pictures"),
        (29, 30, "2 kinds, of 29 of 30 pictures: reef, pier|quay"),
        (30, 30, "2: reef, pier|quay"),
        (None, 30, "2: reef, pier|quay"),  # as records were that did not count them
        ("x", 30, "2 kinds, of x of 30 pictures"),
    ],
)
def test_kinds_of_some_of_the_pictures_are_told_as_such(tuned, labelled, pictures, shown):
    entry = tuned.description["training"]["data"]["captions"] | {"pictures": pictures}
    counts = {} if labelled is None else {"labelled": labelled}
    tuned.description["training"] = TRAINING | {"data": {"captions": entry | counts}}
    [row] = [row for row in cells(model_card(tuned)) if row[0] == "training"]
    assert row[3] == shown


def test_settings_of_replay_stand_where_there_was_replay(tuned):
    training = TRAINING | {"config": TRAINING["config"] | {"replay_share": 0.5, "distillation": 5.0}}
    tuned.description["training"] = training
    without = {row[0] for row in cells(model_card(tuned))}
    assert "epochs" in without and {"replay_share", "distillation"}.isdisjoint(without)
    tables = training["data"] | {"replay": {"pictures": 5, "captions": 5, "sha256": HASH}}
    tuned.description["training"] = training | {"data": tables}
    rows = cells(model_card(tuned))
    assert ["replay_share", "0.5"] in rows and ["distillation", "5.0"] in rows


def test_one_step_is_one_step_and_a_setting_without_a_value_no_row(tuned):
    tuned.description["training"] = {"steps": 1, "config": {"epochs": 1, "patience": None}}
    card = model_card(tuned)
    assert ": 1 step, seed" in card
    assert {"patience", "device"}.isdisjoint(row[0] for row in cells(card)) and ["epochs", "1"] in cells(card)


def test_the_limits_speak_of_test_pictures_only_where_there_are_any(tuned):
    limits = model_card(tuned).split("## Limits")[1]
    assert "than those of the test pictures" in limits
    del tuned.description["measured_on"]
    limits = model_card(tuned).split("## Limits")[1]
    assert "test pictures" not in limits and "is not recorded: try it first" in limits


def test_the_card_says_how_to_install_what_its_code_needs(tuned):
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    address = f"https://github.com/{project['tool']['rsclip-lab']['repository']}"
    assert f'pip install "{project["project"]["name"]} @ git+{address}"\n' in model_card(tuned)


def test_what_was_not_recorded_is_said_to_be_missing(random_clip):
    card = model_card(random_clip)
    for sentence in (
        "Not trained with this package",
        "No training is recorded",
        "No metrics were recorded",
        "is not recorded",
        "No licence is stated",
    ):
        assert sentence in card
    assert {"license", "base_model", "metrics"}.isdisjoint(header(card))


def test_an_interpolation_tells_of_both_ends_and_of_no_training_of_its_own(base, tuned):
    mixed = base.copy()
    ends = [origin(model.description) for model in (base, tuned)]
    mixed.description = describe_descendant(tuned.description, "mixed", {"interpolation": ends, "alpha": 0.25})
    card = model_card(mixed)
    assert "mixed at alpha 0.25" in card and "No metrics were recorded" in card
    assert "it was not trained further" in card and ["epochs", "3"] in cells(card)
    assert header(card)["base_model"] == ["chendelong/RemoteCLIP"]


def test_a_chain_of_fine_tunings_reaches_back_to_the_published_weights(tuned):
    again = tuned.copy()
    again.description = describe_finetuned(tuned.description, TRAINING | {"base_model": tuned.name})
    card = model_card(again)
    assert header(card)["base_model"] == ["chendelong/RemoteCLIP"]
    assert card.count("# RemoteCLIP-RN50-finetuned-2\n") == 1
    assert "with rsclip-lab from RemoteCLIP-RN50-finetuned (itself fine-tuned from RemoteCLIP-RN50 (" in card
    thrice = describe_finetuned(again.description, TRAINING)
    assert thrice["name"] == "RemoteCLIP-RN50-finetuned-3"


def test_the_licence_of_what_was_fine_tuned_here_is_that_of_what_it_came_from(tuned):
    again = tuned.copy()
    mixed = {"interpolation": [origin(tuned.description), "lost", {"name": "theirs", "licence": "mit"}], "alpha": 0.5}
    again.description = describe_finetuned(describe_descendant(tuned.description, "mixed", mixed), TRAINING)
    card = model_card(again)
    assert "from mixed (itself mixed from RemoteCLIP-RN50-finetuned (itself" in card
    assert "and lost and theirs)." in card
    licences = card.split("## Licence")[1].split("## Limits")[0]
    assert re.findall("- (.*), which they come from: (.*)[.]", licences) == [
        ("RemoteCLIP-RN50", "not stated"),
        ("lost", "not recorded"),
        ("theirs", "mit"),
    ]


@pytest.mark.parametrize("text", NASTY)
def test_text_from_anywhere_breaks_neither_the_header_nor_the_markdown(tuned, text):
    clean = model_card(tuned, licence="mine")
    training = json.loads(json.dumps(TRAINING))
    training["config"][text] = text
    training["base_model"] = text
    training["data"]["captions"]["labels"] = [text]
    tuned.description |= {"name": text, "training": training, "metrics": {text: {text: 0.5}}}
    tuned.description["created_from"] = {"fine_tuned_from": {"name": text, "hub": text, "licence": text}}
    card = model_card(tuned, licence=text)
    assert set(header(card)) == {"library_name", "pipeline_tag", "tags"}

    def skeleton(card):
        blocks = [token for token in parsed(card) if not token.type.startswith(("t", "inline"))]
        return [token.tag for token in blocks if token.tag.startswith("h")], [t.content for t in blocks if t.content]

    (heads, code), (expected, expected_code) = skeleton(card), skeleton(clean)
    assert heads == expected and code == expected_code
    inline = [part for token in parsed(card) for part in token.children or []]
    kinds = {part.type for part in inline}
    assert kinds <= {"text", "text_special", "code_inline", "link_open", "link_close", "softbreak"}
    links = [part.attrs["href"] for part in inline if part.type == "link_open"]
    assert all(link.startswith(("https://arxiv.org/", "https://doi.org/")) for link in links)
    assert "$" not in body(card).split("## How to use it")[0]
    shown = " ".join("".join(c for c in text if c.isprintable() or c == "\n").replace("\n", " ").split())
    title = next(token for token in parsed(card) if token.type == "inline")
    assert "".join(part.content for part in title.children).replace(" ", "") == shown.replace(" ", "")


def test_nonsense_in_the_description_is_passed_over(tuned):
    tuned.description |= {"metrics": {"base": 3}, "measured_on": {"captions": "x"}}
    tuned.description["training"] = {"config": [], "data": 4}
    tuned.description["created_from"] = {"fine_tuned_from": 7, "interpolation": {"a": 1}, "hub": ["x"]}
    assert "No metrics were recorded" in model_card(tuned)


@pytest.mark.parametrize("repository", ["reefs", "me/reefs/x", "me/../x", 'me/"x', "me/x\n"])
def test_a_repository_that_is_none_is_refused(tuned, repository):
    with pytest.raises(ModelError, match="owner/name"):
        model_card(tuned, repository)


@pytest.fixture
def folder(tuned, tmp_path):
    """The tuned model in the layout that both packages read, as it would be fetched from the hub."""
    write_model(tmp_path / "model", tuned.net, tuned.description, weights_name="open_clip_model.safetensors")
    fields = ("mean", "std", "interpolation", "resize_mode")
    preprocess = {key: tuned.description["preprocess"][key] for key in fields}
    config = {"model_cfg": tuned.description["architecture"], "preprocess_cfg": preprocess}
    (tmp_path / "model" / "open_clip_config.json").write_text(json.dumps(config))
    return tmp_path / "model"


def test_the_code_in_the_card_runs_and_both_ways_give_the_same_probabilities(
    tuned, folder, tmp_path, monkeypatch, capsys
):
    pixels = np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.jpg")
    monkeypatch.chdir(tmp_path)
    with torch.no_grad():
        tuned.net.logit_scale.fill_(4.0)
    ours, theirs = re.findall(r"```python\n(.*?)```", model_card(tuned, "me/reefs"), re.DOTALL)
    exec(ours.replace("hf-hub:me/reefs", str(folder)), {})
    exec(theirs.replace("hf-hub:me/reefs", f"local-dir:{folder}"), {})
    table, tensor = capsys.readouterr().out.rsplit("tensor", 1)
    numbers = [float(number) for number in re.findall(r"0\.\d+", tensor)]
    printed = [float(number) for number in re.findall(r"0\.\d+", table)]
    assert len(numbers) == 2 and sum(numbers) == pytest.approx(1, abs=1e-3) and numbers[0] != numbers[1]
    assert printed == pytest.approx(numbers, abs=1e-4)


def test_without_a_repository_the_code_reads_a_folder(tuned):
    ours, theirs = re.findall(r"```python\n(.*?)```", model_card(tuned), re.DOTALL)
    assert 'load_model("path/to/this/folder")' in ours and '"local-dir:path/to/this/folder"' in theirs
