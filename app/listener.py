"""The address that the server listens on."""

import socket

from core.errors import BadInputError

__all__ = ["bind"]


def bind(host: str, port: int) -> socket.socket:
    """Takes the address before anything is loaded.

    Raises:
        BadInputError: it is in use, or not this machine's.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()  # who comes while networks are loaded waits instead of being turned away
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInputError(f"cannot listen on {host}:{port} ({reason}); choose another --port or --host") from None
    return listener
