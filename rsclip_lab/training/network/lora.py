"""Low-rank adaptation (Hu et al. 2021, arXiv:2106.09685): each matrix W of the layers becomes W + B A, and only A
[rank, in] and B [out, rank] learn. At the end the product is added to W: the network is of its own kind again.

The adapters are those of the library peft. Norms, embeddings, projections and biases keep their values; the
temperature learns, unless it is frozen.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from rsclip_lab.training.config import FinetuneConfig
from rsclip_lab.training.network.layers import frozen_part, part_of, tower_of
from rsclip_lab.training.network.optimizers import is_decayed

ADAPTER = "default"  # peft's name for the only set of adapters
ADAPTED = (nn.MultiheadAttention, nn.Linear)  # and no subclasses: an attention's own output map belongs to it


def add_lora(net: nn.Module, config: FinetuneConfig) -> None:
    """Give the layers of both towers that are not frozen low-rank additions of rank config.lora_rank, in place; all
    other weights but the temperature's keep their values from here on.

    B is 0, so that the features are the same at first. The product is added as it is (peft's alpha is the rank): a
    learning rate means about the same for each rank. Raises ImportError without peft, and what `lora_targets` does.
    """
    require_peft()
    from peft import LoraConfig, inject_adapter_in_model

    targets = "|".join(name.replace(".", r"\.") for name in lora_targets(net, config))
    settings = LoraConfig(r=config.lora_rank, lora_alpha=config.lora_rank, target_modules=targets)
    settings._register_custom_module({nn.MultiheadAttention: _attention_class()})
    temperature = [(p, p.requires_grad) for name, p in net.named_parameters() if part_of(name) == "temperature"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        inject_adapter_in_model(settings, net, ADAPTER)
    for parameter, learns in temperature:  # peft has frozen it with the rest
        parameter.requires_grad_(learns)


@torch.no_grad()
def merge_lora(net: nn.Module) -> None:
    """Add the products to the matrices, and take the adapters out again; nothing where there are none."""
    if not hasattr(net, "peft_config"):
        return
    from peft.tuners.lora import LoraLayer

    adapted = [(name, module) for name, module in net.named_modules() if isinstance(module, LoraLayer)]
    for name, layer in reversed(adapted):  # the output of an attention before the attention that it belongs to
        base = layer.get_base_layer()
        matrix = base.in_proj_weight if isinstance(base, nn.MultiheadAttention) else base.weight
        matrix += layer.get_delta_weight(ADAPTER)
        parent, _, child = name.rpartition(".")
        setattr(net.get_submodule(parent), child, base)
    del net.peft_config


def require_peft() -> None:
    if not find_spec("peft"):
        raise ImportError('lora_rank: low-rank additions need the package peft; pip install "rsclip-lab[lora]"')


def lora_targets(net: nn.Module, config: FinetuneConfig) -> list[str]:
    """The names of the attentions and linear maps that are to have low-rank additions.

    Raises ValueError for a tower with other matrices in its layers, and for one without a layer that is not frozen.
    """
    frozen, names = frozen_part(net, config), []
    for part in ("image", "text"):
        if getattr(config, f"freeze_{part}") == "all":
            continue
        free = [name for name in _reached(net, part, config.lora_rank) if not frozen(name)]
        if not free:
            raise ValueError(
                f"lora_rank={config.lora_rank}: all layers of the {part} tower are frozen, which leaves none to "
                f'adapt; take a lower freeze_{part}, or freeze_{part}="all" to train the other tower only'
            )
        names += free
    return names


def _reached(net: nn.Module, part: str, rank: int) -> list[str]:
    """The attentions and linear maps in the layers of a tower; ValueError where these are not all its matrices."""
    tower = tower_of(net, part)

    def in_layers(name: str) -> bool:
        return part_of(name) == part and 1 <= tower.depth(name) <= tower.layers

    names = [name for name, module in net.named_modules() if in_layers(name) and type(module) in ADAPTED]
    beginnings = tuple(f"{name}." for name in names)
    matrices = [name for name, p in net.named_parameters() if in_layers(name) and is_decayed(name, p)]
    missed = [name for name in matrices if not name.startswith(beginnings)]
    trunk = getattr(net.visual, "trunk", None) if part == "image" else None
    # timm's other transformers may multiply by the weight of a linear map without calling it.
    if missed or not (trunk is None or isinstance(trunk, VisionTransformer)):
        kind = type(trunk or (net.visual if part == "image" else net)).__name__
        example = f" (such as {missed[0]})" if missed else ""
        raise ValueError(
            f"lora_rank={rank}: the {part} tower is a {kind}, whose layers{example} low-rank additions do not reach; "
            f'train all of its weights with lora_rank=0, or none with freeze_{part}="all"'
        )
    return names


@lru_cache
def _attention_class() -> type[nn.Module]:
    """peft's attention with both matrices adapted, computed beside the base weights: peft's own way, to add the
    product to them before each forward pass and to subtract it after, would move them by rounding."""
    from peft.tuners.lora.layer import MultiheadAttention

    class ExactMultiheadAttention(MultiheadAttention):
        def forward(self, *args, **kwargs):
            base = self.get_base_layer()
            out = base.out_proj
            weights = {
                "in_proj_weight": base.in_proj_weight + self.get_delta_weight(ADAPTER),
                "out_proj.base_layer.weight": out.base_layer.weight + out.get_delta_weight(ADAPTER),
            }
            return torch.func.functional_call(base, weights, args, kwargs)

        def _restore_weights(self) -> None:
            """Nothing to restore; peft's would make new parameters."""

    return ExactMultiheadAttention
