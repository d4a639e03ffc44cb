"""Where in a picture a text is: the trunk's features of locations, and sliding windows as the reference."""

from rsclip_lab.search.heatmaps.text_heatmap import text_heatmap, text_heatmaps

__all__ = ["text_heatmap", "text_heatmaps"]
