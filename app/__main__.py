"""Command line: the web app."""

from pathlib import Path
from typing import Annotated

import typer

from models.device import choose_device
from models.errors import exit_on_bad_input


def main(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 7860,
    checkpoints: Annotated[Path, typer.Option(metavar="DIR", help="Folder of pairs.")] = Path("checkpoints"),
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Serves the page that compares a pair's heatmaps."""
    from app.server import bind, build_server, serve  # Gradio takes seconds to import: the address comes first

    listener = bind(host, port)
    from app.pairs import PairFolder

    server = build_server(PairFolder(checkpoints, choose_device(device)))
    print(f"SCFF Lens on http://{host}:{port}", flush=True)
    serve(server, listener)


if __name__ == "__main__":
    cli = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    cli.command(help=main.__doc__)(main)
    with exit_on_bad_input():
        cli()
