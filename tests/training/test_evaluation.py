"""Accuracy on a subset of a pair's split."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from core.errors import BadInputError
from pairs.pair import Pair, load_pair
from tests.conftest import CLASSES
from training.data_loading import SceneDataset
from training.evaluation import evaluate_network, subset_of_pair
from training.scenes import read_scenes


def test_accuracy_is_the_share_of_correct_predictions(pair_folder: Path, scenes: Path) -> None:
    """Against predictions of one image at a time."""
    pair = load_pair(pair_folder)
    network, dataset = pair.baseline.network, SceneDataset(read_scenes(scenes).scenes, pair.preprocessing.size)
    found = evaluate_network(network, pair.preprocessing, dataset, CLASSES, torch.device("cpu"))
    with torch.inference_mode():
        correct = [
            network(pair.preprocessing.normalise(image)[None]).argmax().item() == label for image, label in dataset
        ]
    assert found.images == len(dataset) == 18
    assert found.accuracy == sum(correct) / 18


def test_subset_is_that_of_the_report(pair: Pair, scenes: Path, capsys: pytest.CaptureFixture) -> None:
    folder = read_scenes(scenes)
    report = SimpleNamespace(
        split={"train": [], "val": ["roof/0404"], "test": ["water/0002", "field/0001", "roof/0404"]}
    )
    chosen = subset_of_pair(pair, report, folder, "test")
    assert [scene.name for scene in chosen.scenes] == ["field/0001", "water/0002"]
    assert chosen[0][0].shape == (3, 64, 64)
    assert capsys.readouterr().err == "1 scene(s) of the test set are not in the folder: roof/0404\n"
    with pytest.raises(BadInputError, match="holds no scene of the val set that tiny was trained with"):
        subset_of_pair(pair, report, folder, "val")
