"""Which texts are surely not English, for which most models' tokenizers and text towers were made."""

import functools
import re

# Words that English captions can hardly do without. Two of them are proof enough, and quicker than a look at every
# letter; none of them is common in another language's captions.
ENGLISH = frozenset("the and with of are is in on there this some many from near by".split())
MIN_WORDS = 4  # fewer are not enough to tell: "baseball diamond" could be Italian
# Of py3langid. On the captions of RSICD and of the samples, English all of them, no wrong guess is above 0.54.
SURE = 0.75
LATIN_END = "\u024f"  # the last letter of the Latin blocks


def foreign(text: str) -> str | None:
    """ "not in Latin letters", "in another language (fr)", or None for what may be English."""
    letters = [letter for letter in text if letter.isalpha()]
    if sum(letter > LATIN_END for letter in letters) > len(letters) / 2:
        return "not in Latin letters"
    words = re.findall(r"[^\W\d_]+", text.lower())
    if len(words) < MIN_WORDS or sum(word in ENGLISH for word in words) >= 2:
        return None
    language, sure = _identifier().classify(text)
    return f"in another language ({language})" if language not in ("en", "zxx") and sure > SURE else None


@functools.cache
def _identifier():
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
