"""Single files out of the Hugging Face hub, through the hub's own client and into its own cache."""
