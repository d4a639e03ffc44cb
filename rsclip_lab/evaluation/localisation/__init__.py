"""Heatmaps against true boxes: the pointing game and the indicators of semantic localisation."""

from rsclip_lab.evaluation.localisation.localisation import Localisation, localisation, localisation_questions

__all__ = ["Localisation", "localisation", "localisation_questions"]
