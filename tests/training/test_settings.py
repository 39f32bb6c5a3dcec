"""Hyperparameters of a run."""

import pytest

from core.errors import BadInputError
from models.fusion_settings import FusionSettings
from tests.conftest import settings
from training.settings import TrainingSettings

pytestmark = pytest.mark.essential


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arch": "resnet81"}, "unknown architecture 'resnet81'; the nearest supported networks are resnet18"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"batch_size": 1}, "batch size must be at least 2"),
        ({"lr": 0.0}, "learning rate must be above zero"),
        ({"image_size": (32, 8)}, "image size must be from 32"),
        ({"seed": -1}, "seed must be from 0"),
        ({"freeze_backbone": True}, "a frozen backbone needs trained weights: add --pretrained"),
        ({"arch": "inception_v3"}, "inception_v3 cannot take images of 32 x 32"),
        ({"arch": "vgg11", "small_stem": True}, "vgg11 has no ResNet stem"),
    ],
)
def test_values_out_of_range_are_rejected(change: dict, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        settings(**change)


def test_recipe_values_can_be_overridden() -> None:
    found = TrainingSettings.from_recipe("siri-whu", arch="resnet18", seed=3, epochs=2, lr=None)
    assert (found.epochs, found.lr, found.batch_size, found.image_size) == (2, 0.001, 32, (200, 200))
    with pytest.raises(BadInputError, match="unknown recipe 'imagenet'; known: siri-whu"):
        TrainingSettings.from_recipe("imagenet", arch="resnet18", seed=0)


def test_json_of_the_baseline_has_no_fusion_settings() -> None:
    chosen = settings(fusion=FusionSettings(fusion="se"))
    assert chosen.as_json("scff")["fusion"]["fusion"] == "se"
    assert chosen.as_json("baseline")["fusion"] is None


def test_values_are_given_by_name() -> None:
    with pytest.raises(TypeError):
        TrainingSettings("resnet18", "siri-whu", 1, 4, 0.001, (32, 32), 0)  # pyright: ignore[reportCallIssue]
