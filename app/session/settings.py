"""A visitor's settings: what heatmaps are computed for, and how they are drawn."""

from collections.abc import Mapping
from dataclasses import dataclass

from explain.cam.layers import FUSED
from explain.cam.methods import DEFAULT_METHOD, METHODS
from explain.cam.question import Question, Smoothing
from explain.figures.style import COLOUR_MAPS, SCALES, Style
from pairs.pair import Pair

__all__ = ["NO_CLASS", "OWN_PREDICTION", "Settings", "settings_from_query"]

LINKED_FIELDS = (
    "target",
    "against",
    "layer",
    "method",
    "smooth",
    "colour_map",
    "scale",
    "opacity",
)  # fields of Settings
OWN_PREDICTION = "own"
"""The target that leaves each network its own prediction."""
NO_CLASS = "none"
"""The contrast with nothing."""


@dataclass(frozen=True)
class Settings:
    """What is asked of the networks, and how the answer is drawn."""

    target: str = OWN_PREDICTION
    """A class, or OWN_PREDICTION."""
    against: str = NO_CLASS
    """A class, or NO_CLASS."""
    layer: str = FUSED
    method: str = DEFAULT_METHOD
    smooth: bool = False
    colour_map: str = Style.colour_map
    scale: str = Style.scale
    opacity: float = Style.opacity

    def question(self, pair: Pair) -> Question:
        """The same as an analysis is asked.

        Raises:
            BadInputError: the pair lacks the class, or target and contrast are one class.
        """
        return Question(
            None if self.target == OWN_PREDICTION else pair.class_index(self.target),
            None if self.against == NO_CLASS else pair.class_index(self.against),
            self.layer,
            self.method,
            Smoothing() if self.smooth else None,
        )

    @property
    def style(self) -> Style:
        """How heatmaps are drawn."""
        return Style(self.colour_map, self.scale, self.opacity)


def settings_from_query(query: Mapping[str, str]) -> Settings:
    """What an address asks for; what it does not say, or says wrongly, is as usual."""
    known = {"method": METHODS, "colour_map": COLOUR_MAPS, "scale": SCALES}
    values = {
        name: query[name] for name in LINKED_FIELDS if name in query and query[name] in known.get(name, query.values())
    }
    values["smooth"] = values.get("smooth") == "True"
    try:
        strength = float(values.get("opacity", Settings.opacity))
    except ValueError:
        strength = Settings.opacity
    return Settings(**{**values, "opacity": strength if 0 <= strength <= 1 else Settings.opacity})
