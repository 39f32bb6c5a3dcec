"""What a pair's two heatmaps cost over the two plain forward passes, beside other libraries on the same networks.

The unit is the plain forward of both networks, as built: eager, contiguous, float32, inference mode; the median of
the rounds' ratios counts. Ours are both networks made ready as the page does it, run once, and Grad-CAM++ of the
classifier's input for each image's own prediction. What an image that has been run costs further is counted in plain
forwards of the network with SCFF alone: another class (both heatmaps anew), and all fused maps, Y2 to Yn, of that
network. Memory is the growth of the peak over what was there before, in a process each.

The peers are hooked where the classifier's input passes and explain each image's own prediction too, all in one pass:
pytorch-grad-cam and torch-cam by Grad-CAM++, Captum by Grad-CAM, as it has no Grad-CAM++.
"""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

import pytorch_grad_cam
import torch
import typer
from torch import Tensor, nn

from benchmarks.timing import Work, median_ms, median_ratio, seconds, time_in_rounds
from core.command_line import run
from core.device import choose_device
from core.errors import BadInputError
from explain.cam.forward_pass import ForwardPass, forward_passes, inference_batch_size
from explain.cam.layers import layer_names
from explain.cam.question import Target
from models.architectures import check_input_size
from models.inference.preparation import inference_ready_network
from models.network import Network
from models.scff import FusionSettings

__all__ = ["Tapped"]

_Module = TypeVar("_Module", bound=nn.Module)
_SEED = 0
_CLASSES = 12
# glibc returns every larger block at once, so that the peak is of what lives and not of what was kept for reuse
_RETURNING_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


class Tapped(nn.Module):
    """A whole network with a layer that a library can hook where the classifier's input passes."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network.requires_grad_(True)  # as networks are, unless somebody says otherwise
        self.tap = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, classes] of normalised images [B, 3, H, W]."""
        return self.network.head(self.tap(self.network.features(images)))


def _forward(networks: Sequence[Network], images: Tensor) -> Work:
    def work() -> None:
        with torch.inference_mode():
            for network in networks:
                network(images)

    return work


def _forward_scff(networks: Sequence[Network], images: Tensor) -> Work:
    return _forward(networks[1:], images)


def _predicted(run: ForwardPass) -> list[Target]:
    return [Target(index) for index in run.predictions]


def _in_turn(explain: Callable[[_Module, Tensor], None], networks: Sequence[_Module], images: Tensor) -> Work:
    """One after the other: what one network leaves, such as a graph, is gone before the next one runs."""

    def work() -> None:
        for network in networks:
            explain(network, images)

    return work


def _ours(networks: Sequence[Network], images: Tensor) -> Work:
    def explain(network: Network, images: Tensor) -> None:
        for part in forward_passes(network, images):
            part.heatmaps(_predicted(part))
            del part  # else its maps are there while the next part's are made

    return _in_turn(explain, networks, images)


def _another_class(networks: Sequence[Network], images: Tensor) -> Work:
    runs = [run for network in networks for run in forward_passes(network, images)]
    others = [[Target(index) for index in one.logits.topk(2).indices[:, 1].tolist()] for one in runs]

    def work() -> None:
        for analysed, targets in zip(runs, others, strict=True):
            analysed.heatmaps(targets)

    return work


def _all_fused(networks: Sequence[Network], images: Tensor) -> Work:
    runs = list(forward_passes(networks[1], images))
    layers = [name for name in layer_names(networks[1]) if name.startswith("Y")]

    def work() -> None:
        for analysed in runs:
            analysed.all_heatmaps(_predicted(analysed), layers)

    return work


def _grad_cam(networks: Sequence[Network], images: Tensor) -> Work:
    def explain(network: Tapped, images: Tensor) -> None:
        with pytorch_grad_cam.GradCAMPlusPlus(network, [network.tap]) as cam:
            cam(images, targets=None)

    return _in_turn(explain, [Tapped(network) for network in networks], images)


def _torch_cam(networks: Sequence[Network], images: Tensor) -> Work:
    from torchcam.methods import GradCAMpp

    def explain(network: Tapped, images: Tensor) -> None:
        with GradCAMpp(network, network.tap) as cam:
            logits = network(images)
            cam(logits.argmax(dim=1).tolist(), logits)

    return _in_turn(explain, [Tapped(network) for network in networks], images)


