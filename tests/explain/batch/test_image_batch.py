"""One batch of a folder: read-ahead, explanation and written files."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from explain.batch.folder_run import FolderRun
from explain.batch.image_batch import explain_batch, read_ahead
from explain.cam.analysis import analyse
from explain.cam.question import Question
from imagery.reading import read_image
from pairs.pair import Pair

NAMES = ["a.tif", "bad.tif", "more/c.jpg"]


@pytest.fixture
def work(pair: Pair, folder: Path, tmp_path: Path) -> FolderRun:
    return FolderRun(folder, NAMES, tmp_path / "out", pair, Question(target=1), level="none")


def test_batches_are_read_in_their_order(work: FolderRun) -> None:
    with ThreadPoolExecutor(2) as pool:
        found = list(read_ahead(pool, [NAMES[:1], NAMES[1:]], work))
    assert [names for names, _ in found] == [NAMES[:1], NAMES[1:]]
    assert [[isinstance(each, Exception) for each in read] for _, read in found] == [[False], [True, False]]


def test_rows_keep_the_order_and_an_unreadable_image_has_an_error(work: FolderRun) -> None:
    with ThreadPoolExecutor(2) as pool:
        ((names, read),) = read_ahead(pool, [NAMES], work)
    rows = explain_batch(work, names, read)
    assert [row.image for row in rows] == NAMES
    assert [bool(row.error) for row in rows] == [False, True, False]
    for row in (rows[0], rows[2]):
        analysis = analyse(work.pair, read_image(work.folder / row.image))
        alone = analysis.heatmaps(work.question)
        with np.load(work.maps(row.image)) as stored:
            for role, heatmap in alone.items():
                np.testing.assert_allclose(stored[role], heatmap.values, atol=1e-6 * max(1, heatmap.values.max()))
                assert row.networks[role].prediction == work.pair.classes[analysis.networks[role].prediction]
                assert row.networks[role].target == work.pair.classes[1]
        assert work.strip(row.image).is_file()
    assert not work.maps("bad.tif").exists()
