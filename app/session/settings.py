"""A visitor's settings: request parameters and style of the heatmaps."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from app.components.controls import NO_CLASS, OWN_PREDICTION
from explain.cam.layers import FUSED
from explain.cam.methods import DEFAULT_METHOD, METHODS
from explain.cam.question import Question, Smoothing
from explain.figures.style import COLOUR_MAPS, SCALES, Style
from pairs.pair import Pair

__all__ = ["Settings", "settings_from_query"]


@dataclass(frozen=True)
class Settings:
    """Request parameters and style of the heatmaps; the fields are also the parameters of links."""

    target: str = OWN_PREDICTION
    """Target class, or OWN_PREDICTION."""
    against: str = NO_CLASS
    """Contrast class, or NO_CLASS."""
    layer: str = FUSED
    method: str = DEFAULT_METHOD
    smooth: bool = False
    colour_map: str = Style.colour_map
    scale: str = Style.scale
    opacity: float = Style.opacity

    def question(self, pair: Pair) -> Question:
        """The request parameters for a pair.

        Raises:
            BadInputError: the pair lacks the class, or target and contrast class are the same.
        """
        return Question(
            target=None if self.target == OWN_PREDICTION else pair.class_index(self.target),
            against=None if self.against == NO_CLASS else pair.class_index(self.against),
            layer=self.layer,
            method=self.method,
            smoothing=Smoothing() if self.smooth else None,
        )

    @property
    def style(self) -> Style:
        """Colour map and normalisation of the heatmaps."""
        return Style(self.colour_map, self.scale, self.opacity)


def settings_from_query(query: Mapping[str, str]) -> Settings:
    """Settings from a link; missing and invalid values become the defaults."""
    known = {"method": METHODS, "colour_map": COLOUR_MAPS, "scale": SCALES}
    values = {
        field.name: query[field.name]
        for field in fields(Settings)
        if field.name in query and query[field.name] in known.get(field.name, query.values())
    }
    smooth = values.pop("smooth", "") == "True"
    try:
        opacity = float(values.pop("opacity", Settings.opacity))
    except ValueError:
        opacity = Settings.opacity
    return Settings(**values, smooth=smooth, opacity=opacity if 0 <= opacity <= 1 else Settings.opacity)
