"""What one visitor looks at, and how: the image, the pairs, the settings, and the link that brings them back."""

from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.parse import urlencode

from app.session.image import Marking, SourceImage
from app.session.settings import LINKED_FIELDS, Settings

__all__ = ["CallbackOrder", "SessionState"]


@dataclass
class CallbackOrder:
    """What a visitor's actions share, so that they come one after another (app.session.callback_order)."""

    latest: "SessionState | None" = None
    """As the last action has left it."""
    count: int = 0
    """Of the actions so far."""
    ended: float = 0.0
    """When the last one did, by the monotonic clock."""
    asked: tuple[object, ...] = ()
    """Its name and arguments."""
    properties: dict[object, dict[str, Any]] = field(default_factory=dict)
    """What the page's parts were given last besides their values."""
    lock: Lock = field(default_factory=Lock)


@dataclass(frozen=True)
class SessionState:
    """One visitor's image, as far as it fits into a few bytes: what the pairs see of it is kept in AnalysisCache."""

    picture: SourceImage
    size: tuple[int, int] = (0, 0)
    """Height and width of the image itself in pixels."""
    address: str = ""
    """Where the page gets the image, reduced to its size."""
    pairs: tuple[str, ...] = ()
    """Names of the pairs that have seen it, a row each."""
    marking: Marking | None = None
    turns: CallbackOrder = field(default_factory=CallbackOrder, compare=False, repr=False)

    def link(self, settings: Settings) -> str:
        """The query of an address that opens this view; what is as usual is left out."""
        box = self.marking.box if self.marking else None
        values = {
            "image": self.picture.key,
            "bands": ",".join(map(str, self.picture.bands or ())),
            "pair": self.pairs[0] if self.pairs else None,
            "more": ",".join(self.pairs[1:]),
            "box": ",".join(map(str, box)) if box else None,
            **{name: getattr(settings, name) for name in LINKED_FIELDS},
        }
        usual = {name: getattr(Settings(), name) for name in LINKED_FIELDS}
        return urlencode({name: value for name, value in values.items() if value and value != usual.get(name)})
