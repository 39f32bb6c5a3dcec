"""Accuracy of trained networks on a subset of their split."""

import sys

import torch

from core.errors import BadInputError
from models.network import Network
from models.preprocessing import Preprocessing
from pairs.pair import Pair
from pairs.report import EvaluationResult, Report
from training.data_loading import SceneDataset, evaluation_batches
from training.lightning_module import EvaluationModule
from training.lightning_trainer import new_trainer
from training.scenes import SceneFolder

__all__ = ["evaluate_network", "subset_of_pair"]

_BATCH_SIZE = 32


def evaluate_network(
    network: Network,
    preprocessing: Preprocessing,
    scenes: SceneDataset,
    classes: tuple[str, ...],
    device: torch.device,
) -> EvaluationResult:
    """Accuracy and confusion matrix of a network in float32, the precision of inference."""
    module = EvaluationModule(network, preprocessing, len(classes))
    new_trainer(device, precision="32-true").test(module, evaluation_batches(scenes, _BATCH_SIZE), verbose=False)
    return EvaluationResult.from_confusion(module.confusion.compute().tolist(), classes)


def subset_of_pair(pair: Pair, report: Report, folder: SceneFolder, subset: str) -> SceneDataset:
    """The scenes of one subset of the split that a pair was trained with, at the pair's input size.

    Scenes that the folder lacks are listed on standard error.

    Args:
        pair: the pair.
        report: its report, which holds the split.
        folder: the scenes.
        subset: a name in SUBSETS.

    Raises:
        BadInputError: the folder has other classes, or none of the scenes.
    """
    if folder.classes != pair.classes:
        raise BadInputError(
            f"{folder.root} has classes {', '.join(folder.classes)}; "
            f"{pair.name} was trained on {', '.join(pair.classes)}"
        )
    names = set(report.split[subset])
    chosen = [scene for scene in folder.scenes if scene.name in names]
    if missing := sorted(names - {scene.name for scene in chosen}):
        print(
            f"{len(missing)} scene(s) of the {subset} set are not in the folder: {', '.join(missing[:10])}",
            file=sys.stderr,
        )
    if not chosen:
        raise BadInputError(f"{folder.root} holds no scene of the {subset} set that {pair.name} was trained with")
    return SceneDataset(chosen, pair.preprocessing.size)
