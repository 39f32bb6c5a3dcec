"""The hyperparameters of one training run."""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from core.errors import BadInputError
from models.architectures import check_input_size
from models.fusion_settings import FusionSettings
from training.recipes import RECIPES

__all__ = ["FROM_SCRATCH", "TrainingSettings"]

FROM_SCRATCH = "random"
"""`TrainingSettings.initial` of a run that starts from random weights."""


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Hyperparameters shared by all networks of a run.

    Raises:
        BadInputError: a value is out of range, or the network does not accept images of that size.
    """

    arch: str
    recipe: str
    """A name in RECIPES."""
    epochs: int
    batch_size: int
    lr: float
    """Peak learning rate."""
    image_size: tuple[int, int]
    """The network's input, (height, width) in pixels."""
    seed: int
    fusion: FusionSettings = field(default_factory=FusionSettings)
    """The SCFF variant; unused by the baseline."""
    small_stem: bool = False
    """Whether both networks get a ResNet's stem for small images."""
    initial: str = FROM_SCRATCH
    """Source of the initial weights, for reports and model cards."""
    freeze_backbone: bool = False
    """Whether only SCFF and the classifier are trained."""

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
            raise BadInputError("a frozen backbone needs trained weights: add --pretrained, --weights or --fusion-from")
        check_input_size(self.arch, self.image_size, self.small_stem)

    @classmethod
    def from_recipe(cls, recipe: str, **overrides: Any) -> Self:
        """A recipe's settings, overridden by every argument that is not None.

        Raises:
            BadInputError: the recipe is unknown, or a value is out of range.
        """
        if recipe not in RECIPES:
            raise BadInputError(f"unknown recipe {recipe!r}; known: {', '.join(RECIPES)}")
        chosen = RECIPES[recipe]
        values: dict[str, Any] = {
            "epochs": chosen.epochs,
            "batch_size": chosen.batch_size,
            "lr": chosen.lr,
            "image_size": (chosen.image_size, chosen.image_size),
        }
        return cls(recipe=recipe, **values | {name: value for name, value in overrides.items() if value is not None})

    def fusion_of(self, role: str) -> FusionSettings | None:
        """The SCFF variant of one network of the pair; None for the baseline."""
        return self.fusion if role == "scff" else None

    def as_json(self, role: str) -> dict[str, Any]:
        """The settings of one network of the pair as a report stores them."""
        fusion = self.fusion_of(role)
        return {
            **asdict(self),
            "image_size": list(self.image_size),
            "fusion": None if fusion is None else asdict(fusion),
        }
