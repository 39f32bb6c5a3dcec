"""Latency and throughput of the web app, as multiples of the time its networks take.

The server is `python -m app` in a process of its own, over an untrained pair. Visitors are HTTP clients: they send the
file and the page's own event through Gradio's queue, and fetch both heatmaps from the URLs in the answer. They render
nothing, which would be the work of a browser on another machine.

The unit is the plain forward pass of both networks, as in benchmarks.explain, in this process, alternating with the
server. The throughput of 16 concurrent visitors is relative to that of the networks alone: the same pair,
inference-ready as on the page, over the same 16 decoded images one after the other, with both heatmaps.
"""

import json
import os
import statistics
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from core.command_line import run
from core.errors import BadInputError

_STARTS = 3  # of the server, and of the page in a browser


def main(
    arch: Annotated[str, typer.Option(help="timm's name of the network.")] = "resnet50",
    image_size: Annotated[int, typer.Option(help="Side of the input, and of the TIFF, in pixels.")] = 200,
    rounds: Annotated[int, typer.Option(help="Rounds of timing; the median is reported.")] = 9,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Also measure the page in Chromium.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Times the web app: one visitor, 16 at once, its start, and its page in a browser."""
    if rounds < 1 or image_size < 32:
        raise BadInputError(f"rounds {rounds} and image size {image_size} must be at least 1 and 32")
    from models.architectures import check_input_size

    check_input_size(arch, (image_size, image_size))
    result = _measure(arch, image_size, rounds, browser)
    print(json.dumps(result) if as_json else _as_text(result), flush=True)


def _measure(arch: str, size: int, rounds: int, browser: bool) -> dict[str, Any]:
    import torch

    from benchmarks.timing import Rounds
    from benchmarks.web.browser import measure_page
    from benchmarks.web.server import running_server, write_untrained_pair
    from benchmarks.web.uploads import measure_concurrency, measure_start, measure_uploads
    from pairs.inference import inference_ready
    from pairs.pair import load_pair

    exactly, starts = Rounds(at_least=rounds, at_most=rounds), min(_STARTS, rounds)
    result: dict[str, Any] = {
        "arch": arch,
        "image_size": size,
        "cores": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
    }
    page, skipped = None, "left out by --no-browser"
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Path(folder)
        plain = load_pair(write_untrained_pair(checkpoints, arch, size))
        with running_server(checkpoints) as url:  # its start also warms the disk cache for the timed ones
            result |= measure_uploads(url, plain, size, exactly)
            result |= measure_concurrency(url, inference_ready(plain), size, exactly)
            if browser:
                try:
                    page, skipped = measure_page(url, starts), None
                except BadInputError as error:
                    skipped = str(error)
        start_seconds = statistics.median(measure_start(checkpoints, size) for _ in range(starts))
    return result | {"start_seconds": round(start_seconds, 1), "page": page, "page_skipped": skipped}


def _as_text(result: dict[str, Any]) -> str:
    page = result["page"]
    load, changes = f"skipped: {result['page_skipped']}", {}
    if page is not None:
        load = f"{page['seconds']} s, {page['requests']} requests, {page['kilobytes']} kB"
        changes = page["changes_ms"]
    lines = {
        "forward pass of both": f"{result['forward_ms']} ms",
        "upload to heatmaps, TIFF": f"{result['tiff_ratio']:.2f} x forward pass of both",
        "the same, 12 MP JPEG": f"{result['jpeg_ratio']:.2f} x forward pass of both",
        f"{result['visitors']} concurrent visitors": f"{result['throughput_ratio']:.2f} x throughput of the networks, "
        f"{result['failed']} of {result['answers']} failed, {result['of_another']} with another visitor's image",
        "start to first heatmaps": f"{result['start_seconds']} s",
        "page load in Chromium": load,
        **{f"change of {name}": f"{value} ms" for name, value in changes.items()},
    }
    title = f"{result['arch']}, {result['image_size']} px, {result['cores']} cores, {result['rounds']} rounds"
    return "\n".join([title, *(f"{name:>26}: {value}" for name, value in lines.items())])


if __name__ == "__main__":
    run(main)
