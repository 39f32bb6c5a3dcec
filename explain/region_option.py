"""The region of an image given by the command line's --box or --mask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BadInputError

if TYPE_CHECKING:
    from explain.metrics.localisation import Region

__all__ = ["NO_REGION", "RegionOption"]


@dataclass(frozen=True)
class RegionOption:
    """A box, a mask file, or neither.

    Raises:
        BadInputError: both are given, or the box is not four numbers.
    """

    box: str | None = None
    """Left, top, right and bottom in pixels, separated by commas."""
    mask: Path | None = None
    """A raster of the image's size whose non-zero pixels are the region."""

    def __post_init__(self) -> None:
        if self.box is not None and self.mask is not None:
            raise BadInputError("--box and --mask are two ways to mark a region; choose one")
        if self.box is not None:
            _parse_box(self.box)

    def __bool__(self) -> bool:
        return self.box is not None or self.mask is not None

    def region(self, size: tuple[int, int]) -> Region | None:
        """The region of an image of that (height, width) in pixels; None without box and mask.

        Raises:
            BadInputError: the region cannot be read, differs from the image in size, or is empty.
        """
        from explain.metrics.localisation import Region
        from imagery.mask import read_mask

        if self.mask is not None:
            return Region.from_mask(read_mask(self.mask), size)
        if self.box is None:
            return None
        return Region.from_box(_parse_box(self.box), size)


def _parse_box(text: str) -> tuple[int, int, int, int]:
    """Left, top, right and bottom in pixels."""
    try:
        left, top, right, bottom = (int(side) for side in text.split(","))
    except ValueError:
        raise BadInputError(
            f"{text!r} is not a box; give left,top,right,bottom in pixels, such as 10,20,60,80"
        ) from None
    return left, top, right, bottom


NO_REGION = RegionOption()
