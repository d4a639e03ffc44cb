"""From an open_clip configuration to a network."""

import copy
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from open_clip.coca_model import CoCa
from open_clip.model import CLIP, CustomTextCLIP
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from rsclip_lab.environment import first_line
from rsclip_lab.models.errors import BUILD_ERRORS, ModelError
from rsclip_lab.models.mistaken import shown
from rsclip_lab.models.text_tower import with_tower_here


def build_network(architecture: Mapping, seed: int | None = 0) -> nn.Module:
    """The open_clip network of a completed architecture, float32 on the CPU, random weights from `seed`.

    seed=None is for weights that follow at once (`load_weights`): the parameters have shapes but no memory
    and no values (torch's device "meta"), buffers are as always. A few timm trunks cannot be built that way
    (swin, ViTamin); they come with random weights, in the usual time. The global random state stays as it is.
    Raises `ModelError` when open_clip refuses the configuration, or the one of a transformers text tower brings
    code, and `NotFetched` when that one, which is read from the hub, cannot be had.
    """
    architecture = with_tower_here(architecture)
    try:
        with torch.random.fork_rng(devices=[]):
            net = _without_memory(architecture) if seed is None else None
            if net is None:
                torch.manual_seed(seed or 0)
                net = _open_clip_network(architecture)
            return net.float().eval()  # whatever the default of torch is now
    except BUILD_ERRORS as error:
        raise ModelError(f"open_clip cannot build this architecture: {shown(first_line(error), 160)}") from error


def _without_memory(architecture: Mapping) -> nn.Module | None:
    """The network with its parameters on the meta device; None when something in it needs their values."""
    try:
        with _parameters_on_meta():
            net = _open_clip_network(architecture)
    except RuntimeError:
        return None
    return None if any(buffer.is_meta for buffer in net.buffers()) else net


def _open_clip_network(architecture: Mapping) -> nn.Module:
    options = copy.deepcopy(dict(architecture))
    custom_text = options.pop("custom_text", False)
    network_class = (CoCa if "multimodal_cfg" in options else CustomTextCLIP) if custom_text else CLIP
    net = network_class(**options)
    if isinstance(net, CoCa):  # open_clip 3.3 leaves this one as the memory was, which may be NaN
        projection = net.text_decoder.text_projection
        nn.init.normal_(projection, std=len(projection) ** -0.5)
    trunk = getattr(net.visual, "trunk", None)
    if hasattr(trunk, "set_input_size"):  # a timm transformer is built for its own default size
        trunk.set_input_size(img_size=architecture["vision_cfg"].get("image_size", 224))
    return net


@contextmanager
def _parameters_on_meta() -> Iterator[None]:
    """Modules made in the block, by this thread, get parameters without memory: filling them costs nothing."""
    thread = threading.get_ident()

    def without_memory(module: nn.Module, name: str, value: nn.Parameter | None) -> nn.Parameter | None:
        if value is None or value.is_meta or threading.get_ident() != thread:
            return value
        return nn.Parameter(value.detach().to("meta"), requires_grad=value.requires_grad)

    hook = register_module_parameter_registration_hook(without_memory)
    try:
        yield
    finally:
        hook.remove()
