"""Links to downloads, as HTML."""

from collections.abc import Callable, Iterable

from app.components.templates import render
from app.storage.downloads import DownloadStore

__all__ = ["download_links", "link_list"]


def download_links(
    downloads: DownloadStore, files: Iterable[tuple[str, str, str, Callable[[], bytes]]], label: str
) -> str:
    """HTML: a list of files, each rendered when it is first fetched.

    Args:
        downloads: where they are put.
        files: title, file name, media type and renderer of each.
        label: accessible name of the list.
    """
    return link_list(((title, name, downloads.put(name, kind, make)) for title, name, kind, make in files), label)


def link_list(links: Iterable[tuple[str, str, str]], label: str) -> str:
    """HTML: a list of downloads.

    Args:
        links: title, file name and URL of each.
        label: accessible name of the list.
    """
    return render("components/download_links.html", links=list(links), label=label)
