"""What the page costs over its networks: from an upload to both heatmaps, many visitors at once, and the start.

The server is `python -m app` in a process of its own, over an untrained pair made on the spot. Visitors send what a
browser sends: the file, then the page's own event through the queue, and fetch both heatmaps' pictures as soon as
the answer with their addresses is there. They draw nothing, which is a browser's work on another machine.

The unit is the plain forward of both networks, as in benchmarks.explain, in this process, which takes turns with the
server. What 16 visitors are held against is the engine alone: the same pair made ready as the page does it, run over
the same 16 decoded images, one after the other, with both heatmaps.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import numpy as np
import torch
import typer
from PIL import Image

from benchmarks.timing import median_ms, median_ratio, take_turns
from benchmarks.visitor import Shown, Upload, Visitor
from core.command_line import run
from core.errors import BadInputError
from explain.cam.analysis import analyse
from explain.figures.overlay import PLAIN, levels, scaled
from models.architectures import check_input_size
from models.network import Network
from models.preprocessing import Preprocessing
from models.scff import FusionSettings
from pairs.checkpoint import REPORT, ROLES, Header, save_network, weights_file
from pairs.inference import inference_ready
from pairs.pair import Pair, load_pair

if TYPE_CHECKING:
    from playwright.sync_api import Page

_SEED = 0
_CLASSES = tuple(f"class {number}" for number in range(12))
_NAME = "untrained"
_VISITORS = 16
_JPEG = (4000, 3000)  # pixels: 12 million
_STARTS = 3
_CHANGES = 5  # of each control
_CONTROLS = {
    "method": ("#method", "HiResCAM", "Grad-CAM++"),
    "fused map": ("#layer", "Y3: fused map (baseline: X3)", "the classifier's input"),
    "stage": ("#layer", "X3: stage", "the classifier's input"),
    "first stage": ("#layer", "X1: stage", "the classifier's input"),
    "colours": ("#colour-map", "viridis", "inferno"),
}
"""Controls of the page, with another value and the usual one."""
_CHOOSE = """option => new Promise((done) => {
  const rows = document.querySelector('#rows'), before = rows.innerHTML, start = performance.now();
  const there = () => rows.innerHTML !== before
    && [...rows.querySelectorAll('img')].every((picture) => picture.complete && picture.naturalWidth);
  const look = () => there() ? done(performance.now() - start) : setTimeout(look, 5);
  option.dispatchEvent(new MouseEvent('mousedown', { bubbles: true }));
  look();
})"""
"""Chooses an option, and gives the milliseconds until other heatmaps are there; a driver's own clicks take longer."""
_CPU = torch.device("cpu")


