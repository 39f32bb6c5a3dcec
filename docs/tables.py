"""Writes the tables of the documentation that come from the code: CAM methods, metrics, variants of SCFF.

A table stands between two comments, `<!-- NAME -->` and `<!-- end -->`. `make docs` runs this before it builds the
pages.
"""

import inspect
import re
from collections.abc import Mapping
from pathlib import Path

from explain.cam.methods import METHODS
from explain.metrics.catalogue import METRICS
from models.downsample import DOWNSAMPLES
from models.fusion import FUSIONS

__all__ = ["PAGES", "with_tables"]

PAGES = Path(__file__).parent

_TABLE = re.compile(r"<!-- (?P<name>[a-z -]+) -->\n.*?<!-- end -->", re.DOTALL)


def with_tables(page: str) -> str:
    """A page in Markdown with its tables made anew.

    Raises:
        KeyError: it asks for a table that there is not.
    """
    return _TABLE.sub(lambda found: f"<!-- {found['name']} -->\n\n{_TABLES[found['name']]()}\n\n<!-- end -->", page)


def _methods() -> str:
    rows = [
        (f"`{name}`", method.title, f"{method.description} ({method.reference})") for name, method in METHODS.items()
    ]
    return _table(("`--method`", "Name", "Description"), rows)


def _metrics() -> str:
    rows = [
        (
            metric.title,
            metric.direction,
            metric.unit,
            f"{metric.description} ({metric.reference})",
        )
        for metric in METRICS.values()
    ]
    return _table(("Metric", "Direction", "Unit", "Definition"), rows)


def _variants(option: str, variants: Mapping[str, type]) -> str:
    """Names and the first paragraphs of the classes' docstrings."""
    paragraphs = {name: (inspect.getdoc(variant) or "").partition("\n\n")[0] for name, variant in variants.items()}
    return _table(
        (f"`{option}`", "Description"), [(f"`{name}`", " ".join(text.split())) for name, text in paragraphs.items()]
    )


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


_TABLES = {
    "methods": _methods,
    "metrics": _metrics,
    "downsample variants": lambda: _variants("--downsample", DOWNSAMPLES),
    "fusion variants": lambda: _variants("--fusion-variant", FUSIONS),
}

if __name__ == "__main__":
    for path in sorted(PAGES.glob("*.md")):
        path.write_text(with_tables(path.read_text()))
