"""Example images: synthetic drawings of aerial scenes, each with the mask of its object.

They are examples for the page, and test images whose object is known. They are outside the distribution of any training
data.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

__all__ = ["SCENES", "DrawnScene", "draw"]

_SIDE = 200  # pixels of the result
_SCALE = 3  # drawn larger, then downsampled, for smooth edges
_SUN = (7, 10)  # offset of a shadow in drawing pixels, for a house of two storeys

Point = tuple[float, float]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class DrawnScene:
    """A drawing of 200 x 200 pixels at about 2 m each."""

    title: str
    image: np.ndarray
    """RGB uint8 [200, 200, 3]."""
    mask: np.ndarray
    """bool [200, 200]: mask of the object that the title names."""


class _Canvas:
    """Shapes with shadows on textured ground; marked shapes make up the mask. Coordinates run from 0 to 200."""

    def __init__(self, ground: Colour, seed: int) -> None:
        side = _SIDE * _SCALE
        self.random = np.random.default_rng(seed)
        self.image = Image.new("RGB", (side, side), ground)
        self.mask = Image.new("1", (side, side))

    def shape(
        self, points: Sequence[Point], colour: Colour, mark: bool = False, shadow: float = 0, edge: Colour | None = None
    ) -> None:
        """A filled polygon; `shadow` is its height in storeys, which sets the length of its shadow."""
        corners = [(x * _SCALE, y * _SCALE) for x, y in points]
        if shadow:
            self._shade([(x + shadow * _SUN[0], y + shadow * _SUN[1]) for x, y in corners])
        ImageDraw.Draw(self.image).polygon(corners, fill=colour, outline=edge, width=2)
        if mark:
            ImageDraw.Draw(self.mask).polygon(corners, fill=1)

    def path(
        self, points: Sequence[Point], width: float, colour: Colour, mark: bool = False, shadow: float = 0
    ) -> None:
        """A band along a line, such as a road."""
        line = np.asarray(points, dtype=float)
        along = np.gradient(line, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        aside = along[:, ::-1] * (-1, 1) * width / 2
        self.shape([tuple(p) for p in np.vstack([line + aside, (line - aside)[::-1]])], colour, mark, shadow)

    def disc(self, centre: Point, radius: float, colour: Colour, shadow: float = 0) -> None:
        """A filled circle, such as a tree's crown."""
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        wobble = radius * self.random.uniform(0.85, 1.15, len(angles))
        rim = zip(centre[0] + wobble * np.cos(angles), centre[1] + wobble * np.sin(angles), strict=True)
        self.shape(list(rim), colour, shadow=shadow)

    def trees(self, count: int, where: Callable[[float, float], bool] = lambda _x, _y: True) -> None:
        """Random trees where the predicate `where` holds, never on marked shapes."""
        marked = np.asarray(self.mask)
        while count > 0:
            x, y = self.random.uniform(0, _SIDE, 2)
            count -= 1
            if where(x, y) and not marked[int(y * _SCALE), int(x * _SCALE)]:
                self.disc((x, y), self.random.uniform(1.5, 3.5), self.shade((44, 66, 40)), shadow=0.5)

    def texture(self, strength: float) -> None:
        """Adds noise of several scales to everything so far."""
        side = self.image.width
        noise = np.zeros((side, side), dtype=np.float32)
        for cells, weight in ((6, 1.0), (25, 0.7), (100, 0.6), (200, 0.5)):
            grid = Image.fromarray(self.random.normal(0, weight, (cells, cells)).astype(np.float32))
            noise += np.asarray(grid.resize((side, side), Image.Resampling.BICUBIC))
        rough = np.asarray(self.image) * (1 + strength * noise[..., None])
        self.image = Image.fromarray(np.clip(rough, 0, 255).astype(np.uint8))

    def shade(self, colour: Colour, spread: float = 0.12) -> Colour:
        """The colour, randomly lighter or darker."""
        return _scaled(colour, self.random.uniform(1 - spread, 1 + spread))

    def scene(self, title: str) -> DrawnScene:
        """The drawing at its final size, with simulated sensor blur and noise."""
        size = (_SIDE, _SIDE)
        image = self.image.filter(ImageFilter.GaussianBlur(1.2)).resize(size, Image.Resampling.BOX)
        noisy = np.asarray(image) + self.random.normal(0, 3, (_SIDE, _SIDE, 1))
        mask = self.mask.convert("L").resize(size, Image.Resampling.BOX)
        return DrawnScene(title, np.clip(noisy, 0, 255).astype(np.uint8), np.asarray(mask) > 127)

    def _shade(self, corners: list[Point]) -> None:
        dark = Image.new("L", self.image.size, 255)
        ImageDraw.Draw(dark).polygon(corners, fill=115)
        self.image = ImageChops.multiply(self.image, dark.convert("RGB"))


