"""A model's tokenizer as one tokenizer.json, which the `tokenizers` library reads without torch."""

from __future__ import annotations

from pathlib import Path

from open_clip.tokenizer import SimpleTokenizer

# What open_clip does to a text before its tokens are looked up, as normalizers of that library. Its mending of
# texts (ftfy: broken encodings, HTML entities, ligatures, …) has no counterpart there, except for curly quotes.
QUOTES = {"'": "[\u02bc\u2018-\u201b]", '"': "[\u201c-\u201f]"}
PUNCTUATION = r"[!-/:-@\[-^`{-~]"  # of ASCII, without the underscore, which becomes a space
# CLIP's words: contractions, runs of letters, single digits, runs of anything else that is no space.
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"

# Both tokenizers must agree on these, or the portable one is not written.
PROBES = (
    "a satellite view of a beach",
    "",
    "Two  Boats,\n near THE pier's end … (it’s “big”)",
    "Zürich café 北京 ñandú: 1,234 trees; 56.7 % of land_use!",
    "many houses and a river " * 100,
)


def write_tokenizer(tokenizer, description: dict, path: Path) -> bool:
    """Write `tokenizer`, described as in clip.json, to `path`; False, and no file, where it has no such form.

    The file holds everything from the text to token ids [context]: cleaning, truncation and padding too.
    """
    portable = _of_clip(tokenizer) if isinstance(tokenizer, SimpleTokenizer) else _of_transformers(tokenizer)
    if portable is None:
        return False
    clean = description.get("options", {}).get("clean", "lower" if description["name"] == "clip" else "whitespace")
    portable.normalizer = _cleaning(clean, portable.normalizer)
    portable.enable_truncation(description["context_length"])
    ids = [encoding.ids for encoding in portable.encode_batch(list(PROBES))]
    if ids != tokenizer(list(PROBES)).tolist():
        return False
    portable.save(str(path))
    return True


def _of_clip(tokenizer: SimpleTokenizer):
    from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers, processors

    bpe = models.BPE(tokenizer.encoder, list(tokenizer.bpe_ranks), end_of_word_suffix="</w>")
    portable = Tokenizer(bpe)
    words = pre_tokenizers.Split(Regex(WORDS), "removed", invert=True)
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    portable.pre_tokenizer = pre_tokenizers.Sequence([words, to_bytes])
    start, end = (tokenizer.decoder[number] for number in tokenizer.all_special_ids[:2])
    portable.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}", special_tokens=[(token, tokenizer.encoder[token]) for token in (start, end)]
    )
    portable.add_special_tokens([AddedToken(token) for token in (start, end)])
    portable.enable_padding(length=tokenizer.context_length, pad_id=0, pad_token=tokenizer.decoder[0])
    return portable


def _of_transformers(tokenizer):
    """open_clip's wrapper holds a tokenizer of transformers, and that, mostly, one of `tokenizers`."""
    from tokenizers import Tokenizer

    wrapped = getattr(tokenizer, "tokenizer", None)
    backend = getattr(wrapped, "backend_tokenizer", None)
    if backend is None:
        return None
    portable = Tokenizer.from_str(backend.to_str())  # a copy: the model keeps its own as it is
    portable.enable_padding(
        length=tokenizer.context_length,
        pad_id=wrapped.pad_token_id,
        pad_token=wrapped.pad_token,
        direction=wrapped.padding_side,
    )
    return portable


def _cleaning(clean: str, own):
    """open_clip's cleaning ("lower", "whitespace" or "canonicalize"), then the tokenizer's own normalizer."""
    from tokenizers import Regex, normalizers

    steps = [normalizers.NFC()]
    steps += [normalizers.Replace(Regex(pattern), plain) for plain, pattern in QUOTES.items()]
    if clean == "canonicalize":
        steps += [normalizers.Replace("_", " "), normalizers.Replace(Regex(PUNCTUATION), "")]
    if clean != "whitespace":
        steps.append(normalizers.Lowercase())
    steps += [normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    return normalizers.Sequence(steps + ([own] if own else []))
