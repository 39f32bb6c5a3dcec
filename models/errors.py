"""The one error that a user is meant to read."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["BadInputError", "exit_on_bad_input"]


class BadInputError(ValueError):
    """What came in cannot be used.

    The message is one line that says what was wrong and what to do. Command lines print it and exit with
    status 2; the web page shows it.
    """


@contextmanager
def exit_on_bad_input() -> Iterator[None]:
    """Ends a command line that met bad input: its message as one line on standard error, exit status 2."""
    try:
        yield
    except BadInputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
