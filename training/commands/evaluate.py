"""`python -m training evaluate`: a pair's accuracy, and the faithfulness of its heatmaps, on a subset of its split."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from tqdm import tqdm

from core.errors import BadInputError
from pairs.layout import SUBSETS, check_pair_folder
from training.commands.console import read_with_progress
from training.commands.options import JSON, DataFolder, Device
from training.splits import check_subset

if TYPE_CHECKING:
    from pairs.report import FaithfulnessReport

__all__ = ["evaluate", "print_faithfulness"]

_BATCH_SIZE = 16  # of the faithfulness evaluation


def evaluate(
    pair_dir: Annotated[Path, typer.Argument(metavar="PAIR_DIR", help="Folder of a model pair.")],
    folder: DataFolder,
    split: Annotated[str, typer.Option(help=f"Subset of the pair's own split: {', '.join(SUBSETS)}.")] = "test",
    explain: Annotated[
        bool, typer.Option("--explain", help="Also evaluate the heatmaps' faithfulness, and add it to the report.")
    ] = False,
    road: Annotated[bool, typer.Option(help="Include ROAD, which takes most of the evaluation time.")] = True,
    device: Device = "auto",
    as_json: JSON = False,
) -> None:
    """Evaluates a pair on a subset of the split it was trained with."""
    check_subset(split)
    check_pair_folder(pair_dir)
    from core.atomic import replace_folder
    from core.device import choose_device
    from pairs.pair import load_pair
    from pairs.report_reading import read_report
    from training.data_loading import evaluation_batches
    from training.evaluation import evaluate_network, subset_of_pair
    from training.report import write_report

    if not road and not explain:
        raise BadInputError("--no-road leaves out part of --explain; add --explain")
    where = choose_device(device)
    pair = load_pair(pair_dir)
    if explain and not os.access(pair.path.parent, os.W_OK):
        raise BadInputError(f"{pair.path.parent}: no permission to write the report of {pair.name}")
    scenes = subset_of_pair(pair, read_report(pair_dir), read_with_progress(folder), split)
    found: dict[str, Any] = {"split": split, "images": len(scenes)}
    for role, loaded in pair.networks.items():
        result = evaluate_network(loaded.network, pair.preprocessing, scenes, pair.classes, where)
        found[role] = {"accuracy": result.accuracy}
        if not as_json:
            print(f"{role}: {result.accuracy:.1%} of {result.images} {split} images")
    if explain:
        from training.faithfulness_evaluation import evaluate_faithfulness

        batches = evaluation_batches(scenes, _BATCH_SIZE)
        images = tqdm((images for images, _ in batches), "evaluating heatmaps", len(batches), disable=None)
        faithfulness = evaluate_faithfulness(load_pair(pair_dir, where), images, road)
        section = faithfulness.model_dump(mode="json")
        metrics = section.pop("metrics")
        found["faithfulness"] = {**section, "measures": metrics}  # the key in this output is the former
        with replace_folder(pair.path) as staging:
            report = read_report(staging)  # another process may have added another subset meanwhile
            merged = {**report.faithfulness, split: faithfulness}
            write_report(staging, report.model_copy(update={"faithfulness": merged}), pair.name)
        if not as_json:
            print_faithfulness(faithfulness)
            print(f"written to {pair_dir / 'report.json'} and the model card")
    if as_json:
        print(json.dumps(found))


def print_faithfulness(report: "FaithfulnessReport") -> None:
    """Prints the mean of each metric by network."""
    for metric in report.metrics.values():
        means = [f"{role} {round(mean.mean, 3) + 0.0:.3f}" for role, mean in metric.by_role.items() if mean is not None]
        if not means:
            print(f"{metric.title}: cannot be computed for any image")
            continue
        both = metric.paired
        better = f"scff {both.scff_better}, baseline {both.baseline_better}" if both else "-"
        print(f"{metric.title}: {', '.join(means)}; images where it is better: {better}")
