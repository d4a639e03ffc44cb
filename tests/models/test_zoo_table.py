"""The zoo's facts against open_clip's own configurations, and the table that shows them."""

import json
import re
import time
import tomllib
from functools import lru_cache
from pathlib import Path

import huggingface_hub
import open_clip
import pytest
import torch
from open_clip.model import CLIP

from rsclip_lab.models.zoo import TABLE, TINY, ZOO, HubModel, models, read_zoo

ROOT = Path(__file__).parents[2]
COLUMNS = "name image_size parameters_millions megabytes activation licence where trained_on".split()
every_entry = pytest.mark.parametrize("entry", ZOO.values(), ids=list(ZOO))


@lru_cache
def network(architecture: str) -> CLIP:
    """open_clip's network without memory for its weights: only their shapes."""
    with torch.device("meta"):
        return CLIP(**open_clip.get_model_config(architecture))


def millions(net: torch.nn.Module) -> float:
    return round(sum(weight.numel() for weight in net.parameters()) / 1e6, 1)


@every_entry
def test_architecture_size_and_parameters_are_those_of_open_clip(entry):
    assert entry.architecture in open_clip.list_models()
    net = network(entry.architecture)
    size = net.visual.image_size
    assert entry.image_size == (size if isinstance(size, int) else size[0])
    assert entry.parameters == millions(net)


@every_entry
def test_a_file_is_as_large_as_all_weights_in_float32(entry):
    weights = sum(value.numel() * value.element_size() for value in network(entry.architecture).state_dict().values())
    assert abs(entry.megabytes * 1e6 - weights) < 0.02 * weights
    if entry.bytes:  # exactly known: names and shapes come on top, and nothing else
        assert 0 < entry.bytes - weights < 500_000 and entry.megabytes == round(entry.bytes / 1e6)


@every_entry
def test_the_activation_is_that_of_the_weights_training_started_from(entry):
    architecture = entry.architecture.removesuffix("-quickgelu")
    tag = "laion2b_s32b_b79k" if architecture == "ViT-H-14" else "openai"
    start = open_clip.get_pretrained_cfg(architecture, tag)
    assert start and entry.quick_gelu is start.get("quick_gelu", False)
    # A reader who takes the architecture alone gets the same network.
    assert open_clip.get_model_config(entry.architecture).get("quick_gelu", False) is entry.quick_gelu
    assert entry.activation == ("QuickGELU" if entry.quick_gelu else "GELU")


@every_entry
def test_an_entry_is_pinned_and_says_where_each_fact_was_read(entry):
    assert entry.revision == "main" or re.fullmatch("[0-9a-f]{40}", entry.revision)
    assert entry.sha256 is None or re.fullmatch("[0-9a-f]{64}", entry.sha256)
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", entry.repository) and Path(entry.filename).suffix in {".pt", ".bin"}
    assert set(entry.sources) == {"file", "activation", "licence", "trained_on"} and all(entry.sources.values())
    assert entry.sources["file"].startswith(f"https://huggingface.co/{entry.repository}/")
    assert entry.licence and entry.trained_on


def test_the_zoo_has_the_published_families_and_no_file_twice():
    assert {"RemoteCLIP-RN50", "RemoteCLIP-ViT-B-32", "RemoteCLIP-ViT-L-14"} <= set(ZOO)
    assert {"GeoRSCLIP-ViT-B-32", "GeoRSCLIP-ViT-B-32-RET-2", "GeoRSCLIP-ViT-B-32-RSICD"} <= set(ZOO)
    assert {"GeoRSCLIP-ViT-L-14", "GeoRSCLIP-ViT-L-14-336", "GeoRSCLIP-ViT-H-14"} <= set(ZOO)
    assert {"clip-rsicd", "clip-rsicd-v2"} <= set(ZOO)
    written = [model["name"] for family in tomllib.loads(TABLE.read_text()).values() for model in family["models"]]
    assert written == list(ZOO)  # a name given twice would have swallowed an entry
    files = {(entry.repository, entry.filename) for entry in ZOO.values()}
    hashes = [entry.sha256 for entry in ZOO.values() if entry.sha256]
    assert len(files) == len(ZOO) and len(set(hashes)) == len(hashes)


