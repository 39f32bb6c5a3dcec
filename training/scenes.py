"""A folder of scenes: one sub-folder a class, wherever that level lies."""

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


@dataclass(frozen=True)
class Scene:
    """One readable image of a class."""

    path: Path
    name: str
    """Class folder, slash, file name without its ending, so that it is the same whatever format the set is stored
    in; with the ending where two files of a folder differ in nothing else."""
    label: int
    """Index into the folder's classes."""
    size: tuple[int, int]
    """(width, height) in pixels."""
    digest: str
    """SHA-256 over the decoded pixels; equal for images that are equal, pixel for pixel."""


@dataclass(frozen=True)
class SceneFolder:
    """What a folder of scenes holds."""

    name: str
    """Name of the folder that was asked for."""
    root: Path
    """The folder whose sub-folders are the classes."""
    classes: tuple[str, ...]
    """Class names in alphabetical order."""
    scenes: tuple[Scene, ...]
    """Readable images, by class and file name."""
    unreadable: dict[Path, str]
    """Images that could not be read, each with the reason."""

    @property
    def counts(self) -> dict[str, int]:
        """Readable images of each class."""
        counts = Counter(scene.label for scene in self.scenes)
        return {name: counts[label] for label, name in enumerate(self.classes)}

    @property
    def sizes(self) -> dict[tuple[int, int], int]:
        """Images of each (width, height), the commonest, which is the nominal size, first."""
        return dict(Counter(scene.size for scene in self.scenes).most_common())

    @property
    def duplicates(self) -> list[list[Path]]:
        """Groups of images that are the same picture, pixel for pixel."""
        groups = defaultdict(list)
        for scene in self.scenes:
            groups[scene.digest].append(scene.path)
        return [paths for paths in groups.values() if len(paths) > 1]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over names and pixels of all scenes."""
        lines = sorted(f"{scene.name} {scene.digest}\n" for scene in self.scenes)
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_scenes(folder: str | Path, watch: Callable[[Iterable], Iterable] = iter) -> SceneFolder:
    """Reads a folder of class folders, decoding every image once.

    The class level may lie any number of folders below: single folders are passed through.

    Args:
        folder: where to look.
        watch: wraps the iteration over images, for a progress bar.

    Raises:
        BadInputError: there is no such folder, fewer than two classes, or a class without a readable image.
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
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(watch(pool.map(lambda job: _read_scene(root, *job, stems), jobs)))
    scenes = tuple(result for result in results if isinstance(result, Scene))
    unreadable = {job[1]: result for job, result in zip(jobs, results, strict=True) if isinstance(result, str)}
    found = SceneFolder(folder.resolve().name, root, tuple(files), scenes, unreadable)
    if empty := [name for name, count in found.counts.items() if count == 0]:
        reason = next(iter(unreadable.values()))
        raise BadInputError(f"class folder(s) without a readable image: {', '.join(empty)} ({reason})")
    return found


def _read_scene(root: Path, label: int, path: Path, stems: Counter[Path]) -> Scene | str:
    """The scene, or why it cannot be read."""
    try:
        image = read_image(path, called=path.relative_to(root).as_posix())
    except BadInputError as error:
        return str(error)
    height, width = image.shape[:2]
    digest = hashlib.sha256(f"{width}x{height}".encode())
    digest.update(image)
    stem = path.with_suffix("")
    name = (path if stems[stem] > 1 else stem).relative_to(root).as_posix()
    return Scene(path, name, label, (width, height), digest.hexdigest())


def _class_level(folder: Path) -> Path:
    level = folder
    while True:
        filled = [child for child in _folders(level) if any(map(_is_image_name, child.rglob("*")))]
        if not filled:
            raise BadInputError(f"{folder}: no folder with images in it; one folder for each class is needed")
        nested = [child for child in filled if not any(map(_is_image_name, child.iterdir()))]
        if len(filled) == 1 and nested:
            level = filled[0]
            continue
        if len(filled) == 1:
            raise BadInputError(f"{folder}: only one class found ({filled[0].name}); two or more are needed")
        if nested:
            raise BadInputError(
                f"{level}: {', '.join(child.name for child in nested)} hold folders of images, not images; "
                "name the folder whose sub-folders are the classes"
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
