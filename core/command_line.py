"""What all command lines here have in common."""

import sys
from collections.abc import Callable

import typer

from core.errors import BadInputError

__all__ = ["expand_lists", "new_command_line", "parse_bands", "parse_size", "run"]


def new_command_line(description: str | None = None) -> typer.Typer:
    """A Typer application in plain text, without shell completion."""
    return typer.Typer(
        help=description,
        no_args_is_help=description is not None,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


def parse_bands(text: str | None) -> tuple[int, ...] | None:
    """Numbers of bands, counted from 1, of an option such as 4,3,2 (red, green, blue) or 5 (grey); None of None.

    Raises:
        BadInputError: these are no such numbers.
    """
    if text is None:
        return None
    numbers = [number.strip() for number in text.split(",")]
    if len(numbers) not in (1, 3) or not all(n.isascii() and n.isdigit() and int(n) for n in numbers):
        words = "give three bands, such as 4,3,2 for red, green and blue, or one, such as 5"
        raise BadInputError(f"{text!r} is no choice of bands; {words}")
    return tuple(map(int, numbers))


def parse_size(text: str) -> tuple[int, int]:
    """(height, width) of an option such as 200, for a square, or 240x160: width, then height.

    Raises:
        BadInputError: it is neither.
    """
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isascii() and side.isdigit() and int(side) for side in sides):
        raise BadInputError(f"{text!r} is no image size; give a side in pixels, such as 200, or WxH, such as 240x160")
    return int(sides[-1]), int(sides[0])


def expand_lists(arguments: list[str], options: tuple[str, ...]) -> list[str]:
    """Arguments with `--option A B C` written as `--option A --option B --option C`, as Click reads a list."""
    spread, option = [], None
    for argument in arguments:
        if argument.startswith("-"):
            name, equals, first = argument.partition("=")
            option = name if name in options else None
            if option is None:
                spread.append(argument)
            elif equals:
                spread += [option, first]
        else:
            spread += [argument] if option is None else [option, argument]
    return spread


def run(cli: typer.Typer | Callable[..., None], name: str | None = None) -> None:
    """Runs a Typer application, or a single function as one; its help calls it by a name other than its module's.

    Bad input, and what the system refuses (no permission, no space), end it with one line on standard error and
    exit status 2.
    """
    if not isinstance(cli, typer.Typer):
        function, cli = cli, new_command_line()
        cli.command(help=function.__doc__)(function)
    try:
        cli(prog_name=name)
    except BadInputError as error:
        print(f"error: {error}", file=sys.stderr)
    except OSError as error:
        print(f"error: {error.filename or 'the system'}: {error.strerror or error}", file=sys.stderr)
    sys.exit(2)
