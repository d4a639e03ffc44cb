"""Captions put in other words: directions after a turn, prompts from labels, back-translation."""
