"""How deep in its tower a parameter lies: for freezing up to a depth, and for rates that grow towards the output.

Depth 0 is the stem (embeddings, or the convolutions before the first layer), 1 … n are the layers, and n + 1 is what
stands after them: the last norm, pooling and the projection into the common space.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace

from open_clip.hf_model import HFTextEncoder
from open_clip.modified_resnet import ModifiedResNet
from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer
from timm.models import group_parameters
from torch import nn

from rsclip_lab.training.config import FinetuneConfig

IMAGE_STEM = ("conv1", "class_embedding", "positional_embedding", "patch_dropout", "ln_pre")
TEXT_STEM = ("token_embedding", "positional_embedding", "cls_emb")
RESNET_STEM = ("conv1", "bn1", "act1", "conv2", "bn2", "act2", "conv3", "bn3", "act3", "avgpool")
TIMM_STEM = ("pos_drop", "patch_drop")  # of timm's transformers; they have no parameters, which are what it groups
HEAD = "?"  # the name of a parameter that none of timm's patterns match, as those after the layers


@dataclass(frozen=True)
class Tower:
    """layers: how many there are. depths: of names of modules and parameters; of all others, n + 1."""

    layers: int
    depths: dict[str, int]

    def depth(self, name: str) -> int:
        """Of the parameter or module of this name in the network, by itself or by the module that it lies in."""
        return next((self.depths[part] for part in _beginnings(name) if part in self.depths), self.layers + 1)

    def before_output(self, name: str) -> int:
        """How many layers come after it, with what stands after the last of them as one: n + 1 for the stem."""
        return self.layers + 1 - self.depth(name)


def part_of(name: str) -> str:
    """Of which part of the network a parameter or module is: "image", "text", "temperature" (logit scale and bias),
    or "decoder" (of CoCa: it writes captions, and has no part in comparing them)."""
    parts = {"visual": "image", "logit_scale": "temperature", "logit_bias": "temperature", "text_decoder": "decoder"}
    return parts.get(name.partition(".")[0], "text")


def tower_of(net: nn.Module, part: str) -> Tower:
    """The "image" or the "text" tower of an open_clip network. ValueError where the depth in it is not known."""
    prefix = "visual." if part == "image" else "text." if hasattr(net, "text") else ""
    tower = net.get_submodule(prefix.rstrip("."))
    depths = _depths(tower)
    if not any(depths.values()):
        inner = getattr(tower, "trunk", getattr(tower, "transformer", tower))
        raise ValueError(
            f"the {part} tower ({type(inner).__name__}) does not say which of its parameters belong to which layer: "
            f'take freeze_{part}="all", or train all of it alike with freeze_{part}=0, layer_decay=1 and lora_rank=0'
        )
    return Tower(max(depths.values()), {prefix + name: depth for name, depth in depths.items()})


def frozen_part(net: nn.Module, config: FinetuneConfig) -> Callable[[str], bool]:
    """Tells of the name of a parameter or module whether it keeps its weights in a run of this configuration.

    Raises ValueError when more layers are to be frozen than a tower has, or where their depth is not known.
    """
    limits = {part: _limit(net, part, getattr(config, f"freeze_{part}")) for part in ("image", "text")}

    def frozen(name: str) -> bool:
        part = part_of(name)
        return limits[part](name) if part in limits else part == "decoder" or config.freeze_temperature

    return frozen


def _limit(net: nn.Module, part: str, count: int | str) -> Callable[[str], bool]:
    if count == "all" or count == 0:
        return lambda name: count == "all"
    tower = tower_of(net, part)
    if count > tower.layers:
        raise ValueError(
            f"freeze_{part}={count}: the {part} tower has {tower.layers} layers; freeze at most so many, which "
            f'leaves its projection to learn, or the whole tower with freeze_{part}="all"'
        )
    return lambda name: tower.depth(name) <= count


def _depths(tower: nn.Module) -> dict[str, int]:
    """The depths in a tower of its stem and its layers, by names of modules and parameters."""
    if isinstance(tower, TimmModel):
        return _timm_depths(tower.trunk)
    if isinstance(tower, HFTextEncoder):
        return _transformers_depths(tower)
    if isinstance(tower, ModifiedResNet):
        return _numbered(RESNET_STEM, [f"layer{number}" for number in range(1, 5)])
    blocks = getattr(getattr(tower, "transformer", None), "resblocks", ())
    stem = IMAGE_STEM if isinstance(tower, VisionTransformer) else TEXT_STEM
    return _numbered(stem, [f"transformer.resblocks.{number}" for number in range(len(blocks))])


def _numbered(stem: Iterable[str], blocks: Iterable[str]) -> dict[str, int]:
    return {name: 0 for name in stem} | {name: number for number, name in enumerate(blocks, 1)}


def _transformers_depths(tower: HFTextEncoder) -> dict[str, int]:
    """In towers of the transformers library the layers are the first list of modules; embeddings stand before it."""
    lists = (name for name, module in tower.named_modules() if isinstance(module, nn.ModuleList))
    if (found := next(lists, None)) is None:
        return {}
    children = [f"transformer.{name}" for name, _ in tower.transformer.named_children()]
    first = next(number for number, name in enumerate(children) if f"{found}.".startswith(f"{name}."))
    return _numbered(children[:first], [f"{found}.{number}" for number in range(len(tower.get_submodule(found)))])


def _timm_depths(trunk: nn.Module) -> dict[str, int]:
    """timm's own groups, by which it decays rates, and told of whole modules where these lie in one group."""
    if not hasattr(trunk, "group_matcher"):
        return {}
    with_head = SimpleNamespace(named_parameters=lambda: [*trunk.named_parameters(), (HEAD, None)])
    groups = group_parameters(with_head, trunk.group_matcher(coarse=False), reverse=True)
    head = groups[HEAD]
    found: dict[str, set[int]] = {}
    for name, group in groups.items():
        for part in _beginnings(name):
            found.setdefault(part, set()).add(group)
    whole = {f"trunk.{part}": min(these) for part, these in found.items() if len(these) == 1 and these != {head}}
    return {f"trunk.{name}": 0 for name in TIMM_STEM} | whole


def _beginnings(name: str) -> Iterator[str]:
    """ "a", "a.b", "a.b.c" of "a.b.c"."""
    parts = name.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) + 1))
