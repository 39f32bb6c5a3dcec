"""What one visitor looks at, and how: the image, the pairs, the settings, and the link that brings them back."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlencode

import numpy as np

from explain.analysis import Heatmap, PairAnalysis, Question, analyse
from explain.cam import DEFAULT_METHOD, METHODS
from explain.faithfulness import Faithfulness
from explain.figure import COLOUR_MAPS, SCALES, Style
from explain.layers import FUSED
from explain.record import record
from explain.region import Region
from explain.run import Smoothing
from models.checkpoint import Pair
from models.errors import BadInputError
from models.preprocessing import pixels

__all__ = [
    "HOUR",
    "NO_CLASS",
    "OWN_PREDICTION",
    "Analyses",
    "Marking",
    "Picture",
    "Seen",
    "Settings",
    "Turns",
    "Uploads",
    "Visit",
    "for_screen",
    "settings_of_link",
    "shown_size",
]

HOUR = 3600
"""How long an uploaded image and what was computed of it are kept, in seconds."""

_LONG = Lock()
_SHOWN = 1024  # pixels of a picture's longer side on the page
_LINKED = ("target", "against", "layer", "method", "smooth", "colour_map", "scale", "opacity")  # fields of Settings

OWN_PREDICTION = "own"
"""The target that leaves each network its own prediction."""
NO_CLASS = "none"
"""The contrast with nothing."""


@dataclass(frozen=True)
class Settings:
    """What is asked of the networks, and how the answer is drawn."""

    target: str = OWN_PREDICTION
    """A class, or OWN_PREDICTION."""
    against: str = NO_CLASS
    """A class, or NO_CLASS."""
    layer: str = FUSED
    method: str = DEFAULT_METHOD
    smooth: bool = False
    colour_map: str = Style.colour_map
    scale: str = Style.scale
    opacity: float = Style.opacity

    def question(self, pair: Pair) -> Question:
        """The same as an analysis is asked.

        Raises:
            BadInputError: the pair lacks the class, or target and contrast are one class.
        """
        return Question(
            None if self.target == OWN_PREDICTION else pair.class_index(self.target),
            None if self.against == NO_CLASS else pair.class_index(self.against),
            self.layer,
            self.method,
            Smoothing() if self.smooth else None,
        )

    @property
    def style(self) -> Style:
        """How heatmaps are drawn."""
        return Style(self.colour_map, self.scale, self.opacity)


@dataclass(frozen=True)
class Picture:
    """The image that a visitor has chosen."""

    name: str
    read: Callable[[], np.ndarray]
    """RGB uint8 [H, W, 3] at its own size; kept as a file and not in memory."""
    key: str
    """What a link calls it: an example's name, or an upload's key."""
    path: Path | None = None
    """Of an uploaded file."""
    georeferenced: bool = False
    """Whether that has a place on the ground."""
    bands: tuple[int, ...] | None = None
    """Which of its bands are read, counted from 1, where the visitor has chosen: three, or one as grey."""
    band_names: tuple[str, ...] = ()
    """Of its bands, where there is something to choose."""

    @property
    def stem(self) -> str:
        """What names of files that are made of it begin with."""
        return self.key if self.path is None else Path(self.name).stem


@dataclass(frozen=True)
class Marking:
    """A region that a visitor has marked."""

    region: Region
    """At the size of the page's image."""
    box: tuple[int, int, int, int] | None
    """Left, top, right, bottom in pixels of the image itself; None for one that was brushed."""


@dataclass
class Turns:
    """What a visitor's actions share, so that they come one after another (app.turns)."""

    latest: "Visit | None" = None
    """As the last action has left it."""
    count: int = 0
    """Of the actions so far."""
    ended: float = 0.0
    """When the last one did, by the monotonic clock."""
    asked: tuple[object, ...] = ()
    """Its name and arguments."""
    properties: dict[object, dict[str, Any]] = field(default_factory=dict)
    """What the page's parts were given last besides their values."""
    lock: Lock = field(default_factory=Lock)


@dataclass(frozen=True)
class Visit:
    """One visitor's image, as far as it fits into a few bytes: what the pairs see of it is kept in Analyses."""

    picture: Picture
    size: tuple[int, int] = (0, 0)
    """Height and width of the image itself in pixels."""
    address: str = ""
    """Where the page gets the image, reduced to its size."""
    pairs: tuple[str, ...] = ()
    """Names of the pairs that have seen it, a row each."""
    marking: Marking | None = None
    turns: Turns = field(default_factory=Turns, compare=False, repr=False)

    def link(self, settings: Settings) -> str:
        """The query of an address that opens this view; what is as usual is left out."""
        box = self.marking.box if self.marking else None
        values = {
            "image": self.picture.key,
            "bands": ",".join(map(str, self.picture.bands or ())),
            "pair": self.pairs[0] if self.pairs else None,
            "more": ",".join(self.pairs[1:]),
            "box": ",".join(map(str, box)) if box else None,
            **{name: getattr(settings, name) for name in _LINKED},
        }
        usual = {name: getattr(Settings(), name) for name in _LINKED}
        return urlencode({name: value for name, value in values.items() if value and value != usual.get(name)})


