"""What a callback's exceptions become on the page."""

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


def test_what_works_is_passed_on() -> None:
    assert Tab().callback({"a": 1}) == {"a": 1}


def test_bad_input_has_its_reason_as_text() -> None:
    (shown,) = Tab().callback({}, BadInputError("<b>: not an image")).values()
    assert "&lt;b&gt;: not an image." in shown
    assert "role='alert'" in shown


def test_what_is_still_displayed_is_named() -> None:
    shown = error_message(BadInputError("not an image"), STATE)
    assert "Still displayed: &lt;a&gt;.tif, explained with one, two." in shown
    assert "Still displayed" not in error_message(BadInputError("not an image"))


def test_the_servers_own_fault_is_logged_and_not_disclosed(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        (shown,) = Tab().callback({}, ValueError("/secret/path")).values()
    assert "Internal server error" in shown
    assert "/secret" not in shown
    assert "/secret/path" in caplog.text
