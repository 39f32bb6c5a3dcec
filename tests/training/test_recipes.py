"""Training recipes."""

import pytest
import torch

from training.recipes import RECIPES, default_recipe


@pytest.mark.essential
def test_siri_whu_recipe_follows_the_paper() -> None:
    """Section 3.3 of the paper: Adam with a learning rate of 0.001."""
    recipe = RECIPES["siri-whu"]
    assert (recipe.optimizer, recipe.lr, recipe.weight_decay, recipe.label_smoothing) == ("Adam", 0.001, 0, 0)


def test_optimizers_exist() -> None:
    assert all(issubclass(getattr(torch.optim, recipe.optimizer), torch.optim.Optimizer) for recipe in RECIPES.values())


def test_default_follows_the_initial_weights() -> None:
    assert default_recipe(from_scratch=True) == "siri-whu"
    assert default_recipe(from_scratch=False) == "fine-tune"