@dataclass(frozen=True)
class Seen:
    """An image as one pair sees it, with what was asked of it so far."""

    analysis: PairAnalysis
    """Its image is reduced to the size of the page."""
    size: tuple[int, int]
    """Height and width of the image itself in pixels."""
    worth: dict[Question, dict[str, Faithfulness]] = field(default_factory=dict)
    """By role, where it was measured."""
    _maps: dict[Question, dict[str, Heatmap]] = field(default_factory=dict, repr=False)

    def heatmaps(self, question: Question) -> dict[str, Heatmap]:
        """By role; asked again, they are not computed again."""
        return self.all_heatmaps(question, [question.layer])[question.layer]

    def all_heatmaps(self, question: Question, layers: Sequence[str]) -> dict[str, dict[str, Heatmap]]:
        """By layer and role, whichever layer the question names.

        Raises:
            BadInputError: it takes long, and another that does is being answered.
        """
        asked = {layer: replace(question, layer=layer) for layer in layers}
        if missing := [layer for layer in layers if asked[layer] not in self._maps]:
            with _long_ones_alone(question.method):
                for layer, maps in self.analysis.all_heatmaps(question, missing).items():
                    self._maps[asked[layer]] = maps
        return {layer: self._maps[asked[layer]] for layer in layers}

    def record(
        self, picture: Picture, image: np.ndarray, question: Question, style: Style, region: Region | None = None
    ) -> dict[str, Any]:
        """All that is shown of the image, as explain.record has it, with the bands that were read.

        Args:
            picture: that was seen.
            image: the same at its own size, RGB uint8 [H, W, 3].
            question: that is answered; its faithfulness is in it where both networks' was measured.
            style: of drawing.
            region: of that image.
        """
        analysis, worth = replace(self.analysis, image=image), self.worth.get(question)
        whole = worth if worth and len(worth) == len(analysis.runs) else None
        said = record(analysis, self.heatmaps(question), question, style, picture.name, region, whole)
        return {"bands": None if picture.bands is None else list(picture.bands)} | said


@contextmanager
def _long_ones_alone(method: str) -> Iterator[None]:
    """Lets one answer at a time run the networks many times, so that others need not wait for several of them."""
    if not METHODS[method].scores:
        yield
        return
    if not _LONG.acquire(blocking=False):
        raise BadInputError(
            f"{METHODS[method].title} takes long, and this server is at one already; try again in a minute, or choose "
            "another method"
        )
    try:
        yield
    finally:
        _LONG.release()


class Analyses:
    """What pairs see in visitors' images; the latest are kept, others are made anew. Safe to share among threads.

    Args:
        most: how many are kept.
        most_bytes: of the maps in them, but for the latest; for one of a ResNet-50 at 224 pixels they are 15 million.
    """

    def __init__(self, most: int = 64, most_bytes: int = 2 * 2**30) -> None:
        self.most = most
        self.most_bytes = most_bytes
        self._kept: OrderedDict[tuple, Seen] = OrderedDict()
        self._lock = Lock()

    def find(self, picture: Picture, pair: Pair) -> Seen | None:
        """What that pair, as it is loaded now, has seen in an image; None where that is not kept."""
        key = _key(picture, pair)
        with self._lock:
            seen = self._kept.get(key)
            if seen is None or seen.analysis.pair is not pair:
                return None
            self._kept.move_to_end(key)
            return seen

    def make(self, picture: Picture, pair: Pair, image: np.ndarray) -> Seen:
        """Runs a pair over an image, RGB uint8 [H, W, 3]."""
        seen = Seen(replace(analyse(pair, image), image=for_screen(image)), image.shape[:2])
        key = _key(picture, pair)
        with self._lock:
            self._kept[key] = seen
            self._kept.move_to_end(key)
            while len(self._kept) > self.most or (len(self._kept) > 1 and self._bytes() > self.most_bytes):
                self._kept.popitem(last=False)
        return seen

    def _bytes(self) -> int:
        runs = (each.run for seen in self._kept.values() for each in seen.analysis.runs.values())
        return sum(values.nbytes for run in runs for values in run.maps.values())


def _key(picture: Picture, pair: Pair) -> tuple:
    return picture.key, picture.bands, pair.name


def shown_size(height: int, width: int) -> tuple[int, int]:
    """Height and width in pixels that an image of that size has on the page: at most 1,024 on its longer side."""
    factor = max(1, max(height, width) / _SHOWN)
    return max(1, round(height / factor)), max(1, round(width / factor))


def for_screen(image: np.ndarray) -> np.ndarray:
    """An image, RGB uint8 [H, W, 3], at the size of the page."""
    height, width = shown_size(*image.shape[:2])
    if (height, width) == image.shape[:2]:
        return image
    return np.ascontiguousarray(pixels(image, (height, width)).permute(1, 2, 0).numpy())


def settings_of_link(query: Mapping[str, str]) -> Settings:
    """What an address asks for; what it does not say, or says wrongly, is as usual."""
    known = {"method": METHODS, "colour_map": COLOUR_MAPS, "scale": SCALES}
    values = {name: query[name] for name in _LINKED if name in query and query[name] in known.get(name, query.values())}
    values["smooth"] = values.get("smooth") == "True"
    try:
        strength = float(values.get("opacity", Settings.opacity))
    except ValueError:
        strength = Settings.opacity
    return Settings(**{**values, "opacity": strength if 0 <= strength <= 1 else Settings.opacity})


class Uploads:
    """Which files visitors have sent, by keys that cannot be guessed; a link names its image by one.

    Args:
        seconds: how long a key is good; the files themselves are Gradio's, which deletes them after that time.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._files: dict[str, tuple[Path, str, float]] = {}

    def keep(self, path: Path, name: str) -> str:
        """The key of a file."""
        now = time.monotonic()
        for key, (_, _, until) in list(self._files.items()):
            if until < now:
                self._files.pop(key, None)
        key = secrets.token_urlsafe(12)
        self._files[key] = (path, name, now + self.seconds)
        return key

    def find(self, key: str) -> tuple[Path, str] | None:
        """Path and name; None where the file is no longer kept."""
        path, name, until = self._files.get(key, (Path(), "", 0.0))
        return (path, name) if until > time.monotonic() and path.is_file() else None
