"""Any tokenizer that open_clip makes is made, counted, saved and read back the same; nothing of it is ever run."""

import json
import shutil
import sys
from contextlib import suppress

import huggingface_hub
import numpy as np
import open_clip
import pytest
import torch
from hub_server import HubClient, HubServer
from PIL import Image

from rsclip_lab.checks.tokens import context_length, token_counter
from rsclip_lab.models.clip import Clip, new_clip
from rsclip_lab.models.errors import ModelError, NotFetched
from rsclip_lab.models.saved.files import read_model
from rsclip_lab.models.tokenizers import describe_tokenizer, make_tokenizer, save_tokenizer
from rsclip_lab.training.batches import Tokens

transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

CONTEXT = 16
TEXTS = [
    "a satellite view of a beach",
    "Boats, two piers &amp; a BREAKWATER.",
    "",
    "  many   spaces\n and_underscores ",
    "a long caption about a harbour with many boats, two piers, a breakwater and a row of white storehouses",
    "café 机场 ✈",
    "<s> [SEP] </s> are words here",
]


def word_pieces():
    """As BERT's: [CLS] text [SEP], padded with 0."""
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    core = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    core.normalizer = tokenizers.normalizers.BertNormalizer()
    core.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    core.train_from_iterator(TEXTS, tokenizers.trainers.WordPieceTrainer(vocab_size=200, special_tokens=marks))
    core.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    named = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=core, **named)


def sentence_pieces():
    """As SigLIP's: text </s>, padded with the end token, 1."""
    marks = ["<unk>", "</s>"]
    core = tokenizers.Tokenizer(tokenizers.models.Unigram())
    core.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    trainer = tokenizers.trainers.UnigramTrainer(vocab_size=120, special_tokens=marks, unk_token="<unk>")
    core.train_from_iterator(TEXTS, trainer)
    core.post_processor = tokenizers.processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    named = {"pad_token": "</s>", "unk_token": "<unk>", "eos_token": "</s>"}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=core, **named)


def byte_pairs():
    """As RoBERTa's: <s> text </s>, padded with 1; it has the marks that the mode "clips" asks for."""
    marks = ["<s>", "<pad>", "</s>", "<unk>", "<cls>"]
    core = tokenizers.Tokenizer(tokenizers.models.BPE())
    core.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel()
    core.decoder = tokenizers.decoders.ByteLevel()
    core.train_from_iterator(TEXTS, tokenizers.trainers.BpeTrainer(vocab_size=400, special_tokens=marks))
    core.post_processor = tokenizers.processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    named = dict(zip(("bos_token", "pad_token", "eos_token", "unk_token", "cls_token"), marks, strict=True))
    return transformers.PreTrainedTokenizerFast(tokenizer_object=core, **named)


KINDS = {
    "BERT": (word_pieces, {}),
    "CLIPA": (word_pieces, {"tokenizer_kwargs": {"strip_sep_token": True}}),
    "SigLIP": (sentence_pieces, {"tokenizer_kwargs": {"clean": "canonicalize"}}),
    "RoBERTa": (byte_pairs, {}),
    "clips": (byte_pairs, {"tokenizer_mode": "clips", "tokenizer_kwargs": {"clean": "whitespace"}}),
}


def architecture(source, **text):
    return {"embed_dim": 8, "vision_cfg": {}, "text_cfg": {"hf_tokenizer_name": str(source)} | text}


@pytest.fixture(scope="module", params=KINDS)
def kind(request, tmp_path_factory):
    """A folder as open_clip's own saving lays it out, and what text_cfg in it says."""
    make, text = KINDS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    make().save_pretrained(folder)
    config = architecture(folder, context_length=CONTEXT, **text)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    return folder, config


def test_tokens_equal_those_of_open_clips_own_tokenizer(kind):
    folder, config = kind
    tokens = make_tokenizer(describe_tokenizer(config))(TEXTS)
    assert torch.equal(tokens, open_clip.get_tokenizer(f"local-dir:{folder}")(TEXTS))
    assert tokens.shape == (len(TEXTS), CONTEXT) and tokens.dtype == torch.int64
    assert len({tuple(row) for row in tokens.tolist()}) == len(TEXTS)


def test_a_saved_tokenizer_is_read_from_its_folder_alone(kind, tmp_path):
    folder, config = kind
    source, saved = tmp_path / "source", tmp_path / "saved"
    shutil.copytree(folder, source)
    description = describe_tokenizer(config, source=source)
    first = make_tokenizer(description)
    save_tokenizer(first, description, saved)
    shutil.rmtree(source)
    again = make_tokenizer(json.loads(json.dumps(description)), saved)
    assert torch.equal(again(TEXTS), first(TEXTS))
    assert [path.name for path in saved.iterdir()] == ["tokenizer"]
    with pytest.raises(NotFetched, match=str(source)):
        make_tokenizer(description)


