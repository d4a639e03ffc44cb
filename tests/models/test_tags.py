"""Every entry of open_clip's table of published weights becomes a hub model that says what open_clip knows."""

import open_clip
import pytest
from open_clip import pretrained
from open_clip.transform import PreprocessCfg, merge_preprocess_dict

from rsclip_lab.models.clip import describe
from rsclip_lab.models.configuration import complete_architecture
from rsclip_lab.models.errors import ModelError
from rsclip_lab.models.tags import tagged_model, weight_files

PUBLISHED = open_clip.list_pretrained(as_str=True)


def described(name):
    """The description that a model of that name would have, but for the weights."""
    entry = tagged_model(name)
    architecture = complete_architecture(open_clip.get_model_config(entry.architecture))
    return entry, describe(entry.name, architecture, entry.preprocess)


def test_every_published_entry_names_a_repository_a_file_and_an_architecture():
    assert len(PUBLISHED) > 100
    for name in PUBLISHED:
        entry, table = tagged_model(name), pretrained.get_pretrained_cfg(*name.split(":"))
        owner, _, repository = entry.repository.partition("/")
        assert owner and repository and "/" not in repository, entry
        assert entry.filename.endswith((".bin", ".pt", ".pth", ".safetensors")) and "/" not in entry.filename
        assert f"{entry.repository}/{entry.filename}".startswith(table["hf_hub"])
        assert entry.name == name and entry.architecture in open_clip.list_models()
        assert (entry.revision, entry.sha256, entry.megabytes, entry.licence) == ("main", None, None, "not stated")


def test_every_published_entry_is_preprocessed_as_open_clip_does_it():
    for name in PUBLISHED:
        _, description = described(name)
        table = pretrained.get_pretrained_cfg(*name.split(":"))
        size = description["architecture"]["vision_cfg"]["image_size"]
        expected = merge_preprocess_dict(PreprocessCfg(), table | {"size": size})
        assert description["preprocess"] == expected | {key: list(expected[key]) for key in ("mean", "std")}


@pytest.mark.parametrize(
    ("name", "interpolation", "resize_mode", "tokenizer"),
    [
        ("ViT-B-32:openai", "bicubic", "shortest", "clip"),
        ("ViT-B-16-SigLIP:webli", "bicubic", "squash", "timm/ViT-B-16-SigLIP"),
        ("ViT-L-14-CLIPA:datacomp1b", "bilinear", "squash", "bert-base-uncased"),
        ("MobileCLIP-B:datacompdr", "bilinear", "shortest", "clip"),
    ],
)
def test_families_differ_in_preprocessing_and_tokenizer(name, interpolation, resize_mode, tokenizer):
    _, description = described(name)
    assert description["preprocess"]["interpolation"] == interpolation
    assert description["preprocess"]["resize_mode"] == resize_mode
    assert description["tokenizer"].get("source", "clip") == tokenizer


@pytest.mark.parametrize(
    ("name", "activation"),
    [
        ("ViT-B-32:openai", "QuickGELU"),  # open_clip's own answer to this name is GELU and a warning
        ("ViT-B-32-quickgelu:openai", "QuickGELU"),
        ("ViT-B-16:dfn2b", "QuickGELU"),
        ("ViT-B-32:laion2b_s34b_b79k", "GELU"),
        ("ViT-B-16:laion400m_e32", "GELU"),
        ("roberta-ViT-B-32:laion2b_s12b_b32k", "QuickGELU"),  # the table says nothing, the architecture does
    ],
)
def test_the_activation_is_the_one_the_weights_were_trained_with(name, activation):
    assert tagged_model(name).activation == activation


def test_names_are_read_as_open_clip_reads_them():
    assert tagged_model("ViT-B/32:LAION2B-s34b-b79k") == tagged_model("ViT-B-32:laion2b_s34b_b79k")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ViT-B-32:laion3b", "no weights 'laion3b' for ViT-B-32: choose one of openai, .*laion2b_s34b_b79k"),
        ("ViT-B-23:openai", "no published weights for an architecture 'ViT-B-23'.*ViT-B-32.*choose"),
        ("nothing like it:openai", "architecture 'nothing like it'.*choose"),
        ("ViT-B-32-quickgelu:laion2b_s34b_b79k", "trained with GELU.*ask for ViT-B-32:laion2b_s34b_b79k"),
    ],
)
def test_what_the_table_lacks_is_refused_with_the_choices(name, message):
    with pytest.raises(ModelError, match=message):
        tagged_model(name)


def test_weights_that_are_on_no_hub_are_refused_with_their_address(monkeypatch):
    entry = pretrained._pcfg(url="https://example.org/weights.pt")
    monkeypatch.setitem(pretrained._PRETRAINED["ViT-B-32"], "elsewhere", entry)
    with pytest.raises(ModelError, match="https://example.org/weights.pt: download it.*architecture='ViT-B-32'"):
        tagged_model("ViT-B-32:elsewhere")


def test_safetensors_are_looked_for_first_as_open_clip_does():
    assert weight_files() == ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"]
    assert weight_files("RemoteCLIP-RN50.pt") == ["RemoteCLIP-RN50.pt"]
    for filename in {tagged_model(name).filename for name in PUBLISHED}:
        assert weight_files(filename) == [*pretrained._get_safe_alternatives(filename), filename]
