"""The Hugging Face hub: single files out of it, and a model with its card into it, through the hub's own client."""
