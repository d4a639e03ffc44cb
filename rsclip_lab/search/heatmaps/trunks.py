"""What a trunk knows of each place: features of locations, in the space that the texts share."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from open_clip.modified_resnet import ModifiedResNet
from open_clip.timm_model import TimmModel
from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
from torch import Tensor, nn

from rsclip_lab.models.clip import evaluating

Locations = Callable[[nn.Module, Tensor], Tensor]


def location_features(visual: nn.Module, pixels: Tensor) -> Tensor:
    """Normalised pixels [batch, 3, height, width] -> features [batch, dim, rows, columns], not normalised.

    - timm's convolutional trunks with mean pooling: each location goes through the head as if it were the whole
      map. Where the head is linear (`tiny`), their mean is exactly the picture's feature before normalisation.
    - open_clip's ResNets (RN50, …): the value path of the attention pool (MaskCLIP: Zhou et al. 2022,
      arXiv:2112.01071), without its position embedding, so that any size fits.
    - open_clip's ViTs that read the class token: the last block's attention of queries to queries, without the
      residual path and the MLP, which blur the map (ClearCLIP: Lan et al. 2024, arXiv:2407.12442). Those with mean
      pooling: the patch tokens, whose mean is exactly the picture's feature.

    Raises TypeError for other networks (`reads_locations` says which); sliding windows work with all.
    """
    reader = _reader(visual)
    if reader is None:
        raise TypeError(f"a {type(visual).__name__} of this kind shows no locations; use method='windows'")
    return reader(visual, pixels)


def reads_locations(visual: nn.Module) -> bool:
    """Whether `location_features` knows this network, and, where it takes any size, finds an even grid in it: a trial
    with a few pixels, as convolutions without padding, or parts that are made for one size, do not show otherwise."""
    if _reader(visual) is None or fixed_size(visual):
        return _reader(visual) is not None
    stride = stride_of(visual)
    trial = trial_pixels(visual)
    try:
        with torch.no_grad(), evaluating(visual):
            found = location_features(visual, trial)
    except Exception:  # whatever such a network says to a size that it is not made for
        return False
    return found.ndim == 4 and found.shape[2:] == (trial.shape[2] // stride, trial.shape[3] // stride)


def adds_up(visual: nn.Module) -> bool:
    """Whether the mean of the locations' features is the picture's feature, before normalisation: tried with a few
    pixels, as it depends on where the head's norm is and whether the head is linear."""
    if _reader(visual) is not _of_timm:
        return _reader(visual) is _of_mean_vit
    trial = trial_pixels(visual)
    with torch.no_grad(), evaluating(visual):
        mean, whole = location_features(visual, trial).mean(dim=(2, 3)), visual(trial)
    return bool((mean - whole).norm() < 1e-3 * whole.norm())


def trial_pixels(visual: nn.Module) -> Tensor:
    """[1, 3, height, width] of noise, two strides by three, where the network is."""
    stride, parameter = stride_of(visual), next(visual.parameters())
    noise = torch.rand(1, 3, 2 * stride, 3 * stride, generator=torch.Generator().manual_seed(0))
    return noise.to(parameter.device, parameter.dtype)


def fixed_size(visual: nn.Module) -> bool:
    """Whether the network takes pictures of its own size only (a ViT, by its position embedding)."""
    return isinstance(visual, VisionTransformer)


def stride_of(visual: nn.Module) -> int:
    """How many pixels apart the locations are."""
    if isinstance(visual, VisionTransformer):
        return visual.patch_size[0]
    return 32 if isinstance(visual, ModifiedResNet) else visual.trunk.feature_info[-1]["reduction"]


def _reader(visual: nn.Module) -> Locations | None:
    if isinstance(visual, ModifiedResNet):
        return _of_resnet
    if isinstance(visual, TimmModel) and _pools_by_mean(visual):
        return _of_timm
    if isinstance(visual, VisionTransformer) and _has_plain_tokens(visual):
        return _of_mean_vit if visual.pool_type == "avg" else _of_vit
    return None


def _pools_by_mean(visual: TimmModel) -> bool:
    """Whether it is a convolutional trunk that averages its last map, and open_clip adds no pooling of its own."""
    trunk = visual.trunk
    pool = getattr(trunk, "global_pool", None) or getattr(getattr(trunk, "head", None), "global_pool", None)
    channels_first = getattr(pool, "input_fmt", "NCHW") == "NCHW" and hasattr(trunk, "forward_head")
    is_mean = getattr(pool, "pool_type", "") == "avg" and hasattr(trunk, "feature_info")
    return bool(is_mean and channels_first and not hasattr(visual.head, "pool"))


def _of_timm(visual: TimmModel, pixels: Tensor) -> Tensor:
    maps = visual.trunk.forward_features(pixels)
    batch, channels, rows, columns = maps.shape
    alone = maps.permute(0, 2, 3, 1).reshape(-1, channels, 1, 1)
    features = visual.head(visual.trunk.forward_head(alone))
    return features.view(batch, rows, columns, -1).permute(0, 3, 1, 2)


def _of_resnet(visual: ModifiedResNet, pixels: Tensor) -> Tensor:
    x = visual.stem(pixels)
    for layer in (visual.layer1, visual.layer2, visual.layer3, visual.layer4):
        x = layer(x)
    pool = visual.attnpool
    return pool.c_proj(pool.v_proj(x.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)


def _has_plain_tokens(visual: VisionTransformer) -> bool:
    """Whether the tokens reach the projection without a pooling that has weights, from a block that is CLIP's own."""
    last = visual.transformer.resblocks[-1]
    plain = type(last) is ResidualAttentionBlock and type(last.attn) is nn.MultiheadAttention
    straight = visual.attn_pool is None and not visual.final_ln_after_pool and visual.proj is not None
    return plain and straight and visual.pool_type in ("tok", "avg")


def _of_mean_vit(visual: VisionTransformer, pixels: Tensor) -> Tensor:
    return _on_grid(visual, visual.transformer(visual._embeds(pixels)))


def _of_vit(visual: VisionTransformer, pixels: Tensor) -> Tensor:
    x = visual._embeds(pixels)
    blocks = visual.transformer.resblocks
    for block in blocks[:-1]:
        x = block(x)
    return _on_grid(visual, _attention_to_alike(blocks[-1], x))


def _attention_to_alike(block: ResidualAttentionBlock, x: Tensor) -> Tensor:
    """The block's attention with its queries in the place of its keys: each token hears those like itself."""
    attention = block.attn
    batch, tokens, width = x.shape
    projected = F.linear(block.ln_1(x), attention.in_proj_weight, attention.in_proj_bias)
    heads = projected.view(batch, tokens, 3, attention.num_heads, -1).permute(2, 0, 3, 1, 4)
    query, _, value = heads
    heard = F.scaled_dot_product_attention(query, query, value)
    return block.ls_1(attention.out_proj(heard.transpose(1, 2).reshape(batch, tokens, width)))


def _on_grid(visual: VisionTransformer, tokens: Tensor) -> Tensor:
    """Tokens [batch, 1 + patches, width] -> projected patches [batch, dim, rows, columns]."""
    patches = visual.ln_post(tokens[:, 1:]) @ visual.proj
    return patches.transpose(1, 2).unflatten(2, visual.grid_size)
