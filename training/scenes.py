"""A folder of scenes: one sub-folder per class, at any depth."""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from core.errors import BadInputError
from imagery.reading import IMAGE_SUFFIXES, read_image

__all__ = ["Scene", "SceneFolder", "read_scenes"]

_IGNORED = ("__MACOSX",)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One readable image of a class."""

    path: Path
    name: str
    """Class folder, slash, file name without suffix, so that it does not depend on the file format; with the suffix
    where two files of a class folder differ in nothing else."""
    label: int
    """Index into the folder's classes."""
    size: tuple[int, int]
    """(width, height) in pixels."""
    digest: str
    """SHA-256 of the decoded pixels; equal for duplicate images."""


@dataclass(frozen=True, kw_only=True)
class SceneFolder:
    """Scenes and classes of a folder."""

    name: str
    """Name of the folder that was given."""
    root: Path
    """The folder whose sub-folders are the classes."""
    classes: tuple[str, ...]
    """Class names in alphabetical order."""
    scenes: tuple[Scene, ...]
    """Readable images, sorted by class and file name."""
    unreadable: dict[Path, str]
    """Images that cannot be read, each with the reason."""

    @property
    def counts(self) -> dict[str, int]:
        """Readable images per class."""
        counts = Counter(scene.label for scene in self.scenes)
        return {name: counts[label] for label, name in enumerate(self.classes)}

    @property
    def sizes(self) -> dict[tuple[int, int], int]:
        """Number of images per (width, height), the most common first."""
        return dict(Counter(scene.size for scene in self.scenes).most_common())

    @property
    def duplicates(self) -> list[list[Path]]:
        """Groups of images with identical pixels."""
        groups = defaultdict(list)
        for scene in self.scenes:
            groups[scene.digest].append(scene.path)
        return [paths for paths in groups.values() if len(paths) > 1]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the names and pixels of all scenes."""
        lines = sorted(f"{scene.name} {scene.digest}\n" for scene in self.scenes)
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_scenes(folder: str | Path, progress: Callable[[Iterable], Iterable] = iter) -> SceneFolder:
    """Reads a folder of class folders, decoding every image once.

    The class folders may lie at any depth, below folders that each hold nothing but the next one.

    Args:
        folder: where to search.
        progress: wraps the iteration over images, e.g. with a progress bar.

    Raises:
        BadInputError: the folder does not exist, has fewer than two classes, or a class without a readable image.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise BadInputError(f"{folder}: no such folder")
    root = _class_level(folder)
    files = {child.name: _images(child) for child in _folders(root)}
    if empty := [name for name, paths in files.items() if not paths]:
        raise BadInputError(f"class folder(s) without an image: {', '.join(empty)}; fill or remove them")
    jobs = [(label, path) for label, name in enumerate(files) for path in files[name]]
    stems = Counter(path.with_suffix("") for _, path in jobs)

    def read(job: tuple[int, Path]) -> Scene | str:
        label, path = job
        return _read_scene(root, label, path, unique_stem=stems[path.with_suffix("")] == 1)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(progress(pool.map(read, jobs)))
    found = SceneFolder(
        name=folder.resolve().name,
        root=root,
        classes=tuple(files),
        scenes=tuple(result for result in results if isinstance(result, Scene)),
        unreadable={path: result for (_, path), result in zip(jobs, results, strict=True) if isinstance(result, str)},
    )
    if empty := [name for name, count in found.counts.items() if count == 0]:
        reason = next(iter(found.unreadable.values()))
        raise BadInputError(f"class folder(s) without a readable image: {', '.join(empty)} ({reason})")
    return found


def _read_scene(root: Path, label: int, path: Path, unique_stem: bool) -> Scene | str:
    """The scene, or the reason why it cannot be read."""
    try:
        image = read_image(path, name=path.relative_to(root).as_posix())
    except BadInputError as error:
        return str(error)
    height, width = image.shape[:2]
    digest = hashlib.sha256(f"{width}x{height}".encode())
    digest.update(image.data)
    name = (path.with_suffix("") if unique_stem else path).relative_to(root).as_posix()
    return Scene(path=path, name=name, label=label, size=(width, height), digest=digest.hexdigest())


def _class_level(folder: Path) -> Path:
    level = folder
    while True:
        filled = [child for child in _folders(level) if any(map(_is_image_name, child.rglob("*")))]
        if not filled:
            raise BadInputError(f"{folder}: no sub-folder with images; one folder per class is needed")
        nested = [child for child in filled if not any(map(_is_image_name, child.iterdir()))]
        if len(filled) == 1 and nested:
            level = filled[0]
            continue
        if len(filled) == 1:
            raise BadInputError(f"{folder}: only one class found ({filled[0].name}); at least two are needed")
        if nested:
            raise BadInputError(
                f"{level}: {', '.join(child.name for child in nested)} hold folders of images, not images; "
                "give the folder whose sub-folders are the classes"
            )
        return level


def _folders(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and not path.name.startswith(".") and path.name not in _IGNORED
    )


def _images(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if _is_image_name(path)]


def _is_image_name(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()
