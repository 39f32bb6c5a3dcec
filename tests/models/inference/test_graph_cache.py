"""The folder of converted graphs."""

from pathlib import Path

import pytest

from models.inference.graph_cache import VARIABLE, GraphCache

pytestmark = pytest.mark.essential


def test_kept_graph_is_found_again(tmp_path: Path) -> None:
    cache = GraphCache(tmp_path / "not" / "there")
    assert cache.find("a") is None
    cache.put("a", b"first")
    cache.put("ab", b"second")
    assert cache.find("a") == b"first"
    assert cache.find("ab") == b"second"
    assert cache.find("b") is None


@pytest.mark.parametrize("damage", [b"", b"firs", b"other"])
def test_torn_or_altered_graph_is_deleted(tmp_path: Path, damage: bytes) -> None:
    cache = GraphCache(tmp_path)
    cache.put("a", b"first")
    (path,) = cache.folder.iterdir()
    path.write_bytes(damage)
    assert cache.find("a") is None
    assert not list(cache.folder.iterdir())
    cache.put("a", b"first")
    assert cache.find("a") == b"first"


def test_graphs_not_used_for_longest_are_deleted_first(tmp_path: Path) -> None:
    cache = GraphCache(tmp_path, most=2)
    cache.put("a", b"first")
    cache.put("b", b"second")
    assert cache.find("a") == b"first"
    cache.put("c", b"third")
    assert [cache.find(key) for key in ("a", "b", "c")] == [b"first", None, b"third"]


def test_folder_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert GraphCache().folder == tmp_path / "graphs"
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert GraphCache().folder == tmp_path / "scff-lens" / "graphs"


def test_folder_that_cannot_be_written_to_raises_oserror(tmp_path: Path) -> None:
    (tmp_path / "graphs").write_text("a file")
    with pytest.raises(OSError, match="graphs"):
        GraphCache(tmp_path / "graphs").put("a", b"first")
    assert GraphCache(tmp_path / "graphs").find("a") is None
