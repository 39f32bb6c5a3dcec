"""Faithfulness figures, against toy classifiers whose probability is a known function of the pixels."""

import math
import random
import threading
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from pytorch_grad_cam.metrics.road import NoisyLinearImputer, ROADCombined
from scipy.stats import spearmanr
from torch import nn

from core.errors import BadInputError
from explain.cam.forward_pass import forward_pass
from explain.cam.question import Target
from explain.metrics.faithfulness import STEPS, Faithfulness, faithfulness
from explain.metrics.randomisation import randomised, randomised_similarity
from explain.metrics.ranking import hottest_pixels, normalised_heatmap, ranking
from models.inference.folding import folded
from models.inference.packing import can_pack, packed
from models.network import Network
from models.scff import FusionSettings

SIDE = 20  # pixels, so that every step of a curve changes as many


class Toy(nn.Module):
    """p = 0.1 + 0.8 x the weighed mean of the first channel, of class 1 of three; notes the batches it is given."""

    def __init__(self, weights: np.ndarray) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.from_numpy(weights / weights.sum()).float(), requires_grad=False)
        self.batches: list[int] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(images))
        p = 0.1 + 0.8 * (images[:, 0] * self.weights).sum(dim=(1, 2))
        return torch.stack([0.75 * (1 - p), p, 0.25 * (1 - p)], dim=1).log()

    def p(self, image: np.ndarray) -> float:
        """Of the first channel, [H, W], in NumPy."""
        return 0.1 + 0.8 * float((image * self.weights.numpy().astype(float)).sum())


