"""transformers' CLIPModel and open_clip's CLIP: names of weights, configuration and preprocessing, both ways."""

from rsclip_lab.models.transformers_layout.config import architecture_of, config_of
from rsclip_lab.models.transformers_layout.names import from_transformers, is_transformers, to_transformers
from rsclip_lab.models.transformers_layout.preprocess import preprocess_of, preprocessor_config_of

__all__ = [
    "architecture_of",
    "config_of",
    "from_transformers",
    "is_transformers",
    "preprocess_of",
    "preprocessor_config_of",
    "to_transformers",
]
