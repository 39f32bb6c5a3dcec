"""Listening socket of the server."""

import socket

import pytest

from app.listener import bind
from core.errors import BadInputError

pytestmark = pytest.mark.essential


def test_port_0_binds_a_free_port_that_accepts_connections() -> None:
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert port > 0
        socket.create_connection(("127.0.0.1", port), timeout=5).close()


def test_unusable_address_is_an_error() -> None:
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(BadInputError, match=rf"cannot listen on 127\.0\.0\.1:{port} \(Address already in use\)"):
            bind("127.0.0.1", port)
    with pytest.raises(BadInputError, match=r"cannot listen on 192\.0\.2\.1:0 \(.*\); choose another --port or --host"):
        bind("192.0.2.1", 0)  # of a documentation network (RFC 5737)
    with pytest.raises(BadInputError, match="cannot listen on 127"):
        bind("127.0.0.1", 70000)
