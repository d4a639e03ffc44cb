"""`Clip`: a network together with everything that must agree with it."""

import copy
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from torch import Tensor, nn
from torchvision.transforms import Compose

from rsclip_lab.data import PixelStore, normalise
from rsclip_lab.environment import progress
from rsclip_lab.models.architecture import build_network
from rsclip_lab.models.configuration import complete_architecture
from rsclip_lab.models.errors import ModelError
from rsclip_lab.models.inputs import (
    as_list_of_images,
    as_list_of_texts,
    evaluation_transform,
    preprocess_values,
    resizing,
)
from rsclip_lab.models.saved.files import write_model
from rsclip_lab.models.tokenizers import check_vocabulary, describe_tokenizer, make_tokenizer

ACTIVATION = re.compile(r"(\w*(?:GELU|SiLU))(Tanh)?(?:Activation)?")
DECODED = 512  # pictures at a time, 77 MB at 224 pixels


class Clip:
    """An open_clip network (CLIP, CustomTextCLIP, CoCa) with its tokenizer and preprocessing.

    Attributes: `net` (the torch module), `tokenizer` (list of str -> int64 [n, context]; made from the description
    where none is given), `preprocess` (PIL -> float32 [3, image_size, image_size], open_clip's evaluation
    transform), `resize` (its first part, PIL -> PIL of that size, for `PixelStore.decode`; `resize_to` gives it for
    another size), `image_size`, `mean`, `std`, and `description`, the dictionary that `save` writes as clip.json.
    """

    def __init__(self, net: nn.Module, description: dict, tokenizer: Callable[[list[str]], Tensor] | None = None):
        self.net = net.eval()
        self.description = description
        values = preprocess_values(description["preprocess"])
        self.preprocess, self.resize = evaluation_transform(values), resizing(values)
        self.image_size: int = values["size"]
        self.mean, self.std = tuple(values["mean"]), tuple(values["std"])
        self.tokenizer = tokenizer or make_tokenizer(description["tokenizer"])
        check_vocabulary(self.tokenizer, getattr(getattr(net, "text", net), "vocab_size", None))

    @property
    def name(self) -> str:
        return self.description["name"]

    @property
    def device(self) -> torch.device:
        return self.net.logit_scale.device

    @property
    def dim(self) -> int:
        """Length of a feature vector."""
        return self.description["architecture"]["embed_dim"]

    @property
    def logit_scale(self) -> float:
        """The factor on a cosine before a softmax, exp of the learned parameter: 100 in published CLIPs."""
        return float(self.net.logit_scale.detach().exp())

    @property
    def logit_bias(self) -> float | None:
        """The learned offset of sigmoid-trained networks (SigLIP), else None."""
        return None if self.net.logit_bias is None else float(self.net.logit_bias.detach())

    @property
    def activation(self) -> str:
        """Of both towers, "QuickGELU" or "GELU" as a rule; all of them where they differ ("GELU, QuickGELU")."""
        return ", ".join(sorted({name for module in self.net.modules() if (name := _activation(module))}))

    def resize_to(self, size: int) -> Compose:
        """`resize` for pictures of `size` x `size`: training decodes them larger, for its random crops."""
        return resizing(preprocess_values(self.description["preprocess"], size))

    def to(self, device: str | torch.device) -> "Clip":
        """Move the network to `device`, in place."""
        self.net.to(device)
        return self

    def copy(self) -> "Clip":
        """An independent copy on the same device: training it leaves this one as it is."""
        return Clip(copy.deepcopy(self.net), copy.deepcopy(self.description), self.tokenizer)

    def save(self, folder: str | Path, half: bool = False) -> Path:
        """Write `folder`/model.safetensors, clip.json and the tokenizer's files, where it is not CLIP's own.

        half: store the matrices as float16. What was saved there before is replaced as a whole: a save that fails
        leaves the former model, or a folder that `load_model` refuses. Raises `ModelError` when the disk does.
        """
        return write_model(folder, self.net, self.description, half, tokenizer=self.tokenizer)

    # Features with a gradient, for training.

    def image_features(self, pixels: Tensor) -> Tensor:
        """Normalised pixels [batch, 3, size, size] -> unit float32 vectors [batch, dim] on the device."""
        features = self.net.encode_image(pixels.to(self.device))
        return F.normalize(features.float(), dim=-1)

    def text_features(self, tokens: Tensor) -> Tensor:
        """Tokens [batch, context] -> unit float32 vectors [batch, dim] on the device.

        Equal to open_clip's `encode_text`, with less work: attention looks only backwards, so what stands
        after the end token, where the feature is read, cannot change it. The batch is cut to its longest
        caption. Tokens on the CPU are measured there, which spares a GPU a synchronisation.
        """
        if not _reads_backwards_to_the_end_token(self.net):
            return F.normalize(self.net.encode_text(tokens.to(self.device)).float(), dim=-1)
        length = int(tokens.argmax(dim=-1).max()) + 1
        return F.normalize(_encode_short_text(self.net, tokens[:, :length].to(self.device)).float(), dim=-1)

    # Features without a gradient, for everything else.

    def encode_images(self, images, batch_size: int | None = None) -> Tensor:
        """Unit vectors float32 [n, dim] on the CPU, one row an image, in the order given.

        batch_size: pictures at a time; None: 64, and 16 on a CPU, which needs no fresh memory for so few.
        `images`: a path, a PIL image or a uint8 array [h, w, 3], a list of these, or a `PixelStore`.
        Raises `ImageError` naming the file when a picture cannot be read.
        """
        images = self._checked(images)
        if batch_size is None:
            batch_size = 16 if self.device.type == "cpu" else 64
        features = torch.empty(len(images), self.dim, dtype=torch.float32)
        bar = progress(total=len(images), desc="encoding images")
        with torch.no_grad(), evaluating(self.net), bar:
            for first, store in self._decoded(images):
                for rows in _slices(len(store), batch_size):
                    pixels = normalise(store.gather(np.r_[rows], self.device), self.mean, self.std)
                    pixels = pixels.contiguous(memory_format=torch.channels_last)  # on a CPU a third faster
                    features[first + rows.start : first + rows.stop] = self.image_features(pixels).cpu()
                    bar.update(len(pixels))
        return features

    def _decoded(self, images) -> Iterator[tuple[int, PixelStore]]:
        """Decoded pictures, and the number of the first of them: many at a time, for decoding a batch and encoding it
        by turns takes a third longer on a CPU, whose memory is torn to pieces by it."""
        if isinstance(images, PixelStore):
            yield 0, images
            return
        for rows in _slices(len(images), DECODED):
            yield rows.start, PixelStore.decode(images[rows], self.image_size, self.resize)

    def _checked(self, images):
        if not isinstance(images, PixelStore):
            return as_list_of_images(images)
        if images.image_size != self.image_size:
            raise ModelError(
                f"the PixelStore holds {images.image_size} px pictures, {self.name} reads {self.image_size} px: "
                "decode it with model.image_size and model.resize"
            )
        return images

    def encode_texts(self, texts: str | Sequence[str], batch_size: int = 256) -> Tensor:
        """Unit vectors float32 [n, dim] on the CPU, one row a text; a repeated text is encoded once."""
        texts = as_list_of_texts(texts)
        row_of_text = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        distinct = torch.empty(len(row_of_text), self.dim, dtype=torch.float32)
        tokens = self.tokenizer(list(row_of_text))
        by_length = tokens.argmax(dim=-1).argsort()  # where `text_features` cuts them: shorter batches
        with torch.no_grad(), evaluating(self.net):
            for rows in progress(_slices(len(by_length), batch_size), desc="encoding texts"):
                distinct[by_length[rows]] = self.text_features(tokens[by_length[rows]]).cpu()
        return distinct[[row_of_text[text] for text in texts]]

    def __repr__(self) -> str:
        millions = sum(weight.numel() for weight in self.net.parameters()) / 1e6
        facts = f"{self.image_size} px, {self.dim} dimensions, {millions:.1f} M parameters, {self.activation}"
        return f"Clip({self.name!r}, {facts}, on {self.device})"


