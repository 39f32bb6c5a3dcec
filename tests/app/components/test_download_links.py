"""Download links."""

import re

from app.components.download_links import ExportedFile, download_links, link_list
from app.storage.downloads import DownloadStore


def test_file_is_rendered_only_when_it_is_fetched() -> None:
    rendered: list[str] = []

    def make() -> bytes:
        rendered.append("a")
        return b"1,2"

    downloads = DownloadStore()
    html = download_links(downloads, [ExportedFile("Table, CSV", "a b.csv", "text/csv", make)], "Files <of> a")
    assert rendered == []
    token = re.search(r"href='/kept/([^/]+)/", html)
    assert token is not None
    assert downloads.content(token[1])[2] == b"1,2"
    assert rendered == ["a"]


def test_title_name_and_label_are_escaped() -> None:
    html = link_list([("<b>Table</b>", "a'b.csv", "/kept/1/a%27b.csv")], "Files <of> a")
    assert "&lt;b&gt;Table&lt;/b&gt;" in html
    assert "<b>" not in html
    assert "Files &lt;of&gt; a" in html
    assert "download='a&#39;b.csv'" in html
