"""What can go wrong with a model."""

# What open_clip, timm and transformers raise over a configuration that they cannot build.
BUILD_ERRORS = (TypeError, ValueError, LookupError, AttributeError, AssertionError, ArithmeticError, RuntimeError)
BUILD_ERRORS += (OSError, ImportError)


class ModelError(ValueError):
    """A model that cannot be found, read, built or combined; the message says what to do."""


class NotFetched(ModelError):
    """A file of the hub that is not in the cache, and cannot be fetched.

    out_of_reach: because there was no answer; otherwise the hub said why not (no such file, no access, …).
    """

    def __init__(self, message: str, out_of_reach: bool = False):
        super().__init__(message)
        self.out_of_reach = out_of_reach