def new_clip(architecture: dict, seed: int = 0, name: str = "untrained", preprocess: dict | None = None) -> Clip:
    """A randomly initialised network, the same for the same seed; the global random state is not touched.

    `architecture` is an open_clip configuration (`embed_dim`, `vision_cfg`, `text_cfg`, optional
    `quick_gelu`, …); `preprocess` overrides CLIP's mean, std, interpolation, resize_mode or fill_color.
    Raises `ModelError` when open_clip cannot build it.
    """
    architecture = complete_architecture(architecture)
    description = describe(name, architecture, preprocess, {"seed": seed})
    return Clip(build_network(architecture, seed), description)


def describe(name: str, architecture: dict, preprocess: dict | None = None, created_from: dict | None = None) -> dict:
    """The description that travels with a network (clip.json without the line about the weights)."""
    size = architecture["vision_cfg"].get("image_size", 224)
    return {
        "name": name,
        "architecture": architecture,
        "preprocess": preprocess_values(preprocess, size),
        "tokenizer": describe_tokenizer(architecture),
        "created_from": created_from or {},
    }


@contextmanager
def evaluating(net: nn.Module) -> Iterator[None]:
    """Evaluation mode inside the block; afterwards each module is back in the mode it had.

    Module by module, because a frozen batch norm may be in evaluation mode while the rest trains.
    """
    training = [module for module in net.modules() if module.training]
    net.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _reads_backwards_to_the_end_token(net: nn.Module) -> bool:
    """Whether the text tower is CLIP's own: causal attention, feature read at the highest token id."""
    return type(net) is CLIP and net.text_pool_type == "argmax" and net.attn_mask is not None


def _encode_short_text(net: CLIP, tokens: Tensor) -> Tensor:
    """`CLIP.encode_text` for tokens [batch, length] shorter than the context; features not normalised."""
    length = tokens.shape[1]
    x = net.token_embedding(tokens) + net.positional_embedding[:length]
    x = net.transformer(x, attn_mask=net.attn_mask[:length, :length])
    x = net.ln_final(x[torch.arange(len(x), device=x.device), tokens.argmax(dim=-1)])
    if net.text_projection is None:
        return x
    return net.text_projection(x) if isinstance(net.text_projection, nn.Linear) else x @ net.text_projection


def _activation(module: nn.Module) -> str | None:
    """QuickGELU, GELU, GELU (tanh) or SiLU, whichever library's; None for other modules."""
    found = ACTIVATION.fullmatch(type(module).__name__)
    if not found:
        return None
    tanh = found[2] or getattr(module, "approximate", "none") == "tanh"
    return f"{found[1]} (tanh)" if tanh else found[1]


def _slices(count: int, size: int) -> list[slice]:
    if size < 1:
        raise ValueError(f"batch_size={size}: must be at least 1")
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
