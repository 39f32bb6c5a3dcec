"""Command line: how far pytorch-grad-cam's Grad-CAM++ differs from the exact one on trained pairs."""

import json
from pathlib import Path
from typing import Annotated

import typer

from core.command_line import run
from pairs.layout import SUBSETS
from training.splits import check_subset

_BATCH_SIZE = 16


def main(
    pairs: Annotated[list[Path], typer.Argument(metavar="PAIR_DIR...", help="Model pairs.")],
    folder: Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder of the scenes they were trained on.")],
    split: Annotated[str, typer.Option(help=f"Subset of each pair's own split: {', '.join(SUBSETS)}.")] = "test",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per pair.")] = False,
) -> None:
    """Compares exact Grad-CAM++ with pytorch-grad-cam's on a subset of a pair's scenes."""
    check_subset(split)
    from benchmarks.cam_exactness import measure_differences
    from pairs.pair import load_pair
    from pairs.report_reading import read_report
    from training.data_loading import evaluation_batches
    from training.evaluation import subset_of_pair
    from training.scenes import read_scenes

    scenes = read_scenes(folder)
    for path in pairs:
        pair = load_pair(path)
        chosen = subset_of_pair(pair, read_report(path), scenes, split)
        batches = [pair.preprocessing.normalise(images) for images, _ in evaluation_batches(chosen, _BATCH_SIZE)]
        found = {role: measure_differences(loaded.network, batches) for role, loaded in pair.networks.items()}
        if as_json:
            print(json.dumps({"pair": pair.name, "split": split, "images": len(chosen), **found}), flush=True)
            continue
        for role, values in found.items():
            print(
                f"{pair.name}, {role}, {len(chosen)} images: a map differs by {values['median_difference']:.1e} of its "
                f"maximum in the median, by {values['max_difference']:.1e} at most; the top 20 % of pixels overlap by "
                f"{values['mean_overlap']:.3f} on average, by {values['min_overlap']:.3f} at least",
                flush=True,
            )


if __name__ == "__main__":
    run(main)
