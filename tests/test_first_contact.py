"""`first_contact` whole, in a process of its own against a hub on this machine; weights, pictures and published
numbers are stand-ins under the real names."""

import contextlib
import hashlib
import io
import json
import os
import signal
import time
from functools import cache

import numpy as np
import open_clip
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch
from conftest import TINY_ARCHITECTURE
from hub_server import REVISION, HubClient, HubServer
from open_clip.model import CLIP
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from rsclip_lab.data.public import SETS, PublicSet
from rsclip_lab.data.readers.class_names import CLASSES_OF_SETS
from rsclip_lab.first_contact import first_contact
from rsclip_lab.first_contact.protocols import EUROSAT_WORDS, PROTOCOLS
from rsclip_lab.first_contact.published import Claim, read_published
from rsclip_lab.first_contact.readings import key_of, number_rows
from rsclip_lab.models import HubModel, ModelError
from rsclip_lab.models.zoo import ZOO

STAND_INS = "test/stand-ins"
KINDS = ("airport", "baseballfield", "denseresidential")
ARCHITECTURE = {**TINY_ARCHITECTURE, "text_cfg": {**TINY_ARCHITECTURE["text_cfg"], "width": 32}}
MADE_WITH = {"RemoteCLIP-ViT-B-32": True, "GeoRSCLIP-ViT-B-32": False, "clip-rsicd": True}  # QuickGELU or not
WRONG, MISSING = "RemoteCLIP-RN50", "RemoteCLIP-ViT-L-14"


def contact(place, zoo, rsicd, **options):
    """In a process of its own: what `first_contact` gives and prints, with stand-ins for the zoo and for RSICD."""
    os.chdir(place)
    ZOO.clear()
    ZOO.update({entry["name"]: HubModel(**entry) for entry in zoo})
    SETS["rsicd"] = PublicSet(**rsicd)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        results = first_contact(device="cpu", folder="evidence", published="stand-ins.toml", **options)
    return results, printed.getvalue()


# Stand-ins, and the numbers that an independent computation gives for them


