"""The exception whose message is shown to users."""

__all__ = ["BadInputError"]


class BadInputError(ValueError):
    """Input that cannot be processed.

    The message is one line that says what is wrong and what to do. Command lines print it and exit with status 2; the
    web page shows it.
    """
