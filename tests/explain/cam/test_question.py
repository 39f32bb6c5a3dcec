"""Target class, contrast class and smoothing."""

import pytest
import torch

from core.errors import BadInputError
from explain.cam.question import Question, Smoothing, Target

pytestmark = pytest.mark.essential


def test_the_score_is_a_logit_or_a_difference_of_two() -> None:
    logits = torch.tensor([1.0, 4.0, 2.5])
    assert Target(1)(logits) == 4
    assert Target(1, against=2)(logits) == 1.5


def test_a_contrast_needs_two_classes() -> None:
    with pytest.raises(BadInputError, match="a contrast class needs a target class; choose one as well"):
        Question(against=1)
    with pytest.raises(BadInputError, match="cannot be contrasted with itself"):
        Question(1, against=1)


@pytest.mark.parametrize(
    ("samples", "spread", "text"),
    [(0, 0.1, "the number of SmoothGrad samples must be at least 1"), (4, 1.5, "noise"), (4, -1.0, "noise")],
)
def test_invalid_smoothing_is_rejected(samples: int, spread: float, text: str) -> None:
    with pytest.raises(BadInputError, match=text):
        Smoothing(samples, spread)


def test_noise_is_a_fraction_of_each_images_range() -> None:
    images = torch.stack([torch.linspace(0, 1, 3 * 64 * 64), torch.linspace(0, 8, 3 * 64 * 64)]).view(2, 3, 64, 64)
    (copy,) = Smoothing(1, 0.25).copies(images)
    noise = copy - images
    assert noise[0].std().item() == pytest.approx(0.25, rel=0.02)
    torch.testing.assert_close(noise[1], 8 * noise[0], rtol=1e-3, atol=1e-4)
