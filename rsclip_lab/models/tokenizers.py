"""From text to tokens: CLIP's own tokenizer, and those of the transformers library that other text towers read."""

import copy
import importlib.util
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path

from open_clip.tokenizer import HFTokenizer, SimpleTokenizer

from rsclip_lab.environment import first_line
from rsclip_lab.models.errors import ModelError
from rsclip_lab.models.hub.files import commit_of, fetch_file, fetch_optional

CLIP_VOCABULARY = 49408
FOLDER = "tokenizer"  # in the folder of a saved model
CONFIG = "tokenizer_config.json"
FILES_OF_SOME = ("config.json", "tokenizer.json", "special_tokens_map.json", "added_tokens.json")
# Read where there is no tokenizer.json: WordPiece; byte pairs; SentencePiece under its three usual names.
SENTENCE_PIECE = (("spiece.model",), ("sentencepiece.bpe.model",), ("tokenizer.model",))
VOCABULARIES = (("vocab.txt",), ("vocab.json", "merges.txt"), *SENTENCE_PIECE)
# Of text_cfg.tokenizer_kwargs; the others that open_clip passes on name files, or draw the tokens at random.
OPTIONS = {"clip": {"clean"}, "hf": {"clean", "strip_sep_token", "language"}}
CLEANERS = ("lower", "whitespace", "canonicalize")


def describe_tokenizer(architecture: dict, source: str | None = None) -> dict:
    """What clip.json says of the tokenizer of an open_clip configuration.

    {"name": "clip", "context_length": 77} for CLIP's own; {"name": "hf", "source": "owner/name",
    "context_length": 64} for one of the transformers library, its source a repository of the hub or a folder;
    "options" and "mode" where text_cfg has them. source: instead of text_cfg's own.
    Raises ModelError for options that are not known, and where the text tower cannot hold CLIP's tokens.
    """
    text = architecture["text_cfg"]
    repository = source or text.get("hf_tokenizer_name") or text.get("hf_model_name")
    description = {"name": "hf", "source": str(repository)} if repository else {"name": "clip"}
    description["context_length"] = text.get("context_length", 77)
    if text.get("tokenizer_kwargs"):
        description["options"] = copy.deepcopy(text["tokenizer_kwargs"])
    if text.get("tokenizer_mode"):
        description["mode"] = text["tokenizer_mode"]
    _check_options(description)
    vocabulary = text.get("vocab_size", CLIP_VOCABULARY)
    if not repository and vocabulary < CLIP_VOCABULARY:
        raise ModelError(
            f"the text tower holds {vocabulary} tokens, CLIP's own tokenizer gives {CLIP_VOCABULARY}: "
            "name the right tokenizer in text_cfg.hf_tokenizer_name"
        )
    return description


def make_tokenizer(description: dict, folder: str | Path | None = None) -> SimpleTokenizer | HFTokenizer:
    """The tokenizer so described: list of str -> int64 [n, context_length], with `encode` and `decode`.

    folder: of a saved model; one of the transformers library is read from its subfolder "tokenizer", or from
    the folder itself, as open_clip lays it out; else from the hub. No code of a repository is ever run.
    Raises ModelError where the files are no tokenizer or transformers is not installed, NotFetched where they
    are neither in the folder nor within reach.
    """
    _check_options(description)
    context_length, options = description["context_length"], description.get("options", {})
    if description["name"] == "clip":
        return clip_tokenizer(context_length, **options)
    if importlib.util.find_spec("transformers") is None:
        raise ModelError(
            f"this model's tokenizer ({description['source']}) is one of the package transformers, which is not "
            'installed: pip install "rsclip-lab[transformers]"'
        )
    place = _saved_in(folder) or _fetched(description["source"])
    try:
        tokenizer = TransformersTokenizer(place, context_length, description.get("mode"), **options)
        tokenizer([""])  # what it lacks, such as a padding token, shows with the first text
    except Exception as error:  # of several libraries: a damaged file, a missing one, code in the repository, …
        raise ModelError(
            f"{place} holds no tokenizer that transformers can read ({first_line(error)}): fetch "
            f"{description['source']} again, or choose a model with a tokenizer that needs no code of its own"
        ) from error
    return tokenizer


