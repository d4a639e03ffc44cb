"""Two models on the same pictures: what improved, by how much, and what was forgotten."""

from rsclip_lab.evaluation.comparison.comparison import Comparison, compare

__all__ = ["Comparison", "compare"]
