"""The definition of a heatmap metric, as reports, model cards, pages and tables show it."""

from dataclasses import dataclass

__all__ = ["Metric"]


@dataclass(frozen=True)
class Metric:
    """A heatmap metric, with one value per image for each network of a pair."""

    key: str
    """Its name in reports and tables."""
    title: str
    """Title on model cards and in reports."""
    label: str
    """Short form for column headings."""
    unit: str
    higher_is_better: bool
    description: str
    """Description in one or two sentences."""
    reference: str
    """The paper that defines it."""

    @property
    def direction(self) -> str:
        """The better direction, as text."""
        return "higher is better" if self.higher_is_better else "lower is better"
