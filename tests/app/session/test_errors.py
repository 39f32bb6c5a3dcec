"""Error messages for exceptions in callbacks."""

import logging
from types import SimpleNamespace

import pytest

from app.session.errors import error_message, shows_errors
from app.session.state import SessionState
from app.storage.source_image import SourceImage
from core.errors import BadInputError
from tests.conftest import texture

STATE = SessionState(SourceImage("<a>.tif", lambda: texture(0, 0), "key"), pairs=("one", "two"))


class Tab:
    components = SimpleNamespace(status="status")

    @shows_errors
    def callback(self, inputs: dict, error: Exception | None = None) -> dict:
        if error is not None:
            raise error
        return inputs


def test_result_without_error_is_returned() -> None:
    assert Tab().callback({"a": 1}) == {"a": 1}


def test_bad_input_is_an_escaped_alert() -> None:
    (shown,) = Tab().callback({}, BadInputError("<b>: not an image")).values()
    assert "&lt;b&gt;: not an image." in shown
    assert "role='alert'" in shown


def test_error_names_the_analysis_still_displayed() -> None:
    shown = error_message(BadInputError("not an image"), STATE)
    assert "Still displayed: &lt;a&gt;.tif, explained with one, two." in shown
    assert "Still displayed" not in error_message(BadInputError("not an image"))


def test_internal_error_is_logged_and_not_disclosed(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        (shown,) = Tab().callback({}, ValueError("/secret/path")).values()
    assert "Internal server error" in shown
    assert "/secret" not in shown
    assert "/secret/path" in caplog.text
