"""Inference-ready pairs."""

from pathlib import Path

import torch

from pairs.inference import inference_ready
from pairs.pair import load_pair
from tests.conftest import write_pair


def test_outputs_are_the_same_and_the_given_pair_is_unchanged(tmp_path: Path) -> None:
    given = load_pair(write_pair(tmp_path / "pair"))
    images = torch.rand(2, 3, *given.preprocessing.size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = {role: loaded.network.eval()(images) for role, loaded in given.networks.items()}
    ready = inference_ready(given, batch=2)
    for role, loaded in ready.networks.items():
        with torch.inference_mode():
            found = loaded.network(images)
            again = given.networks[role].network(images)
        assert loaded.header == given.networks[role].header
        assert loaded.network is not given.networks[role].network
        torch.testing.assert_close(found, expected[role], rtol=0, atol=1e-4 * expected[role].abs().max().item())
        torch.testing.assert_close(again, expected[role], rtol=0, atol=0)