def _overpass() -> DrawnScene:
    canvas = _Canvas((96, 98, 92), seed=11)
    canvas.texture(0.18)
    for x, y in ((12, 14), (150, 12), (14, 150), (152, 152)):
        for row in range(2):
            for column in range(2):
                _house(canvas, x + 18 * column, y + 16 * row, 13, 10, storeys=2)
    asphalt, deck = (140, 140, 140), (168, 168, 164)
    turn = np.linspace(0, 2 * np.pi, 60)
    for centre in ((66, 66), (134, 66), (66, 134), (134, 134)):
        loop = [(centre[0] + 24 * np.cos(t), centre[1] + 24 * np.sin(t)) for t in turn]
        canvas.path(loop, 6, asphalt, mark=True)
    sweep = np.linspace(0, np.pi / 2, 30)
    for centre, sign in (((0, 0), (1, 1)), ((200, 0), (-1, 1)), ((0, 200), (1, -1)), ((200, 200), (-1, -1))):
        ramp = [(centre[0] + sign[0] * 88 * np.cos(t), centre[1] + sign[1] * 88 * np.sin(t)) for t in sweep]
        canvas.path(ramp, 5, asphalt, mark=True)
    canvas.path([(-5, 100), (205, 100)], 20, asphalt, mark=True)
    _lanes(canvas, [(-5, 100), (205, 100)])
    canvas.path([(100, -5), (100, 205)], 20, deck, mark=True, shadow=1.6)
    _lanes(canvas, [(100, -5), (100, 205)])
    _cars(canvas, horizontal=True, along=100)
    _cars(canvas, horizontal=False, along=100)
    canvas.trees(60)
    canvas.texture(0.03)
    return canvas.scene("Overpass")


def _river() -> DrawnScene:
    canvas = _Canvas((112, 116, 84), seed=23)
    for column in range(5):
        for row in range(5):
            colour = canvas.shade((116, 122, 84) if canvas.random.random() < 0.6 else (136, 122, 92), 0.2)
            x, y = 42 * column - 4, 42 * row - 4
            canvas.shape([(x, y), (x + 41, y + 2), (x + 40, y + 40), (x + 1, y + 40)], colour)
    canvas.texture(0.08)
    y = np.linspace(-10, 210, 80)
    middle = list(zip(100 + 22 * np.sin(y / 38) + 8 * np.sin(y / 15), y, strict=True))
    canvas.path(middle, 62, (128, 122, 98))
    canvas.path(middle, 54, (58, 84, 84), mark=True)
    canvas.path([(-5, 92), (60, 97), (140, 103), (205, 106)], 9, (160, 160, 156), mark=True, shadow=0.9)
    canvas.path([(-5, 92), (60, 97), (140, 103), (205, 106)], 1, (205, 205, 200))
    canvas.trees(160, lambda x, y: abs(x - (100 + 22 * np.sin(y / 38))) > 30)
    canvas.texture(0.03)
    return canvas.scene("River")


def _harbour() -> DrawnScene:
    canvas = _Canvas((52, 78, 88), seed=37)
    canvas.texture(0.05)
    canvas.shape([(-5, -5), (205, -5), (205, 52), (-5, 44)], (158, 154, 146))
    for x in (6, 56, 112, 160):
        _house(canvas, x, 6, 34, 16, storeys=1.5, colours=((148, 160, 172), (176, 120, 104)))
    for row in range(26):
        x, y = 8 + 7.2 * row, 32 + canvas.random.uniform(0, 3)
        colours = ((160, 84, 70), (70, 100, 140), (180, 160, 90), (90, 130, 100))
        colour = canvas.shade(colours[canvas.random.integers(4)], 0.2)
        canvas.shape([(x, y), (x + 6, y), (x + 6, y + 3), (x, y + 3)], colour, shadow=0.3)
    for pier in (30, 88, 146):
        canvas.shape(
            [(pier, 44), (pier + 12, 44), (pier + 12, 168), (pier, 168)], (172, 168, 158), mark=True, shadow=0.4
        )
        for side, row in ((-9, 0), (13, 0), (-9, 1), (13, 1), (-9, 2), (13, 2)):
            if canvas.random.random() < 0.85:
                _ship(canvas, pier + side, 62 + 36 * row + canvas.random.uniform(-3, 3))
    canvas.texture(0.02)
    return canvas.scene("Harbour")


