"""The definition of a heatmap metric, as reports, model cards, pages and tables show it."""

from dataclasses import dataclass

__all__ = ["Metric"]


@dataclass(frozen=True)
class Metric:
    """A metric of heatmaps, of which each network of a pair has a value per image."""

    key: str
    """Its name in reports and tables."""
    title: str
    """On cards and in reports."""
    label: str
    """Short, for column headings."""
    unit: str
    higher_is_better: bool
    description: str
    """What is measured, in a sentence or two."""
    reference: str
    """The paper that defines it."""

    @property
    def direction(self) -> str:
        """Which direction is better, as text."""
        return "higher is better" if self.higher_is_better else "lower is better"
