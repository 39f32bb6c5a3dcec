"""What the server hands out for a while: pictures of the page and files to take away, made when they are asked for."""

import secrets
import time
from asyncio import get_running_loop
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from threading import Lock
from urllib.parse import quote

from fastapi import FastAPI, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from core.errors import BadInputError

__all__ = ["DownloadStore"]

_GONE = "This is no longer kept; go back to the page and choose the image again."
_HEADERS = {"Cache-Control": "private, max-age=3600, immutable", "X-Content-Type-Options": "nosniff"}
_DRAWERS = 2  # threads that make streams, so that a crowd of them leaves the server's other threads to the page


@dataclass(frozen=True)
class _Item:
    """One thing on the shelf."""

    name: str
    media_type: str
    content: Callable[[], bytes | Iterator[bytes]]
    there: Callable[[], bool]
    """Whether it can still be had."""
    drawn: bool = False
    """By the threads for streams."""


class _Once:
    """Bytes that are made once; what they were made of is let go."""

    def __init__(self, make: Callable[[], bytes]) -> None:
        self._make: Callable[[], bytes] | None = make
        self._data = b""
        self._lock = Lock()

    def data(self) -> bytes:
        with self._lock:
            if self._make is not None:
                self._data, self._make = self._make(), None
            return self._data


class DownloadStore:
    """Things under addresses that cannot be guessed; safe to share among threads.

    Args:
        seconds: how long a thing is kept that is made once.
        most: how many are kept; of more, the oldest go.
        route: what the addresses begin with; each shelf of a server has its own.
    """

    def __init__(self, seconds: float = 3600, most: int = 4000, route: str = "/kept") -> None:
        self.seconds = seconds
        self.most = most
        self.route = route
        self._items: OrderedDict[str, _Item] = OrderedDict()
        self._lock = Lock()
        self._drawers = ThreadPoolExecutor(_DRAWERS, "drawer")

    def put(self, name: str, media_type: str, make: Callable[[], bytes]) -> str:
        """Keeps a thing and returns its address on this server.

        Args:
            name: of the file, as a visitor saves it.
            media_type: such as image/png.
            make: its content; called at most once, when the thing is first fetched. FileNotFoundError says that what
                it is made of is gone, and BadInputError why it cannot be made.
        """
        until = time.monotonic() + self.seconds
        return self._keep(_Item(name, media_type, _Once(make).data, lambda: time.monotonic() <= until))

    def put_file(self, name: str, media_type: str, path: Path) -> str:
        """The same of a file, which is read whenever it is fetched, for as long as it is there."""
        return self._keep(_Item(name, media_type, path.read_bytes, path.is_file))

    def put_stream(
        self, name: str, media_type: str, pieces: Callable[[], Iterator[bytes]], there: Callable[[], bool]
    ) -> str:
        """The same of a thing that is too large to be kept in memory, or too slow for many to be made at once.

        Args:
            name, media_type: as for put.
            pieces: its content, made anew whenever it is fetched, two pieces at a time on the whole shelf.
            there: whether what it is made of is still there; the thing is kept for as long.
        """
        return self._keep(_Item(name, media_type, pieces, there, drawn=True))

    def _keep(self, item: _Item) -> str:
        token = secrets.token_urlsafe(18)
        with self._lock:
            self._items[token] = item
            while self._items and (len(self._items) > self.most or not next(iter(self._items.values())).there()):
                self._items.popitem(last=False)
        return f"{self.route}/{token}/{quote(_file_name(item), safe='')}"

    def content(self, token: str) -> tuple[str, str, bytes | Iterator[bytes]] | None:
        """Name, media type and bytes (or pieces) of what an address ends in; None where nothing is kept (any more)."""
        item = self._find(token)
        if item is None:
            return None
        try:
            data = item.content()
            if not isinstance(data, bytes):
                data = chain([next(data)], data)
        except FileNotFoundError:
            return None
        return _file_name(item), item.media_type, data

    def _find(self, token: str) -> _Item | None:
        with self._lock:
            item = self._items.get(token)
        return item if item is not None and item.there() else None

    def serve(self, server: FastAPI) -> None:
        """Adds the addresses to a server."""

        @server.get(self.route + "/{token}/{name}", include_in_schema=False)
        async def kept(token: str, name: str, save: bool = False) -> Response:
            item = self._find(token)
            drawn = item is not None and item.drawn
            run = partial(get_running_loop().run_in_executor, self._drawers) if drawn else run_in_threadpool
            try:
                found = await run(self.content, token)
            except BadInputError as error:
                return Response(f"Not done: {error}.", 409)
            if found is None:
                return Response(_GONE, 404)
            name, media_type, data = found
            kind = "attachment" if save else "inline"
            disposition = {"Content-Disposition": f"{kind}; filename*=UTF-8''{quote(name, safe='')}"}
            headers = _HEADERS | disposition
            if isinstance(data, bytes):
                return Response(data, media_type=media_type, headers=headers)
            return StreamingResponse(_each(data, run), media_type=media_type, headers=headers)


def _file_name(item: _Item) -> str:
    return item.name.replace("/", "-")


async def _each(pieces: Iterator[bytes], run: Callable[..., Awaitable[bytes | None]]) -> AsyncIterator[bytes]:
    """Pieces, each made in another thread."""
    while (piece := await run(next, pieces, None)) is not None:
        yield piece