def _captum(networks: Sequence[Network], images: Tensor) -> Work:
    from captum.attr import LayerGradCam

    def explain(network: Tapped, images: Tensor) -> None:
        # Asked for a class, it would have to be told which, after a pass of its own.
        cam = LayerGradCam(lambda images: network(images).max(dim=1).values, network.tap)
        cam.attribute(images, relu_attributions=True)

    return _in_turn(explain, [Tapped(network) for network in networks], images)


class _MakeReady(Protocol):
    """As inference_ready_network."""

    def __call__(self, network: Network, size: tuple[int, int], *, batch: int) -> Network:
        """The network, for images of a size (height, width), so many at once."""
        ...


def _as_built(network: Network, size: tuple[int, int], batch: int) -> Network:  # noqa: ARG001 - as inference_ready_network's
    return network


_compiled = partial(inference_ready_network, compiled=True)


@dataclass(frozen=True)
class _Contender:
    """Who takes part in the turns."""

    work: Callable[[Sequence[Network], Tensor], Work]
    """Of the baseline and the network with SCFF, and images."""
    make_ready: _MakeReady = _as_built
    """What is done to each network, for a size and number of images, before anything is measured."""
    package: str | None = None
    """What a peer is imported as."""


_CONTENDERS = {
    "forward": _Contender(_forward),
    "forward of SCFF": _Contender(_forward_scff),
    "ours": _Contender(_ours, inference_ready_network),
    "ours compiled": _Contender(_ours, _compiled),
    "another class": _Contender(_another_class, inference_ready_network),
    "all fused": _Contender(_all_fused, inference_ready_network),
    "pytorch-grad-cam": _Contender(_grad_cam, package="pytorch_grad_cam"),
    "torch-cam": _Contender(_torch_cam, package="torchcam"),
    "captum": _Contender(_captum, package="captum"),
}
_PEERS = tuple(name for name, contender in _CONTENDERS.items() if contender.package)


@dataclass(frozen=True)
class _Setting:
    """What is measured."""

    arch: str
    size: int
    """Side of the images in pixels."""
    batch: int
    device: torch.device

    def networks(self, make_ready: _MakeReady) -> list[Network]:
        """Baseline and SCFF, the same each time by the seed."""
        torch.manual_seed(_SEED)
        networks = [
            Network(self.arch, _CLASSES, fusion).for_inference(self.device) for fusion in (None, FusionSettings())
        ]
        at_once = min(self.batch, inference_batch_size(self.device))
        return [make_ready(network, (self.size, self.size), batch=at_once) for network in networks]

    def images(self) -> Tensor:
        random = torch.Generator().manual_seed(_SEED)
        return torch.randn(self.batch, 3, self.size, self.size, generator=random).to(self.device)


def _peak_growth(name: str, setting: _Setting) -> int:
    """Bytes by which this process's peak grows in a contender's run, after one that has loaded all code."""
    contender = _CONTENDERS[name]
    work = contender.work(setting.networks(contender.make_ready), setting.images())
    seconds(work, setting.device)
    if setting.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(setting.device)
        before = torch.cuda.memory_allocated(setting.device)
        seconds(work, setting.device)
        return torch.cuda.max_memory_allocated(setting.device) - before
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far, such as of building the networks
    before = _status("VmRSS")
    work()
    return _status("VmHWM") - before


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))


def _peak_growth_elsewhere(name: str, setting: _Setting) -> int:
    """The same, measured in a process of its own."""
    shared = ["--arch", setting.arch, "--image-size", str(setting.size), "--batch", str(setting.batch)]
    own = ["--device", setting.device.type, "--memory-of", name]
    arguments = [sys.executable, "-m", "benchmarks.explain", *shared, *own]
    environment = {**os.environ, **_RETURNING_MALLOC}
    return int(subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout)


def _max_difference(networks: Sequence[Network], originals: Sequence[Network], images: Tensor) -> float:
    """Of networks' heatmaps from plain networks', the largest over all positions, over the map's maximum."""
    worst = 0.0
    for network, original in zip(networks, originals, strict=True):
        for plain, ours in zip(forward_passes(original, images), forward_passes(network, images), strict=True):
            expected, found = plain.heatmaps(_predicted(plain)), ours.heatmaps(_predicted(plain))
            largest = expected.amax((1, 2)).clamp_min(torch.finfo(torch.float32).tiny)
            worst = max(worst, ((found - expected).abs().amax((1, 2)) / largest).max().item())
    return float(f"{worst:.1e}")


