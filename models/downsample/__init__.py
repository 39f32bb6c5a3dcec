"""D, section 2.3.2 of the paper: how SCFF brings a map to the next stage's size; a module for each variant."""

from models.downsample._base import DownSample
from models.variants import load_variants

__all__ = ["DOWNSAMPLES", "DownSample"]

DOWNSAMPLES = load_variants("downsample", DownSample)
"""Classes by the variant's name, in alphabetical order."""
