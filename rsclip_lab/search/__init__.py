"""Text or picture in, pictures out, and where in a picture a text is (notebook 06)."""

from rsclip_lab.search.database import SearchDatabase
from rsclip_lab.search.embedding import Embedding, embed_images
from rsclip_lab.search.heatmaps import text_heatmap, text_heatmaps
from rsclip_lab.search.identity import ModelIdentity, model_identity, require_same_model
from rsclip_lab.search.index import SearchIndex
from rsclip_lab.search.results import SearchResults
from rsclip_lab.search.saved import SearchIndexError
from rsclip_lab.search.store_errors import StoreError

__all__ = [
    "Embedding",
    "ModelIdentity",
    "SearchDatabase",
    "SearchIndex",
    "SearchIndexError",
    "SearchResults",
    "StoreError",
    "embed_images",
    "model_identity",
    "require_same_model",
    "text_heatmap",
    "text_heatmaps",
]
