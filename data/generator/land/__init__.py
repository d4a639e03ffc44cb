"""Families of land scenes: what the base model is trained on."""
