"""Expiring download store, rendered lazily."""

import asyncio
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import httpx
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.storage.downloads import DownloadStore
from core.errors import BadInputError


def served(store: DownloadStore) -> TestClient:
    server = FastAPI()
    store.serve(server)
    return TestClient(server)


def test_download_is_rendered_once_when_it_is_fetched() -> None:
    made = []
    store = DownloadStore()

    def make() -> bytes:
        made.append(1)
        time.sleep(0.05)
        return b"picture"

    address = store.put("a b.png", "image/png", make)
    assert not made
    token = address.split("/")[2]
    threads = [threading.Thread(target=store.content, args=(token,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    response = served(store).get(address)
    assert (response.content, response.headers["content-type"], len(made)) == (b"picture", "image/png", 1)
    assert response.headers["content-disposition"] == "inline; filename*=UTF-8''a%20b.png"
    assert "private" in response.headers["cache-control"]
    saved = served(store).get(f"{address}?save=true")
    assert saved.headers["content-disposition"].startswith("attachment; ")


def test_stream_is_rendered_anew_at_each_fetch() -> None:
    store = DownloadStore(route="/large")
    address = store.put_stream("a.zip", "application/zip", lambda: iter([b"one ", b"two"]), lambda: True)
    assert address.startswith("/large/")
    for _ in range(2):
        response = served(store).get(f"{address}?save=true")
        assert (response.content, response.headers["content-type"]) == (b"one two", "application/zip")
        assert response.headers["content-disposition"] == "attachment; filename*=UTF-8''a.zip"


def test_file_is_read_anew_at_each_fetch(tmp_path: Path) -> None:
    store, path = DownloadStore(seconds=0), tmp_path / "a.jpg"
    path.write_bytes(b"one")
    address = store.put_file("a.jpg", "image/jpeg", path)
    assert served(store).get(address).content == b"one"
    path.write_bytes(b"two")
    assert served(store).get(address).content == b"two"


def test_download_with_missing_source_is_dropped(tmp_path: Path) -> None:
    store, path = DownloadStore(), tmp_path / "a.jpg"
    path.write_bytes(b"one")
    store.put_file("a.jpg", "image/jpeg", path)
    source = weakref.ref(pieces := lambda: iter([b"x"]))
    store.put_stream("a.zip", "x/y", pieces, path.is_file)
    del pieces
    assert source() is not None
    path.unlink()
    store.put("b.png", "image/png", lambda: b"x")
    assert source() is None


def test_many_streams_do_not_block_other_downloads() -> None:
    store, go, counting = DownloadStore(), threading.Event(), threading.Lock()
    now, most = 0, 0

    def slow() -> Iterator[bytes]:
        nonlocal now, most
        with counting:
            now += 1
            most = max(most, now)
        go.wait(30)
        with counting:
            now -= 1
        yield b"drawn"

    drawn = [store.put_stream("a.png", "image/png", slow, lambda: True) for _ in range(100)]
    quick = store.put("b.png", "image/png", lambda: b"quick")
    server = FastAPI()
    store.serve(server)

    async def fetch_all() -> tuple[bytes, set[bytes]]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://server") as client:
            slow_requests = [asyncio.create_task(client.get(address)) for address in drawn]
            while now < 2:
                await asyncio.sleep(0.01)
            first = (await asyncio.wait_for(client.get(quick), 20)).content
            go.set()
            return first, {response.content for response in await asyncio.gather(*slow_requests)}

    assert asyncio.run(fetch_all()) == (b"quick", {b"drawn"})
    assert most == 2


def test_download_of_a_deleted_file_is_not_found(tmp_path: Path) -> None:
    store, gone = DownloadStore(), tmp_path / "gone.png"

    def pieces() -> Iterator[bytes]:
        yield gone.read_bytes()

    for address in (
        store.put("a.png", "image/png", gone.read_bytes),
        store.put_file("a.png", "image/png", gone),
        store.put_stream("a.zip", "x/y", pieces, lambda: True),
        store.put_stream("b.zip", "x/y", lambda: iter([b"x"]), gone.is_file),
    ):
        response = served(store).get(address)
        assert response.status_code == 404
        assert "has expired" in response.text


def test_download_urls_are_unguessable_and_expire() -> None:
    store = DownloadStore()
    first, second = (store.put("x.png", "image/png", lambda: b"x") for _ in range(2))
    assert first != second
    assert len(first.split("/")[2]) >= 24
    client = served(store)
    assert client.get(first).status_code == 200
    assert client.get("/kept/other/x.png").status_code == 404
    past = DownloadStore(seconds=0)
    gone = served(past).get(past.put("x.png", "image/png", lambda: b"x"))
    assert gone.status_code == 404
    assert "has expired" in gone.text


def test_oldest_downloads_are_evicted_above_the_limit() -> None:
    store = DownloadStore(most=3)
    addresses = [store.put(f"{i}.png", "image/png", lambda i=i: bytes([i])) for i in range(5)]
    found = [store.content(address.split("/")[2]) for address in addresses]
    assert found[:2] == [None, None]
    assert [item[2] for item in found[2:]] == [b"\2", b"\3", b"\4"]


def test_file_names_are_quoted_in_headers() -> None:
    store = DownloadStore()
    address = store.put('场景"\r\nX: y/../.png', "image/png", lambda: b"x")
    response = served(store).get(address)
    assert response.status_code == 200
    assert "x" not in response.headers
    assert "\n" not in response.headers["content-disposition"]


def test_render_error_is_returned_with_its_message() -> None:
    def fail() -> bytes:
        raise BadInputError("the pair is gone")

    store = DownloadStore()
    answer = served(store).get(store.put("x.png", "image/png", fail))
    assert (answer.status_code, answer.text) == (409, "Error: the pair is gone.")
