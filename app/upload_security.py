"""Upload security: the app reads files that its visitors send, and no others."""

import gradio as gr
from gradio import processing_utils

__all__ = ["refuse_remote_urls"]


def refuse_remote_urls() -> None:
    """Keeps Gradio from fetching a URL that a client names in place of a file, whichever component it is sent to.

    Applies to the whole process, because Gradio makes components anew for each session.
    """
    processing_utils.async_ssrf_protected_download = _refuse


async def _refuse(*_: object, **__: object) -> str:
    raise gr.Error("this is a URL; send the file itself", print_exception=False)
