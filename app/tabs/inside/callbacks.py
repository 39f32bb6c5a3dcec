"""The Inside tab: heatmaps of every stage and every fused map, and what each fusion chose for the image."""

from functools import partial

from app.components.errors import failure_html, refusal_html
from app.session.analysis import SessionAnalyses, analysed
from app.session.settings import Settings
from app.session.state import SessionState
from app.tabs.inside.view import inside_html
from core.errors import BadInputError

__all__ = ["Inside"]


class Inside:
    """What the tab does."""

    def __init__(self, sight: SessionAnalyses) -> None:
        self.sight = sight

    def show(self, visit: SessionState | None, *values: object) -> str:
        """HTML: the image of the Compare tab, by its settings, seen from inside each of its pairs."""
        try:
            visit = analysed(visit)
            look = partial(self.sight.again, visit)
            return inside_html(visit, look, Settings(*values), self.sight.shelf)
        except BadInputError as error:
            return refusal_html(error)
        except Exception:
            return failure_html()
