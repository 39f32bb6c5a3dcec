"""Whose files the app reads: those that its visitors send, and no others."""

import gradio as gr
from gradio import processing_utils

__all__ = ["refuse_remote_urls"]


def refuse_remote_urls() -> None:
    """Lets Gradio fetch nothing from an address that a visitor names in place of a file, whichever part it is sent to.

    It holds for the whole process, because Gradio makes parts anew for each visitor.
    """
    processing_utils.async_ssrf_protected_download = _refuse


async def _refuse(*_: object, **__: object) -> str:
    raise gr.Error("this is an address; send the file itself", print_exception=False)
