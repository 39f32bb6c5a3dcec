"""What the command lines share: the Typer application, option parsers, and errors as one line with exit status 2."""

import sys
from collections.abc import Callable

import typer

from core.errors import BadInputError

__all__ = ["expand_lists", "new_command_line", "parse_size", "run"]


def new_command_line(description: str | None = None) -> typer.Typer:
    """A Typer application in plain text, without shell completion."""
    return typer.Typer(
        help=description,
        no_args_is_help=description is not None,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


def parse_size(text: str) -> tuple[int, int]:
    """Parses an image size, 200 for a square or 240x160 for width x height, to (height, width) in pixels.

    Raises:
        BadInputError: the text is neither.
    """
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isascii() and side.isdigit() and int(side) for side in sides):
        raise BadInputError(
            f"{text!r} is not an image size; give a side in pixels, such as 200, or WxH, such as 240x160"
        )
    return int(sides[-1]), int(sides[0])


def expand_lists(arguments: list[str], options: tuple[str, ...]) -> list[str]:
    """Rewrites `--option A B C` as `--option A --option B --option C`, the only form of a list that Click parses.

    Args:
        arguments: of a command line.
        options: names of the options that take lists, such as --pairs.
    """
    expanded, option = [], None
    for argument in arguments:
        if argument.startswith("-"):
            name, equals, first = argument.partition("=")
            option = name if name in options else None
            if option is None:
                expanded.append(argument)
            elif equals:
                expanded += [option, first]
        else:
            expanded += [argument] if option is None else [option, argument]
    return expanded


def run(cli: typer.Typer | Callable[..., None], name: str | None = None) -> None:
    """Runs a Typer application, or a single function as one, and exits.

    Bad input and errors of the operating system (no permission, no space) end it with one line on standard error and
    exit status 2.

    Args:
        cli: the application or function.
        name: program name shown in the help; by default the script's.
    """
    if not isinstance(cli, typer.Typer):
        function, cli = cli, new_command_line()
        cli.command(help=function.__doc__)(function)
    try:
        cli(prog_name=name)
    except BadInputError as error:
        print(f"error: {error}", file=sys.stderr)
    except OSError as error:
        print(f"error: {error.filename or 'operating system'}: {error.strerror or error}", file=sys.stderr)
    sys.exit(2)
