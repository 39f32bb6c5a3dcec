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
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all interfaces.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any free port.")] = 7860,
    checkpoints: Annotated[Path, typer.Option(metavar="DIR", help="Folder of model pairs.")] = Path("checkpoints"),
    device: Annotated[str, typer.Option(help="Device: auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Serves the web app that compares the heatmaps of a baseline and its SCFF counterpart."""
    # SIGTERM exits through Python's clean-up, which deletes uploads; set early, because imports take seconds.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # Concurrent requests share the cores, so an idle OpenMP thread should stop spinning soon. Read on importing torch.
    os.environ.setdefault("GOMP_SPINCOUNT", "100")
    from core.device import choose_device

    where = choose_device(device)
    listener = bind(host, port)
    from app.server import build_server, serve
    from pairs.folder import PairFolder

    pairs = PairFolder(checkpoints, where)
    if not pairs.names():
        print(f"no model pair in {checkpoints} yet: the page can explain nothing", file=sys.stderr)
    server = build_server(pairs)
    print(f"SCFF Lens on http://{host}:{listener.getsockname()[1]}", flush=True)
    serve(server, listener)


if __name__ == "__main__":
    run(main)
