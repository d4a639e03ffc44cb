"""What can go wrong with a model."""


class ModelError(ValueError):
    """A model that cannot be found, read, built or combined; the message says what to do."""


class NotFetched(ModelError):
    """A file of the hub that is neither in the cache nor within reach."""
