"""The web server: the page and a health check."""

import socket
import sys

import gradio as gr
import uvicorn
from fastapi import FastAPI

from app.page import CSS, SCRIPT, THEME, build_page
from core.errors import BadInputError
from pairs.folder import PairFolder

__all__ = ["build_server", "serve"]

_LARGEST_UPLOAD = "1gb"


def build_server(pairs: PairFolder) -> FastAPI:
    """The page at / and a health check at /healthz, for a folder of pairs, which are loaded first."""
    for name in pairs.names():
        try:
            pairs.load(name)
        except BadInputError as error:
            print(f"skipped: {error}", file=sys.stderr)
    server = FastAPI(title="SCFF Lens", docs_url=None, redoc_url=None, openapi_url=None)

    @server.get("/healthz")
    def healthz() -> dict:
        """Health check; responds once the models are loaded."""
        return {"status": "ok", "pairs": pairs.names()}

    page = build_page(pairs, server)
    mounted = gr.mount_gradio_app(
        server,
        page,
        path="/",
        theme=THEME,
        css=CSS,
        js=SCRIPT,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        ssr_mode=False,
        max_file_size=_LARGEST_UPLOAD,
    )
    # Mounting leaves this unset; Gradio would then accept any path on this machine as an upload.
    page.has_launched = True
    return mounted


def serve(server: FastAPI, listener: socket.socket) -> None:
    """Runs the server until it is interrupted or terminated."""
    config = uvicorn.Config(server, log_level="warning", timeout_graceful_shutdown=3)
    uvicorn.Server(config).run(sockets=[listener])
