"""Machine translation through Marian models: of the hub (Helsinki-NLP's OPUS-MT), or of a local folder."""

import os
from pathlib import Path

import torch

from rsclip_lab.data.table import CaptionError
from rsclip_lab.environment import first_line, select_device

HUB = "Helsinki-NLP"
FILES = ("config.json", "source.spm", "target.spm", "vocab.json")
FILES_OF_SOME = ("generation_config.json", "tokenizer_config.json", "target_vocab.json")
WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # the first that is there; both are read without pickled code


class MarianTranslator:
    """Translates lists of sentences with one Marian model.

    name_or_folder: a repository of the hub ("Helsinki-NLP/opus-mt-en-fr"), fetched once, or a folder that holds
    such a model; a Path is always a folder. beams: 1 is greedy; more are slower and a little better. Nothing is
    drawn at random.
    Raises CaptionError where transformers is missing, or the model cannot be fetched or read.
    """

    def __init__(self, name_or_folder: str | Path, device: str = "auto", beams: int = 1):
        transformers = _transformers()
        folder = model_folder(name_or_folder)
        self.device, self.beams = select_device(device), beams
        try:
            self.tokenizer = transformers.MarianTokenizer.from_pretrained(folder, local_files_only=True)
            net, report = transformers.MarianMTModel.from_pretrained(
                folder, local_files_only=True, weights_only=True, output_loading_info=True
            )
        except Exception as error:  # of several libraries: a damaged file, another kind of model, pickled code, …
            raise CaptionError(f"{folder}: no Marian model ({first_line(error)}); download it again") from error
        if lacking := sorted(report["missing_keys"]):
            raise CaptionError(f"{folder}: weights are missing ({lacking[0]}, …); download the model again")
        self.net = net.float().to(self.device).eval()

    def __call__(self, texts: list[str]) -> list[str]:
        """The translations of one batch, in its order. A text beyond the model's length is cut."""
        limit = self.net.config.max_position_embeddings
        batch = self.tokenizer(texts, return_tensors="pt", padding=True, truncation=True, max_length=limit)
        # A model that got stuck repeats a word without end; no translation of a caption is twice as long.
        longest = min(limit, 2 * batch["input_ids"].shape[1] + 16)
        with torch.inference_mode():
            tokens = self.net.generate(
                **batch.to(self.device), num_beams=self.beams, do_sample=False, max_length=longest
            )
        return self.tokenizer.batch_decode(tokens, skip_special_tokens=True)


class RoundTrip:
    """English to another language and back: a function for `back_translate`.

    there, back: the two models, as MarianTranslator takes them.
    """

    def __init__(self, there: str | Path, back: str | Path, device: str = "auto", beams: int = 1):
        self.there, self.back = (MarianTranslator(model, device, beams) for model in (there, back))

    def __call__(self, texts: list[str]) -> list[str]:
        return self.back(self.there(texts))


def opus_models(language: str, folder: str | Path | None = None) -> tuple[str | Path, str | Path]:
    """OPUS-MT's models from English to a language ("fr") and back, of the hub or in a folder, for RoundTrip."""
    names = f"opus-mt-en-{language}", f"opus-mt-{language}-en"
    return tuple(f"{HUB}/{name}" if folder is None else Path(folder) / name for name in names)


def model_folder(name_or_folder: str | Path) -> Path:
    """The folder with the model's files, downloaded into the hub's cache where it is a repository's name.

    Raises CaptionError where it cannot be fetched, after seconds, or a file is missing.
    """
    folder = Path(os.path.expanduser(name_or_folder))
    if isinstance(name_or_folder, str) and not folder.is_dir():
        return _fetched(name_or_folder)
    if missing := _missing_files(folder):
        cause = f"{', '.join(missing)} not in it" if folder.is_dir() else "no such folder"
        raise CaptionError(f"{folder}: {cause}; name a folder with a Marian model's files ({_listing()})")
    return folder


def _missing_files(folder: Path) -> list[str]:
    missing = [name for name in FILES if not (folder / name).is_file()]
    return missing if any((folder / name).is_file() for name in WEIGHTS) else [*missing, WEIGHTS[0]]


def _fetched(repository: str) -> Path:
    from huggingface_hub import HfApi, snapshot_download, try_to_load_from_cache

    try:
        cached = try_to_load_from_cache(repository, FILES[0])
        if isinstance(cached, str) and not _missing_files(Path(cached).parent):
            return Path(cached).parent
        # One question with a short limit first: without network the download retries for half a minute.
        there = {file.rfilename for file in HfApi().model_info(repository, timeout=5).siblings}
        weights = [name for name in WEIGHTS if name in there][:1]
        return Path(snapshot_download(repository, allow_patterns=[*FILES, *FILES_OF_SOME, *weights]))
    except Exception as error:  # of several libraries: offline mode, refused, timed out, 404, disk full, …
        raise CaptionError(
            f"{repository}: the translation model could not be fetched from the hub ({first_line(error)}); check "
            f"the name and the network, or download its files elsewhere ({_listing()}) and name their folder"
        ) from None


def _listing() -> str:
    return f"{', '.join(FILES)}, {' or '.join(WEIGHTS)}"


def _transformers():
    try:
        import sentencepiece  # noqa: F401  transformers needs it for Marian and would only say so later
        import transformers
    except ImportError as error:
        raise CaptionError(
            f'translating needs a package that is not installed ({error}); pip install "rsclip-lab[translate]"'
        ) from error
    return transformers
