"""Real Marian models, tiny and untrained, through the real code: local folders, the hub's routes, the command."""

import io
import json
import os
import pickle
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import huggingface_hub.constants
import pytest
import torch

from rsclip_lab.cli import main
from rsclip_lab.data import CaptionError, read_captions
from rsclip_lab.data.wording.marian import MarianTranslator, RoundTrip, model_folder, opus_models

SENTENCES = [
    "many planes are parked near a long building at an airport",
    "a green forest lies beside the river",
    "some boats lie in the harbour",
    "picture shows a beach from above",
]
LENGTH = 20  # tokens that a model reads and writes; its longest sentences have more


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Networks this small only wait for a second thread, long where others want the core too."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def make_marian(folder, seed):
    """A Marian model of one layer with a vocabulary learned from the sentences, in the files that OPUS-MT has."""
    import sentencepiece
    from transformers import MarianConfig, MarianMTModel

    folder.mkdir(parents=True)
    pieces = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 3),
        model_writer=pieces,
        vocab_size=80,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    for name in ("source.spm", "target.spm"):
        (folder / name).write_bytes(pieces.getvalue())
    known = sentencepiece.SentencePieceProcessor(model_proto=pieces.getvalue())
    words = [known.id_to_piece(number) for number in range(len(known))]
    words = ["</s>", "<unk>", *(word for word in words if word not in ("<unk>", "<s>", "</s>")), "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    torch.manual_seed(seed)
    last = len(words) - 1
    sizes = {f"{side}_{what}": n for side in ("encoder", "decoder") for what, n in (("layers", 1), ("ffn_dim", 32))}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    special = {"pad_token_id": last, "decoder_start_token_id": last, "eos_token_id": 0, "forced_eos_token_id": 0}
    # Weights large enough that an untrained network says something else to each sentence.
    size = {"vocab_size": len(words), "d_model": 16, "max_position_embeddings": LENGTH}
    config = MarianConfig(init_std=0.3, tie_word_embeddings=False, **size, **sizes, **heads, **special)
    MarianMTModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with opus-mt-en-xx and opus-mt-xx-en."""
    folder = tmp_path_factory.mktemp("models")
    for seed, model in zip((2, 4), opus_models("xx", folder), strict=True):  # of seeds tried, the most talkative
        make_marian(model, seed)
    return folder


@pytest.fixture
def broken(models, tmp_path):
    """A copy of one model, to be damaged."""
    folder = tmp_path / "broken"
    folder.mkdir()
    for file in (models / "opus-mt-en-xx").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_a_batch_is_translated_as_each_sentence_alone_is_by_the_library(models):
    from transformers import MarianMTModel, MarianTokenizer

    folder = models / "opus-mt-en-xx"
    translate = MarianTranslator(folder, "cpu")
    net, tokenizer = MarianMTModel.from_pretrained(folder), MarianTokenizer.from_pretrained(folder)
    expected = []
    for sentence in SENTENCES:
        inputs = tokenizer(sentence, return_tensors="pt", truncation=True, max_length=LENGTH)
        tokens = net.generate(**inputs, num_beams=1, do_sample=False, max_length=LENGTH)
        expected.append(tokenizer.decode(tokens[0], skip_special_tokens=True))
    assert translate(SENTENCES) == expected and len(set(expected)) == len(SENTENCES)
    assert translate(SENTENCES[::-1]) == expected[::-1]


def test_a_round_trip_is_one_model_after_the_other(models):
    there, back = (MarianTranslator(folder, "cpu", beams=2) for folder in opus_models("xx", models))
    trip = RoundTrip(*opus_models("xx", models), device="cpu", beams=2)
    assert trip(SENTENCES[:2]) == back(there(SENTENCES[:2])) != there(SENTENCES[:2])


def test_a_text_longer_than_the_model_reads_is_cut_rather_than_an_error(models):
    translate = MarianTranslator(models / "opus-mt-en-xx", "cpu")
    assert len(translate([" ".join(SENTENCES), "the river"])) == 2


def test_weights_of_the_older_kind_are_read_and_pickled_code_is_not_run(broken, tmp_path):
    expected = MarianTranslator(broken, "cpu")(SENTENCES[:1])
    weights = MarianTranslator(broken, "cpu").net.state_dict()
    (broken / "model.safetensors").unlink()
    torch.save(weights, broken / "pytorch_model.bin")
    assert MarianTranslator(broken, "cpu")(SENTENCES[:1]) == expected

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "trapped"),)

    (broken / "pytorch_model.bin").write_bytes(pickle.dumps({"weight": Trap()}, protocol=2))
    with pytest.raises(CaptionError, match="broken: no Marian model"):
        MarianTranslator(broken, "cpu")
    assert not (tmp_path / "trapped").exists()


def test_weights_that_lack_a_layer_are_refused_rather_than_made_up(broken):
    from safetensors.torch import load_file, save_file

    weights = load_file(broken / "model.safetensors")
    del weights["model.encoder.layers.0.fc1.weight"]
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CaptionError, match="weights are missing .model.encoder.layers.0.fc1.weight"):
        MarianTranslator(broken, "cpu")


def test_a_folder_without_the_files_is_refused_by_their_names(broken, tmp_path):
    (broken / "vocab.json").unlink()
    (broken / "model.safetensors").unlink()
    with pytest.raises(CaptionError, match="broken: vocab.json, model.safetensors not in it; name a folder"):
        MarianTranslator(broken)
    with pytest.raises(CaptionError, match="nowhere: no such folder"):
        MarianTranslator(tmp_path / "nowhere")


@pytest.mark.parametrize("package", ["transformers", "sentencepiece"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(models, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(CaptionError, match=rf'{package}.*pip install "rsclip-lab\[translate\]"'):
        MarianTranslator(models / "opus-mt-en-xx")


# The hub: its real client, against a small server on this machine and against none.

REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub(models, tmp_path, monkeypatch):
    """A server with the routes a download uses, and the client set to it; gives the paths that were asked for."""
    files = {file.name: file.read_bytes() for file in (models / "opus-mt-en-xx").iterdir()}
    files["tf_model.h5"] = b"of another framework"
    asked = []

    class Hub(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            name = self.path.rpartition("/")[2]
            if self.path.startswith("/api/models/Helsinki-NLP/opus-mt-en-xx/tree/"):
                tree = [{"type": "file", "path": name, "size": len(data), "oid": "0"} for name, data in files.items()]
                return self.send(200, json.dumps(tree).encode())
            if self.path.startswith("/api/models/Helsinki-NLP/opus-mt-en-xx"):
                about = {"id": "Helsinki-NLP/opus-mt-en-xx", "sha": REVISION}
                siblings = [{"rfilename": name} for name in files]
                return self.send(200, json.dumps({**about, "siblings": siblings}).encode())
            if self.path == f"/Helsinki-NLP/opus-mt-en-xx/resolve/{REVISION}/{name}" and name in files:
                return self.send(200, files[name], {"X-Repo-Commit": REVISION, "ETag": f'"{name}"'})
            return self.send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

        do_HEAD = do_GET

        def send(self, status, body, headers=()):
            self.send_response(status)
            for name, value in dict(headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    online(monkeypatch, server.server_port, tmp_path / "cache")
    yield asked
    server.shutdown()
    server.server_close()


def online(monkeypatch, port, cache):
    address = f"http://127.0.0.1:{port}"
    for name, value in {
        "HF_HUB_OFFLINE": False,
        "ENDPOINT": address,
        "HUGGINGFACE_CO_URL_TEMPLATE": address + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(cache),
    }.items():
        monkeypatch.setattr(huggingface_hub.constants, name, value)


def test_a_model_comes_from_the_hub_once_without_what_is_not_needed(hub, models):
    folder = model_folder("Helsinki-NLP/opus-mt-en-xx")
    assert {file.name for file in folder.iterdir()} == {file.name for file in (models / "opus-mt-en-xx").iterdir()}
    assert MarianTranslator(folder, "cpu")(SENTENCES[:1]) == MarianTranslator(models / "opus-mt-en-xx")(SENTENCES[:1])
    hub.clear()
    assert model_folder("Helsinki-NLP/opus-mt-en-xx") == folder and hub == []


def test_a_model_half_in_the_cache_is_completed(hub):
    folder = model_folder("Helsinki-NLP/opus-mt-en-xx")
    (folder / "model.safetensors").unlink()
    assert (model_folder("Helsinki-NLP/opus-mt-en-xx") / "model.safetensors").is_file()


@pytest.mark.parametrize("name", ["Helsinki-NLP/opus-mt-en-yy", "no/such/name"])
def test_a_name_that_the_hub_does_not_know_is_refused_with_the_remedy(hub, name):
    with pytest.raises(CaptionError, match=f"{name}: .* could not be fetched .*check the name.*name their folder"):
        model_folder(name)


def test_without_network_the_command_says_so_in_one_line_and_at_once(picture_folder, tmp_path, monkeypatch, capsys):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        online(monkeypatch, probe.getsockname()[1], tmp_path / "cache")
    start = time.perf_counter()
    out = tmp_path / "out.jsonl"
    assert main(["back-translate", str(picture_folder), "--out", str(out), "--through", "fr"]) == 2
    assert time.perf_counter() - start < 6
    said = capsys.readouterr().err.strip()
    assert said.startswith("rsclip-lab: Helsinki-NLP/opus-mt-en-fr: ") and "name their folder" in said
    assert len(said.splitlines()) == 1 and not list(tmp_path.glob("out*"))


# The command.


def test_the_command_writes_json_lines_that_read_back_with_the_captions_of_each_picture_first(
    models, picture_folder, tmp_path, capsys
):
    out = picture_folder / "more.jsonl"
    arguments = ["back-translate", str(picture_folder), "--out", str(out), "--through", "xx"]
    assert main([*arguments, "--model-folder", str(models), "--batch-size", "5"]) == 0
    captions, more = read_captions(picture_folder), read_captions(out)
    assert f"24 captions have become {len(more)} of 12 pictures" in capsys.readouterr().out
    trip = RoundTrip(*opus_models("xx", models), device="cpu")
    for image, old in captions.groupby("image"):
        own = old["caption"].tolist()
        new = [trip([caption])[0] for caption in own] if old["split"].iloc[0] == "train" else []
        assert more.loc[more["image"] == image, "caption"].tolist() == list(dict.fromkeys(own + new))
    assert len(more) >= len(captions) + 6
    facts = ["image", "split", "label"]
    assert more[facts].drop_duplicates().to_numpy().tolist() == captions[facts].drop_duplicates().to_numpy().tolist()
    assert not list(picture_folder.glob("more.jsonl.part"))
    with pytest.raises(SystemExit):
        main([*arguments, "--model-folder", str(models)])
    assert "there already" in capsys.readouterr().err


def test_the_command_goes_on_from_what_an_earlier_run_finished(models, picture_folder, tmp_path):
    there, back = (str(folder) for folder in opus_models("xx", models))
    arguments = ["back-translate", str(picture_folder), "--to", there, "--back", back, "--batch-size", "4"]
    whole, resumed = tmp_path / "whole.jsonl", tmp_path / "resumed.jsonl"
    assert main([*arguments, "--out", str(whole)]) == 0
    settings = {"models": {"opus-mt-en-xx": [there, back]}, "beams": 1, "batch_size": 4}
    pairs = {"picture 0 shows beach from above": "finished earlier"}
    lines = [{"settings": settings}, {"through": "opus-mt-en-xx", "pairs": pairs}]
    part = tmp_path / "resumed.jsonl.part"
    part.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert main([*arguments, "--out", str(resumed)]) == 0
    assert "finished earlier" in resumed.read_text() and not part.exists()
    other = [line for line in resumed.read_text().splitlines() if "finished earlier" not in line]
    assert other == whole.read_text().splitlines()[1:]


@pytest.mark.parametrize(
    "options", [[], ["--to", "a"], ["--through", "fr", "--to", "a"], ["--through", "fr", "--back", "b"]]
)
def test_the_command_wants_languages_or_a_pair_of_folders(picture_folder, tmp_path, options, capsys):
    assert main(["back-translate", str(picture_folder), "--out", str(tmp_path / "out.jsonl"), *options]) == 2
    assert "--through fr de" in capsys.readouterr().err
