"""Options and errors of the command lines."""

import pytest
import typer

from core.command_line import expand_lists, new_command_line, parse_size, run
from core.errors import BadInputError

pytestmark = pytest.mark.essential


def test_sizes_are_height_and_width() -> None:
    assert parse_size("200") == (200, 200)
    assert parse_size("240x160") == parse_size("240X160") == (160, 240)


@pytest.mark.parametrize("text", ["", "0", "0x8", "x", "200x", "1x2x3", "-4", "2.5", "²", "200 x 100"])
def test_other_sizes_are_rejected(text: str) -> None:
    with pytest.raises(BadInputError, match="is not an image size; give a side in pixels, such as 200, or WxH"):
        parse_size(text)


def test_lists_are_expanded() -> None:
    arguments = ["figure9", "--pairs", "A", "B", "--out", "f.pdf", "--pairs=C", "D", "--json"]
    assert expand_lists(arguments, ("--pairs",)) == [
        "figure9", "--pairs", "A", "--pairs", "B", "--out", "f.pdf", "--pairs", "C", "--pairs", "D", "--json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (BadInputError("a.tif: no such file"), "error: a.tif: no such file\n"),
        (PermissionError(13, "Permission denied", "out"), "error: out: Permission denied\n"),
        (OSError("no more handles"), "error: operating system: no more handles\n"),
    ],
)
def test_errors_are_one_line_and_status_2(
    error: Exception, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("sys.argv", ["program"])
    with pytest.raises(SystemExit) as ended:
        run(fail)
    assert ended.value.code == 2
    assert capsys.readouterr().err == line


def test_help_names_the_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    cli = new_command_line("Explains images.")
    cli.command()(lambda: None)
    cli.command("other")(lambda count: typer.echo(count))
    monkeypatch.setattr("sys.argv", ["program", "--help"])
    with pytest.raises(SystemExit) as ended:
        run(cli, "python -m explain")
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert "Usage: python -m explain [OPTIONS] COMMAND" in out
    assert "Explains images." in out
