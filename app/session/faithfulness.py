"""The faithfulness of a visit's heatmaps, measured on request."""

from collections.abc import Iterator, Mapping

from app.session.settings import Settings
from app.storage.analyses import CachedAnalysis
from explain.figures.labels import TITLES
from explain.metrics.faithfulness import faithfulness

__all__ = ["faithfulness_steps"]


def faithfulness_steps(seen: Mapping[str, CachedAnalysis], settings: Settings) -> Iterator[tuple[int, int]]:
    """Measures each pair's two maps, and keeps what is found with what the pair has seen.

    Args:
        seen: by the pair's name.
        settings: what is asked of the networks.

    Yields:
        How many of how many steps are done, before each and at the end.
    """
    waiting = [
        (each, question, role)
        for each in seen.values()
        for question in [settings.question(each.analysis.pair)]
        for role in TITLES
        if role not in each.worth.get(question, {})
    ]
    for done, (each, question, role) in enumerate(waiting):
        yield done, len(waiting)
        run, heatmap = each.analysis.runs[role].run, each.heatmaps(question)[role]
        found = faithfulness(run.network, run.images, heatmap.values[None], [heatmap.target])[0]
        each.worth.setdefault(question, {})[role] = found
    yield len(waiting), len(waiting)