def left(inside: float = 1.0, outside: float = 0.0) -> np.ndarray:
    """A map or weights whose left half differs from the right."""
    values = np.full((SIDE, SIDE), outside)
    values[:, : SIDE // 2] = inside
    return values


def plane(values: np.ndarray) -> torch.Tensor:
    """An image [1, 3, H, W] with these in every channel."""
    return torch.from_numpy(values).float().expand(1, 3, *values.shape).clone()


def judged(network: nn.Module, image: np.ndarray, heatmap: np.ndarray, road: bool = False) -> Faithfulness:
    return faithfulness(network, plane(image), heatmap[None], [1], road)[0]


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((SIDE, SIDE))


def test_drop_is_what_the_masked_image_loses() -> None:
    toy, heatmap = Toy(noise(1)), noise(2)
    p, seen = toy.p(noise(3)), toy.p(noise(3) * heatmap / heatmap.max())
    found = judged(toy, noise(3), 7 * heatmap)  # of any scale
    assert found.confidence == pytest.approx(p, abs=1e-6)
    assert found.drop == pytest.approx((p - seen) / p, abs=1e-6)
    assert found.drop > 0.1
    assert found.increase is False


def test_hiding_what_speaks_against_the_class_increases_confidence() -> None:
    toy = Toy(np.ones((SIDE, SIDE)))
    found = judged(toy, left(0.8, -0.6), left())
    assert found.confidence == pytest.approx(0.1 + 0.8 * 0.1, abs=1e-6)
    assert found.drop == 0
    assert found.increase is True


def test_a_coarse_map_is_enlarged_over_the_image() -> None:
    toy, heatmap = Toy(np.ones((SIDE, SIDE))), np.array([[4.0, 0.0]])
    # Cells of 10 pixels with centres at 4.5 and 14.5: full to the left of the one, none to the right of the other.
    share = np.clip((14.5 - np.arange(SIDE)) / 10, 0, 1)
    p, seen = 0.9, 0.1 + 0.8 * share.mean()
    assert judged(toy, np.ones((SIDE, SIDE)), heatmap).drop == pytest.approx((p - seen) / p, abs=1e-6)


def test_deletion_goes_from_the_hottest_pixels_to_the_mean_colour() -> None:
    toy, image = Toy(left()), np.ones((SIDE, SIDE))
    found, against = judged(toy, image, left(1, 0.5)), judged(toy, image, left(0.5, 1))
    falling = [0.9 - 0.8 * min(1, 2 * step / STEPS) for step in range(STEPS + 1)]
    assert found.deletion == pytest.approx(falling, abs=1e-6)
    assert found.deletion_area == pytest.approx(0.1 + 0.8 / 4, abs=1e-6)  # a triangle over half of the pixels
    assert against.deletion == pytest.approx([0.9] * (STEPS // 2) + falling[: STEPS // 2 + 1], abs=1e-6)
    assert against.deletion_area == pytest.approx(0.1 + 0.8 * 3 / 4, abs=1e-6)


def test_insertion_reveals_a_blurred_image_from_the_hottest_pixels_on() -> None:
    toy, image, heatmap = Toy(noise(4)), left() * noise(5), left() * noise(6) + 0.1 * noise(7)
    weights = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 5.0**2))
    weights /= weights.sum()
    wide = np.pad(image, 5, mode="reflect")
    blurred = np.zeros_like(image)
    for i in range(11):
        for j in range(11):
            blurred += weights[i] * weights[j] * wide[i : i + SIDE, j : j + SIDE]
    shown, expected = blurred.copy(), [toy.p(blurred)]
    for step, place in enumerate(np.argsort(-heatmap, axis=None), start=1):
        shown.flat[place] = image.flat[place]
        if step % (SIDE * SIDE // STEPS) == 0:
            expected.append(toy.p(shown))
    found = judged(toy, image, heatmap)
    assert found.insertion == pytest.approx(expected, abs=1e-6)
    area = sum((a + b) / 2 for a, b in pairwise(expected)) / STEPS
    assert found.insertion_area == pytest.approx(area, abs=1e-6)
    assert np.ptp(expected) > 0.01


def test_curves_start_or_end_at_the_confidence() -> None:
    found = judged(Toy(noise(1)), noise(3), noise(2))
    assert len(found.insertion) == len(found.deletion) == STEPS + 1
    assert found.insertion[-1] == found.deletion[0] == found.confidence
    assert found.deletion[-1] == pytest.approx(0.1, abs=1e-6)


def scene() -> tuple[Toy, np.ndarray, np.ndarray]:
    """A bright square on a gradient, a network that looks at it, and a map without ties that points at it."""
    square = np.zeros((SIDE, SIDE))
    square[6:13, 5:12] = 1
    return Toy(square), 0.8 * square + np.linspace(0, 0.1, SIDE), square + 0.5 * noise(8)


def test_road_rewards_the_map_that_points_at_what_counts() -> None:
    toy, image, heatmap = scene()
    found, reverse = judged(toy, image, heatmap, road=True).road, judged(toy, image, 2 - heatmap, road=True).road
    assert found > 0.1
    assert reverse < -0.1


def test_road_is_the_librarys() -> None:
    toy, image, heatmap = scene()
    share = torch.from_numpy(heatmap / heatmap.max())[None].numpy()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = ROADCombined([20, 40, 60, 80])(plane(image), share, [lambda logits: logits.softmax(dim=0)[1]], toy)
    assert judged(toy, image, heatmap, road=True).road == pytest.approx(theirs[0], abs=0.004)  # the noise's share


def test_road_fills_in_as_the_library_does_even_where_a_map_is_mostly_zero() -> None:
    """Their thresholds would take a whole image away; here the part that is asked for goes, the rest stays."""
    seen: list[torch.Tensor] = []

    class Watching(Toy):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            seen.extend(images)
            return super().forward(images)

    toy, image, _ = scene()
    heatmap = np.zeros((SIDE, SIDE))
    heatmap[:4, :5] = noise()[:4, :5] + 1  # 20 of 400 pixels
    judged(Watching(toy.weights.numpy()), image, heatmap, road=True)
    original = plane(image)[0]
    for i, (filled, percentile) in enumerate(zip(seen[-8:], (20, 40, 60, 80) * 2, strict=True)):
        kept = (filled == original).all(dim=0)
        assert kept.sum() == SIDE * SIDE * (100 - percentile) // 100
        hottest = kept[:4, :5]
        assert hottest.all() if i >= 4 else not hottest.any()
        with torch.random.fork_rng():
            theirs = NoisyLinearImputer(noise=0)(original, kept.float())
        difference = (filled - theirs)[:, ~kept]
        assert difference.abs().max() < 0.06
        assert 0.008 < difference.std() < 0.012


def test_road_is_left_out_where_it_is_not_asked_for() -> None:
    with_road, without = (judged(*scene(), road=asked) for asked in (True, False))
    assert without.road is None
    assert without.deletion == pytest.approx(with_road.deletion, abs=1e-6)


def test_an_empty_map_has_a_confidence_alone() -> None:
    toy = Toy(noise(1))
    found = judged(toy, noise(3), np.zeros((5, 5)), road=True)
    assert found == Faithfulness(confidence=pytest.approx(toy.p(noise(3)), abs=1e-6))
    assert found.insertion_area is None
    assert found.deletion_area is None


def test_a_constant_map_spreads_its_changes_over_the_image() -> None:
    toys = [Toy(weights) for weights in (left(), left().T, left(0, 1), left(0, 1).T)]
    for toy in toys:
        found = judged(toy, np.ones((SIDE, SIDE)), np.full((3, 7), 0.3))
        assert found.drop == pytest.approx(0, abs=1e-6)
        assert found.deletion == pytest.approx(np.linspace(0.9, 0.1, STEPS + 1), abs=0.06)


def test_equal_pixels_are_ordered_alike_and_without_a_corner() -> None:
    share = normalised_heatmap(np.full((3, 7), 0.3, dtype=np.float32), (SIDE, 2 * SIDE))
    assert (share == 1).all()
    places = ranking(share)
    assert sorted(places.ravel()) == list(range(2 * SIDE * SIDE))
    assert np.array_equal(places, ranking(share.copy()))
    hottest = np.argwhere(places < SIDE * SIDE)  # [half, 2]; their mean place is the middle, up to three deviations
    deviations = np.array([SIDE, 2 * SIDE]) / np.sqrt(12 * len(hottest))
    assert (np.abs(hottest.mean(axis=0) - [(SIDE - 1) / 2, (2 * SIDE - 1) / 2]) < 3 * deviations).all()
    assert (ranking(noise()).ravel()[np.argsort(-noise(), axis=None)] == np.arange(SIDE * SIDE)).all()


def test_a_plateau_stays_one_when_it_is_enlarged() -> None:
    heatmap = np.full((7, 7), 0.3, dtype=np.float32)
    heatmap[0, 0] = 1.7
    share = normalised_heatmap(heatmap, (200, 224))
    assert len(np.unique(share[60:])) == 1
    assert (ranking(share)[60:] >= (share > share[-1, -1]).sum()).all()  # behind all that the hot cell reaches


def test_the_hottest_are_those_of_the_first_places() -> None:
    random = np.random.default_rng(1)
    for share in (noise(), random.integers(0, 4, (30, 40)) / 3, np.zeros((20, 20))):
        for count in (1, share.size // 5, share.size - 1, share.size):
            assert np.array_equal(hottest_pixels(share, count), ranking(share) < count)


def test_equal_values_of_a_mirrored_map_stay_equal() -> None:
    half = np.random.default_rng(0).random((5, 7))
    share = normalised_heatmap(half + half[:, ::-1], (50, 61))
    assert np.array_equal(share, share[:, ::-1])


def test_maps_are_enlarged_as_pillow_does() -> None:
    heatmap = np.random.default_rng(0).random((7, 5)).astype(np.float32)
    for size in ((50, 64), (4, 9)):
        theirs = Image.fromarray(heatmap / heatmap.max()).resize(size[::-1], Image.Resampling.BILINEAR)
        np.testing.assert_allclose(normalised_heatmap(heatmap, size), np.asarray(theirs), atol=1e-6)


def test_images_of_a_batch_are_judged_one_by_one() -> None:
    toy = Toy(noise(1))
    images, heatmaps = torch.cat([plane(noise(3)), plane(noise(4))]), np.stack([noise(5), noise(6)])
    both = faithfulness(toy, images, torch.from_numpy(heatmaps), [1, 2])
    assert max(toy.batches) <= 32
    alone = [faithfulness(toy, images[i : i + 1], heatmaps[i : i + 1], [1 + i])[0] for i in range(2)]
    assert both == alone
    p = toy.p(noise(4))
    assert both[1].confidence == pytest.approx(0.25 * (1 - p), abs=1e-6)
    with pytest.raises(ValueError, match="zip"):
        faithfulness(toy, images, heatmaps, [1])


# The model-parameter randomisation test.


def trained_like(fusion: FusionSettings | None) -> Network:
    torch.manual_seed(0)
    network = Network("resnet18", 5, fusion)
    with torch.no_grad():
        network.backbone.get_classifier().weight.normal_(0, 0.3)
    return network.for_inference()


def images(batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def similarity(
    network: Network, given: torch.Tensor, targets: list[int], layer: str, method: str, seed: int = 0
) -> list[float | None]:
    """Of a network's maps and those of the network randomised."""
    maps = forward_pass(network, given).heatmaps([Target(index) for index in targets], layer, method)
    return randomised_similarity(maps, randomised(network, seed), given, targets, layer, method)


@pytest.mark.parametrize(
    ("fusion", "layer", "method"),
    [(None, "Y2", "gradcam++"), (FusionSettings(), "X1", "gradcam")],
    ids=["baseline", "scff, maps with many zeros"],
)
def test_similarity_is_spearmans_between_both_networks_maps(
    fusion: FusionSettings | None, layer: str, method: str
) -> None:
    network, targets = trained_like(fusion), [Target(1), Target(4)]
    found = similarity(network, images(), [1, 4], layer, method, seed=5)
    maps, others = (
        forward_pass(each, images()).heatmaps(targets, layer, method) for each in (network, randomised(network, 5))
    )
    expected = [abs(spearmanr(a.ravel(), b.ravel()).statistic) for a, b in zip(maps, others, strict=True)]
    assert found == pytest.approx(expected, abs=1e-9)
    assert max(found) < 0.9
    assert found == similarity(network, images(), [1, 4], layer, method, seed=5)
    assert found != similarity(network, images(), [1, 4], layer, method, seed=6)


def test_a_map_of_a_network_that_has_learned_nothing_stays_alike() -> None:
    random_already = randomised(trained_like(FusionSettings()), seed=2)
    found = similarity(random_already, images(), [1, 4], "X2", "gradcam++", seed=2)
    assert found == pytest.approx([1, 1])


def test_a_mirrored_map_is_as_alike() -> None:
    network = trained_like(FusionSettings())
    maps = forward_pass(network, images()).heatmaps([Target(1), Target(4)], "X2")
    alike = [randomised_similarity(each, network, images(), [1, 4], "X2", "gradcam++") for each in (maps, -maps)]
    assert alike[0] == pytest.approx([1, 1], abs=1e-6)
    assert alike[1] == pytest.approx(alike[0])


def test_many_images_are_compared_in_their_order() -> None:
    network = trained_like(None)
    found = similarity(network, images(35), [i % 5 for i in range(35)], "X2", "gradcam++")
    assert len(found) == 35
    assert found[33] == pytest.approx(similarity(network, images(35)[33:34], [33 % 5], "X2", "gradcam++")[0], abs=1e-3)


def test_a_constant_map_has_no_similarity() -> None:
    network = trained_like(None)
    with torch.no_grad():
        network.backbone.fc.weight[2] = 0
    found = similarity(network, images(), [2, 1], "X2", "gradcam++")
    assert found[0] is None
    assert isinstance(found[1], float)
    # At 32 pixels the classifier's input is one position.
    assert similarity(network, images()[..., :32, :32], [1, 1], "fused", "gradcam") == [None, None]


def test_everything_that_was_learned_is_drawn_anew() -> None:
    network = trained_like(FusionSettings())
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.fill_(3)
            module.weight.fill_(5)
            module.bias.fill_(7)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = randomised(network)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not found.training
    assert not any(parameter.requires_grad for parameter in found.parameters())
    for name, parameter in found.named_parameters():
        if parameter.ndim > 1:
            assert torch.isclose(parameter, before[name]).float().mean() < 0.001, name
            expected = math.sqrt(2 / parameter[0].numel())
            assert parameter.std().item() == pytest.approx(expected, rel=5 / math.sqrt(parameter.numel())), name
    for module in found.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            for values, wanted in ((module.running_mean, 0), (module.running_var, 1), (module.weight, 1)):
                assert (values == wanted).all()
            assert (module.bias == 0).all()


def compiled() -> Network:
    network = trained_like(None)
    network.compile_maps()
    return network


@pytest.mark.parametrize(
    "prepare",
    [
        pytest.param(
            lambda: packed(trained_like(None), (1, 3, 64, 64)),
            marks=pytest.mark.skipif(not can_pack(), reason="this build of PyTorch does not pack weights"),
            id="packed",
        ),
        pytest.param(compiled, id="compiled"),
        pytest.param(lambda: folded(trained_like(None), (64, 64)), id="folded"),
    ],
)
def test_a_prepared_network_is_refused(prepare: Callable[[], Network]) -> None:
    with pytest.raises(BadInputError, match="prepared for speed cannot be randomised; give it as it was loaded"):
        randomised(prepare())


# Safe to share.


def test_a_prepared_network_is_judged_as_the_plain_one() -> None:
    network = trained_like(FusionSettings())
    heatmaps = forward_pass(network, images()).heatmaps([Target(1), Target(4)], "Y2")
    plain = faithfulness(network, images(), heatmaps, [1, 4])
    fast = faithfulness(packed(network, (8, 3, 64, 64)) if can_pack() else network, images(), heatmaps, [1, 4])
    for a, b in zip(plain, fast, strict=True):
        assert a.insertion == pytest.approx(b.insertion, abs=1e-4)
        assert a.road == pytest.approx(b.road, abs=1e-4)


def test_neither_random_numbers_nor_the_network_are_left_changed() -> None:
    network = trained_like(FusionSettings())
    state = {name: value.clone() for name, value in network.state_dict().items()}
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    with torch.inference_mode():
        heatmaps = forward_pass(network, images()).heatmaps([Target(1), Target(4)], "Y2")
        faithfulness(network, images(), heatmaps, [1, 4])
        similarity(network, images(), [1, 4], "Y2", "gradcam++")
    # `images` draws from a generator of its own.
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before[1:]
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_threads_get_what_one_gets() -> None:
    asked = [(scene()[0], plane(noise(i)), noise(i + 1)[None], [1]) for i in range(8)]
    alone = [faithfulness(*each) for each in asked]
    together: list[list[Faithfulness] | None] = [None] * len(asked)

    def work(i: int) -> None:
        together[i] = faithfulness(*asked[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(asked))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone
