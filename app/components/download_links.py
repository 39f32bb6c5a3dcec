"""Links to downloads, as HTML."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.components.templates import render
from app.storage.downloads import DownloadStore

__all__ = ["ExportedFile", "download_links", "link_list"]


@dataclass(frozen=True)
class ExportedFile:
    """A file that is offered for download, not rendered yet."""

    title: str
    """Of its link."""
    name: str
    """When saved."""
    media_type: str
    make: Callable[[], bytes]
    """Renders its content, as DownloadStore.put takes it."""


def download_links(downloads: DownloadStore, files: Iterable[ExportedFile], label: str) -> str:
    """HTML: a list of files, each rendered when it is first fetched.

    Args:
        downloads: store that receives the files.
        files: in the order of the list.
        label: accessible name of the list.
    """
    links = ((file.title, file.name, downloads.put(file.name, file.media_type, file.make)) for file in files)
    return link_list(links, label)


def link_list(links: Iterable[tuple[str, str, str]], label: str) -> str:
    """HTML: a list of downloads.

    Args:
        links: title, file name and URL of each.
        label: accessible name of the list.
    """
    return render("components/download_links.html", links=list(links), label=label)
