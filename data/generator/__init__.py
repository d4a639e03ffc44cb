"""Draws the embedded sample: aerial-looking scenes with captions that are true of what can be seen.

Everything is sized in metres, every drawn object is known by its mask, and a scene follows from its kind and
its seed alone. `python -m data.generator --help` (from the project's folder) lists the commands.
"""
