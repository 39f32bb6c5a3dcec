"""HTTP client that sends and fetches what the page in a browser does for an upload."""

import json
import re
import secrets
from dataclasses import dataclass
from html import unescape
from typing import Any, Self

import httpx

__all__ = ["Answer", "UploadEvent", "Visitor"]

_TIMEOUT = 300  # seconds
_HEATMAP = re.compile(r"""<img class=["']heat["'] src=["']([^"']+)["']""")
_IMAGE = re.compile(r"""<div class=["']stack["'][^>]*>\s*<img src=["']([^"']+)["']""")


@dataclass(frozen=True, kw_only=True)
class UploadEvent:
    """The page's callback for an uploaded file, read from Gradio's /config."""

    function: int
    """Gradio's `fn_index`."""
    values: tuple[Any, ...]
    """Its inputs as on a fresh page."""
    file: int
    """Index of the file among them."""
    output: int
    """Index of the heatmaps' HTML in its outputs."""

    @classmethod
    def of_page(cls, url: str, pair: str) -> Self:
        """The callback of a server's page, with one pair selected."""
        config = httpx.get(f"{url}/config", timeout=_TIMEOUT).json()
        properties = {component["id"]: component["props"] for component in config["components"]}
        by_name = {props.get("elem_id"): number for number, props in properties.items()}
        event = next(each for each in config["dependencies"] if [by_name["upload"], "upload"] in each["targets"])
        selected = {by_name["pair"]: pair, by_name["more"]: []}
        return cls(
            function=event["id"],
            values=tuple(selected.get(number, properties[number].get("value")) for number in event["inputs"]),
            file=event["inputs"].index(by_name["upload"]),
            output=event["outputs"].index(by_name["rows"]),
        )


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a visitor sees of an upload."""

    image: str
    """URL of the image."""
    heatmaps: tuple[bytes, ...]
    """PNG of each heatmap that is not empty."""


class Visitor:
    """One browser session; the server creates its state at the first event, as on loading the page.

    Args:
        url: of the server.
        event: of its page.
    """

    def __init__(self, url: str, event: UploadEvent) -> None:
        self._server = httpx.Client(base_url=url, timeout=_TIMEOUT)
        self._event = event
        self._session = secrets.token_hex(8)

    def upload(self, name: str, content: bytes) -> Answer:
        """Uploads a file, waits in the queue for the answer, and fetches both heatmaps.

        Raises:
            RuntimeError: the page answers with an error.
        """
        uploaded = self._server.post("/gradio_api/upload", files={"files": (name, content)}).raise_for_status()
        file = {"path": uploaded.json()[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}
        values = list(self._event.values)
        values[self._event.file] = file
        event = {"data": values, "fn_index": self._event.function, "session_hash": self._session}
        self._server.post("/gradio_api/queue/join", json=event).raise_for_status()
        html = self._await_html()
        image = _IMAGE.search(html)
        if image is None:
            raise RuntimeError(f"the page shows no image: {html[:200]}")
        heatmaps = tuple(self.fetch(url) for url in _HEATMAP.findall(html))
        return Answer(image=unescape(image[1]), heatmaps=heatmaps)

    def fetch(self, url: str) -> bytes:
        """Content of a URL on the page."""
        return self._server.get(unescape(url)).raise_for_status().content

    def _await_html(self) -> str:
        """HTML of the heatmaps, from the queue's event stream."""
        with self._server.stream("GET", "/gradio_api/queue/data", params={"session_hash": self._session}) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if message.get("msg") == "process_completed":
                    values = message["output"].get("data", [])
                    html = values[self._event.output] if message["success"] else None
                    html = html.get("value") if isinstance(html, dict) else html
                    if not html:
                        raise RuntimeError(f"the page answers with an error: {values or message['output']}")
                    return html
        raise RuntimeError("the server closed the stream without an answer")
