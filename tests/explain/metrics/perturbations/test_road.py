"""ROAD, against pytorch-grad-cam."""

import numpy as np
import pytest
import torch
from pytorch_grad_cam.metrics.road import NoisyLinearImputer, ROADCombined

from tests.explain.metrics.toys import SIDE, Toy, noise, plane, scene, toy_faithfulness


def test_road_is_positive_for_a_faithful_map_and_negative_for_its_inverse() -> None:
    toy, image, heatmap = scene()
    found, reverse = (
        toy_faithfulness(toy, image, heatmap, level="full").values["road"],
        toy_faithfulness(toy, image, 2 - heatmap, level="full").values["road"],
    )
    assert found > 0.1
    assert reverse < -0.1


@pytest.mark.essential
def test_road_matches_the_library() -> None:
    toy, image, heatmap = scene()
    share = torch.from_numpy(heatmap / heatmap.max())[None].numpy()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = ROADCombined([20, 40, 60, 80])(plane(image), share, [lambda logits: logits.softmax(dim=0)[1]], toy)
    assert toy_faithfulness(toy, image, heatmap, level="full").values["road"] == pytest.approx(
        theirs[0], abs=0.004
    )  # the noise's share


def test_road_imputation_matches_the_library_for_mostly_zero_maps() -> None:
    """The library's thresholds would remove the whole image; ours removes the given fraction of pixels."""
    perturbed: list[torch.Tensor] = []

    class Watching(Toy):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            perturbed.extend(images)
            return super().forward(images)

    toy, image, _ = scene()
    heatmap = np.zeros((SIDE, SIDE))
    heatmap[:4, :5] = noise()[:4, :5] + 1  # 20 of 400 pixels
    toy_faithfulness(Watching(toy.weights.numpy()), image, heatmap, level="full")
    original = plane(image)[0]
    for i, (filled, percentile) in enumerate(zip(perturbed[-8:], (20, 40, 60, 80) * 2, strict=True)):
        kept = (filled == original).all(dim=0)
        assert kept.sum() == SIDE * SIDE * (100 - percentile) // 100
        hottest = kept[:4, :5]
        assert hottest.all() if i >= 4 else not hottest.any()
        with torch.random.fork_rng():
            theirs = NoisyLinearImputer(noise=0)(original, kept.float())
        difference = (filled - theirs)[:, ~kept]
        assert difference.abs().max() < 0.06
        assert 0.008 < difference.std() < 0.012


def test_road_is_computed_only_at_level_full() -> None:
    full, quick = (toy_faithfulness(*scene(), level=level) for level in ("full", "quick"))
    assert "road" not in quick.values
    assert full.values.keys() - quick.values.keys() == {"road"}
    assert quick.curves["deletion"] == pytest.approx(full.curves["deletion"], abs=1e-6)