def test_files_beside_the_weights_serve_too_as_open_clip_lays_them_out(kind):
    folder, config = kind
    description = describe_tokenizer(config, source="test/not-asked-for")
    expected = open_clip.get_tokenizer(f"local-dir:{folder}")(TEXTS)
    assert torch.equal(make_tokenizer(description, folder)(TEXTS), expected)


def test_a_caption_is_counted_as_it_would_be_without_the_cut(kind):
    _, config = kind
    tokenizer = make_tokenizer(describe_tokenizer(config))
    count, theirs, clips = token_counter(tokenizer), tokenizer.tokenizer, "tokenizer_mode" in config["text_cfg"]
    for text in TEXTS:
        whole = theirs(tokenizer.clean_fn(text), add_special_tokens=not clips)["input_ids"]
        assert count(text) == len(whole) + (3 if clips else 0)
    assert context_length(tokenizer) == CONTEXT


def test_the_count_tells_which_captions_are_cut(kind, caplog):
    _, config = kind
    tokenizer = make_tokenizer(describe_tokenizer(config))
    count, lengths = token_counter(tokenizer), set()
    for words in range(1, 30):
        text = " ".join(["boats"] * words)
        row, tokens = tokenizer([text])[0].tolist(), tokenizer.encode(text)
        is_whole = any(row[at : at + len(tokens)] == tokens for at in range(CONTEXT))
        assert is_whole == (count(text) <= CONTEXT)
        lengths.add(is_whole)
    assert lengths == {True, False} and count("boats " * 1000) > 1000
    assert not caplog.records  # transformers warns of long texts, which is what is asked for here


def test_tokens_without_their_padding_come_back_whole_whatever_pads_them(kind):
    _, config = kind
    tokenizer = make_tokenizer(describe_tokenizer(config))
    tokens = Tokens.of(TEXTS, tokenizer, show_progress=False)
    assert torch.equal(tokens[range(len(TEXTS))], tokenizer(TEXTS))


def test_decode_reverses_encode(tmp_path):
    byte_pairs().save_pretrained(tmp_path)
    tokenizer = make_tokenizer(describe_tokenizer(architecture(tmp_path)))
    assert tokenizer.decode(tokenizer.encode(TEXTS[0])).strip() == TEXTS[0]


@pytest.mark.parametrize("options", [{}, {"clean": "canonicalize"}, {"clean": "whitespace"}])
def test_clips_own_tokenizer_takes_open_clips_options(options, tmp_path):
    text = {"context_length": 20} | ({"tokenizer_kwargs": options} if options else {})
    config = {"embed_dim": 8, "vision_cfg": {}, "text_cfg": text}
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    description = describe_tokenizer(config)
    expected = open_clip.get_tokenizer(f"local-dir:{tmp_path}")(TEXTS)
    assert torch.equal(make_tokenizer(description)(TEXTS), expected)
    save_tokenizer(make_tokenizer(description), description, tmp_path / "saved")
    assert not (tmp_path / "saved").exists()  # its vocabulary comes with open_clip


def test_every_architecture_of_open_clip_has_its_tokenizer_described():
    own = 0
    for name in open_clip.list_models():
        config = open_clip.get_model_config(name)
        text, description = config["text_cfg"], describe_tokenizer(config)
        own += description["name"] == "clip"
        assert description.get("source") == text.get("hf_tokenizer_name")
        assert description["context_length"] == text.get("context_length", 77)
        assert description.get("options") == text.get("tokenizer_kwargs")
    assert 0 < own < len(open_clip.list_models())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ({"hf_tokenizer_name": "", "vocab_size": 32000}, "holds 32000 tokens.*49408.*hf_tokenizer_name"),
        ({"tokenizer_kwargs": {"trust_remote_code": True}}, "trust_remote_code: leave out"),
        ({"hf_tokenizer_name": "", "tokenizer_kwargs": {"bpe_path": "/etc/passwd"}}, "bpe_path: leave out"),
        ({"tokenizer_kwargs": {"clean": "thoroughly"}}, "'thoroughly': choose one of lower, whitespace"),
    ],
)
def test_what_cannot_be_right_or_safe_is_refused_before_any_file_is_read(text, message):
    with pytest.raises(ModelError, match=message):
        describe_tokenizer(architecture("test/nowhere", **text))


def test_a_description_from_elsewhere_is_checked_too():
    with pytest.raises(ModelError, match="no tokenizer is called 'pickle'"):
        make_tokenizer({"name": "pickle", "context_length": 77})
    with pytest.raises(ModelError, match="needs a source"):
        make_tokenizer({"name": "hf", "context_length": 77})
    with pytest.raises(ModelError, match="trust_remote_code"):
        make_tokenizer({"name": "hf", "source": "a/b", "context_length": 7, "options": {"trust_remote_code": True}})


