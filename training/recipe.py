"""How a network is trained: the named recipes, and the settings of one run."""

from dataclasses import asdict, dataclass, field
from typing import Any

from core.errors import BadInputError
from models.network import check_input_size
from models.scff import FusionSettings

__all__ = ["FROM_SCRATCH", "RECIPES", "Recipe", "TrainingSettings"]


@dataclass(frozen=True)
class Recipe:
    """Cross entropy; random crops, quarter turns and flips."""

    epochs: int
    batch_size: int
    lr: float
    """Highest learning rate."""
    image_size: int
    """Side of the network's square input in pixels."""
    optimizer: str = "Adam"
    """A class of torch.optim."""
    weight_decay: float = 0.0
    schedule: str = "cosine"
    """The learning rate's way: `cosine` falls to zero from the start on, `one_cycle` rises first (Smith, 2018)."""
    label_smoothing: float = 0.0
    """Share of the target that goes to all classes alike."""
    crop_padding: float = 0.125
    """Mirrored border added before the random crop, as a share of the input's side."""


RECIPES = {
    "siri-whu": Recipe(epochs=40, batch_size=32, lr=0.001, image_size=200),
    "fine-tune": Recipe(
        epochs=16,
        batch_size=32,
        lr=0.002,
        image_size=200,
        optimizer="AdamW",
        weight_decay=0.05,
        schedule="one_cycle",
        label_smoothing=0.05,
    ),
}
"""`siri-whu`: the paper's section 3.3 (Adam, 0.001) at the set's own resolution, from scratch; `fine-tune`: for
weights that have been trained before."""

FROM_SCRATCH = "random"
"""The `initial` of a run whose weights have not been trained before."""


@dataclass(frozen=True)
class TrainingSettings:
    """One run's settings, the same for every network that it trains.

    Raises:
        BadInputError: a value is unknown or out of range, or the network cannot take images of that size.
    """

    arch: str
    recipe: str
    epochs: int
    batch_size: int
    lr: float
    image_size: tuple[int, int]
    """The network's input, (height, width) in pixels."""
    seed: int
    fusion: FusionSettings = field(default_factory=FusionSettings)
    """The variant of SCFF, for the network that has it."""
    small_stem: bool = False
    """Whether both networks get a ResNet's stem for small images."""
    initial: str = FROM_SCRATCH
    """Where the weights start, in words."""
    freeze_backbone: bool = False
    """Whether SCFF and the classifier alone are trained."""

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise BadInputError(f"epochs must be at least 1, got {self.epochs}")
        if self.batch_size < 2:
            raise BadInputError(f"batch size must be at least 2 (batch normalisation), got {self.batch_size}")
        if not 0 < self.lr < float("inf"):
            raise BadInputError(f"learning rate must be above zero, got {self.lr}")
        if not all(32 <= side <= 2048 for side in self.image_size):
            height, width = self.image_size
            raise BadInputError(f"image size must be from 32 to 2048 pixels a side, got {width} x {height}")
        if not 0 <= self.seed < 2**32:
            raise BadInputError(f"seed must be from 0 to {2**32 - 1}, got {self.seed}")
        if self.freeze_backbone and self.initial == FROM_SCRATCH:
            raise BadInputError(
                "a frozen backbone must be trained already: add --pretrained, --weights or --fusion-from"
            )
        check_input_size(self.arch, self.image_size, self.small_stem)

    @classmethod
    def of_recipe(cls, recipe: str, **changes: Any) -> "TrainingSettings":
        """A recipe's settings, with all changes that are not None.

        Raises:
            BadInputError: the recipe is unknown, or a value is out of range.
        """
        if recipe not in RECIPES:
            raise BadInputError(f"unknown recipe {recipe!r}; known: {', '.join(RECIPES)}")
        chosen = RECIPES[recipe]
        values = {name: getattr(chosen, name) for name in ("epochs", "batch_size", "lr")}
        values["image_size"] = (chosen.image_size, chosen.image_size)
        return cls(recipe=recipe, **(values | {name: value for name, value in changes.items() if value is not None}))

    def as_json(self, with_fusion: bool) -> dict[str, Any]:
        """What reports and interrupted runs keep of it; without SCFF, nothing of its variant."""
        fusion = asdict(self.fusion) if with_fusion else None
        return {**asdict(self), "image_size": list(self.image_size), "fusion": fusion}