@cache
def picture(number):
    """Stripes and noise, so that pictures differ at every scale."""
    random = np.random.default_rng(number)
    stripes = np.outer(np.sin(np.arange(40) * random.uniform(0.1, 2)), np.cos(np.arange(40) * random.uniform(0.1, 2)))
    pixels = 127 + 90 * stripes[..., None] * random.uniform(-1, 1, 3) + random.normal(0, 20, (40, 40, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def png(number):
    file = io.BytesIO()
    picture(number).save(file, "PNG")
    return file.getvalue()


def captions_of(number):
    return [f"{'many few some no two'.split()[j]} boats near pier {number * 7 % 101} {j}" for j in range(5)]


def rsicd_name(number):
    """As RSICD: the class in the file name of some, a number alone in that of the others."""
    return f"{KINDS[number % 3]}_{number}.png" if number % 4 else f"{number:05d}.png"


RSICD_TEST, RSITMD_TEST, EUROSAT = range(10, 34), range(100, 124), range(200, 212)


def rsicd_parquet(numbers):
    """As arampacha/rsicd."""
    table = pa.table(
        {
            "filename": [f"rsicd_images/{rsicd_name(number)}" for number in numbers],
            "captions": [captions_of(number) for number in numbers],
            "image": [{"bytes": png(number), "path": None} for number in numbers],
        }
    )
    file = io.BytesIO()
    pyarrow.parquet.write_table(table, file)
    return file.getvalue()


def write_rsitmd(folder):
    """A JSON file as of Karpathy & Fei-Fei (2015) beside images/."""
    (folder / "images").mkdir(parents=True)
    entries = []
    for number in (*range(90, 94), *RSITMD_TEST):
        (folder / "images" / f"{number}.png").write_bytes(png(number))
        sentences = [{"raw": text} for text in captions_of(number)]
        split = "test" if number in RSITMD_TEST else "train"
        entries.append({"filename": f"{number}.png", "split": split, "sentences": sentences})
    (folder / "dataset_RSITMD.json").write_text(json.dumps({"images": entries}))


def write_eurosat(folder):
    for number in EUROSAT:
        place = folder / ("AnnualCrop", "River", "SeaLake")[number % 3]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{place.name}_{number}.png").write_bytes(png(number))


def network(name, quick_gelu):
    """Random; the activations get inputs where they differ most: GELU(-3) is -0.004, QuickGELU(-3) is -0.018."""
    torch.manual_seed(sum(name.encode()))
    net = CLIP(**{**ARCHITECTURE, "quick_gelu": quick_gelu}).eval()
    with torch.no_grad():
        for place, weight in net.named_parameters():
            if place.endswith("mlp.c_fc.bias"):
                weight.fill_(-3)
            if place.endswith("mlp.c_proj.weight"):
                weight.mul_(100)
    return net


def unit(features):
    return features / np.linalg.norm(features, axis=-1, keepdims=True)


@torch.no_grad()
def image_features(net, numbers):
    transform = image_transform_v2(PreprocessCfg(size=32), is_train=False)
    return unit(net.encode_image(torch.stack([transform(picture(number)) for number in numbers])).double().numpy())


@torch.no_grad()
def text_features(net, texts):
    return unit(net.encode_text(open_clip.get_tokenizer("ViT-B-32")(texts)).double().numpy())


def share(found):
    return 100 * float(np.mean(found))


def recalls(net, numbers):
    """In percent, by the definition: {metric: number}."""
    texts = [text for number in numbers for text in captions_of(number)]
    scores, owner = image_features(net, numbers) @ text_features(net, texts).T, np.repeat(np.arange(len(numbers)), 5)
    found = {}
    for k in (1, 5, 10):
        nearest = owner[np.argsort(-scores, axis=1)[:, :k]]
        found[f"image to text R@{k}"] = share((nearest == np.arange(len(numbers))[:, None]).any(axis=1))
    for k in (1, 5, 10):
        nearest = np.argsort(-scores.T, axis=1)[:, :k]
        found[f"text to image R@{k}"] = share((nearest == owner[:, None]).any(axis=1))
    return found | {"mean recall": sum(found.values()) / 6}


def topk(net, numbers, templates, names, ks):
    """In percent; the class of a picture is its number modulo that of the classes."""
    prompts = [[template.replace("*", name) for template in templates] for name in names]
    classifier = np.stack([unit(text_features(net, texts).mean(axis=0)) for texts in prompts])
    ranking = np.argsort(-image_features(net, numbers) @ classifier.T, axis=1)
    kinds = np.array(numbers)[:, None] % len(names)
    return {f"top-{k}": share((ranking[:, :k] == kinds).any(axis=1)) for k in ks}


@cache
def expected(name, data, quick_gelu):
    net = network(name, quick_gelu)
    if data == "eurosat":
        templates = [f"a centered satellite photo of {a}*." for a in ("", "a ", "the ")]
        return topk(net, EUROSAT, templates, ("annual crop land", "river", "lake or sea"), ks=[1])
    if name == "clip-rsicd":
        named = [number for number in RSICD_TEST if number % 4]
        return topk(net, named, ["An aerial photograph of *"], KINDS, ks=[1, 3])
    return recalls(net, RSITMD_TEST if data == "rsitmd" else RSICD_TEST)


def published():
    """The table of stand-in numbers, as TOML: (model, data, protocol, points, numbers)."""
    remote, geo, rsicd = MADE_WITH
    claims = [
        (remote, "rsitmd", "retrieval", 0.5, expected(remote, "rsitmd", True)),
        (remote, "rsicd", "retrieval", 0.5, expected(remote, "rsicd", True)),
        (remote, "ucm", "retrieval", 0.5, {"mean recall": 56.36}),
        (remote, "eurosat", "remoteclip-eurosat", 100, {"top-1": 35.96}),
        (geo, "rsitmd", "retrieval", 0.5, expected(geo, "rsitmd", False)),
        (rsicd, "rsicd", "clip-rsicd", 0.5, {"top-1": -50.0, "top-3": 100.0}),
        (WRONG, "rsitmd", "retrieval", 0.5, {"mean recall": 46.21}),
        (MISSING, "rsitmd", "retrieval", 0.5, {"mean recall": 50.52}),
    ]
    lines = ['[by_hand]\nucm = "https://example.org/ucm"']
    for model, data, protocol, points, numbers in claims:
        lines.append(f'[[table]]\nsource = "stand-in"\ndata = "{data}"\nprotocol = "{protocol}"\nwithin = {points}')
        lines.append(f'pictures = 24\nrows = [{{ model = "{model}", {row_of(numbers)} }}]')
    return "\n".join(lines)


def row_of(numbers):
    fields = {"mean_recall": numbers.get("mean recall")}
    for direction in ("image to text", "text to image"):
        found = [round(number, 2) for metric, number in numbers.items() if metric.startswith(direction)]
        fields[direction.replace(" ", "_")] = found or None
    top = [f"{metric[4:]} = {number}" for metric, number in numbers.items() if metric.startswith("top-")]
    fields["top"] = f"{{ {', '.join(top)} }}" if top else None
    return ", ".join(f"{name} = {value}" for name, value in fields.items() if value is not None)


@pytest.fixture(scope="module")
def hub():
    files = {}
    for name in MADE_WITH:
        file = io.BytesIO()
        torch.save(network(name, True).state_dict(), file)
        files[STAND_INS, f"{name}.pt"] = file.getvalue()
    files[STAND_INS, f"{WRONG}.pt"] = b"<html>a page that says sorry</html>"
    for split, numbers in (("train", range(3)), ("valid", range(3, 6)), ("test", RSICD_TEST)):
        files["test/rsicd", f"data/{split}-00000-of-00001.parquet"] = rsicd_parquet(numbers)
    server = HubServer(files)
    server.given = files
    yield server
    server.close()


def arguments(hub, place):
    """For `contact`: the zoo as fields of HubModel, RSICD as fields of PublicSet, where the user has put the rest."""
    zoo = []
    for name in (*MADE_WITH, WRONG, MISSING):
        content = hub.given.get((STAND_INS, f"{name}.pt"), b"")
        entry = {"name": name, "repository": STAND_INS, "revision": REVISION, "filename": f"{name}.pt"}
        sha256 = hashlib.sha256(content).hexdigest() if name in MADE_WITH else "0" * 64
        known = {"sha256": sha256} if name != "clip-rsicd" else {"sha256": None, "megabytes": len(content) / 1e6}
        zoo.append({**entry, "architecture": ARCHITECTURE, "quick_gelu": True, **known})
    files = {file: content for (repository, file), content in hub.given.items() if repository == "test/rsicd"}
    rsicd = {
        "name": "rsicd",
        "repository": "test/rsicd",
        "revision": REVISION,
        "files": {file: hashlib.sha256(content).hexdigest() for file, content in files.items()},
        "megabytes": 1,
        "contents": "a stand-in",
        "licence": "none",
        "citation": "none",
    }
    return place, zoo, rsicd, {"data": {name: str(place / name) for name in ("rsitmd", "eurosat")}}


@pytest.fixture(scope="module")
def calls(hub, tmp_path_factory):
    """Three calls with the same arguments, the first interrupted as by Ctrl-C: what it had measured, what each of the
    others gave and printed, and the place where they worked."""
    place = tmp_path_factory.mktemp("place")
    write_rsitmd(place / "rsitmd")
    write_eurosat(place / "eurosat")
    (place / "stand-ins.toml").write_text(published())
    *positional, options = arguments(hub, place)
    with contextlib.closing(HubClient(tmp_path_factory.mktemp("home"), HF_ENDPOINT=hub.address)) as client:
        process = client(os.getpid)
        first = client.submit(contact, *positional, **options)
        while not measured_so_far(place):
            assert not first.done(), first.result()
            time.sleep(0.002)
        os.kill(process, signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            first.result()
        interrupted = measured_so_far(place)
        second, third = (client(contact, *positional, **options) for _ in range(2))
    return interrupted, second, third, place


def measured_so_far(place):
    file = place / "evidence" / "first_contact.json"
    return json.loads(file.read_text())["measured"] if file.exists() else {}


@pytest.fixture(scope="module")
def results(calls):
    return calls[1][0]


def numbers_of(results, model, data):
    return {row["metric"]: row for row in results["numbers"] if (row["model"], row["data"]) == (model, data)}


@pytest.mark.parametrize(
    "model, data",
    [
        ("RemoteCLIP-ViT-B-32", "rsitmd"),
        ("RemoteCLIP-ViT-B-32", "rsicd"),
        ("RemoteCLIP-ViT-B-32", "eurosat"),
        ("clip-rsicd", "rsicd"),
    ],
)
def test_measured_numbers_are_those_of_an_independent_computation(results, model, data):
    rows = numbers_of(results, model, data)
    by_hand = expected(model, data, quick_gelu=True)
    assert {metric: row["measured"] for metric, row in rows.items()} == pytest.approx(by_hand, abs=1e-3)
    assert any(0 < number < 100 for number in by_hand.values())
    for row in rows.values():
        assert row["difference"] == pytest.approx(row["measured"] - row["published"], abs=0.01)


def test_the_activation_is_the_one_that_made_the_published_number(results):
    verdicts = {(row["model"], row["data"]): row for row in results["activation"]}
    right = verdicts["RemoteCLIP-ViT-B-32", "rsitmd"]
    assert right["nearer"] == "QuickGELU" and right["conclusive"] and "as the zoo has it" in right["reading"]
    assert right["by"] == pytest.approx(abs(right["GELU"] - right["QuickGELU"]), abs=0.01) and right["by"] > 0.5
    other = verdicts["GeoRSCLIP-ViT-B-32", "rsitmd"]
    assert other["nearer"] == "GELU" and other["conclusive"] and "correct zoo.toml" in other["reading"]
    assert "both are within 100 points" in verdicts["RemoteCLIP-ViT-B-32", "eurosat"]["reading"]
    assert "neither is within 0.5 points" in verdicts["clip-rsicd", "rsicd"]["reading"]
    assert len(verdicts) == 5


def test_a_number_says_how_near_it_is_and_on_how_many_pictures(results):
    row = numbers_of(results, "RemoteCLIP-ViT-B-32", "rsitmd")["image to text R@10"]
    assert row["reading"] == "within 0.5 points" and row["queries"] == 24
    assert row["low"] < row["measured"] < row["high"]
    assert numbers_of(results, "RemoteCLIP-ViT-B-32", "rsitmd")["text to image R@1"]["queries"] == 120
    row = numbers_of(results, "clip-rsicd", "rsicd")["top-1"]
    assert row["reading"] == "not within 0.5 points; on 18 pictures, published on 24"


def test_a_wrong_and_a_missing_file_are_rows_and_do_not_stop_the_rest(results):
    assert [name for name, row in results["files"].items() if row["ok"]] == list(MADE_WITH)
    wrong, missing = results["files"][WRONG], results["files"][MISSING]
    assert "not the expected file: sha256" in wrong["error"] and wrong["expected"]["sha256"] == "0" * 64
    assert "no such file" in missing["error"]
    for name in (WRONG, MISSING):
        (row,) = numbers_of(results, name, "rsitmd").values()
        assert row["measured"] is None and row["reading"].startswith("not measured: its weight file is not to be had")


def test_files_are_described_with_size_hash_and_commit(hub, results):
    for name in MADE_WITH:
        content, row = hub.given[STAND_INS, f"{name}.pt"], results["files"][name]
        assert (row["bytes"], row["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert row["commit"] == REVISION and row["seconds"] >= 0


def test_data_that_cannot_be_fetched_is_a_row_that_says_where_it_is(results):
    (row,) = numbers_of(results, "RemoteCLIP-ViT-B-32", "ucm").values()
    assert row["measured"] is None and row["reading"].startswith("not measured: ucm is not to be had")
    error = results["data"]["ucm"]["error"]
    assert "cannot be fetched by itself: get it from https://example.org/ucm" in error and "--data ucm=" in error
    assert results["data"]["rsicd"]["pictures"] == 30 and REVISION in results["data"]["rsicd"]["from"]


def test_an_interrupted_call_is_continued(calls, hub):
    interrupted, (results, _), _, _ = calls
    assert 0 < len(interrupted) < len(results["measured"]) == 10
    for key, row in interrupted.items():
        assert results["measured"][key] == row  # with its date and seconds
    for name in MADE_WITH:
        assert len(hub.downloads(f"{name}.pt")) == 1


def test_a_further_call_measures_nothing_again(calls):
    _, (second, _), (third, printed), _ = calls
    assert third["measured"] == second["measured"] and third["numbers"] == second["numbers"]
    assert "measuring" not in printed


def test_pictures_are_decoded_once_for_all_models_of_a_size(calls):
    (manifest,) = (calls[3] / "evidence" / "pixels").glob("*/manifest.jsonl")
    assert len(manifest.read_text().splitlines()) == len(RSICD_TEST) + len(RSITMD_TEST) + 12


def test_the_results_are_a_json_and_the_tables_that_are_printed(calls, results):
    _, _, (third, printed), place = calls
    evidence = place / "evidence"
    assert sorted(path.name for path in evidence.iterdir()) == ["first_contact.json", "first_contact.md", "pixels"]
    assert json.loads((evidence / "first_contact.json").read_text()) == json.loads(json.dumps(third))
    markdown = (evidence / "first_contact.md").read_text()
    assert markdown in printed
    tables = [block.splitlines() for block in markdown.split("\n\n") if block.startswith("|")]
    parts = ("numbers", "activation", "files", "data")
    assert [len(lines) - 2 for lines in tables] == [len(third[part]) for part in parts]
    for lines in tables:
        assert len({line.count(" | ") for line in lines}) == 1
    for stated in ("stand-ins.toml", STAND_INS, REVISION, third["date"], third["machine"]["torch"]):
        assert stated in markdown


# Without a hub


def test_a_number_of_another_file_or_other_data_is_not_shown():
    claim = Claim("m", "d", "retrieval", {"mean recall": 50.0}, 0.5, None, "a stand-in")
    share = {"mean recall": {"percent": 50.1, "queries": 9, "low": None, "high": None}}
    measured = {key_of(claim, "GELU"): {"shares": share, "model_sha256": "file", "data_sha256": "data"}}

    def reading(file="file", **data):
        files = {"m": {"activation": "GELU", "ok": True, "sha256": file}}
        (row,) = number_rows([claim], {"files": files, "data": {"d": data} if data else {}, "measured": measured})
        return row["reading"]

    assert reading() == reading(sha256="data", ok=True) == reading(ok=False) == "within 0.5 points"
    assert reading(sha256="other", ok=True) == reading("other") == "not measured: its turn has not come"


def test_unknown_names_are_refused_before_anything_happens(tmp_path):
    with pytest.raises(ModelError, match="'RemoteCLIP'.*RemoteCLIP-RN50"):
        first_contact(["RemoteCLIP"], folder=tmp_path / "evidence")
    with pytest.raises(ValueError, match="nothing is published on pictures.*rsitmd"):
        first_contact(data={"pictures": tmp_path}, folder=tmp_path / "evidence")
    assert not (tmp_path / "evidence").exists()
    (tmp_path / "first_contact.json").write_text("[]")
    with pytest.raises(ValueError, match="first_contact.json.*move it away"):
        first_contact(folder=tmp_path)


CLAIMS = read_published().claims


def test_every_published_number_is_of_a_known_model_and_protocol():
    tagged = {f"{architecture}:{tag}" for architecture, tag in open_clip.list_pretrained()}
    for claim in CLAIMS:
        assert claim.model in ZOO or claim.model in tagged
        assert claim.protocol in PROTOCOLS and claim.headline in claim.numbers and claim.source
    assert len({(claim.model, claim.data, claim.protocol) for claim in CLAIMS}) == len(CLAIMS)


def test_published_recalls_fit_their_mean_and_their_number_of_pictures():
    """A wrong digit in the table would not. One does not in the paper itself: 59.85 % of 210."""
    full = [claim for claim in CLAIMS if len(claim.numbers) == 7]
    assert len(full) == 9
    for claim in full:
        recalls = [value for metric, value in claim.numbers.items() if metric != "mean recall"]
        assert claim.numbers["mean recall"] == pytest.approx(np.mean(recalls), abs=0.011)
        for metric, value in claim.numbers.items():
            if metric.startswith("image to text") and value != 59.85:
                found = value / 100 * claim.pictures
                assert abs(found - round(found)) * 100 / claim.pictures < 0.011, (claim, metric)


def test_the_protocols_are_those_that_were_published():
    templates = PROTOCOLS["georsclip"].templates
    assert len(set(templates)) == 105
    for shown in ("an aerial image of many {label}.", "a jpeg corrupted satellite image of the {label}."):
        assert shown in templates
    assert PROTOCOLS["georsclip"].class_of("/x/2750/SeaLake/SeaLake_1.jpg") == "SeaLake"
    assert list(EUROSAT_WORDS) == CLASSES_OF_SETS["EuroSAT"].split()
    named = PROTOCOLS["clip-rsicd"]
    assert named.class_of("/x/rsicd_images/airport_1.jpg") == "airport" and named.class_of("/x/00001.jpg") is None
