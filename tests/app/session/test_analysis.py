"""Analyses of a session's image, each computed once."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from app.session.analysis import SessionAnalyses, analysed
from app.session.state import SessionState
from app.storage.downloads import DownloadStore
from app.storage.source_image import SourceImage
from core.errors import BadInputError
from pairs.folder import PairFolder
from tests.conftest import texture, write_pair


@pytest.fixture
def analyses(tmp_path: Path) -> SessionAnalyses:
    for seed, name in enumerate(("one", "two")):
        write_pair(tmp_path / "checkpoints" / name, seed=seed)
    return SessionAnalyses(PairFolder(tmp_path / "checkpoints", torch.device("cpu")), DownloadStore())


@pytest.fixture
def reads() -> list[int]:
    return []


@pytest.fixture
def state(reads: list[int]) -> SessionState:
    def read() -> np.ndarray:
        reads.append(1)
        return texture(0, 0, side=50)

    return SessionState(SourceImage("a.tif", read, "key"))


def test_two_pairs_share_one_decoding(analyses: SessionAnalyses, state: SessionState, reads: list[int]) -> None:
    found, cached, errors = analyses.analyse(state, [analyses.pairs.load(name) for name in ("one", "two")])
    assert (found.pairs, found.size, errors) == (("one", "two"), (50, 50), [])
    assert cached.keys() == {"one", "two"}
    assert found.image_url
    again, _, _ = analyses.analyse(found, [analyses.pairs.load("two")])
    assert again.pairs == ("two",)
    assert analyses.current(again)["two"] is cached["two"]
    assert reads == [1]


def test_unreadable_image_is_an_error(analyses: SessionAnalyses, state: SessionState) -> None:
    def fail() -> np.ndarray:
        raise BadInputError("a.tif: not an image")

    unreadable = replace(state, source=replace(state.source, read=fail, key="other"))
    with pytest.raises(BadInputError, match="not an image"):
        analyses.analyse(unreadable, [analyses.pairs.load("one")])


def test_missing_analysis_is_an_error(state: SessionState) -> None:
    with pytest.raises(BadInputError, match="expired"):
        analysed(None)
    with pytest.raises(BadInputError, match="nothing has been analysed yet"):
        analysed(state)
    shown = replace(state, pairs=("one",))
    assert analysed(shown) is shown