def test_a_models_own_facts_go_before_its_familys(tmp_path):
    path = tmp_path / "zoo.toml"
    path.write_text(
        """
        [family]
        repository = "owner/family"
        revision = "main"
        architecture = "ViT-B-32"
        quick_gelu = true
        sources = {file = "there", licence = "a card"}
        [[family.models]]
        name = "one"
        filename = "one.pt"
        bytes = 1_600_000
        [[family.models]]
        name = "two"
        filename = "two.pt"
        megabytes = 7
        quick_gelu = false
        sources.file = "elsewhere"
        """
    )
    zoo = read_zoo(path)
    shared = {"repository": "owner/family", "revision": "main", "architecture": "ViT-B-32"}
    one = {"filename": "one.pt", "quick_gelu": True, "bytes": 1_600_000, "megabytes": 2}
    two = {"filename": "two.pt", "quick_gelu": False, "megabytes": 7}
    assert zoo["one"] == HubModel(name="one", **shared, **one, sources={"file": "there", "licence": "a card"})
    assert zoo["two"] == HubModel(name="two", **shared, **two, sources={"file": "elsewhere", "licence": "a card"})


def test_an_entry_without_an_activation_takes_its_architectures():
    facts = {"name": "mine", "repository": "owner/mine", "revision": "main", "filename": "mine.pt"}
    assert HubModel(**facts, architecture="ViT-B-32-quickgelu").activation == "QuickGELU"
    assert HubModel(**facts, architecture="ViT-B-32").activation == "GELU"
    assert HubModel(**facts, architecture={"vision_cfg": {}}, quick_gelu=True).activation == "QuickGELU"


def test_the_table_has_a_row_a_model_and_its_facts_on_demand():
    table, facts = models(), models(facts=True)
    assert list(table["name"]) == ["tiny", *ZOO] and list(table) == COLUMNS
    assert facts[COLUMNS].equals(table) and list(facts)[: len(COLUMNS)] == COLUMNS
    row = facts.set_index("name").loc["GeoRSCLIP-ViT-L-14-336"]
    assert row["image_size"] == 336 and row["where"] == "hub: Zilun/GeoRSCLIP"
    entry = ZOO["GeoRSCLIP-ViT-L-14-336"]
    shown = row[["repository", "file", "revision", "sha256", "source_of_activation"]].tolist()
    expected = [entry.repository, entry.filename, entry.revision, entry.sha256, entry.sources["activation"]]
    assert shown == expected
    assert not table.isna().any(axis=None)


def test_a_file_in_the_hubs_cache_is_shown_as_downloaded(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    assert "downloaded" not in set(models()["where"])
    entry = ZOO["RemoteCLIP-RN50"]
    file = tmp_path / "models--chendelong--RemoteCLIP" / "snapshots" / entry.revision / entry.filename
    file.parent.mkdir(parents=True)
    file.write_bytes(b"")
    table = models().set_index("name")
    assert list(table.index[table["where"] == "downloaded"]) == ["RemoteCLIP-RN50"]


def test_the_tiny_models_row_agrees_with_its_network():
    description = json.loads((TINY / "clip.json").read_text())
    with torch.device("meta"):
        net = CLIP(**description["architecture"])
    row = models(facts=True).set_index("name").loc["tiny"]
    assert row["parameters_millions"] == millions(net)
    assert row["image_size"] == description["architecture"]["vision_cfg"]["image_size"]
    assert row["sha256"] == description["weights"]["sha256"] and row["where"] == "in the package"


def test_the_table_is_quick():
    models()

    def seconds() -> float:
        start = time.perf_counter()
        models(facts=True)
        return time.perf_counter() - start

    assert min(seconds() for _ in range(5)) < 0.2


def test_the_wheel_carries_the_table():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["rsclip_lab"] and not {"exclude", "include", "only-include"} & set(wheel)
    assert TABLE.is_relative_to(ROOT / "rsclip_lab")
    assert "toml" not in (ROOT / ".gitignore").read_text()  # what git ignores stays out of a wheel
