"""Command line: the cost of a pair's two heatmaps relative to its two forward passes, and to other libraries.

The unit is the plain forward pass of both networks, as built: eager, contiguous, float32, inference mode. Ours are both
networks inference-ready as on the page, run once, and Grad-CAM++ at the classifier's input for each image's own
prediction. The cost of further heatmaps of an analysed image is given in plain forward passes of the network with SCFF:
another class (both heatmaps again), and all fused maps, Y2 to Yn, of that network.
"""

import importlib.util
import json
from typing import Annotated, Any

import typer

from core.command_line import run
from core.errors import BadInputError


def main(
    arch: Annotated[str, typer.Option(help="timm's name of the network.")] = "resnet50",
    image_size: Annotated[int, typer.Option(help="Side of the input in pixels.")] = 200,
    batch: Annotated[str, typer.Option(help="Images per batch; several numbers are separated by commas.")] = "1",
    device: Annotated[str, typer.Option(help="Device: auto, cpu or cuda.")] = "cpu",
    peers: Annotated[bool, typer.Option("--peers/--no-peers", help="Also time other libraries.")] = True,
    compiled: Annotated[bool, typer.Option("--compile", help="Also time our heatmaps with torch.compile.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per batch size.")] = False,
    memory_of: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Times both heatmaps of a pair, and those of other libraries, relative to two plain forward passes."""
    from benchmarks.heatmap_cost import Setting, measure_heatmaps, peak_growth
    from core.device import choose_device
    from models.architectures import check_input_size

    where = choose_device(device)
    try:
        batches = [int(number) for number in batch.split(",")]
    except ValueError:
        batches = [0]
    if min(batches) < 1 or image_size < 32:
        raise BadInputError(f"batch {batch!r} and image size {image_size} must be whole numbers of at least 1 and 32")
    check_input_size(arch, (image_size, image_size))
    settings = [Setting(arch=arch, size=image_size, batch=number, device=where) for number in batches]
    if memory_of is not None:
        print(peak_growth(memory_of, settings[0]))
        return
    names = _contenders(peers, compiled)
    for setting in settings:
        result = measure_heatmaps(setting, names)
        print(json.dumps(result) if as_json else _as_text(result), flush=True)


def _contenders(peers: bool, compiled: bool) -> list[str]:
    """Names of the contenders.

    Raises:
        BadInputError: a library is not installed.
    """
    from benchmarks.contenders import CONTENDERS, PEERS

    missing = [name for name, package in PEERS.items() if importlib.util.find_spec(package) is None]
    if peers and missing:
        raise BadInputError(f"{', '.join(missing)} not installed: install requirements-dev.txt, or give --no-peers")
    excluded = {*(() if peers else PEERS), *(() if compiled else ("ours compiled",))}
    return [name for name in CONTENDERS if name not in excluded]


def _as_text(result: dict[str, Any]) -> str:
    title = f"{result['arch']}, {result['image_size']} px, batch {result['batch']}, {result['device']}"
    lines = [f"{title}: forward pass of both {result['forward_ms']} ms"]
    for name, row in {"ours": result, **result["peers"]}.items():
        lines.append(f"{name:>18}: {row['ratio_to_forward']:.2f} x time, {row['memory_ratio']:.2f} x memory")
    if "compiled_ratio" in result:
        ratio, memory = result["compiled_ratio"], result["compiled_memory_ratio"]
        lines.append(f"{'ours compiled':>18}: {ratio:.2f} x time, {memory:.2f} x memory")
    for name in ("another_class", "all_fused"):
        ratio = result[f"{name}_ratio"]
        lines.append(f"{name.replace('_', ' '):>18}: {ratio:.3f} x time of one forward pass with SCFF")
    return "\n".join(lines)


if __name__ == "__main__":
    run(main)
