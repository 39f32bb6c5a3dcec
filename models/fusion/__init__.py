"""F, section 2.3.3 of the paper: how SCFF fuses an earlier map with a stage's own; a module for each variant."""

from models.fusion._base import Fusion
from models.variants import load_variants

__all__ = ["FUSIONS", "Fusion"]

FUSIONS = load_variants("fusion", Fusion)
"""Classes by the variant's name, in alphabetical order."""
