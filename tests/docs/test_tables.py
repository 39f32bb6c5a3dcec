"""Generated tables of the documentation."""

from pathlib import Path

import pytest

from docs.tables import PAGES, with_tables
from explain.cam.methods import METHODS
from explain.metrics.catalogue import METRICS
from models.variants import DOWNSAMPLE_NAMES, FUSION_NAMES


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.md")), ids=lambda path: path.stem)
def test_tables_are_current(path: Path) -> None:
    page = path.read_text()
    assert with_tables(page) == page, "run `make docs`"


def test_every_method_metric_and_variant_is_documented() -> None:
    heatmaps, networks = (PAGES.joinpath(name).read_text() for name in ("heatmaps.md", "networks.md"))
    for name in METHODS:
        assert f"| `{name}` |" in heatmaps
    for metric in METRICS.values():
        assert f"| {metric.title} |" in heatmaps
    for name in (*DOWNSAMPLE_NAMES, *FUSION_NAMES):
        assert f"| `{name}` |" in networks


def test_an_unknown_table_is_an_error() -> None:
    with pytest.raises(KeyError, match="no such table"):
        with_tables("<!-- no such table -->\n<!-- end -->")
