"""Whose files the app reads: those that its visitors send, and no others."""

from pathlib import Path

import gradio as gr
from gradio_client.utils import is_http_url_like

__all__ = ["refuse_addresses"]


def refuse_addresses(page: gr.Blocks) -> None:
    """Lets no file component of a page fetch what an address leads to: whatever this machine reaches, of any size."""
    for file in page.blocks.values():
        if isinstance(file, gr.File):
            _refuse_addresses(file)


def _refuse_addresses(file: gr.File) -> None:
    take = file.async_move_resource_to_block_cache

    async def take_own(path: str | Path | None) -> str | None:
        if is_http_url_like(str(path)):
            raise gr.Error("this is an address; send the file itself", print_exception=False)
        return await take(path)

    file.async_move_resource_to_block_cache = take_own
