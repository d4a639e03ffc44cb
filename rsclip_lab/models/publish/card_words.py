"""What a model card says in fixed words, and how it writes words that come from elsewhere."""

import re
import unicodedata
from collections.abc import Sequence

RUNS = {"base": "before", "tuned": "after"}
METRICS = {
    "top1": "top-1, own kinds",
    "coast_top1": "coast top-1, own kinds",
    "all_top1": "top-1, all kinds",
    "control_top1": "control top-1",
    "land_top1": "land top-1",
    "mean_per_class": "mean per class",
    "calibration_error": "calibration error",
    "mean_recall": "mean recall",
    "off_diagonal_cosine": "off-diagonal cosine",
}
MEANINGS = {
    "top1": "own kinds: the right kind among those of the test pictures",
    "all_top1": "all kinds: among those and the control's together",
    "control_top1": "control top-1: earlier pictures among their own kinds; what it has lost is forgotten",
    "mean_per_class": "mean per class: of the own kinds' accuracies, each kind counting the same",
    "calibration_error": "calibration error: how far the probability of an answer is from the share of right ones "
    "(expected calibration error, 15 bins)",
    "mean_recall": "mean recall: of R@1, R@5 and R@10, pictures to captions and captions to pictures",
    "off_diagonal_cosine": "off-diagonal cosine: mean over pictures and captions of others; near 1, all look alike",
}
USES = {
    "captions": "training",
    "replay": "replay, against forgetting",
    "validation": "choice of the epoch",
    "test": "test",
    "control": "test of what was forgotten",
}
OF_REPLAY = ("replay_share", "distillation")  # settings that do nothing without a replay table
# The hub's own identifiers (its documentation, "Licenses"); any other identifier is "other" there, with a name.
LICENCES = frozenset(
    "apache-2.0 mit bsd-2-clause bsd-3-clause cc0-1.0 cc-by-4.0 cc-by-sa-4.0 cc-by-nd-4.0 cc-by-nc-4.0 "
    "cc-by-nc-sa-4.0 cc-by-nc-nd-4.0 gpl-3.0 lgpl-3.0 agpl-3.0 mpl-2.0 odbl".split()
)
CLIP_RSICD = "CLIP-rsicd. 2021. <https://github.com/arampacha/CLIP-rsicd>"
PAPERS = {
    "chendelong/RemoteCLIP": "RemoteCLIP: A Vision Language Foundation Model for Remote Sensing. "
    "IEEE Transactions on Geoscience and Remote Sensing, 2024. <https://arxiv.org/abs/2306.11029>",
    "Zilun/GeoRSCLIP": "RS5M and GeoRSCLIP: A Large Scale Vision-Language Dataset and A Large Vision-Language Model "
    "for Remote Sensing. IEEE Transactions on Geoscience and Remote Sensing, 2024. <https://arxiv.org/abs/2306.11300>",
    "flax-community/clip-rsicd": CLIP_RSICD,
    "flax-community/clip-rsicd-v2": CLIP_RSICD,
}
FOUNDATIONS = (
    "CLIP: Learning Transferable Visual Models From Natural Language Supervision. ICML, 2021. "
    "<https://arxiv.org/abs/2103.00020>",
    "open_clip. <https://doi.org/10.5281/zenodo.5143773>",
)
USE = '''```bash
pip install "rsclip-lab @ git+https://github.com/rsclip-lab/rsclip-lab"
```

```python
import rsclip_lab as lab

model = lab.load_model({ours})
prompts = ["a satellite view of a harbour", "a satellite view of a forest"]
print(lab.predict(model, ["picture.jpg"], prompts))
```

With open_clip alone{condition}:

```python
import open_clip
import torch
from PIL import Image

model, preprocess = open_clip.create_model_from_pretrained({theirs})
tokenizer = open_clip.get_tokenizer({theirs})
prompts = ["a satellite view of a harbour", "a satellite view of a forest"]
model.eval()
with torch.no_grad():
    picture = model.encode_image(preprocess(Image.open("picture.jpg").convert("RGB"))[None], normalize=True)
    texts = model.encode_text(tokenizer(prompts), normalize=True)
    print((model.logit_scale.exp() * picture @ texts.T).softmax(dim=-1))
```'''
TESTED = (
    "Not tested: other sensors (radar, infrared, many bands), ground resolutions, regions and seasons than those of "
    "the test pictures, and captions in other languages."
)
UNTESTED = (
    "On which pictures it was tested, if on any, is not recorded: try it first on labelled ones of your own sensor, "
    "ground resolution, region and season."
)
LIMITS = (
    "CLIP networks count badly, mix up where things stand to one another, and overlook what is small in the picture.",
    "The probabilities are among the prompts that are given: a picture that none of them fits gets one all the same.",
    "What finds harbours and airfields for a map finds them for surveillance and targeting too. No decision about "
    "people should rest on this model, and none at all that nobody checks.",
)


def object_of(value) -> dict:
    """A part of the description; nothing, where somebody wrote another thing there."""
    return value if isinstance(value, dict) else {}


def words(value, longest: int = 200) -> str:
    """Text from anywhere as one line of Markdown that shows it as it is: no markup, formula or control character."""
    text = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in str(value))
    text = " ".join(text.split())
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    # Backslash and dollar by their numbers: the hub reads \\( and $$ as formulas before it reads Markdown.
    text = text.replace("\\", "&#92;").replace("$", "&#36;")
    lone_underscore = r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"  # within a word it is none of Markdown's
    return re.sub(rf"([`*{{}}\[\]<>|~!]|#(?!\d\d;)|&(?!#\d\d;)|{lone_underscore})", r"\\\1", text)


def figure(value) -> str:
    """A number as a table shows it; a dash where there is none."""
    if value is None:
        return "–"
    if type(value) is int:
        return f"{value:,}"
    return f"{value:.3f}" if isinstance(value, float) else words(value)


def counted(number, noun: str) -> str:
    return f"{figure(number)} {noun if number == 1 else f'{noun}s'}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the cells are Markdown already."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
