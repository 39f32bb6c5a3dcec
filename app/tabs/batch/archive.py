"""Files that a visitor sends for a batch, loose or in ZIPs, laid into one folder under names that are safe there."""

import lzma
import mmap
import os
import re
import shutil
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Generic, TypeVar

from core.errors import BadInputError
from imagery.reading import IMAGE_SUFFIXES
from imagery.world_file import MAX_BYTES, world_file_suffixes

__all__ = ["MOST_BYTES", "MOST_IMAGES", "Gathered", "gather"]

MOST_IMAGES = 500
"""Of one batch, bad ones included."""
MOST_BYTES = 2 * 2**30
"""Of all images of one batch, unpacked."""

_MOST_OF_ONE = 2**30  # bytes of one image, unpacked
_MOST_ENTRIES = 20_000  # of a ZIP, whatever they are
_MOST_FOLDERS = 8  # that are kept in a name
_LONGEST_PART = 150  # bytes of a name's part; endings and numbers are added to it later
_ENTRY = b"PK\1\2"  # what each entry of a ZIP's directory begins with
_UTF8 = 0x800  # flags of an entry
_ENCRYPTED = 0x1
_CHUNK = 2**20  # bytes
# What reading a ZIP raises, by the way it is packed; OSError is bzip2's too.
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)


_WORLD_SUFFIXES = frozenset(ending for suffix in IMAGE_SUFFIXES for ending in world_file_suffixes(suffix))


_File = TypeVar("_File")  # as it was sent, or in a ZIP


class _DamagedError(Exception):
    """Something cannot be read from a ZIP."""


@dataclass
class Gathered:
    """What there is to explain, and what there is not."""

    folder: Path
    names: list[str] = field(default_factory=list)
    """Of the images, by their paths within the folder; what they really are shows when they are read."""
    refused: dict[str, str] = field(default_factory=dict)
    """By name, why a file is not among them."""
    passed_over: int = 0
    """Files in ZIPs that are not images: notes, hidden files, whatever else."""
    _bytes: int = 0
    _taken: set[str] = field(default_factory=set)
    """Names in small letters: where some systems see one file, and world files know one image, there is to be one."""

    def place(self, name: str) -> str:
        """A name that no file has yet: the one given, or the same with a number.

        Raises:
            BadInputError: there are too many.
        """
        if len(self.names) + len(self.refused) >= MOST_IMAGES:
            raise BadInputError(f"more than {MOST_IMAGES} images; send fewer at once")
        path = PurePosixPath(name)
        if any(str(parent).lower() in self._taken for parent in path.parents):  # where a folder would have to be
            path = PurePosixPath(name.replace("/", "_"))
        free, number = path, 1
        while str(free).lower() in self._taken or (self.folder / free).is_dir():
            number += 1
            free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        self._taken.add(str(free).lower())
        return str(free)

    def place_world_file(self, name: str, size: int) -> Path | None:
        """Where a world file of so many bytes goes; None where something else has its name.

        Raises:
            BadInputError: as count.
        """
        if name.lower() in self._taken or (self.folder / name).is_dir():
            return None
        self._taken.add(name.lower())
        self.count(size)
        return self.folder / name

    def count(self, size: int) -> None:
        """Adds bytes to what the batch takes on the disk.

        Raises:
            BadInputError: they are too many.
        """
        self._bytes += size
        if self._bytes > MOST_BYTES:
            raise BadInputError(f"more than {MOST_BYTES // 2**30} GB of images, unpacked; send fewer at once")


def gather(files: Sequence[Path], folder: Path) -> Gathered:
    """Lays a visitor's files into a folder.

    Loose files are taken as they are; ZIPs are unpacked as far as they hold images, whose folders stay in their names.
    Names that are there twice get numbers; of several ZIPs each is a folder. World files go with their images.

    Args:
        files: as they were sent.
        folder: empty; the files in it are to be changed by nobody.

    Raises:
        BadInputError: there is nothing, or too much.
    """
    if not files:
        raise BadInputError("there are no files yet; choose images or a ZIP of them")
    found, loose = Gathered(folder), _Source()
    several = sum(_is_zip(path) for path in files) > 1
    for path in files:
        parts = _parts(path.name)
        name = PurePosixPath(*parts) if parts else PurePosixPath("unnamed")
        if _is_zip(path):
            _unpack(path, str(name), "/".join(_parts(name.stem)) if several else "", found)
        elif name.suffix.lower() in _WORLD_SUFFIXES:
            loose.add_world_file(name, path)
        else:
            free = found.place(str(name))
            found.count(path.stat().st_size)
            _lay(path, folder / free)
            found.names.append(free)
            loose.images.append((name, free))
    for path, free in loose.matches():
        size = path.stat().st_size
        if size <= MAX_BYTES and (target := found.place_world_file(free, size)):
            _lay(path, target)
    return found


class _Source(Generic[_File]):
    """What comes together, loose or in one ZIP: world files belong to images that they come with."""

    def __init__(self) -> None:
        self.images: list[tuple[PurePosixPath, str]] = []
        """Names that images came by, and those that they have."""
        self._world_files: dict[tuple[str, str], list[_File]] = {}

    def add_world_file(self, name: PurePosixPath, file: _File) -> None:
        """Adds a file that may place an image on the ground, under the name that it came by."""
        self._world_files.setdefault((str(name.with_suffix("")), name.suffix.lower()), []).append(file)

    def matches(self) -> Iterator[tuple[_File, str]]:
        """World files with names that are looked for, each beside the one image that it can mean.

        Of an image with several, the one that counts first; a file that may mean several images, or several files
        of one name, mean none.
        """
        wanted = Counter(key for name, _ in self.images for key in _keys(name))
        for name, free in self.images:
            there = (self._world_files[key] for key in _keys(name) if key in self._world_files and wanted[key] == 1)
            if (files := next(there, None)) is not None and len(files) == 1:
                image = PurePosixPath(free)
                yield files[0], str(image.with_suffix(f"{image.suffix.lower()}w"))


