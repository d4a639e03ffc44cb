"""How `tiny`, the base model in the package, was made: `make base` repeats it. See README.md in this folder."""
