"""Files that a visitor sends for a batch, loose or in ZIPs, laid into one folder under names that are safe there."""

import mmap
import os
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from models.errors import BadInputError
from models.image_file import IMAGE_SUFFIXES

__all__ = ["MOST_BYTES", "MOST_IMAGES", "Gathered", "gather"]

MOST_IMAGES = 500
"""Of one batch, bad ones included."""
MOST_BYTES = 2 * 2**30
"""Of all images of one batch, unpacked."""

_MOST_OF_ONE = 2**30  # bytes of one image, unpacked
_MOST_ENTRIES = 20_000  # of a ZIP, whatever they are
_MOST_FOLDERS = 8  # that are kept in a name
_LONGEST_PART = 150  # bytes of a name's part; endings and numbers are added to it later
_WORLD_SUFFIXES = frozenset({".tfw", ".tifw", ".tiffw", ".jgw", ".jpgw", ".pgw", ".pngw", ".wld"})
_ENTRY = b"PK\1\2"  # what each entry of a ZIP's directory begins with
_UTF8 = 0x800  # flags of an entry
_ENCRYPTED = 0x1
_CHUNK = 2**20  # bytes
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)


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

    def place(self, name: str) -> str:
        """A name that no file has yet: the one given, or the same with a number.

        Raises:
            BadInputError: there are too many.
        """
        if len(self.names) + len(self.refused) >= MOST_IMAGES:
            raise BadInputError(f"more than {MOST_IMAGES} images; send fewer at once")
        path = PurePosixPath(name)
        if any((self.folder / parent).is_file() for parent in path.parents):  # where a folder would have to be
            path = PurePosixPath(name.replace("/", "_"))
        free, number = path, 1
        while str(free) in self.refused or (self.folder / free).exists():
            number += 1
            free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        return str(free)

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
    found = Gathered(folder)
    several = sum(_is_zip(path) for path in files) > 1
    for path in files:
        name = "/".join(_parts(path.name))
        if _is_zip(path):
            _unpack(path, name, f"{PurePosixPath(name).stem}/" if several else "", found)
        elif path.suffix.lower() in _WORLD_SUFFIXES:
            _lay(path, folder / name)
        else:
            free = found.place(name)
            found.count(path.stat().st_size)
            _lay(path, folder / free)
            found.names.append(free)
    return found


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip"


def _lay(path: Path, target: Path) -> None:
    """The file under another name, which stays when the first one goes."""
    if target.exists():
        return
    try:
        os.link(path, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(path, target)


def _unpack(path: Path, name: str, prefix: str, found: Gathered) -> None:
    """Adds the images of a ZIP; of one that cannot be used, why."""
    before = len(found.names) + len(found.refused)
    try:
        if _entries(path) > _MOST_ENTRIES:
            raise BadInputError(f"{name}: more than {_MOST_ENTRIES:,} files in this ZIP; send fewer at once")
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if not entry.is_dir():
                    _take(archive, entry, prefix, found)
    except BadInputError:  # of the batch, not of this ZIP
        raise
    except _DAMAGED:
        found.refused[found.place(name)] = f"{name}: this ZIP is damaged, cut short, or none; pack the images again"
    else:
        if len(found.names) + len(found.refused) == before:
            found.refused[found.place(name)] = f"{name}: no image in this ZIP"


def _entries(path: Path) -> int:
    """How many entries a ZIP can have at most, counted before they are read into memory."""
    if not path.stat().st_size:
        return 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return sum(1 for _ in re.finditer(re.escape(_ENTRY), data))


def _take(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, prefix: str, found: Gathered) -> None:
    """Adds an entry of a ZIP that is an image by its name."""
    parts = _parts(_said(entry))
    suffix = PurePosixPath(parts[-1]).suffix.lower() if parts else ""
    if not parts or "__MACOSX" in parts or any(part.startswith(".") for part in parts):
        found.passed_over += 1
        return
    name = prefix + "/".join(parts)
    if suffix in _WORLD_SUFFIXES:
        _take_world_file(archive, entry, found.folder / name)
        return
    if suffix not in IMAGE_SUFFIXES:
        found.passed_over += 1
        return
    name = found.place(name)
    target = found.folder / name
    if reason := _unusable(entry):
        found.refused[name] = f"{name}: {reason}"
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with archive.open(entry) as source, target.open("xb") as file:
            for chunk in _limited(source):
                found.count(len(chunk))
                file.write(chunk)
    except BadInputError:
        raise
    except _DAMAGED:
        target.unlink(missing_ok=True)
        found.refused[name] = f"{name}: damaged in its ZIP, or packed in a way that cannot be read"
    else:
        found.names.append(name)


def _take_world_file(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    """Adds six numbers that place an image on the ground; of a bad one nothing, for the image has its row without."""
    if target.exists() or entry.file_size > _CHUNK:
        return
    with suppress(*_DAMAGED):
        content = archive.read(entry)
        target.parent.mkdir(parents=True, exist_ok=True)
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


def _limited(source: zipfile.ZipExtFile) -> Iterator[bytes]:
    """The bytes of an entry, whatever the ZIP's directory says of how many there are.

    Raises:
        ValueError: they are too many.
    """
    size = 0
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        if size > _MOST_OF_ONE:
            raise ValueError
        yield chunk


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