def _keys(image: PurePosixPath) -> list[tuple[str, str]]:
    """World files that an image can have, by stem and ending; of what is no image by its name, none."""
    suffix = image.suffix.lower()
    return (
        [(str(image.with_suffix("")), each) for each in world_file_suffixes(suffix)] if suffix in IMAGE_SUFFIXES else []
    )


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip"


def _lay(path: Path, target: Path) -> None:
    """The file under another name, which stays when the first one goes."""
    try:
        os.link(path, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(path, target)


def _unpack(path: Path, name: str, folder: str, found: Gathered) -> None:
    """Adds the images of a ZIP, in a folder where one is named; of a ZIP that cannot be used, why."""
    before = len(found.names) + len(found.refused)
    try:
        if _entries(path) > _MOST_ENTRIES:
            raise BadInputError(f"{name}: more than {_MOST_ENTRIES:,} files in this ZIP; send fewer at once")
        archive = zipfile.ZipFile(path)
    except BadInputError:  # of the batch, not of this ZIP
        raise
    except _DAMAGES:
        found.refused[found.place(name)] = f"{name}: this ZIP is damaged, cut short, or none; pack the images again"
        return
    with archive:
        source = _Source()
        for entry in archive.infolist():
            if not entry.is_dir():
                _take(archive, entry, folder, source, found)
        for entry, free in source.matches():
            _take_world_file(archive, entry, free, found)
    if len(found.names) + len(found.refused) == before:
        found.refused[found.place(name)] = f"{name}: no image in this ZIP"


def _entries(path: Path) -> int:
    """How many entries a ZIP can have at most, counted before they are read into memory."""
    if not path.stat().st_size:
        return 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return sum(1 for _ in re.finditer(re.escape(_ENTRY), data))


def _take(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: str, source: _Source[zipfile.ZipInfo], found: Gathered
) -> None:
    """Adds an entry of a ZIP that is an image by its name; what may be a world file waits for all images."""
    parts = _parts(_said(entry))
    if not parts or "__MACOSX" in parts or any(part.startswith(".") for part in parts):
        found.passed_over += 1
        return
    asked = PurePosixPath(*parts)
    if asked.suffix.lower() in _WORLD_SUFFIXES:
        source.add_world_file(asked, entry)
        return
    if asked.suffix.lower() not in IMAGE_SUFFIXES:
        found.passed_over += 1
        return
    name = found.place(str(PurePosixPath(folder, asked)))
    target = found.folder / name
    if reason := _unusable(entry):
        found.refused[name] = f"{name}: {reason}"
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("xb") as file:
            for chunk in _content(archive, entry, _MOST_OF_ONE):
                found.count(len(chunk))
                file.write(chunk)
    except _DamagedError:
        target.unlink()
        found.refused[name] = f"{name}: damaged in its ZIP, or packed in a way that cannot be read"
    else:
        found.names.append(name)
        source.images.append((asked, name))


def _take_world_file(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, found: Gathered) -> None:
    """Adds six numbers that place an image on the ground; of a bad one nothing, for the image has its row without."""
    try:
        content = b"".join(_content(archive, entry, MAX_BYTES))
    except _DamagedError:
        return
    if target := found.place_world_file(name, len(content)):
        target.write_bytes(content)


def _unusable(entry: zipfile.ZipInfo) -> str | None:
    """Why an entry is not unpacked, as far as the ZIP's directory tells."""
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a link to another file; pack the image itself"
    if entry.flag_bits & _ENCRYPTED:
        return "encrypted; unpack the ZIP and send the images"
    if entry.file_size > _MOST_OF_ONE:
        return f"larger than {_MOST_OF_ONE // 2**30} GB"
    return None


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> Iterator[bytes]:
    """The bytes of an entry, whatever the ZIP's directory says of how many there are.

    Raises:
        _DamagedError: they cannot be read, or are more than the most.
    """
    size = 0
    try:
        with archive.open(entry) as source:
            while chunk := source.read(min(_CHUNK, most + 1)):
                size += len(chunk)
                if size > most:
                    raise ValueError
                yield chunk
    except _DAMAGES as error:
        raise _DamagedError from error


def _said(entry: zipfile.ZipInfo) -> str:
    """An entry's name; many programs write UTF-8 and do not say so."""
    if entry.flag_bits & _UTF8:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode()
    except UnicodeError:
        return entry.filename


def _parts(name: str) -> list[str]:
    """The parts of a path that lead nowhere but down, each of a length that every file system takes."""
    parts = [part.strip() for part in re.sub(r"[\x00-\x1f\x7f]", "_", name.replace("\\", "/")).split("/")]
    parts = [part for part in parts if part not in ("", ".", "..") and not re.fullmatch("[A-Za-z]:", part)]
    return [_short(part) for part in parts[-1 - _MOST_FOLDERS :]]


def _short(part: str) -> str:
    data = part.encode(errors="replace")
    if len(data) <= _LONGEST_PART:
        return data.decode()
    ending = PurePosixPath(part).suffix[:10]
    return data[: _LONGEST_PART - len(ending.encode())].decode(errors="ignore") + ending
