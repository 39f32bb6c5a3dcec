"""Expiring download store, rendered lazily: images of the page and exported files."""

import secrets
import time
from asyncio import get_running_loop
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from core.errors import BadInputError

__all__ = ["DownloadStore"]

_GONE = "This file has expired; go back to the page and choose the image again."
_HEADERS = {"Cache-Control": "private, max-age=3600, immutable", "X-Content-Type-Options": "nosniff"}
_STREAM_THREADS = 2  # for streams only, so that many of them do not occupy the threads that serve the page


@dataclass(frozen=True)
class _Item:
    """One download."""

    name: str
    media_type: str
    content: Callable[[], bytes | Iterator[bytes]]
    available: Callable[[], bool]
    streamed: bool = False
    """Whether it is rendered in the threads for streams."""


class _Once:
    """Bytes rendered on first use; the renderer and the objects it references are then released."""

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
    """Downloads under unguessable URLs. Thread-safe.

    Args:
        seconds: how long a download that is rendered once is kept.
        most: maximum number of downloads; beyond it the oldest are dropped.
        route: prefix of the URLs, different for each store of a server.
    """

    def __init__(self, seconds: float = 3600, most: int = 4000, route: str = "/kept") -> None:
        self.seconds = seconds
        self.most = most
        self.route = route
        self._items: OrderedDict[str, _Item] = OrderedDict()
        self._lock = Lock()
        self._stream_threads = ThreadPoolExecutor(_STREAM_THREADS, "stream")

    def put(self, name: str, media_type: str, make: Callable[[], bytes]) -> str:
        """Stores a download that is rendered once, and returns its URL on this server.

        Args:
            name: file name when saved.
            media_type: MIME type, such as image/png.
            make: renders the content, at most once, when it is first fetched; raises FileNotFoundError if its source
                no longer exists, and BadInputError if it cannot be rendered.
        """
        expiry = time.monotonic() + self.seconds
        return self._keep(_Item(name, media_type, _Once(make).data, lambda: time.monotonic() <= expiry))

    def put_file(self, name: str, media_type: str, path: Path) -> str:
        """Stores a file, which is read at every fetch for as long as it exists."""
        return self._keep(_Item(name, media_type, path.read_bytes, path.is_file))

    def put_stream(
        self, name: str, media_type: str, chunks: Callable[[], Iterator[bytes]], available: Callable[[], bool]
    ) -> str:
        """Stores a download that is too large for memory, or too slow for many to be rendered at once.

        Args:
            name, media_type: as for put.
            chunks: renders the content at every fetch; the store renders two chunks at a time.
            available: whether its source still exists; the download is kept for as long.
        """
        return self._keep(_Item(name, media_type, chunks, available, streamed=True))

    def _keep(self, item: _Item) -> str:
        token = secrets.token_urlsafe(18)
        with self._lock:
            self._items[token] = item
            while self._items and (len(self._items) > self.most or not next(iter(self._items.values())).available()):
                self._items.popitem(last=False)
        return f"{self.route}/{token}/{quote(_file_name(item), safe='')}"

    def content(self, token: str) -> tuple[str, str, bytes | Iterator[bytes]] | None:
        """File name, media type and bytes (or chunks) for a URL's token; None if the download has expired."""
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
        return item if item is not None and item.available() else None

    def serve(self, server: FastAPI) -> None:
        """Adds the route to a server."""

        @server.get(self.route + "/{token}/{name}", include_in_schema=False)
        async def download(token: str, name: str, save: bool = False) -> Response:
            item = self._find(token)
            streamed = item is not None and item.streamed

            async def run(function: Callable, *arguments: Any) -> Any:
                if streamed:
                    return await get_running_loop().run_in_executor(self._stream_threads, function, *arguments)
                return await run_in_threadpool(function, *arguments)

            try:
                found = await run(self.content, token)
            except BadInputError as error:
                return Response(f"Error: {error}.", 409)
            if found is None:
                return Response(_GONE, 404)
            name, media_type, data = found
            kind = "attachment" if save else "inline"
            disposition = {"Content-Disposition": f"{kind}; filename*=UTF-8''{quote(name, safe='')}"}
            headers = _HEADERS | disposition
            if isinstance(data, bytes):
                return Response(data, media_type=media_type, headers=headers)
            return StreamingResponse(_chunks(data, run), media_type=media_type, headers=headers)


def _file_name(item: _Item) -> str:
    return item.name.replace("/", "-")


async def _chunks(chunks: Iterator[bytes], run: Callable[..., Awaitable[bytes | None]]) -> AsyncIterator[bytes]:
    """Chunks, each rendered in a worker thread."""
    while (chunk := await run(next, chunks, None)) is not None:
        yield chunk
