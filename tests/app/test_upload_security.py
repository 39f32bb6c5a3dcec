"""Rejection of remote URLs as uploads."""

import asyncio

import gradio as gr
import pytest
from gradio import processing_utils

from app.upload_security import refuse_remote_urls


def test_a_url_in_place_of_a_file_is_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processing_utils, "async_ssrf_protected_download", None)  # independent of other tests
    refuse_remote_urls()
    with pytest.raises(gr.Error, match="this is a URL; send the file itself"):
        asyncio.run(processing_utils.async_ssrf_protected_download("http://127.0.0.1:9/a.png", "/tmp"))