def test_without_transformers_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ModelError, match=r'test/model.*pip install "rsclip-lab\[transformers\]"'):
        make_tokenizer(describe_tokenizer(architecture("test/model")))
    assert make_tokenizer({"name": "clip", "context_length": 77})(["boats"]).shape == (1, 77)


def test_offline_the_repository_is_named():
    with pytest.raises(NotFetched, match="tokenizer_config.json.*test/never-fetched.*HF_HUB_OFFLINE"):
        make_tokenizer(describe_tokenizer(architecture("test/never-fetched")))


def test_code_that_comes_with_a_tokenizer_is_not_run(tmp_path):
    tokenizer = word_pieces()
    tokenizer.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    config |= {"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["own.Own", "own.Own"]}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    trace = tmp_path / "was-run"
    (tmp_path / "own.py").write_text(f"open({str(trace)!r}, 'w')\nclass Own:\n    pass\n")
    wanted = "no tokenizer that transformers can read.*(custom code|requires you to execute)"
    with pytest.raises(ModelError, match=wanted):
        make_tokenizer(describe_tokenizer(architecture(tmp_path)))
    assert not trace.exists()


@pytest.mark.parametrize("config", [{}, {"model_type": "own", "auto_map": {"AutoConfig": "own.Own"}}])
@pytest.mark.parametrize("kind", ["Own", "BertTokenizer", None])
def test_nobody_is_asked_whether_code_may_run(config, kind, tmp_path, monkeypatch):
    """A notebook would wait for an answer, and a pipe may hold a yes."""
    word_pieces().save_pretrained(tmp_path)
    words = json.loads((tmp_path / "tokenizer_config.json").read_text())
    words |= {"tokenizer_class": kind, "auto_map": {"AutoTokenizer": ["own.Own", "own.Own"]}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(words))
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'was-run')!r}, 'w')\nclass Own:\n    pass\n")
    if config:
        (tmp_path / "config.json").write_text(json.dumps(config))
    asked = []
    monkeypatch.setattr("builtins.input", lambda *question: asked.append(question) or "y")
    with suppress(ModelError):
        make_tokenizer(describe_tokenizer(architecture(tmp_path)))
    assert not asked and not (tmp_path / "was-run").exists()


def test_a_tokenizer_with_more_tokens_than_the_text_tower_is_refused(tmp_path):
    words = byte_pairs()
    words.save_pretrained(tmp_path)
    text = SIGLIP["text_cfg"] | {"hf_tokenizer_name": str(tmp_path), "vocab_size": len(words)}
    assert new_clip(SIGLIP | {"text_cfg": text}).encode_texts(TEXTS).shape == (len(TEXTS), 64)
    with pytest.raises(ModelError, match=f"up to {len(words) - 1}, the text tower holds {len(words) - 1}"):
        new_clip(SIGLIP | {"text_cfg": text | {"vocab_size": len(words) - 1}})


def test_tokens_added_beyond_the_text_tower_are_nobodys_fault(tmp_path):
    """As of published SigLIPs, whose tokenizer is T5's with a hundred marks more than the tower holds."""
    words = byte_pairs()
    size = len(words)
    words.add_special_tokens({"additional_special_tokens": [f"<extra_id_{mark}>" for mark in range(100)]})
    words.save_pretrained(tmp_path)
    config = SIGLIP | {"text_cfg": SIGLIP["text_cfg"] | {"hf_tokenizer_name": str(tmp_path), "vocab_size": size}}
    model = new_clip(config)
    assert len(model.tokenizer.tokenizer) == size + 100
    assert model.encode_texts(TEXTS).shape == (len(TEXTS), 64)


