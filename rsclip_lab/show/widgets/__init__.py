"""Panels of ipywidgets: predict, search, look through data, watch a training."""
