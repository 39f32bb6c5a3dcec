"""Analysis of an image by a pair: predictions and heatmaps from one forward pass per network."""

from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import BadInputError
from explain.cam.analysis import Heatmap, analyse
from explain.cam.question import Question
from pairs.pair import Pair, load_pair
from tests.conftest import texture


def test_predictions_are_the_networks_own(pair: Pair) -> None:
    image = texture(1, 0, side=90)
    found = analyse(pair, image)
    with torch.no_grad():
        for run in (found.baseline, found.scff):
            expected = run.loaded.network(pair.preprocessing(image))[0].softmax(0)
            np.testing.assert_allclose(run.probabilities, expected, rtol=1e-5)
            assert run.prediction == int(expected.argmax())
            assert run.probabilities.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.essential
def test_target_is_the_own_prediction_or_the_chosen_class(pair: Pair) -> None:
    found = analyse(pair, texture(2, 0))
    assert {role: each.target for role, each in found.heatmaps().items()} == {
        role: run.prediction for role, run in found.networks.items()
    }
    for target in range(3):
        first, second = found.heatmaps(Question(target)).values()
        assert first.target == second.target == target
        assert first.values.shape == (2, 2)
        assert first.values.dtype == np.float32
    first, second = (found.heatmaps(Question(target))["scff"].values for target in (0, 1))
    assert not np.array_equal(first, second)


def test_non_finite_output_is_rejected(pair_folder: Path) -> None:
    broken = load_pair(pair_folder)
    broken.scff.network.backbone.fc.bias[0] = torch.nan
    with pytest.raises(
        BadInputError, match="the output of this network is not finite; the first non-finite values are in the logits"
    ):
        analyse(broken, texture(0, 0))


@pytest.mark.essential
def test_another_class_does_not_run_the_backbone(pair: Pair) -> None:
    found = analyse(pair, texture(2, 0))
    runs = []
    hooks = [
        run.loaded.network.backbone.conv1.register_forward_hook(lambda *_: runs.append(1))
        for run in (found.baseline, found.scff)
    ]
    found.heatmaps(Question(0))
    found.heatmaps(Question(2))
    for hook in hooks:
        hook.remove()
    assert not runs


def test_only_zero_maps_are_empty() -> None:
    assert Heatmap(np.zeros((3, 3), dtype=np.float32), 0).empty
    assert not Heatmap(np.eye(3, dtype=np.float32), 0).empty
