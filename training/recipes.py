"""Named training recipes: optimiser, learning-rate schedule, regularisation, and default hyperparameters.

Imports no torch, because `--help` lists them.
"""

from dataclasses import dataclass

__all__ = ["RECIPES", "Recipe", "default_recipe"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A way of training with cross entropy on randomly cropped, rotated and flipped scenes."""

    purpose: str
    """Short text for help texts."""
    epochs: int
    batch_size: int
    lr: float
    """Peak learning rate."""
    image_size: int
    """Side of the network's square input in pixels."""
    optimizer: str = "Adam"
    """A class of torch.optim."""
    weight_decay: float = 0.0
    schedule: str = "cosine"
    """Of the learning rate, updated after every batch: `cosine` decays to zero (Loshchilov and Hutter, 2017),
    `one_cycle` warms up first (Smith, 2018)."""
    label_smoothing: float = 0.0
    """Share of the target distribution that is spread over all classes."""
    crop_padding: float = 0.125
    """Reflection padding before the random crop, as a share of the input's side."""


RECIPES = {
    # Section 3.3 of the paper (Adam, 0.001), at SIRI-WHU's own resolution.
    "siri-whu": Recipe(purpose="training from scratch", epochs=40, batch_size=32, lr=0.001, image_size=200),
    "fine-tune": Recipe(
        purpose="pre-trained weights",
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
"""Keyed by the name that settings, checkpoints and reports store."""


def default_recipe(from_scratch: bool) -> str:
    """Name of the recipe that suits random or pre-trained initial weights."""
    return "siri-whu" if from_scratch else "fine-tune"