def check_vocabulary(tokenizer, size: int | None) -> None:
    """Raise ModelError where a tokenizer gives higher tokens than a text tower of that many has vectors for.

    size: None where it is not known.
    """
    largest = getattr(tokenizer, "largest_token", None)
    if isinstance(tokenizer, SimpleTokenizer):
        largest = tokenizer.vocab_size - 1
    if size and largest is not None and largest >= size:
        raise ModelError(
            f"the tokenizer gives tokens up to {largest}, the text tower holds {size}: they are not of one model; "
            "name the right one in text_cfg.hf_tokenizer_name, or save or fetch the model again"
        )


def save_tokenizer(tokenizer, description: dict, folder: str | Path) -> None:
    """Write `folder`/tokenizer, which is not there, where the tokenizer needs files; CLIP's own has open_clip's."""
    if description["name"] != "clip":
        tokenizer.save_pretrained(Path(folder) / FOLDER)


@lru_cache(maxsize=4)
def clip_tokenizer(context_length: int, clean: str = "lower") -> SimpleTokenizer:
    """CLIP's byte-pair tokenizer as open_clip ships it (vocabulary 49408, 49406 … 49407, zero padding)."""
    return SimpleTokenizer(context_length=context_length, clean=clean)


class TransformersTokenizer(HFTokenizer):
    """open_clip's tokenizer over one of the transformers library, from local files, with what CLIP's own has:
    `encode(text)` gives all its tokens, `decode(tokens)` the text; `marks` are added to each text in a row."""

    def __init__(self, folder: Path, context_length: int, mode: str | None = None, **options):
        if mode:
            options["tokenizer_mode"] = mode
        local = {"local_files_only": True, "trust_remote_code": False}
        super().__init__(str(folder), context_length=context_length, **local, **options)
        # In the mode "clips": a start, an end and, last in the row, a class token.
        self.marks = 3 if mode == "clips" else self.tokenizer.num_special_tokens_to_add()

    @cached_property
    def largest_token(self) -> int:
        """Of the vocabulary and of what frames each text. What was added to the vocabulary may go beyond a text
        tower that never sees it: T5's <extra_id_0> to <extra_id_99> are beyond SigLIP's."""
        words = set(self.tokenizer.get_vocab().values()) - set(self.tokenizer.added_tokens_encoder.values())
        return max(*words, int(self([""]).max()))

    def encode(self, text: str) -> list[int]:
        text = self.clean_fn(text)
        return self.tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]

    def decode(self, tokens: list[int]) -> str:
        return self.tokenizer.decode(tokens)


def _check_options(description: dict) -> None:
    options = description.get("options", {})
    if not isinstance(options, dict):
        raise ModelError(f"tokenizer_kwargs is {options!r:.80}: give options by name, or none")
    known = OPTIONS.get(description["name"])
    if known is None:
        raise ModelError(f"no tokenizer is called {description['name']!r}: choose 'clip' or 'hf'")
    if description["name"] == "hf" and not description.get("source"):
        raise ModelError("a tokenizer of transformers needs a source: name a repository of the hub, or a folder")
    if unknown := sorted(set(options) - known):
        are = f"{', '.join(unknown):.80}: leave out what is not one of {', '.join(sorted(known))}"
        raise ModelError(f"tokenizer_kwargs has options that are not used here, {are}")
    if options.get("clean", "lower") not in CLEANERS:
        raise ModelError(f"tokenizer_kwargs.clean is {options['clean']!r:.80}: choose one of {', '.join(CLEANERS)}")


def _saved_in(folder: str | Path | None) -> Path | None:
    places = () if folder is None else (Path(folder) / FOLDER, Path(folder))
    return next((place for place in places if (place / CONFIG).is_file()), None)


def _fetched(source: str) -> Path:
    """The folder with a tokenizer's files: `source` itself where it is one, else in the cache of the hub."""
    if Path(source).is_dir():
        return Path(source)
    path = fetch_file(source, CONFIG)
    revision = commit_of(path) or "main"  # all files of one state of the repository, in one folder
    collect_tokenizer(lambda name: fetch_optional(source, name, revision))
    return path.parent


def collect_tokenizer(get: Callable[[str], Path | None]) -> None:
    """Ask `get`, which fetches a file of a repository, for a tokenizer's files, those that there are."""
    found = {name: get(name) for name in (CONFIG, *FILES_OF_SOME)}
    if found["tokenizer.json"] is None:
        any(all(map(get, names)) for names in VOCABULARIES)
