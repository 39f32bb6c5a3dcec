"""State of a session: image, model pairs, marked region, and the link that restores them."""

from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from app.components.region import Marking
from app.session.settings import Settings
from app.storage.source_image import SourceImage

__all__ = ["SessionState"]


@dataclass(frozen=True)
class SessionState:
    """A visitor's image and model pairs, in a few bytes: the analyses are in AnalysisCache."""

    source: SourceImage
    size: tuple[int, int] = (0, 0)
    """Height and width of the full-size image in pixels."""
    image_url: str = ""
    """URL of the image at its display size."""
    pairs: tuple[str, ...] = ()
    """Names of the pairs that have analysed the image, one row each; empty if none could."""
    marking: Marking | None = None

    def link(self, settings: Settings) -> str:
        """Query string that restores this view; defaults are left out."""
        box = self.marking.box if self.marking else None
        values = {
            "image": self.source.key,
            "bands": ",".join(map(str, self.source.bands or ())),
            "pair": self.pairs[0] if self.pairs else None,
            "more": ",".join(self.pairs[1:]),
            "box": ",".join(map(str, box)) if box else None,
            **asdict(settings),
        }
        defaults = asdict(Settings())
        return urlencode({name: value for name, value in values.items() if value and value != defaults.get(name)})
