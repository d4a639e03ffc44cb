"""The folder of a saved model: weights, and the description that keeps what must agree together."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from rsclip_lab.models.architecture import build_network, complete_architecture
from rsclip_lab.models.errors import ModelError
from rsclip_lab.models.saved.description import DESCRIPTION, REMEDY, read_description, write_description
from rsclip_lab.models.saved.provenance import with_former_record
from rsclip_lab.models.weights import check_sha256, load_weights, read_weights, sha256_of

WEIGHTS, TEXT_TOWER = "model.safetensors", "text_tower"


def write_model(
    folder: str | Path, net: nn.Module, description: dict, half: bool = False, weights_name: str = WEIGHTS
) -> Path:
    """Write the weights and clip.json into `folder`, each whole, the description last.

    half: matrices as float16. The description may hold whatever `plain` takes. A write that is cut short leaves the
    model that was there, or a folder that `read_model` refuses; never the weights of one with the words of another.
    Raises `ModelError` when the weights cannot be written, TypeError for a description that JSON cannot hold.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights = stored_weights(net, half)
    with TemporaryDirectory(prefix=".saving-", dir=folder) as stage:
        file = Path(stage) / weights_name
        try:
            save_file(weights, file)
        except SafetensorError as error:
            raise ModelError(f"{folder / weights_name} cannot be written ({error}): make room, save again") from None
        dtype = str(max(weights.values(), key=Tensor.numel).dtype).removeprefix("torch.")
        record = {"file": weights_name, "dtype": dtype, "sha256": sha256_of(file)}
        words = write_description(Path(stage), description, record)
        # safetensors writes for its owner's eyes only, which would follow the file into a wheel.
        file.chmod(words.stat().st_mode)
        if hasattr(getattr(net, "text", None), "config"):  # a text tower of the transformers library
            net.text.config.save_pretrained(folder / TEXT_TOWER)
        for path in (file, words):
            os.replace(path, folder / path.name)
    return folder


def update_description(folder: str | Path, description: dict) -> None:
    """Put another description into the folder of a saved model, at one stroke; its weights stay as they are."""
    folder = Path(folder)
    weights = read_description(folder)["weights"]
    with TemporaryDirectory(prefix=".saving-", dir=folder) as stage:
        os.replace(write_description(Path(stage), description, weights), folder / DESCRIPTION)


def read_model(folder: str | Path, quick_gelu: bool | None = None, strict: bool = True) -> tuple[nn.Module, dict]:
    """The network and its description from a folder that `write_model` wrote; `ModelError` otherwise.

    quick_gelu: instead of the activation in the description. strict: see `load_weights`.
    """
    folder = Path(folder)
    description = with_former_record(folder, read_description(folder))
    if quick_gelu is not None:
        description["architecture"]["quick_gelu"] = quick_gelu
    record = description.pop("weights")
    path = folder / record["file"]
    if not path.is_file():
        raise ModelError(f"{path} is missing beside {DESCRIPTION}: {REMEDY}")
    architecture = complete_architecture(description["architecture"])
    if (folder / TEXT_TOWER).is_dir():  # its configuration is here, and need not be fetched
        architecture["text_cfg"]["hf_model_name"] = str(folder / TEXT_TOWER)
    with ThreadPoolExecutor(1) as pool:
        verified = pool.submit(check_sha256, path, record["sha256"], REMEDY)
        net = build_network(architecture, seed=None if strict else 0)
        verified.result()
    load_weights(net, read_weights(path), path, strict)
    return net, description


def stored_weights(net: nn.Module, half: bool = False) -> dict[str, Tensor]:
    """The state dict on the CPU as safetensors takes it: contiguous, and nothing shared, so tied weights twice.

    half: matrices as float16; scales, biases and running statistics are few and keep their digits.
    """
    weights, places = {}, set()
    for name, value in net.state_dict().items():
        value = value.detach().cpu().contiguous()
        if half and value.is_floating_point() and value.ndim >= 2:
            value = value.half()
        place = value.untyped_storage().data_ptr()
        weights[name] = value.clone() if place in places else value
        places.add(place)
    return weights