def _measure(setting: _Setting, names: Sequence[str]) -> dict:
    """Times, memory and differences of contenders."""
    contenders = {name: _CONTENDERS[name] for name in names}
    images = setting.images()
    networks = {
        make_ready: setting.networks(make_ready)
        for make_ready in {contender.make_ready for contender in contenders.values()}
    }
    differences = {
        make_ready: _max_difference(made_ready, networks[_as_built], images)
        for make_ready, made_ready in networks.items()
    }
    works = {name: contender.work(networks[contender.make_ready], images) for name, contender in contenders.items()}
    times = time_in_rounds(works, setting.device)
    forward_memory = _peak_growth_elsewhere("forward", setting)

    def ratios(name: str) -> dict[str, float]:
        return {
            "ratio_to_forward": median_ratio(times, name, "forward"),
            "memory_ratio": round(_peak_growth_elsewhere(name, setting) / forward_memory, 2),
        }

    found = {
        "arch": setting.arch,
        "image_size": setting.size,
        "batch": setting.batch,
        "device": setting.device.type,
        "rounds": len(times["forward"]),
        "forward_ms": median_ms(times, "forward"),
        "ours_ms": median_ms(times, "ours"),
        "images_per_second": round(1000 * setting.batch / median_ms(times, "ours"), 1),
        **ratios("ours"),
        "max_difference": differences[inference_ready_network],
        "another_class_ratio": median_ratio(times, "another class", "forward of SCFF"),
        "all_fused_ratio": median_ratio(times, "all fused", "forward of SCFF"),
    }
    if "ours compiled" in times:
        compiled = ratios("ours compiled")
        found |= {
            "compiled_ratio": compiled["ratio_to_forward"],
            "compiled_memory_ratio": compiled["memory_ratio"],
            "compiled_max_difference": differences[_compiled],
        }
    return {**found, "peers": {name: ratios(name) for name in _PEERS if name in times}}


def _chosen(peers: bool, compiled: bool) -> list[str]:
    """Names of the contenders.

    Raises:
        BadInputError: what one of them needs is not installed.
    """
    missing = [name for name in _PEERS if importlib.util.find_spec(_CONTENDERS[name].package or "") is None]
    if peers and missing:
        raise BadInputError(f"{', '.join(missing)} not installed: install requirements-dev.txt, or give --no-peers")
    left_out = {*(() if peers else _PEERS), *(() if compiled else ("ours compiled",))}
    return [name for name in _CONTENDERS if name not in left_out]


def main(
    arch: Annotated[str, typer.Option(help="timm's name of the network.")] = "resnet50",
    image_size: Annotated[int, typer.Option(help="Side of the input in pixels.")] = 200,
    batch: Annotated[str, typer.Option(help="Images at once; several numbers with commas.")] = "1",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "cpu",
    peers: Annotated[bool, typer.Option("--peers/--no-peers", help="Other libraries too.")] = True,
    compiled: Annotated[bool, typer.Option("--compile", help="Ours by torch.compile too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a batch size on standard output.")] = False,
    memory_of: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Times both heatmaps of a pair over its two plain forward passes, beside other libraries."""
    where = choose_device(device)
    try:
        batches = [int(number) for number in batch.split(",")]
    except ValueError:
        batches = [0]
    if min(batches) < 1 or image_size < 32:
        raise BadInputError(f"batch {batch!r} and image size {image_size} must be whole numbers of at least 1 and 32")
    check_input_size(arch, (image_size, image_size))
    settings = [_Setting(arch, image_size, number, where) for number in batches]
    if memory_of is not None:
        print(_peak_growth(memory_of, settings[0]))
        return
    names = _chosen(peers, compiled)
    for setting in settings:
        found = _measure(setting, names)
        print(json.dumps(found) if as_json else _in_words(found), flush=True)


def _in_words(found: dict) -> str:
    title = f"{found['arch']}, {found['image_size']} px, batch {found['batch']}, {found['device']}"
    lines = [f"{title}: both forward passes {found['forward_ms']} ms"]
    for name, row in {"ours": found, **found["peers"]}.items():
        lines.append(f"{name:>18}: {row['ratio_to_forward']:.2f} x time, {row['memory_ratio']:.2f} x memory")
    if "compiled_ratio" in found:
        ratio, memory = found["compiled_ratio"], found["compiled_memory_ratio"]
        lines.append(f"{'ours compiled':>18}: {ratio:.2f} x time, {memory:.2f} x memory")
    for name in ("another_class", "all_fused"):
        ratio = found[f"{name}_ratio"]
        lines.append(f"{name.replace('_', ' '):>18}: {ratio:.3f} x time of one forward pass with SCFF")
    return "\n".join(lines)


if __name__ == "__main__":
    run(main)
