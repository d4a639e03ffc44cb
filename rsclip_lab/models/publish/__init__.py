"""A model onto the Hugging Face hub, with a card that tells strangers what they must know of it."""
