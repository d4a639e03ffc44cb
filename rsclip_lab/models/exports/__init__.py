"""A model in the layouts of other people's tools."""

from __future__ import annotations

from pathlib import Path

from rsclip_lab.data.disk import new_folder, unwritable, write_error
from rsclip_lab.models.clip import Clip
from rsclip_lab.models.errors import ModelError
from rsclip_lab.models.exports import onnx_towers, open_clip_folder, transformers_folder

WRITERS = {
    "open_clip": open_clip_folder.write,
    "transformers": transformers_folder.write,
    "onnx": onnx_towers.write,
}


def export(model: Clip, folder: str | Path, to: str = "open_clip") -> Path:
    """Write `model` to a new folder in another tool's layout; the folder appears when it is whole.

    to: "open_clip": `open_clip.create_model_and_transforms("local-dir:<folder>")` loads it, and "hf-hub:<owner/name>"
    once it is pushed; `load_model(folder)` gives back this model with all that its description holds.
    "transformers": a CLIPModel with its CLIPProcessor, for `from_pretrained(folder)`; vision transformers only.
    "onnx": image.onnx and text.onnx with a description of what goes in; needs `pip install "rsclip-lab[onnx]"`.

    Raises `ModelError` when the layout cannot express the model or the folder cannot be written, FileExistsError when
    it holds something.
    """
    model = getattr(model, "model", model)  # a run's
    if not isinstance(model, Clip):
        raise ModelError(f"export() takes a model or a run, not {model!r}: load_model gives one")
    if to not in WRITERS:
        raise ModelError(f"export to {to!r} is not known: choose one of {', '.join(WRITERS)}")
    folder = Path(folder).expanduser()
    try:
        with new_folder(folder) as stage:
            WRITERS[to](model, stage)
    except FileExistsError:
        raise
    except Exception as error:  # of several libraries, which name the stage
        fault = write_error(error)
        if fault is None:
            raise
        raise unwritable(folder, fault, ModelError) from None
    return folder