def _houses() -> DrawnScene:
    canvas = _Canvas((112, 112, 92), seed=41)
    canvas.texture(0.10)
    for street in (-3, 64, 131, 198):
        canvas.path([(-5, street), (205, street + 4)], 9, (138, 138, 138))
        canvas.path([(street, -5), (street + 4, 205)], 9, (138, 138, 138))
    for block_x in (8, 75, 142):
        for block_y in (10, 77, 144):
            for column in range(2):
                for row in range(3):
                    width, depth = canvas.random.uniform(17, 22), canvas.random.uniform(9, 12)
                    _house(canvas, block_x + 26 * column, block_y + 16 * row, width, depth, storeys=1.2, mark=True)
    canvas.trees(150)
    canvas.texture(0.03)
    return canvas.scene("Houses")


def _fields() -> DrawnScene:
    canvas = _Canvas((120, 116, 84), seed=53)
    crops = ((112, 132, 74), (152, 138, 98), (92, 118, 66), (134, 116, 86), (128, 138, 88))
    tilt = 0.22
    for column in range(-1, 6):
        for row in range(-1, 8):
            x, y = 38 * column + tilt * 30 * row, 30 * row - tilt * 20 * column
            corners = [(x, y), (x + 36, y - 8), (x + 42.5, y + 20), (x + 6.5, y + 28)]
            colour = canvas.shade(crops[canvas.random.integers(len(crops))], 0.1)
            canvas.shape(corners, colour, mark=True, edge=(98, 92, 66))
            for furrow in np.linspace(0.08, 0.92, 11):
                start, end = (
                    tuple(np.asarray(corners[a]) * (1 - furrow) + np.asarray(corners[b]) * furrow)
                    for a, b in ((0, 3), (1, 2))
                )
                canvas.path([start, end], 0.7, canvas.shade(colour, 0.12), mark=True)
    canvas.path([(-5, 132), (90, 112), (205, 92)], 5, (176, 166, 140))
    ImageDraw.Draw(canvas.mask).line([(-15, 396), (270, 336), (615, 276)], fill=0, width=5 * _SCALE)
    canvas.texture(0.05)
    return canvas.scene("Fields")


def _house(
    canvas: _Canvas,
    x: float,
    y: float,
    width: float,
    depth: float,
    storeys: float,
    mark: bool = False,
    colours: tuple[Colour, ...] = ((162, 96, 80), (148, 108, 92), (136, 134, 136)),
) -> None:
    """A gabled roof: one side lit, one in shade."""
    colour = canvas.shade(colours[canvas.random.integers(len(colours))])
    ridge = y + depth / 2
    canvas.shape([(x, y), (x + width, y), (x + width, y + depth), (x, y + depth)], colour, mark, shadow=storeys)
    lit = _scaled(colour, 1.25)
    canvas.shape([(x, y), (x + width, y), (x + width, ridge), (x, ridge)], lit)


def _scaled(colour: Colour, factor: float) -> Colour:
    red, green, blue = (int(min(255, value * factor)) for value in colour)
    return red, green, blue


def _ship(canvas: _Canvas, x: float, y: float) -> None:
    hull = [(x, y + 4), (x + 4, y), (x + 8, y + 4), (x + 8, y + 27), (x + 6, y + 29), (x + 2, y + 29), (x, y + 27)]
    canvas.shape(hull, canvas.shade((196, 196, 196), 0.15), mark=True, shadow=0.5)
    canvas.shape([(x + 2, y + 20), (x + 6, y + 20), (x + 6, y + 26), (x + 2, y + 26)], (232, 232, 228), shadow=0.3)
    canvas.shape([(x + 2, y + 7), (x + 6, y + 7), (x + 6, y + 17), (x + 2, y + 17)], canvas.shade((140, 96, 80), 0.3))


def _lanes(canvas: _Canvas, line: Sequence[Point]) -> None:
    (x0, y0), (x1, y1) = line
    across = (0, 1) if y0 == y1 else (1, 0)
    for offset in (-9, 0, 9):
        start, end = (
            (x0 + across[0] * offset, y0 + across[1] * offset),
            (x1 + across[0] * offset, y1 + across[1] * offset),
        )
        canvas.path([start, end], 0.7, (214, 214, 208))


def _cars(canvas: _Canvas, horizontal: bool, along: float) -> None:
    for _ in range(14):
        position = canvas.random.uniform(0, _SIDE)
        lane = along + canvas.random.choice([-6.5, -2.5, 2.5, 6.5])
        x, y = (position, lane) if horizontal else (lane, position)
        length, width = (3, 1.6) if horizontal else (1.6, 3)
        colour = canvas.shade((190, 190, 195), 0.5)
        canvas.shape([(x, y), (x + length, y), (x + length, y + width), (x, y + width)], colour, shadow=0.2)


SCENES: dict[str, Callable[[], DrawnScene]] = {
    "overpass": _overpass,
    "river": _river,
    "harbour": _harbour,
    "houses": _houses,
    "fields": _fields,
}
"""Example scenes keyed by name, in the order of the page."""


def draw(name: str) -> DrawnScene:
    """Draws a scene, deterministically."""
    return SCENES[name]()
