"""Analyses of a session's image by its model pairs."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from app.components.png import png
from app.session.state import SessionState
from app.storage.analyses import AnalysisCache, CachedAnalysis
from app.storage.downloads import DownloadStore
from app.storage.source_image import resized_for_display
from core.errors import BadInputError
from pairs.folder import PairFolder
from pairs.pair import Pair

__all__ = ["EXPIRED", "SessionAnalyses", "analysed"]

EXPIRED = "this session has expired; choose an image again"


class SessionAnalyses:
    """Analyses visitors' images by model pairs, with a cache. Thread-safe.

    Args:
        pairs: that can be chosen.
        downloads: store for the page's images.
    """

    def __init__(self, pairs: PairFolder, downloads: DownloadStore) -> None:
        self.pairs = pairs
        self.downloads = downloads
        self._cache = AnalysisCache()

    def analyse(
        self, state: SessionState, pairs: Iterable[Pair]
    ) -> tuple[SessionState, dict[str, CachedAnalysis], list[str]]:
        """Analyses the session's image by one or more pairs; it is decoded at most once, and not at all on a cache hit.

        Returns:
            The state, the analyses by name of the pair, and the errors of further pairs.

        Raises:
            BadInputError: the image cannot be read, or the first pair cannot analyse it.
        """
        image, analyses, errors = None, {}, []
        for pair in pairs:
            cached = self._cache.find(state.source, pair.name)
            if cached is None or cached.analysis.pair is not pair:  # the pair's files may have changed since
                image = state.source.read() if image is None else image
                try:
                    cached = self._cache.make(state.source, pair, image)
                except BadInputError as error:
                    if not analyses:
                        raise
                    errors.append(str(error))
                    continue
            analyses[pair.name] = cached
        first = next(iter(analyses.values()))
        if not state.image_url:
            make = partial(self._display_png, state, first.analysis.pair.name)
            state = replace(state, image_url=self.downloads.put(f"{state.source.stem}.png", "image/png", make))
        return replace(state, size=first.size, pairs=tuple(analyses)), analyses, errors

    def current(self, state: SessionState) -> dict[str, CachedAnalysis]:
        """The analyses of a state, keyed by pair name; those evicted from the cache are computed again.

        Raises:
            BadInputError: a pair or the image no longer exists.
        """
        analyses = {name: self._cache.find(state.source, name) for name in state.pairs}
        if missing := [self.pairs.load(name) for name, cached in analyses.items() if cached is None]:
            _, computed, errors = self.analyse(state, missing)
            if errors:
                raise BadInputError("; ".join(errors))
            analyses |= computed
        return {name: cached for name, cached in analyses.items() if cached is not None}

    def _display_png(self, state: SessionState, pair: str) -> bytes:
        """PNG of the image at display size, from the analysis cache, so that the download itself holds no image."""
        cached = self._cache.find(state.source, pair)
        return png(resized_for_display(state.source.read()) if cached is None else cached.analysis.image)


def analysed(state: SessionState | None) -> SessionState:
    """Returns a state that has analyses to show.

    Raises:
        BadInputError: it has none.
    """
    if state is None:
        raise BadInputError(EXPIRED)
    if not state.pairs:
        raise BadInputError("nothing has been analysed yet; choose a model pair that can be loaded")
    return state
