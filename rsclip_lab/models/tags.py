"""open_clip's own table of published weights: "architecture:tag", as its list_pretrained(as_str=True) has them."""

import difflib

import open_clip
from open_clip.pretrained import get_pretrained_cfg

from rsclip_lab.models.errors import ModelError
from rsclip_lab.models.zoo import HubModel

WEIGHTS, SAFE_WEIGHTS = "open_clip_pytorch_model.bin", "open_clip_model.safetensors"  # where the table names no file
PREPROCESS = ("mean", "std", "interpolation", "resize_mode")
QUICK = "-quickgelu"
SOURCE = f"open_clip {open_clip.__version__}, pretrained.py"


def tagged_model(name: str) -> HubModel:
    """The hub's repository and file of "ViT-B-32:laion2b_s34b_b79k", with what the weights were trained with.

    The tag decides the activation: ViT-B-32:openai gets QuickGELU, as ViT-B-32-quickgelu:openai does, whereas
    open_clip builds GELU for the first and warns. Where the table says nothing, the architecture does. The table
    pins no revision. The file is open_clip's nominal one; `weight_files` lists what to look for.
    Raises ModelError, with the choices there are, for an architecture or a tag that the table does not have.
    """
    architecture, _, tag = name.partition(":")
    architecture, tag = architecture.replace("/", "-"), tag.lower().replace("-", "_")
    entry = get_pretrained_cfg(architecture, tag)
    if not entry:
        raise _unknown(architecture, tag)
    repository, _, filename = entry["hf_hub"].rpartition("/")
    if not repository:
        raise ModelError(
            f"{architecture}:{tag} is not on the hub, open_clip's table has only {entry['url']}: download it "
            f"yourself and give load_model the file, with architecture={architecture!r}"
        )
    return HubModel(
        name=f"{architecture}:{tag}",
        repository=repository,
        revision="main",
        filename=filename or WEIGHTS,
        preferred=tuple(weight_files(filename or WEIGHTS)[:-1]),
        architecture=architecture,
        quick_gelu=entry.get("quick_gelu"),
        preprocess={key: entry[key] for key in PREPROCESS},
        sources=dict.fromkeys(("file", "activation", "preprocess"), SOURCE),
    )


def weight_files(filename: str = WEIGHTS) -> list[str]:
    """What to look for in a repository, in this order: safetensors, where there may be such, before `filename`."""
    stem, _, ending = filename.rpartition(".")
    if filename == WEIGHTS:
        return [SAFE_WEIGHTS, filename]
    return [f"{stem}.safetensors", filename] if ending in ("bin", "pth") else [filename]


def _unknown(architecture: str, tag: str) -> ModelError:
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    plain = architecture.removesuffix(QUICK)
    if plain != architecture and get_pretrained_cfg(plain, tag):
        return ModelError(f"the weights {plain}:{tag} were trained with GELU, not QuickGELU: ask for {plain}:{tag}")
    if tags:
        return ModelError(f"open_clip has no weights {tag!r} for {architecture}: choose one of {', '.join(tags)}")
    known = list(dict.fromkeys(name for name, _ in open_clip.list_pretrained()))
    near = difflib.get_close_matches(architecture, known, n=5, cutoff=0.4)
    return ModelError(
        f"open_clip has no published weights for an architecture {architecture!r}, but for "
        f"{', '.join(near or known[:5])}, …: choose one that open_clip.list_pretrained() shows"
    )
