"""Unpacks the uploads of a batch, single files and ZIP files, into one folder under safe names."""

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
"""Maximum number of images per batch, unreadable ones included."""
MOST_BYTES = 2 * 2**30
"""Maximum unpacked size of all images of a batch, in bytes."""

_MOST_IMAGE_BYTES = 2**30  # unpacked, in bytes
_MOST_ENTRIES = 20_000  # of a ZIP file, of any kind
_MOST_FOLDERS = 8  # kept in a name
_LONGEST_PART = 150  # bytes of a path component, before suffixes and numbers are added
_ENTRY = b"PK\1\2"  # signature of an entry in a ZIP file's central directory
_UTF8 = 0x800  # flag bits of an entry
_ENCRYPTED = 0x1
_CHUNK = 2**20  # bytes
# Raised on reading, depending on the compression method; OSError is bzip2's too.
_READ_ERRORS = (
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


_File = TypeVar("_File")  # a path, or an entry of a ZIP file


class _DamagedError(Exception):
    """An entry of a ZIP file cannot be read."""


@dataclass
class Gathered:
    """The images of a batch, and the files that were refused."""

    folder: Path
    names: list[str] = field(default_factory=list)
    """Paths of the images within the folder; their content is only checked when they are read."""
    refused: dict[str, str] = field(default_factory=dict)
    """Reasons for the refusals, keyed by file name."""
    skipped: int = 0
    """Files in ZIP files that are not images, such as notes and hidden files."""
    _bytes: int = 0
    _taken: set[str] = field(default_factory=set)
    """Names in use, in lower case, so that they are unique on case-insensitive file systems and for world files."""

    def place(self, name: str) -> str:
        """Reserves a name, with a number appended if it is already taken.

        Raises:
            BadInputError: the batch has too many images.
        """
        if len(self.names) + len(self.refused) >= MOST_IMAGES:
            raise BadInputError(f"more than {MOST_IMAGES} images; upload fewer at once")
        path = PurePosixPath(name)
        if any(str(parent).lower() in self._taken for parent in path.parents):  # a file where a folder is needed
            path = PurePosixPath(name.replace("/", "_"))
        free, number = path, 1
        while str(free).lower() in self._taken or (self.folder / free).is_dir():
            number += 1
            free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        self._taken.add(str(free).lower())
        return str(free)

    def place_world_file(self, name: str, size: int) -> Path | None:
        """Reserves the path of a world file of that many bytes; None where its name is taken.

        Raises:
            BadInputError: as for count.
        """
        if name.lower() in self._taken or (self.folder / name).is_dir():
            return None
        self._taken.add(name.lower())
        self.count(size)
        return self.folder / name

    def count(self, size: int) -> None:
        """Adds to the bytes that the batch takes on disk.

        Raises:
            BadInputError: the batch is too large.
        """
        self._bytes += size
        if self._bytes > MOST_BYTES:
            raise BadInputError(f"more than {MOST_BYTES // 2**30} GB of images, unpacked; upload fewer at once")


def gather(files: Sequence[Path], folder: Path) -> Gathered:
    """Collects uploads in a folder.

    Single files are taken as they are; of ZIP files the images are unpacked, with their folders. Duplicate names get
    numbers; of several ZIP files each becomes a folder. World files are placed beside their images.

    Args:
        files: as uploaded.
        folder: an empty folder; files in it may become hard links, and must not be modified.

    Raises:
        BadInputError: there are no files, or too many.
    """
    if not files:
        raise BadInputError("no files chosen; choose images or a ZIP file of images")
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
            _link_or_copy(path, folder / free)
            found.names.append(free)
            loose.images.append((name, free))
    for path, free in loose.matches():
        size = path.stat().st_size
        if size <= MAX_BYTES and (target := found.place_world_file(free, size)):
            _link_or_copy(path, target)
    return found


class _Source(Generic[_File]):
    """Files uploaded together, singly or in one ZIP file: world files belong to images of the same source."""

    def __init__(self) -> None:
        self.images: list[tuple[PurePosixPath, str]] = []
        """Original and reserved name of each image."""
        self._world_files: dict[tuple[str, str], list[_File]] = {}

    def add_world_file(self, name: PurePosixPath, file: _File) -> None:
        """Adds a world file under its original name."""
        self._world_files.setdefault((str(name.with_suffix("")), name.suffix.lower()), []).append(file)

    def matches(self) -> Iterator[tuple[_File, str]]:
        """World files and their paths beside the image that each belongs to.

        Of several world files of an image the first in order of precedence is taken; ambiguous ones (several images, or
        several files of one name) are ignored.
        """
        wanted = Counter(key for name, _ in self.images for key in _keys(name))
        for name, free in self.images:
            there = (self._world_files[key] for key in _keys(name) if key in self._world_files and wanted[key] == 1)
            if (files := next(there, None)) is not None and len(files) == 1:
                image = PurePosixPath(free)
                yield files[0], str(image.with_suffix(f"{image.suffix.lower()}w"))


def _keys(image: PurePosixPath) -> list[tuple[str, str]]:
    """Stem and suffix of an image's possible world files; none for a file without an image's suffix."""
    suffix = image.suffix.lower()
    return (
        [(str(image.with_suffix("")), each) for each in world_file_suffixes(suffix)] if suffix in IMAGE_SUFFIXES else []
    )


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip"


def _link_or_copy(path: Path, target: Path) -> None:
    """Links or copies a file, so that it remains when the original is deleted."""
    try:
        os.link(path, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(path, target)


def _unpack(path: Path, name: str, folder: str, found: Gathered) -> None:
    """Adds the images of a ZIP file, below a folder where one is given; refuses a ZIP file that cannot be read."""
    before = len(found.names) + len(found.refused)
    try:
        if _entries(path) > _MOST_ENTRIES:
            raise BadInputError(f"{name}: more than {_MOST_ENTRIES:,} files in this ZIP file; upload fewer at once")
        archive = zipfile.ZipFile(path)
    except BadInputError:  # limits of the whole batch
        raise
    except _READ_ERRORS:
        found.refused[found.place(name)] = (
            f"{name}: the file is damaged, truncated or not a ZIP archive; create it again"
        )
        return
    with archive:
        source = _Source()
        for entry in archive.infolist():
            if not entry.is_dir():
                _take(archive, entry, folder, source, found)
        for entry, free in source.matches():
            _take_world_file(archive, entry, free, found)
    if len(found.names) + len(found.refused) == before:
        found.refused[found.place(name)] = f"{name}: no image in this ZIP file"


def _entries(path: Path) -> int:
    """Upper bound of a ZIP file's entries, counted before the directory is read into memory."""
    if not path.stat().st_size:
        return 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return sum(1 for _ in re.finditer(re.escape(_ENTRY), data))


def _take(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: str, source: _Source[zipfile.ZipInfo], found: Gathered
) -> None:
    """Adds an entry with an image's suffix; possible world files are deferred until all images are known."""
    parts = _parts(_decoded_name(entry))
    if not parts or "__MACOSX" in parts or any(part.startswith(".") for part in parts):
        found.skipped += 1
        return
    original = PurePosixPath(*parts)
    if original.suffix.lower() in _WORLD_SUFFIXES:
        source.add_world_file(original, entry)
        return
    if original.suffix.lower() not in IMAGE_SUFFIXES:
        found.skipped += 1
        return
    name = found.place(str(PurePosixPath(folder, original)))
    target = found.folder / name
    if reason := _refusal(entry):
        found.refused[name] = f"{name}: {reason}"
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("xb") as file:
            for chunk in _content(archive, entry, _MOST_IMAGE_BYTES):
                found.count(len(chunk))
                file.write(chunk)
    except _DamagedError:
        target.unlink()
        found.refused[name] = f"{name}: damaged in the ZIP file, or packed with an unsupported method"
    else:
        found.names.append(name)
        source.images.append((original, name))


def _take_world_file(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, found: Gathered) -> None:
    """Adds a world file; one that cannot be read is ignored, as its image can be explained without."""
    try:
        content = b"".join(_content(archive, entry, MAX_BYTES))
    except _DamagedError:
        return
    if target := found.place_world_file(name, len(content)):
        target.write_bytes(content)


def _refusal(entry: zipfile.ZipInfo) -> str | None:
    """Why an entry is refused, according to the ZIP file's directory."""
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a symbolic link; pack the image itself"
    if entry.flag_bits & _ENCRYPTED:
        return "encrypted; unpack the ZIP file and send the images"
    if entry.file_size > _MOST_IMAGE_BYTES:
        return f"larger than {_MOST_IMAGE_BYTES // 2**30} GB"
    return None


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> Iterator[bytes]:
    """Content of an entry in chunks, limited whatever size the ZIP file's directory declares.

    Raises:
        _DamagedError: it cannot be read, or exceeds the limit.
    """
    size = 0
    try:
        with archive.open(entry) as source:
            while chunk := source.read(min(_CHUNK, most + 1)):
                size += len(chunk)
                if size > most:
                    raise ValueError
                yield chunk
    except _READ_ERRORS as error:
        raise _DamagedError from error


def _decoded_name(entry: zipfile.ZipInfo) -> str:
    """An entry's name; many programs write UTF-8 without setting the flag."""
    if entry.flag_bits & _UTF8:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode()
    except UnicodeError:
        return entry.filename


def _parts(name: str) -> list[str]:
    """Components of a relative path without '..', each short enough for any file system."""
    parts = [part.strip() for part in re.sub(r"[\x00-\x1f\x7f]", "_", name.replace("\\", "/")).split("/")]
    parts = [part for part in parts if part not in ("", ".", "..") and not re.fullmatch("[A-Za-z]:", part)]
    return [_shortened(part) for part in parts[-1 - _MOST_FOLDERS :]]


def _shortened(part: str) -> str:
    data = part.encode(errors="replace")
    if len(data) <= _LONGEST_PART:
        return data.decode()
    suffix = PurePosixPath(part).suffix[:10]
    return data[: _LONGEST_PART - len(suffix.encode())].decode(errors="ignore") + suffix
