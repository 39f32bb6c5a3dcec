"""Style of heatmaps: colour map, normalisation, opacity, file formats. Imports no drawing library."""

from dataclasses import dataclass

from core.errors import BadInputError

__all__ = ["COLOUR_MAPS", "DIVERGING", "FORMATS", "PLAIN", "SCALED_BY", "SCALES", "Style"]

COLOUR_MAPS = ("inferno", "viridis", "cividis", "jet")
"""Matplotlib's names of colour maps: three perceptually uniform ones, then the one that many papers use."""
DIVERGING = "RdBu_r"
"""Matplotlib's name of the colour map for differences: blue below zero, red above; safe for colour-blind readers."""
SCALES = ("own", "shared")
"""Normalisation: by each heatmap's own maximum, or by the larger one of both."""
FORMATS = (".pdf", ".svg", ".png")
"""Suffixes of figures for publication."""
SCALED_BY = {"own": "fraction of each map's maximum", "shared": "fraction of the larger of the two maxima"}


@dataclass(frozen=True)
class Style:
    """Style of heatmaps.

    Raises:
        BadInputError: a value is unknown or out of range.
    """

    colour_map: str = COLOUR_MAPS[0]
    """A name in COLOUR_MAPS."""
    scale: str = SCALES[0]
    """A name in SCALES."""
    opacity: float = 0.55
    """Opacity of the heatmap over the image, 0 to 1."""

    def __post_init__(self) -> None:
        for name, known in (("colour_map", COLOUR_MAPS), ("scale", SCALES)):
            if getattr(self, name) not in known:
                label = name.replace("_", " ")
                raise BadInputError(f"unknown {label} {getattr(self, name)!r}; known: {', '.join(known)}")
        if not 0 <= self.opacity <= 1:
            raise BadInputError(f"opacity must be from 0 to 1, got {self.opacity}")


PLAIN = Style()