def without_padding_token(folder):
    config = json.loads((folder / "tokenizer_config.json").read_text())
    del config["pad_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


DAMAGES = {
    "an error page for a vocabulary": lambda folder: (folder / "tokenizer.json").write_text("<html>"),
    "no vocabulary": lambda folder: (folder / "tokenizer.json").unlink(),
    "no padding token": without_padding_token,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_folder_that_is_no_tokenizer_is_refused_at_once(damage, tmp_path):
    word_pieces().save_pretrained(tmp_path)
    DAMAGES[damage](tmp_path)
    with pytest.raises(ModelError, match=f"{tmp_path} holds no tokenizer that transformers can read") as refused:
        make_tokenizer(describe_tokenizer(architecture(tmp_path)))
    assert "\n" not in str(refused.value)


SIGLIP = {
    "embed_dim": 64,
    "custom_text": True,
    "init_logit_bias": -10,
    "vision_cfg": {"image_size": 160, "timm_model_name": "test_vit", "timm_pool": "map", "timm_proj": "none"},
    "text_cfg": {
        "context_length": CONTEXT,
        "vocab_size": 200,
        "width": 32,
        "heads": 2,
        "layers": 2,
        "no_causal_mask": True,
        "proj_bias": True,
        "pool_type": "last",
        "norm_kwargs": {"eps": 1e-6},
        "act_kwargs": {"approximate": "tanh"},
        "tokenizer_kwargs": {"clean": "canonicalize"},
    },
}


def test_a_siglip_gives_the_features_of_open_clip_and_of_itself_when_loaded(tmp_path):
    sentence_pieces().save_pretrained(tmp_path / "source")
    config = SIGLIP | {"text_cfg": SIGLIP["text_cfg"] | {"hf_tokenizer_name": str(tmp_path / "source")}}
    model = new_clip(config, seed=1, preprocess={"mean": [0.5] * 3, "std": [0.5] * 3, "resize_mode": "squash"})
    pictures = [np.random.default_rng(0).integers(0, 256, (40, 70, 3), dtype=np.uint8)]

    folder = tmp_path / "open_clip"
    shutil.copytree(tmp_path / "source", folder)
    words = {"model_cfg": config, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3, "resize_mode": "squash"}}
    (folder / "open_clip_config.json").write_text(json.dumps(words))
    torch.save(model.net.state_dict(), folder / "open_clip_pytorch_model.bin")
    theirs, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    theirs.eval()
    with torch.no_grad():
        pixels = preprocess(Image.fromarray(pictures[0]))[None]
        images = theirs.encode_image(pixels, normalize=True)
        texts = theirs.encode_text(open_clip.get_tokenizer(f"local-dir:{folder}")(TEXTS), normalize=True)
    torch.testing.assert_close(model.encode_images(pictures), images, atol=1e-6, rtol=0)
    torch.testing.assert_close(model.encode_texts(TEXTS, batch_size=2), texts, atol=1e-6, rtol=0)
    assert (model.logit_bias, model.dim) == (-10, 64) and model.activation == "GELU, GELU (tanh)"

    model.save(tmp_path / "saved")
    shutil.rmtree(tmp_path / "source")
    net, description = read_model(tmp_path / "saved")
    loaded = Clip(net, description, make_tokenizer(description["tokenizer"], tmp_path / "saved"))
    assert torch.equal(loaded.encode_texts(TEXTS), model.encode_texts(TEXTS))
    assert torch.equal(loaded.encode_images(pictures), model.encode_images(pictures))
    assert loaded.copy().tokenizer is loaded.tokenizer  # its files may be anywhere by now


# From the hub: its real client, in a process of its own, against a server on this machine.


def tokens_of(description):
    return make_tokenizer(description)(TEXTS).tolist()


@pytest.fixture(scope="module")
def sentence_piece_model(tmp_path_factory):
    """A folder as google/mt5-base has it: a SentencePiece model and no tokenizer.json."""
    sentencepiece = pytest.importorskip("sentencepiece")
    folder = tmp_path_factory.mktemp("spiece")
    options = {"vocab_size": 70, "pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1, "minloglevel": 2}
    prefix = str(folder / "spiece")
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(TEXTS * 3), model_prefix=prefix, **options)
    (folder / "spiece.vocab").unlink()
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "T5Tokenizer", "extra_ids": 0}))
    return folder


def test_a_tokenizer_comes_from_the_hub_once_and_then_from_its_cache(tmp_path, sentence_piece_model, monkeypatch):
    make, text = KINDS["SigLIP"]
    make().save_pretrained(tmp_path / "siglip")
    folders = {"test/siglip": tmp_path / "siglip", "test/mt5": sentence_piece_model}
    hub = HubServer({(name, file.name): file.read_bytes() for name, at in folders.items() for file in at.iterdir()})
    hub.put("test/siglip", "own.py", b"raise SystemExit")
    (tmp_path / "home").mkdir()
    online = HubClient(tmp_path / "home", HF_ENDPOINT=hub.address)
    # This process is offline, and now looks into the same cache.
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "home" / "hub"))
    try:
        for name, folder in folders.items():
            expected = tokens_of(describe_tokenizer(architecture(folder, **text)))
            description = describe_tokenizer(architecture(name, **text))
            assert online(tokens_of, description) == expected
            assert tokens_of(description) == expected
        assert not [path for _, path, _ in hub.asked if path.endswith((".py", ".bin", ".pt"))]
        with pytest.raises(NotFetched, match="test/other.*no such repository"):
            online(tokens_of, describe_tokenizer(architecture("test/other")))
    finally:
        online.close()
        hub.close()