def _write_pair(folder: Path, arch: str, size: int) -> None:
    """Both networks, the same each time by the seed."""
    folder.mkdir(parents=True)
    for role, fusion in zip(ROLES, (None, FusionSettings()), strict=True):
        torch.manual_seed(_SEED)
        network = Network(arch, len(_CLASSES), fusion)
        preprocessing = Preprocessing((size, size), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
        said = ("none", _SEED, 0, "none", "none", "none", 0.0)
        save_network(folder / weights_file(role), network, Header(arch, fusion, _CLASSES, preprocessing, *said))
    (folder / REPORT).write_text("{}")


def _picture(seed: int, width: int, height: int) -> np.ndarray:
    """Soft shapes with a grain, about as hard to compress as a photograph: RGB uint8 [H, W, 3]."""
    random = np.random.default_rng(seed)
    shapes = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    soft = np.asarray(shapes.resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    grain = random.integers(-8, 9, (height, width, 1), dtype=np.int16)
    return np.clip(soft + grain, 0, 255).astype(np.uint8)


def _file(picture: np.ndarray, kind: str) -> bytes:
    data = BytesIO()
    Image.fromarray(picture).save(data, kind)
    return data.getvalue()


@contextmanager
def _server(checkpoints: Path) -> Iterator[str]:
    """The app's address, once it listens; its uploads lie in a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as uploads:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "--port", "0", "--checkpoints", str(checkpoints), "--device", "cpu"],
            cwd=Path(__file__).parents[1],
            env={**os.environ, "GRADIO_TEMP_DIR": uploads},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            said = process.stdout.readline().split()
            if not said:
                raise BadInputError("python -m app ended before it listened; what it said is above")
            yield said[-1]
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


@dataclass(frozen=True)
class _Expected:
    """What one visitor is to get."""

    picture: np.ndarray
    heats: list[np.ndarray]
    """Levels of the colour map, uint8 [H, W]."""

    @classmethod
    def of(cls, pair: Pair, picture: np.ndarray) -> "_Expected":
        shares = scaled(analyse(pair, picture).heatmaps(), PLAIN).values()
        return cls(picture, [levels(share, picture.shape[:2]) for share in shares if share is not None])

    def is_met(self, shown: Shown, fetch: Callable[[str], bytes]) -> bool:
        """Whether the image is the visitor's own, and so are the heatmaps, but for rounding."""
        found = [np.asarray(Image.open(BytesIO(heat))).astype(int) for heat in shown.heats]
        return (
            np.array_equal(np.asarray(Image.open(BytesIO(fetch(shown.image))).convert("RGB")), self.picture)
            and len(found) == len(self.heats)
            and all(np.abs(mine - ours).max() <= 1 for mine, ours in zip(found, self.heats, strict=True))
        )


def _measure_uploads(url: str, plain: Pair, size: int, rounds: tuple[int, int]) -> dict[str, Any]:
    """One visitor, with a small TIFF and a large JPEG."""
    visitor = Visitor(url, Upload.of(url, _NAME))
    tiff, jpeg = _file(_picture(0, size, size), "TIFF"), _file(_picture(0, *_JPEG), "JPEG")
    images = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(_SEED))

    def forward() -> None:
        with torch.inference_mode():
            for role in ROLES:
                plain.networks[role].network(images)

    works = {
        "forward": forward,
        "tiff": lambda: visitor.look("scene.tif", tiff),
        "jpeg": lambda: visitor.look("photograph.jpg", jpeg),
    }
    times = take_turns(works, _CPU, rounds)
    return {
        "rounds": len(times["forward"]),
        "forward_ms": median_ms(times, "forward"),
        "tiff_ms": median_ms(times, "tiff"),
        "tiff_ratio": median_ratio(times, "tiff", "forward"),
        "jpeg_ms": median_ms(times, "jpeg"),
        "jpeg_ratio": median_ratio(times, "jpeg", "forward"),
    }


def _measure_crowd(url: str, engine: Pair, size: int, rounds: tuple[int, int]) -> dict[str, Any]:
    """Visitors at once, each with a picture of their own."""
    pictures = [_picture(1 + number, size, size) for number in range(_VISITORS)]
    files = [_file(picture, "TIFF") for picture in pictures]
    upload = Upload.of(url, _NAME)
    visitors = [Visitor(url, upload) for _ in pictures]
    expected = [_Expected.of(engine, picture) for picture in pictures]
    shown: list[Sequence[Shown | None]] = []

    def look(number: int) -> Shown | None:
        try:
            return visitors[number].look(f"{number}.tif", files[number])
        except (RuntimeError, httpx.HTTPError) as error:
            print(f"visitor {number}: {error}", file=sys.stderr)
            return None

    def alone() -> None:
        for picture in pictures:
            analyse(engine, picture).heatmaps()

    with ThreadPoolExecutor(_VISITORS) as pool:
        works = {"engine": alone, "visitors": lambda: shown.append(list(pool.map(look, range(_VISITORS))))}
        times = take_turns(works, _CPU, rounds)
    got = [(number, each) for round_ in shown for number, each in enumerate(round_) if each is not None]
    own = sum(expected[number].is_met(each, visitors[number].fetch) for number, each in got)
    return {
        "visitors": _VISITORS,
        "engine_ms": median_ms(times, "engine"),
        "visitors_ms": median_ms(times, "visitors"),
        "throughput_ratio": median_ratio(times, "engine", "visitors"),
        "answers": _VISITORS * len(shown),
        "failed": _VISITORS * len(shown) - len(got),
        "of_another": len(got) - own,
    }


def _measure_start(checkpoints: Path, size: int) -> float:
    """Seconds from the command to the first heatmaps of an uploaded image."""
    tiff = _file(_picture(0, size, size), "TIFF")
    start = time.perf_counter()
    with _server(checkpoints) as url:
        Visitor(url, Upload.of(url, _NAME)).look("scene.tif", tiff)
        return time.perf_counter() - start


def _measure_page(url: str, times: int) -> dict[str, Any]:
    """What a browser that has seen nothing yet fetches, until the first example can be looked at.

    Raises:
        BadInputError: there is no browser.
    """
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise BadInputError("no Chromium found (Debian: apt-get install chromium, or set CHROMIUM to its path)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise BadInputError("playwright not installed: install requirements-dev.txt") from None
    seconds, fetched = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(times):
            page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            sizes: list[float] = []
            network = page.context.new_cdp_session(page)
            network.send("Network.enable")
            network.on("Network.loadingFinished", lambda event, sizes=sizes: sizes.append(event["encodedDataLength"]))
            start = time.perf_counter()
            page.goto(url)
            page.wait_for_function(
                "[...document.querySelectorAll('#rows .heat')].filter((heat) => heat.complete && heat.naturalWidth)"
                ".length && window.scffLensArrived",
                timeout=120_000,
            )
            seconds.append(time.perf_counter() - start)
            fetched.append((len(sizes), sum(sizes)))
            page.context.close()
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.goto(f"{url}/?target={_CLASSES[0]}")
        page.wait_for_function("window.scffLensArrived", timeout=120_000)
        changes = _measure_changes(page)
        browser.close()
    requests, size = fetched[-1]
    return {
        "seconds": round(statistics.median(seconds), 2),
        "requests": requests,
        "kilobytes": round(size / 1000),
        "changes_ms": changes,
    }


def _measure_changes(page: "Page") -> dict[str, int]:
    """Milliseconds from choosing another value of a control to both heatmaps being there, none asked for before."""
    page.get_by_text("Colours", exact=True).click()
    targets = [f"class {number}" for number in range(1, 1 + _CHANGES)]
    found = {"target": [_choose(page, "#target", target) for target in targets]}
    for name, (control, value, usual) in _CONTROLS.items():
        found[name] = []
        for target in targets:
            _choose(page, "#target", target)
            found[name].append(_choose(page, control, value))
            _choose(page, control, usual)
    return {name: round(statistics.median(each)) for name, each in found.items()}


def _choose(page: "Page", control: str, value: str) -> float:
    """Milliseconds until the page shows the heatmaps by another value of a control."""
    page.locator(f"{control} input").first.click()
    return page.get_by_role("option", name=value, exact=True).evaluate(_CHOOSE)


def main(
    arch: Annotated[str, typer.Option(help="timm's name of the network.")] = "resnet50",
    image_size: Annotated[int, typer.Option(help="Side of the input, and of the TIFF, in pixels.")] = 200,
    rounds: Annotated[int, typer.Option(help="Whose median counts.")] = 9,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="The page in Chromium too.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Times the page over its networks, one visitor and many, its start, and its load in a browser."""
    if rounds < 1 or image_size < 32:
        raise BadInputError(f"rounds {rounds} and image size {image_size} must be at least 1 and 32")
    check_input_size(arch, (image_size, image_size))
    turns = (rounds, rounds)
    found: dict[str, Any] = {
        "arch": arch,
        "image_size": image_size,
        "cores": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
    }
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Path(folder)
        _write_pair(checkpoints / _NAME, arch, image_size)
        plain = load_pair(checkpoints / _NAME)
        with _server(checkpoints) as url:  # whose start warms the disk for those that are timed
            found |= _measure_uploads(url, plain, image_size, turns)
            found |= _measure_crowd(url, inference_ready(plain), image_size, turns)
            page, why = None, "left out by --no-browser"
            try:
                page, why = (_measure_page(url, min(_STARTS, rounds)), None) if browser else (page, why)
            except BadInputError as error:
                why = str(error)
        starts = [_measure_start(checkpoints, image_size) for _ in range(min(_STARTS, rounds))]
    found |= {"start_seconds": round(statistics.median(starts), 1), "page": page, "page_skipped": why}
    print(json.dumps(found) if as_json else _in_words(found), flush=True)


def _in_words(found: dict[str, Any]) -> str:
    page = found["page"]
    load = f"left out: {found['page_skipped']}"
    if page is not None:
        load = f"{page['seconds']} s, {page['requests']} requests, {page['kilobytes']} kB"
    lines = {
        "both forward passes": f"{found['forward_ms']} ms",
        "upload to heatmaps, TIFF": f"{found['tiff_ratio']:.2f} x both forward passes",
        "the same, JPEG of 12 MP": f"{found['jpeg_ratio']:.2f} x both forward passes",
        f"{found['visitors']} visitors at once": f"{found['throughput_ratio']:.2f} of the engine's throughput, "
        f"{found['failed']} of {found['answers']} failed, {found['of_another']} of another's picture",
        "start to first heatmaps": f"{found['start_seconds']} s",
        "page in Chromium": load,
        **{f"another {name}": f"{value} ms" for name, value in (page or {"changes_ms": {}})["changes_ms"].items()},
    }
    title = f"{found['arch']}, {found['image_size']} px, {found['cores']} cores, {found['rounds']} rounds"
    return "\n".join([title, *(f"{name:>26}: {value}" for name, value in lines.items())])


if __name__ == "__main__":
    run(main)
