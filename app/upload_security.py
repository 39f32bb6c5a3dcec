"""Upload security: the app reads files that its visitors send, and no others."""

import gradio as gr
from gradio import processing_utils

__all__ = ["refuse_remote_urls"]


def refuse_remote_urls() -> None:
    """Keeps Gradio from fetching a URL that a client sends in place of a file, to whichever component.

    Applies to the whole process, because Gradio re-creates components for each session.
    """
    processing_utils.async_ssrf_protected_download = _refuse


async def _refuse(*_: object, **__: object) -> str:
    raise gr.Error("this is a URL; send the file itself", print_exception=False)
