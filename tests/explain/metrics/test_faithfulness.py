"""Faithfulness of an image's heatmap: all metrics together."""

import random
import threading

import numpy as np
import pytest
import torch

from explain.cam.forward_pass import forward_pass
from explain.cam.question import Target
from explain.metrics.faithfulness import Faithfulness, faithfulness
from explain.metrics.perturbation import STEPS
from models.fusion_settings import FusionSettings
from models.inference.packing import can_pack, packed
from tests.explain.metrics.networks import images, similarity, trained_like
from tests.explain.metrics.toys import SIDE, Toy, left, noise, plane, scene, toy_faithfulness


def test_curves_start_or_end_at_the_confidence() -> None:
    found = toy_faithfulness(Toy(noise(1)), noise(3), noise(2))
    assert len(found.curves["insertion"]) == len(found.curves["deletion"]) == STEPS + 1
    assert found.curves["insertion"][-1] == found.curves["deletion"][0] == found.confidence
    assert found.curves["deletion"][-1] == pytest.approx(0.1, abs=1e-6)


@pytest.mark.essential
def test_empty_map_has_only_a_confidence() -> None:
    toy = Toy(noise(1))
    found = toy_faithfulness(toy, noise(3), np.zeros((5, 5)), level="full")
    assert found == Faithfulness(confidence=pytest.approx(toy.p(noise(3)), abs=1e-6))
    assert not found.values
    assert not found.curves
    assert found.columns("full") == dict.fromkeys(("drop", "increase", "insertion_area", "deletion_area", "road"))


@pytest.mark.essential
def test_json_and_columns_have_the_documented_names() -> None:
    found = toy_faithfulness(*scene(), level="quick")
    json = found.as_json()
    assert list(json) == [
        "confidence", "insertion", "deletion", "drop", "increase", "insertion_area", "deletion_area", "road"
    ]  # fmt: skip
    assert json["insertion"] == found.curves["insertion"]
    assert json["insertion_area"] == found.values["insertion"]
    assert json["drop"] == found.values["drop"]
    assert json["road"] is None
    assert list(found.columns("quick")) == ["drop", "increase", "insertion_area", "deletion_area"]
    assert found.columns("none") == {}


def test_a_constant_map_spreads_its_changes_over_the_image() -> None:
    toys = [Toy(weights) for weights in (left(), left().T, left(0, 1), left(0, 1).T)]
    for toy in toys:
        found = toy_faithfulness(toy, np.ones((SIDE, SIDE)), np.full((3, 7), 0.3))
        assert found.values["drop"] == pytest.approx(0, abs=1e-6)
        assert found.curves["deletion"] == pytest.approx(np.linspace(0.9, 0.1, STEPS + 1), abs=0.06)


def test_batch_gives_the_results_of_single_images() -> None:
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


def test_inference_ready_network_gives_the_same_faithfulness() -> None:
    network = trained_like(FusionSettings())
    heatmaps = forward_pass(network, images()).heatmaps([Target(1), Target(4)], "Y2")
    plain = faithfulness(network, images(), heatmaps, [1, 4])
    fast = faithfulness(packed(network, (8, 3, 64, 64)) if can_pack() else network, images(), heatmaps, [1, 4])
    for a, b in zip(plain, fast, strict=True):
        assert a.curves["insertion"] == pytest.approx(b.curves["insertion"], abs=1e-4)
        assert a.values["road"] == pytest.approx(b.values["road"], abs=1e-4)


def test_random_state_and_network_are_left_unchanged() -> None:
    network = trained_like(FusionSettings())
    state = {name: value.clone() for name, value in network.state_dict().items()}
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    with torch.inference_mode():
        heatmaps = forward_pass(network, images()).heatmaps([Target(1), Target(4)], "Y2")
        faithfulness(network, images(), heatmaps, [1, 4])
        similarity(network, images(), [1, 4], "Y2", "gradcam++")
    # `images` uses its own generator.
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before[1:]
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_concurrent_calls_match_serial_results() -> None:
    requests = [(scene()[0], plane(noise(i)), noise(i + 1)[None], [1]) for i in range(8)]
    serial = [faithfulness(*each) for each in requests]
    concurrent: list[list[Faithfulness] | None] = [None] * len(requests)

    def work(i: int) -> None:
        concurrent[i] = faithfulness(*requests[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert concurrent == serial
