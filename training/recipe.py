"""How a network is trained: the named recipes, and the settings of one run."""

from dataclasses import dataclass

from models.errors import BadInputError
from models.network import check_arch

__all__ = ["RECIPES", "Recipe", "TrainingSettings"]


@dataclass(frozen=True)
class Recipe:
    """Adam with the learning rate falling to zero along a cosine; random crops, quarter turns and flips."""

    epochs: int
    batch_size: int
    lr: float
    image_size: int
    """Side of the network's square input in pixels."""
    crop_padding: float = 0.125
    """Mirrored border added before the random crop, as a share of the input's side."""


RECIPES = {
    "siri-whu": Recipe(epochs=40, batch_size=32, lr=0.001, image_size=200),
}
"""`siri-whu`: the paper's section 3.3 (Adam, 0.001) at the set's own resolution, from scratch."""


@dataclass(frozen=True)
class TrainingSettings:
    """One run's settings, the same for both networks of a pair.

    Raises:
        BadInputError: a value is unknown or out of range.
    """

    arch: str
    recipe: str
    epochs: int
    batch_size: int
    lr: float
    image_size: int
    seed: int

    def __post_init__(self) -> None:
        check_arch(self.arch)
        if self.epochs < 1:
            raise BadInputError(f"epochs must be at least 1, got {self.epochs}")
        if self.batch_size < 2:
            raise BadInputError(f"batch size must be at least 2 (batch normalisation), got {self.batch_size}")
        if not 0 < self.lr < float("inf"):
            raise BadInputError(f"learning rate must be above zero, got {self.lr}")
        if not 32 <= self.image_size <= 2048:
            raise BadInputError(f"image size must be from 32 to 2048 pixels, got {self.image_size}")
        if not 0 <= self.seed < 2**32:
            raise BadInputError(f"seed must be from 0 to {2**32 - 1}, got {self.seed}")

    @classmethod
    def of_recipe(cls, recipe: str, arch: str, seed: int, **changes: float | None) -> "TrainingSettings":
        """A recipe's settings, changed where a change is not None.

        Raises:
            BadInputError: the recipe is unknown, or a value is out of range.
        """
        if recipe not in RECIPES:
            raise BadInputError(f"unknown recipe {recipe!r}; known: {', '.join(RECIPES)}")
        values = {name: getattr(RECIPES[recipe], name) for name in ("epochs", "batch_size", "lr", "image_size")}
        values |= {name: value for name, value in changes.items() if value is not None}
        return cls(arch=arch, recipe=recipe, seed=seed, **values)
