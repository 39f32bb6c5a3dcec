"""What a pair's two heatmaps cost over the two plain forward passes, beside pytorch-grad-cam on the same networks.

The unit is the plain forward of both networks, as built: eager, contiguous, float32, inference mode; the median of
the rounds' ratios counts. Memory is the growth of the peak over what was there before, in a process each.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pytorch_grad_cam
import torch
import typer
from torch import Tensor, nn

from benchmarks.timing import Work, median_ms, median_ratio, seconds, take_turns
from explain.gradcam import gradcam_plus_plus
from models.command_line import run
from models.device import choose_device
from models.errors import BadInputError
from models.network import Network, check_input_size
from models.scff import FusionSettings

_SEED = 0
_CLASSES = 12
_SMALL = 64  # pixels
# glibc returns every larger block at once, so that the peak is of what lives and not of what was kept for reuse
_RETURNING_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


class _Tapped(nn.Module):
    """A whole network with a layer that the library can hook where the classifier's input passes."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.tap = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        return self.network.head(self.tap(self.network.features(images)))


def _forward(networks: Sequence[Network], images: Tensor) -> Work:
    def work() -> None:
        with torch.inference_mode():
            for network in networks:
                network(images)

    return work


def _ours(networks: Sequence[Network], images: Tensor) -> Work:
    def work() -> None:
        for network in networks:
            with torch.inference_mode():
                features = network.features(images)
                targets = network.head(features).argmax(dim=1)
            gradcam_plus_plus(network, features, targets)

    return work


def _library(networks: Sequence[Network], images: Tensor) -> Work:
    whole = [_Tapped(network.requires_grad_(True)) for network in networks]

    def work() -> None:
        for network in whole:  # one after the other, so that the first one's graph is gone before the second runs
            with pytorch_grad_cam.GradCAMPlusPlus(network, [network.tap]) as cam:
                cam(images, targets=None)

    return work


_CONTENDERS = {"forward": _forward, "ours": _ours, "pytorch-grad-cam": _library}
_PEERS = ("pytorch-grad-cam",)


def _networks(arch: str, device: torch.device) -> list[Network]:
    """Baseline and SCFF, the same for each contender by the seed."""
    torch.manual_seed(_SEED)
    return [Network(arch, _CLASSES, fusion).for_inference(device) for fusion in (None, FusionSettings())]


def _images(size: int, batch: int, device: torch.device) -> Tensor:
    return torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(_SEED)).to(device)


def _times(arch: str, size: int, batch: int, device: torch.device) -> dict[str, list[float]]:
    """Seconds of each round, by contender."""
    images = _images(size, batch, device)
    works = {name: contender(_networks(arch, device), images) for name, contender in _CONTENDERS.items()}
    return take_turns(works, device)


def _peak_growth(name: str, arch: str, size: int, batch: int, device: torch.device) -> int:
    """Bytes by which this process's peak grows in a contender's run, after one on a small image has loaded all code."""
    networks = _networks(arch, device)
    seconds(_CONTENDERS[name](networks, _images(_SMALL, 1, device)), device)
    work = _CONTENDERS[name](networks, _images(size, batch, device))
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        seconds(work, device)
        return torch.cuda.max_memory_allocated(device) - before
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far, such as of building the networks
    before = _status("VmRSS")
    work()
    return _status("VmHWM") - before


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))


def _peak_growth_elsewhere(name: str, arch: str, size: int, batch: int, device: torch.device) -> int:
    """The same, measured in a process of its own."""
    shared = ["--arch", arch, "--image-size", str(size), "--batch", str(batch), "--device", device.type]
    arguments = [sys.executable, "-m", "benchmarks.explain", *shared, "--memory-of", name]
    environment = {**os.environ, **_RETURNING_MALLOC}
    return int(subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout)


def _measure(arch: str, size: int, batch: int, device: torch.device) -> dict:
    times = _times(arch, size, batch, device)
    memory = {name: _peak_growth_elsewhere(name, arch, size, batch, device) for name in _CONTENDERS}

    def ratios(name: str) -> dict[str, float]:
        return {
            "ratio_to_forward": median_ratio(times, name, "forward"),
            "memory_ratio": round(memory[name] / memory["forward"], 2),
        }

    return {
        "arch": arch,
        "image_size": size,
        "batch": batch,
        "device": device.type,
        "rounds": len(times["forward"]),
        "forward_ms": median_ms(times, "forward"),
        "ours_ms": median_ms(times, "ours"),
        **ratios("ours"),
        "peers": {name: ratios(name) for name in _PEERS},
    }


def main(
    arch: Annotated[str, typer.Option(help="timm's name of the network.")] = "resnet50",
    image_size: Annotated[int, typer.Option(help="Side of the input in pixels.")] = 200,
    batch: Annotated[str, typer.Option(help="Images at once; several numbers with commas.")] = "1",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a batch size on standard output.")] = False,
    memory_of: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Times both heatmaps of a pair over its two plain forward passes, beside pytorch-grad-cam."""
    where = choose_device(device)
    try:
        batches = [int(number) for number in batch.split(",")]
    except ValueError:
        batches = [0]
    if min(batches) < 1 or image_size < 32:
        raise BadInputError(f"batch {batch!r} and image size {image_size} must be whole numbers of at least 1 and 32")
    check_input_size(arch, (image_size, image_size))
    if memory_of is not None:
        print(_peak_growth(memory_of, arch, image_size, batches[0], where))
        return
    for number in batches:
        found = _measure(arch, image_size, number, where)
        if as_json:
            print(json.dumps(found), flush=True)
            continue
        print(f"{arch}, {image_size} px, batch {number}, {where.type}: both forward passes {found['forward_ms']} ms")
        for name, result in {"ours": found, **found["peers"]}.items():
            print(f"{name:>18}: {result['ratio_to_forward']:.2f} x time, {result['memory_ratio']:.2f} x memory")


if __name__ == "__main__":
    run(main)
