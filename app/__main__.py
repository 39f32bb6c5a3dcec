"""Command line: the web app."""

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from app.listener import bind
from core.command_line import run


def main(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any that is free.")] = 7860,
    checkpoints: Annotated[Path, typer.Option(metavar="DIR", help="Folder of pairs.")] = Path("checkpoints"),
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Serves the page that compares a pair's heatmaps."""
    # An ordinary exit, which deletes what visitors have sent: from the start, as loading takes seconds.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # Several visitors' networks share the cores: a thread without work soon gives way. torch reads it when imported.
    os.environ.setdefault("GOMP_SPINCOUNT", "100")
    from core.device import choose_device

    where = choose_device(device)
    listener = bind(host, port)
    from app.server import build_server, serve
    from pairs.folder import PairFolder

    server = build_server(PairFolder(checkpoints, where))
    print(f"SCFF Lens on http://{host}:{listener.getsockname()[1]}", flush=True)
    serve(server, listener)


if __name__ == "__main__":
    run(main)
