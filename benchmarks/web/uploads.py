"""Time from an upload to both heatmaps: one visitor, several at once, and from the start of the server."""

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import httpx
import numpy as np
import torch
from PIL import Image

from benchmarks.timing import Rounds, median_ms, median_ratio, time_in_rounds
from benchmarks.web.server import PAIR_NAME, encode, running_server, synthetic_image
from benchmarks.web.visitor import Answer, UploadEvent, Visitor
from explain.cam.analysis import analyse
from explain.figures.overlay import levels, scaled
from explain.figures.style import PLAIN
from pairs.pair import Pair

__all__ = ["measure_concurrency", "measure_start", "measure_uploads"]

_VISITORS = 16
_JPEG_SIZE = (4000, 3000)  # pixels: 12 million
_SEED = 0
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class _Expected:
    """The answer that one visitor should receive."""

    image: np.ndarray
    heatmaps: list[np.ndarray]
    """Levels of the colour map, uint8 [H, W]."""

    @classmethod
    def of(cls, pair: Pair, image: np.ndarray) -> Self:
        shares = scaled(analyse(pair, image).heatmaps(), PLAIN).values()
        return cls(image, [levels(share, image.shape[:2]) for share in shares if share is not None])

    def matches(self, answer: Answer, fetch: Callable[[str], bytes]) -> bool:
        """Whether image and heatmaps are the visitor's own, up to rounding."""
        received = [np.asarray(Image.open(BytesIO(heatmap))).astype(int) for heatmap in answer.heatmaps]
        return (
            np.array_equal(np.asarray(Image.open(BytesIO(fetch(answer.image))).convert("RGB")), self.image)
            and len(received) == len(self.heatmaps)
            and all(np.abs(mine - own).max() <= 1 for mine, own in zip(received, self.heatmaps, strict=True))
        )


def measure_uploads(url: str, plain: Pair, size: int, rounds: Rounds) -> dict[str, Any]:
    """One visitor with a small TIFF and a large JPEG, against the forward passes of both networks.

    Args:
        url: of the server.
        plain: its pair, as loaded.
        size: side of the input, and of the TIFF, in pixels.
        rounds: how often.
    """
    visitor = Visitor(url, UploadEvent.of_page(url, PAIR_NAME))
    tiff, jpeg = encode(synthetic_image(0, size, size), "TIFF"), encode(synthetic_image(0, *_JPEG_SIZE), "JPEG")
    images = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(_SEED))

    def forward() -> None:
        with torch.inference_mode():
            plain.baseline.network(images)
            plain.scff.network(images)

    works = {
        "forward": forward,
        "tiff": lambda: visitor.upload("scene.tif", tiff),
        "jpeg": lambda: visitor.upload("photograph.jpg", jpeg),
    }
    times = time_in_rounds(works, _CPU, rounds)
    return {
        "rounds": len(times["forward"]),
        "forward_ms": median_ms(times, "forward"),
        "tiff_ms": median_ms(times, "tiff"),
        "tiff_ratio": median_ratio(times, "tiff", "forward"),
        "jpeg_ms": median_ms(times, "jpeg"),
        "jpeg_ratio": median_ratio(times, "jpeg", "forward"),
    }


def measure_concurrency(url: str, engine: Pair, size: int, rounds: Rounds) -> dict[str, Any]:
    """Visitors at once, each with an image of their own, against the networks alone over the same images.

    Args:
        url: of the server.
        engine: its pair, inference-ready.
        size: side of the images in pixels.
        rounds: how often.
    """
    images = [synthetic_image(1 + number, size, size) for number in range(_VISITORS)]
    files = [encode(image, "TIFF") for image in images]
    event = UploadEvent.of_page(url, PAIR_NAME)
    visitors = [Visitor(url, event) for _ in images]
    expected = [_Expected.of(engine, image) for image in images]
    answers: list[Sequence[Answer | None]] = []  # a sequence per round, in the visitors' order

    def upload(number: int) -> Answer | None:
        try:
            return visitors[number].upload(f"{number}.tif", files[number])
        except (RuntimeError, httpx.HTTPError) as error:
            print(f"visitor {number}: {error}", file=sys.stderr)
            return None

    def analyse_all() -> None:
        for image in images:
            analyse(engine, image).heatmaps()

    with ThreadPoolExecutor(_VISITORS) as pool:
        works = {"engine": analyse_all, "visitors": lambda: answers.append(list(pool.map(upload, range(_VISITORS))))}
        times = time_in_rounds(works, _CPU, rounds)
    received = [(number, answer) for each in answers for number, answer in enumerate(each) if answer is not None]
    own = sum(expected[number].matches(answer, visitors[number].fetch) for number, answer in received)
    return {
        "visitors": _VISITORS,
        "engine_ms": median_ms(times, "engine"),
        "visitors_ms": median_ms(times, "visitors"),
        "throughput_ratio": median_ratio(times, "engine", "visitors"),
        "answers": _VISITORS * len(answers),
        "failed": _VISITORS * len(answers) - len(received),
        "of_another": len(received) - own,
    }


def measure_start(checkpoints: Path, size: int) -> float:
    """Seconds from the command line to the first heatmaps of an uploaded image."""
    tiff = encode(synthetic_image(0, size, size), "TIFF")
    start = time.perf_counter()
    with running_server(checkpoints) as url:
        Visitor(url, UploadEvent.of_page(url, PAIR_NAME)).upload("scene.tif", tiff)
        return time.perf_counter() - start
