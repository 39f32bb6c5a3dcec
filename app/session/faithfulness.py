"""Faithfulness of a session's heatmaps, measured step by step."""

from collections.abc import Iterator, Mapping

from app.session.settings import Settings
from app.storage.analyses import CachedAnalysis
from explain.metrics.faithfulness import faithfulness
from pairs.layout import ROLES

__all__ = ["faithfulness_steps"]


def faithfulness_steps(analyses: Mapping[str, CachedAnalysis], settings: Settings) -> Iterator[tuple[int, int]]:
    """Measures both heatmaps of each pair, and adds the results to the cached analyses.

    Args:
        analyses: keyed by pair name.
        settings: request parameters of the heatmaps.

    Yields:
        Steps done and their total, before each step and at the end.
    """
    steps = [
        (cached, question, role)
        for cached in analyses.values()
        for question in [settings.question(cached.analysis.pair)]
        for role in ROLES
        if role not in cached.faithfulness.get(question, {})
    ]
    for done, (cached, question, role) in enumerate(steps):
        yield done, len(steps)
        run, heatmap = cached.analysis.networks[role].forward_pass, cached.heatmaps(question)[role]
        measured = faithfulness(run.network, run.images, heatmap.values[None], [heatmap.target])[0]
        cached.faithfulness.setdefault(question, {})[role] = measured
    yield len(steps), len(steps)
