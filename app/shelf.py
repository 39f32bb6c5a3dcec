"""What the server hands out for a while: pictures of the page and files to take away, made when they are asked for."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import quote

from fastapi import FastAPI, Response

__all__ = ["Shelf"]

_ROUTE = "/kept"
_HEADERS = {"Cache-Control": "private, max-age=3600, immutable", "X-Content-Type-Options": "nosniff"}


@dataclass
class _Item:
    """One thing on the shelf."""

    name: str
    media_type: str
    make: Callable[[], bytes] | None
    until: float
    """When it may be thrown away, by the monotonic clock."""
    data: bytes = b""
    lock: Lock = field(default_factory=Lock)

    def content(self) -> bytes:
        """The bytes, made once; what they were made of is let go."""
        with self.lock:
            if self.make is not None:
                self.data, self.make = self.make(), None
            return self.data


class Shelf:
    """Things under addresses that cannot be guessed; safe to share among threads.

    Args:
        seconds: how long a thing is kept.
        most: how many are kept; of more, the oldest go.
    """

    def __init__(self, seconds: float = 3600, most: int = 4000) -> None:
        self.seconds = seconds
        self.most = most
        self._items: OrderedDict[str, _Item] = OrderedDict()
        self._lock = Lock()

    def put(self, name: str, media_type: str, make: Callable[[], bytes]) -> str:
        """Keeps a thing and returns its address on this server.

        Args:
            name: of the file, as a visitor saves it.
            media_type: such as image/png.
            make: its content; called at most once, when the thing is first fetched.
        """
        name = name.replace("/", "-")
        token, now = secrets.token_urlsafe(18), time.monotonic()
        with self._lock:
            self._items[token] = _Item(name, media_type, make, now + self.seconds)
            while self._items and (len(self._items) > self.most or next(iter(self._items.values())).until < now):
                self._items.popitem(last=False)
        return f"{_ROUTE}/{token}/{quote(name, safe='')}"

    def content(self, token: str) -> tuple[str, str, bytes] | None:
        """Name, media type and bytes of what an address ends in; None where nothing is kept (any more)."""
        with self._lock:
            item = self._items.get(token)
        if item is None or item.until < time.monotonic():
            return None
        return item.name, item.media_type, item.content()

    def serve(self, server: FastAPI) -> None:
        """Adds the addresses to a server."""

        @server.get(_ROUTE + "/{token}/{name}", include_in_schema=False)
        def kept(token: str, name: str, save: bool = False) -> Response:
            found = self.content(token)
            if found is None:
                return Response("This is no longer kept; go back to the page and choose the image again.", 404)
            name, media_type, data = found
            kind = "attachment" if save else "inline"
            disposition = {"Content-Disposition": f"{kind}; filename*=UTF-8''{quote(name, safe='')}"}
            return Response(data, media_type=media_type, headers=_HEADERS | disposition)
