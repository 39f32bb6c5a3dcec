"""The one error that a user is meant to read."""

__all__ = ["BadInputError"]


class BadInputError(ValueError):
    """What came in cannot be used.

    The message is one line that says what was wrong and what to do. Command lines print it and exit with
    status 2; the web page shows it.
    """
