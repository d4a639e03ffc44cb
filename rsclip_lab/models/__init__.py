"""A network with its tokenizer and preprocessing as one object; the zoo; weights to and from disk."""

import sys
from types import ModuleType

from rsclip_lab.models.clip import Clip, new_clip
from rsclip_lab.models.errors import ModelError, NotFetched
from rsclip_lab.models.exports import export
from rsclip_lab.models.load import load_hub_model, load_model
from rsclip_lab.models.publish.push import push
from rsclip_lab.models.zoo import HubModel, models

__all__ = [
    "Clip",
    "HubModel",
    "ModelError",
    "NotFetched",
    "export",
    "load_hub_model",
    "load_model",
    "models",
    "new_clip",
    "push",
]


class _Room(ModuleType):
    """Python binds an imported submodule to its name in the package, so `lab.models` may be this room."""

    def __call__(self, facts: bool = False):
        return models(facts)


# `lab.models()` is the zoo as a table, whether `lab.models` was bound to the function or to the room.
sys.modules[__name__].__class__ = _Room
