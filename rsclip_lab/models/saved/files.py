"""The folder of a saved model: weights, and the description that keeps what must agree together."""

import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from rsclip_lab.models.architecture import build_network
from rsclip_lab.models.configuration import complete_architecture
from rsclip_lab.models.errors import ModelError
from rsclip_lab.models.saved.description import DESCRIPTION, REMEDY, read_description, write_description
from rsclip_lab.models.saved.provenance import with_former_record
from rsclip_lab.models.tokenizers import FOLDER as TOKENIZER
from rsclip_lab.models.tokenizers import save_tokenizer
from rsclip_lab.models.weights import check_sha256, load_weights, read_weights, sha256_of

WEIGHTS, TEXT_TOWER = "model.safetensors", "text_tower"
PARTS = {TOKENIZER: "tokenizer_config.json", TEXT_TOWER: "config.json"}  # folders, and what each surely holds
STAGE, FORGOTTEN = ".saving-", 3600  # seconds after which nobody is writing into a stage any more


def write_model(
    folder: str | Path,
    net: nn.Module,
    description: dict,
    half: bool = False,
    weights_name: str = WEIGHTS,
    tokenizer=None,
) -> Path:
    """Write the weights, the files of `tokenizer` where it needs any, and clip.json into `folder`, the last one last.

    half: matrices as float16. The description may hold whatever `plain` takes. A write that is cut short leaves the
    model that was there, or a folder that `read_model` refuses; never the parts of one with those of another.
    Raises `ModelError` when something cannot be written, TypeError for a description that JSON cannot hold.
    """
    with _stage(folder) as (stage, folder):
        file, weights = stage / weights_name, stored_weights(net, half)
        save_file(weights, file)
        dtype = str(max(weights.values(), key=Tensor.numel).dtype).removeprefix("torch.")
        record = {"file": weights_name, "dtype": dtype, "sha256": sha256_of(file)}
        words = write_description(stage, description, record)
        # safetensors writes for its owner's eyes only, which would follow the file into a wheel.
        file.chmod(words.stat().st_mode)
        if tokenizer is not None:
            save_tokenizer(tokenizer, description["tokenizer"], stage)
        if hasattr(getattr(net, "text", None), "config"):  # a text tower of the transformers library
            net.text.config.save_pretrained(stage / TEXT_TOWER)
        _take_the_place(stage, folder, weights_name)
    return folder


@contextmanager
def _stage(folder: str | Path) -> Iterator[tuple[Path, Path]]:
    """A private folder inside `folder`, and that one, made if need be; what goes wrong on the disk, in words."""
    try:
        folder = Path(folder).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{STAGE}*"):  # by a process that was killed
            if time.time() - left.lstat().st_mtime > FORGOTTEN:
                shutil.rmtree(left, ignore_errors=True)
        with TemporaryDirectory(prefix=STAGE, dir=folder) as stage:
            yield Path(stage), folder
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(
            f"no model can be written into {folder} ({reason}): make room there, or give another folder"
        ) from None


def _take_the_place(stage: Path, folder: Path, weights_name: str) -> None:
    """The weights first, whose hash the old clip.json denies; no clip.json stands beside folders that change."""
    parts = [name for name in PARTS if (stage / name).is_dir()]
    for name in parts:
        if (folder / name).exists() and not (folder / name / PARTS[name]).is_file():
            raise ModelError(f"{folder / name} is not of a saved model and stands in the way: give another folder")
    os.replace(stage / weights_name, folder / weights_name)
    if parts:
        (folder / DESCRIPTION).write_text("{}\n")  # refused, where none at all might stand for another layout
    for name in parts:
        if (folder / name).exists():
            os.replace(folder / name, stage / f"former-{name}")
        os.replace(stage / name, folder / name)
    os.replace(stage / DESCRIPTION, folder / DESCRIPTION)


def update_description(folder: str | Path, description: dict) -> None:
    """Put another description into the folder of a saved model, at one stroke; its weights stay as they are."""
    weights = read_description(Path(folder).expanduser())["weights"]
    with _stage(folder) as (stage, folder):
        os.replace(write_description(stage, description, weights), folder / DESCRIPTION)


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
    if architecture["text_cfg"].get("hf_model_name") and (folder / TEXT_TOWER).is_dir():  # it need not be fetched
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
