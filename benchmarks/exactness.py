"""How much it changes a trained pair's heatmaps that pytorch-grad-cam adds 1e-6 to Grad-CAM++'s denominator.

The library's own class, hooked into the whole network, against the exact weights here, for each network's own
prediction of each scene; both maps as the library draws them, from 0 to 1 at the size of the image.
"""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import pytorch_grad_cam
import typer
from pytorch_grad_cam.utils.image import scale_cam_image
from torch import Tensor
from tqdm import tqdm

from benchmarks.explain import Tapped
from core.command_line import run
from explain.cam.forward_pass import forward_pass
from explain.cam.question import Target
from explain.metrics.ranking import ranking
from models.network import Network
from pairs.pair import load_pair
from pairs.report import read_report
from training.data_loading import evaluation_batches
from training.evaluation import subset_of_pair
from training.scenes import read_scenes
from training.splits import check_subset

_BATCH = 16
_HOTTEST = 0.2  # of an image's pixels


def _both(network: Network, images: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Ours and the library's, 0 to 1, [B, H, W] each."""
    one = forward_pass(network, images)
    maps = one.heatmaps([Target(index) for index in one.predictions]).numpy()
    size = (images.shape[3], images.shape[2])
    ours = np.asarray(
        scale_cam_image(scale_cam_image(maps, size))
    )  # the library scales once a layer, and once all layers
    tapped = Tapped(network)
    with pytorch_grad_cam.GradCAMPlusPlus(tapped, [tapped.tap]) as cam:
        theirs = cam(images, targets=None)
    network.requires_grad_(False)
    return ours, theirs


def _overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of both maps' hottest pixels."""
    hot = [ranking(values.astype(np.float64)) < _HOTTEST * values.size for values in (first, second)]
    return float((hot[0] & hot[1]).sum() / (hot[0] | hot[1]).sum())


def _measure(network: Network, batches: list[Tensor]) -> dict[str, float]:
    """Over all scenes."""
    differences, overlaps = [], []
    for images in tqdm(batches, disable=None):
        for ours, theirs in zip(*_both(network, images), strict=True):
            differences.append(float(np.abs(ours - theirs).max()))
            overlaps.append(_overlap(ours, theirs))
    return {
        "median_difference": float(np.median(differences)),
        "max_difference": max(differences),
        "mean_overlap": float(np.mean(overlaps)),
        "min_overlap": min(overlaps),
    }


def main(
    pairs: Annotated[list[Path], typer.Argument(metavar="PAIR_DIR...", help="Checkpoint pairs.")],
    folder: Annotated[Path, typer.Option("--data", metavar="DIR", help="The folder of scenes they were trained on.")],
    split: Annotated[str, typer.Option(help="Part of each pair's own split.")] = "test",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a pair on standard output.")] = False,
) -> None:
    """Holds exact Grad-CAM++ against pytorch-grad-cam's over a part of a pair's scenes."""
    check_subset(split)
    scenes = read_scenes(folder)
    for path in pairs:
        pair = load_pair(path)
        part = subset_of_pair(pair, read_report(path), scenes, split)
        batches = [pair.preprocessing.normalise(images) for images, _ in evaluation_batches(part, _BATCH)]
        found = {role: _measure(loaded.network, batches) for role, loaded in pair.networks.items()}
        if as_json:
            print(json.dumps({"pair": pair.name, "split": split, "images": len(part), **found}), flush=True)
            continue
        for role, values in found.items():
            print(
                f"{pair.name}, {role}, {len(part)} images: a map differs by {values['median_difference']:.1e} of its "
                f"maximum in the median, by {values['max_difference']:.1e} at most; hottest fifths overlap by "
                f"{values['mean_overlap']:.3f} on average, by {values['min_overlap']:.3f} at least",
                flush=True,
            )


if __name__ == "__main__":
    run(main)
