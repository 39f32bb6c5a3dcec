"""Time and memory of both heatmaps of a pair, relative to its forward passes.

Ratios are medians over rounds. Memory is the growth of the process's peak during a run, in a process per contender.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.contenders import CONTENDERS, PEERS, Prepare, as_built, compiled, own_predictions
from benchmarks.timing import median_ms, median_ratio, seconds, time_in_rounds
from explain.cam.forward_pass import forward_passes, inference_batch_size
from models.fusion_settings import FusionSettings
from models.inference.preparation import inference_ready_network
from models.network import Network

__all__ = ["Setting", "measure_heatmaps", "peak_growth"]

_SEED = 0
_CLASSES = 12
# glibc returns freed blocks to the system at once, so that the peak counts live memory, not memory kept for reuse.
_RETURNING_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Networks and images of a measurement."""

    arch: str
    size: int
    """Side of the images in pixels."""
    batch: int
    device: torch.device

    def networks(self, prepare: Prepare) -> list[Network]:
        """Baseline and SCFF with seeded random weights."""
        torch.manual_seed(_SEED)
        networks = [
            Network(self.arch, _CLASSES, fusion).for_inference(self.device) for fusion in (None, FusionSettings())
        ]
        chunk = min(self.batch, inference_batch_size(self.device))
        return [prepare(network, (self.size, self.size), batch=chunk) for network in networks]

    def images(self) -> Tensor:
        """Seeded normal noise [B, 3, H, W]."""
        random = torch.Generator().manual_seed(_SEED)
        return torch.randn(self.batch, 3, self.size, self.size, generator=random).to(self.device)


def measure_heatmaps(setting: Setting, names: Sequence[str]) -> dict[str, Any]:
    """Times, memory and differences.

    Args:
        setting: networks and images.
        names: of CONTENDERS; all but `ours compiled` and PEERS are needed.
    """
    contenders = {name: CONTENDERS[name] for name in names}
    images = setting.images()
    networks = {
        prepare: setting.networks(prepare) for prepare in {contender.prepare for contender in contenders.values()}
    }
    differences = {
        prepare: _max_difference(prepared, networks[as_built], images) for prepare, prepared in networks.items()
    }
    works = {name: contender.work(networks[contender.prepare], images) for name, contender in contenders.items()}
    times = time_in_rounds(works, setting.device)
    forward_memory = _peak_growth_in_new_process("forward", setting)

    def ratios(name: str) -> dict[str, float]:
        return {
            "ratio_to_forward": median_ratio(times, name, "forward"),
            "memory_ratio": round(_peak_growth_in_new_process(name, setting) / forward_memory, 2),
        }

    result = {
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
        of_compiled = ratios("ours compiled")
        result |= {
            "compiled_ratio": of_compiled["ratio_to_forward"],
            "compiled_memory_ratio": of_compiled["memory_ratio"],
            "compiled_max_difference": differences[compiled],
        }
    return {**result, "peers": {name: ratios(name) for name in PEERS if name in times}}


def _max_difference(networks: Sequence[Network], originals: Sequence[Network], images: Tensor) -> float:
    """Largest difference of heatmaps from those of the networks as built, over the map's maximum."""
    worst = 0.0
    for network, original in zip(networks, originals, strict=True):
        for plain, ours in zip(forward_passes(original, images), forward_passes(network, images), strict=True):
            targets = own_predictions(plain)
            expected, found = plain.heatmaps(targets), ours.heatmaps(targets)  # [B, h, w]
            largest = expected.amax((1, 2)).clamp_min(torch.finfo(torch.float32).tiny)
            worst = max(worst, ((found - expected).abs().amax((1, 2)) / largest).max().item())
    return float(f"{worst:.1e}")


def peak_growth(name: str, setting: Setting) -> int:
    """Bytes by which this process's peak grows in a contender's second run, which loads no code any more."""
    contender = CONTENDERS[name]
    work = contender.work(setting.networks(contender.prepare), setting.images())
    seconds(work, setting.device)
    if setting.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(setting.device)
        before = torch.cuda.memory_allocated(setting.device)
        seconds(work, setting.device)
        return torch.cuda.max_memory_allocated(setting.device) - before
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak, which building the networks has raised
    before = _process_bytes("VmRSS")
    work()
    return _process_bytes("VmHWM") - before


def _process_bytes(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))


def _peak_growth_in_new_process(name: str, setting: Setting) -> int:
    shared = ["--arch", setting.arch, "--image-size", str(setting.size), "--batch", str(setting.batch)]
    own = ["--device", setting.device.type, "--memory-of", name]
    arguments = [sys.executable, "-m", "benchmarks.explain", *shared, *own]
    environment = {**os.environ, **_RETURNING_MALLOC}
    return int(subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout)
