"""What pairs see in a visitor's image, for every tab of the page."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from app.components.png import png
from app.session.image import resized_for_display
from app.session.state import SessionState
from app.storage.analyses import AnalysisCache, CachedAnalysis
from app.storage.downloads import DownloadStore
from core.errors import BadInputError
from pairs.folder import PairFolder

__all__ = ["RESTED", "SessionAnalyses", "analysed"]

RESTED = "this page has rested for long; choose an image again"
"""Why there is no visit any more."""


class SessionAnalyses:
    """Pairs, and what they have seen so far. Safe to share among threads.

    Args:
        pairs: that can be chosen.
        shelf: where pictures of the page are put.
    """

    def __init__(self, pairs: PairFolder, shelf: DownloadStore) -> None:
        self.pairs = pairs
        self.shelf = shelf
        self._analyses = AnalysisCache()

    def look(
        self, visit: SessionState, names: Sequence[str]
    ) -> tuple[SessionState, dict[str, CachedAnalysis], list[str]]:
        """Runs pairs over the visitor's image, as far as what they see in it is not kept.

        Args:
            visit: of the image.
            names: of the pairs, one at least.

        Returns:
            The visit, what was seen by pair, and why further pairs saw nothing.

        Raises:
            BadInputError: the image cannot be read, or the first pair cannot be used.
        """
        image, seen, troubles = None, {}, []
        for name in names:
            try:
                pair = self.pairs.load(name)
                found = self._analyses.find(visit.picture, pair)
                if found is None:
                    image = visit.picture.read() if image is None else image
                    found = self._analyses.make(visit.picture, pair, image)
                seen[name] = found
            except BadInputError as error:
                if name == names[0]:
                    raise
                troubles.append(str(error))
        first = next(iter(seen.values()))
        if not visit.address:
            name = f"{visit.picture.stem}.png"
            visit = replace(visit, address=self.shelf.put(name, "image/png", partial(self._png, visit, names[0])))
        return replace(visit, size=first.size, pairs=tuple(seen)), seen, troubles

    def _png(self, visit: SessionState, name: str) -> bytes:
        """The image at the size of the page; it waits for its fetching where the analyses are, which end."""
        seen = self._analyses.find(visit.picture, self.pairs.load(name))
        return png(resized_for_display(visit.picture.read()) if seen is None else seen.analysis.image)

    def again(self, visit: SessionState) -> dict[str, CachedAnalysis]:
        """What the visit's pairs see, by name.

        Raises:
            BadInputError: one of them is gone, or the image.
        """
        _, seen, troubles = self.look(visit, visit.pairs)
        if troubles:
            raise BadInputError("; ".join(troubles))
        return seen


def analysed(visit: SessionState | None) -> SessionState:
    """A visit that has something to show.

    Raises:
        BadInputError: it has not.
    """
    if visit is None:
        raise BadInputError(RESTED)
    if not visit.pairs:
        raise BadInputError("nothing is analysed yet; choose a pair that can be used")
    return visit
