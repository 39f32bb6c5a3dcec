"""What the server hands out for a while: pictures of the page and files to take away, made when they are asked for."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from threading import Lock
from urllib.parse import quote

from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse

__all__ = ["Shelf"]

_GONE = "This is no longer kept; go back to the page and choose the image again."
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
    pieces: Callable[[], Iterator[bytes]] | None = None
    """Of a thing that is too large for memory."""
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
        route: what the addresses begin with; each shelf of a server has its own.
    """

    def __init__(self, seconds: float = 3600, most: int = 4000, route: str = "/kept") -> None:
        self.seconds = seconds
        self.most = most
        self.route = route
        self._items: OrderedDict[str, _Item] = OrderedDict()
        self._lock = Lock()

    def put(self, name: str, media_type: str, make: Callable[[], bytes]) -> str:
        """Keeps a thing and returns its address on this server.

        Args:
            name: of the file, as a visitor saves it.
            media_type: such as image/png.
            make: its content; called at most once, when the thing is first fetched. FileNotFoundError says that what
                it is made of is gone.
        """
        return self._keep(_Item(name.replace("/", "-"), media_type, make, time.monotonic() + self.seconds))

    def put_stream(self, name: str, media_type: str, pieces: Callable[[], Iterator[bytes]]) -> str:
        """The same of a thing that is too large for memory: its pieces are made anew whenever it is fetched."""
        until = time.monotonic() + self.seconds
        return self._keep(_Item(name.replace("/", "-"), media_type, None, until, pieces=pieces))

    def _keep(self, item: _Item) -> str:
        token, now = secrets.token_urlsafe(18), time.monotonic()
        with self._lock:
            self._items[token] = item
            while self._items and (len(self._items) > self.most or next(iter(self._items.values())).until < now):
                self._items.popitem(last=False)
        return f"{self.route}/{token}/{quote(item.name, safe='')}"

    def content(self, token: str) -> tuple[str, str, bytes | Iterator[bytes]] | None:
        """Name, media type and bytes (or pieces) of what an address ends in; None where nothing is kept (any more)."""
        with self._lock:
            item = self._items.get(token)
        if item is None or item.until < time.monotonic():
            return None
        try:
            if item.pieces is None:
                return item.name, item.media_type, item.content()
            pieces = item.pieces()
            return item.name, item.media_type, chain([next(pieces)], pieces)
        except FileNotFoundError:
            return None

    def serve(self, server: FastAPI) -> None:
        """Adds the addresses to a server."""

        @server.get(self.route + "/{token}/{name}", include_in_schema=False)
        def kept(token: str, name: str, save: bool = False) -> Response:
            found = self.content(token)
            if found is None:
                return Response(_GONE, 404)
            name, media_type, data = found
            kind = "attachment" if save else "inline"
            disposition = {"Content-Disposition": f"{kind}; filename*=UTF-8''{quote(name, safe='')}"}
            as_response = Response if isinstance(data, bytes) else StreamingResponse
            return as_response(data, media_type=media_type, headers=_HEADERS | disposition)
