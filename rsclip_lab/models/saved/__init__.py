"""The folder of a saved model: its weights, what clip.json says of them, and where they come from."""
