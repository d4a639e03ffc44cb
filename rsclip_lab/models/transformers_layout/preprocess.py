"""CLIPImageProcessor's preprocessor_config.json, to and from open_clip's PreprocessCfg.

transformers itself is not needed. The facts were read in its `CLIPImageProcessor` (5.23) and in open_clip's
`image_transform_v2` (3.3).
"""

import math

from open_clip.transform import PreprocessCfg

from rsclip_lab.models.errors import ModelError

SHORTEST, SQUASH = "shortest", "squash"  # open_clip's resize_mode: cut off what is too long, or distort
RESAMPLE = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers
# What preprocessor_config.json does not say is the default of CLIPImageProcessor.
PROCESSOR_DEFAULTS = {
    "do_resize": True,
    "size": 224,
    "resample": 3,
    "do_center_crop": True,
    "crop_size": 224,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": list(PreprocessCfg.mean),
    "image_std": list(PreprocessCfg.std),
}


def preprocess_of(config: dict) -> dict:
    """The fields of open_clip's PreprocessCfg (size, mean, std, interpolation, resize_mode) of a CLIPImageProcessor.

    Raises `ModelError` when open_clip has no such preprocessing, or the file is another class's.
    """
    kind = config.get("image_processor_type") or config.get("feature_extractor_type") or "CLIPImageProcessor"
    if not str(kind).startswith("CLIP"):
        raise _not_here(f"is a {kind!s:.80}'s")
    given = PROCESSOR_DEFAULTS | {name: value for name, value in config.items() if value is not None}
    for name, possible in (("do_resize", [True]), ("resample", list(RESAMPLE)), ("do_rescale", [True])):
        if given[name] not in possible:
            raise _not_here(f"has {name}={given[name]!r:.80}")
    factor = given["rescale_factor"]
    if not isinstance(factor, float) or not math.isclose(factor, 1 / 255):
        raise _not_here(f"has rescale_factor={factor!r:.80}")
    size, mode = _size(given)
    normal = given["do_normalize"]
    return {
        "size": size,
        "mean": given["image_mean"] if normal else [0.0] * 3,
        "std": given["image_std"] if normal else [1.0] * 3,
        "interpolation": RESAMPLE[given["resample"]],
        "resize_mode": mode,
    }


def _size(given: dict) -> tuple[int, str]:
    """Pixels of a side, and how a picture that is not square gets there."""
    size, crop, cropped = given["size"], given["crop_size"], given["do_center_crop"]
    size = {"shortest_edge": size} if isinstance(size, int) else size
    crop = {"height": crop, "width": crop} if isinstance(crop, int) else crop
    if isinstance(size, dict) and isinstance(crop, dict):
        sides = [*size.values(), *(crop.values() if cropped else ())]
        if all(type(side) is int and side == sides[0] for side in sides):
            if size.keys() == {"shortest_edge"} and cropped:
                return sides[0], SHORTEST
            if size.keys() == {"height", "width"}:
                return sides[0], SQUASH
    raise _not_here(f"has size={size!s:.80}, crop_size={crop!s:.80}, do_center_crop={cropped!s:.80}")


def preprocessor_config_of(preprocess: dict) -> dict:
    """The preprocessor_config.json of a CLIPImageProcessor that does what these fields of PreprocessCfg say.

    Raises `ModelError` for resize_mode "longest", which that class does not have.
    """
    fields = PreprocessCfg(**preprocess)
    if fields.resize_mode not in (SHORTEST, SQUASH):
        raise ModelError(
            f"transformers' CLIPImageProcessor has no resize_mode {fields.resize_mode!r}; export this model with "
            "to='open_clip' or to='onnx'"
        )
    square = {"height": fields.size, "width": fields.size}
    shortest = fields.resize_mode == SHORTEST
    return PROCESSOR_DEFAULTS | {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "size": {"shortest_edge": fields.size} if shortest else square,
        "resample": 2 if fields.interpolation == "bilinear" else 3,  # "random" is for training
        "do_center_crop": shortest,
        "crop_size": square,
        "image_mean": list(fields.mean),
        "image_std": list(fields.std),
    }


def _not_here(found: str) -> ModelError:
    return ModelError(
        f"this preprocessor_config.json {found}, and pictures can be prepared here as CLIPImageProcessor does by "
        "default: resized (bicubic or bilinear) and cut to one square size, divided by 255, normalised"
    )
