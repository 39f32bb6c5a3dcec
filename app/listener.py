"""The server's listening socket."""

import socket

from core.errors import BadInputError

__all__ = ["bind"]


def bind(host: str, port: int) -> socket.socket:
    """Opens a listening socket, before anything slow is imported or loaded.

    Args:
        host: name or address.
        port: 0 for any free one.

    Raises:
        BadInputError: the address is in use, or does not belong to this machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()  # clients that connect during start-up wait instead of being refused
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInputError(f"cannot listen on {host}:{port} ({reason}); choose another --port or --host") from None
    return listener
