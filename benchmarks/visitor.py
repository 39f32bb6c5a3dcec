"""A visitor of the page, as far as the server sees one: what a browser sends and fetches for an upload."""

import json
import re
import secrets
from dataclasses import dataclass
from html import unescape
from typing import Any, Self

import httpx

__all__ = ["Shown", "Upload", "Visitor"]

_PATIENCE = 300  # seconds
_HEAT = re.compile(r"<img class='heat' src='([^']+)'")
_IMAGE = re.compile(r"<div class='stack'[^>]*><img src='([^']+)'")


@dataclass(frozen=True)
class Upload:
    """The page's event that answers an uploaded file, as the page's own description of itself has it."""

    number: int
    values: tuple[Any, ...]
    """Of its inputs as the page comes, but for the file, which is the first."""
    rows: int
    """Place of the heatmaps' HTML in its answer."""

    @classmethod
    def of(cls, url: str, pair: str) -> Self:
        """That of a server's page, with a pair chosen and no further one."""
        config = httpx.get(f"{url}/config", timeout=_PATIENCE).json()
        parts = {part["id"]: part["props"] for part in config["components"]}
        named = {props.get("elem_id"): number for number, props in parts.items()}
        event = next(each for each in config["dependencies"] if [named["upload"], "upload"] in each["targets"])
        chosen = {named["pair"]: pair, named["more"]: []}
        values = tuple(chosen.get(number, parts[number].get("value")) for number in event["inputs"][1:])
        return cls(event["id"], values, event["outputs"].index(named["rows"]))


@dataclass(frozen=True)
class Shown:
    """What a visitor got."""

    image: str
    """Address of the image."""
    heats: tuple[bytes, ...]
    """PNG of each heatmap that is not empty."""


class Visitor:
    """One browser's page on the server, whose session the server makes at its first event, as at a page's load.

    Args:
        url: of the server.
        upload: of its page.
    """

    def __init__(self, url: str, upload: Upload) -> None:
        self._server = httpx.Client(base_url=url, timeout=_PATIENCE)
        self._upload = upload
        self._session = secrets.token_hex(8)

    def look(self, name: str, content: bytes) -> Shown:
        """Uploads a file, waits in the queue for the answer, and fetches both heatmaps.

        Raises:
            RuntimeError: the answer is that something went wrong.
        """
        sent = self._server.post("/gradio_api/upload", files={"files": (name, content)}).raise_for_status()
        file = {"path": sent.json()[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}
        event = {"data": [file, *self._upload.values], "fn_index": self._upload.number, "session_hash": self._session}
        self._server.post("/gradio_api/queue/join", json=event).raise_for_status()
        html = self._answer()
        heats = tuple(self.fetch(address) for address in _HEAT.findall(html))
        return Shown(unescape(_IMAGE.search(html)[1]), heats)

    def fetch(self, address: str) -> bytes:
        """What an address on the page leads to."""
        return self._server.get(unescape(address)).raise_for_status().content

    def _answer(self) -> str:
        """HTML of the heatmaps."""
        with self._server.stream("GET", "/gradio_api/queue/data", params={"session_hash": self._session}) as stream:
            for line in stream.iter_lines():
                told = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if told.get("msg") == "process_completed":
                    values = told["output"].get("data", [])
                    rows = values[self._upload.rows] if told["success"] else None
                    rows = rows.get("value") if isinstance(rows, dict) else rows
                    if not rows:
                        raise RuntimeError(f"the page refuses: {values or told['output']}")
                    return rows
        raise RuntimeError("the server has closed the stream without an answer")
