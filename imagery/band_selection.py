"""Selections of bands, as text. Imports nothing that reads files, so that --help stays fast."""

from core.errors import BadInputError

__all__ = ["parse_bands"]


def parse_bands(text: str | None) -> tuple[int, ...] | None:
    """Parses a band selection such as 4,3,2 (red, green, blue) or 5 (greyscale): band numbers counted from 1.

    Args:
        text: the selection; None, where there is none, is returned as it is.

    Raises:
        BadInputError: the text is not such a selection.
    """
    if text is None:
        return None
    numbers = [number.strip() for number in text.split(",")]
    if len(numbers) not in (1, 3) or not all(n.isascii() and n.isdigit() and int(n) for n in numbers):
        advice = "give three bands, such as 4,3,2 for red, green and blue, or one, such as 5"
        raise BadInputError(f"{text!r} is not a band selection; {advice}")
    return tuple(map(int, numbers))
