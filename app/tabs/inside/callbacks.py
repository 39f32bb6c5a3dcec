"""The Inside tab: heatmaps of every stage and every fused map, and what each fusion chose for the image."""

from functools import partial

from app.components.errors import failed, refused
from app.session.analysis import Sight, analysed
from app.session.settings import Settings
from app.session.state import Visit
from app.tabs.inside.view import inside_html
from core.errors import BadInputError

__all__ = ["Inside"]


class Inside:
    """What the tab does."""

    def __init__(self, sight: Sight) -> None:
        self.sight = sight

    def show(self, visit: Visit | None, *values: object) -> str:
        """HTML: the image of the Compare tab, by its settings, seen from inside each of its pairs."""
        try:
            visit = analysed(visit)
            look = partial(self.sight.again, visit)
            return inside_html(visit, look, Settings(*values), self.sight.shelf)
        except BadInputError as error:
            return refused(error)
        except Exception:
            return failed()
