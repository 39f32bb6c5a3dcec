"""Batch jobs and the folders that hold them."""

from pathlib import Path

import pytest

from app.tabs.batch.archive import Gathered
from app.tabs.batch.jobs import BatchJob, BatchJobs
from core.errors import BadInputError
from explain.batch.folder_run import FolderRun
from explain.batch.rows import ImageRow
from explain.cam.question import Question
from pairs.pair import Pair


@pytest.fixture
def jobs() -> BatchJobs:
    return BatchJobs(3600, most=2)


def job_in(folder: Path, pair: Pair) -> BatchJob:
    (folder / "image.png").write_bytes(b"")
    work = FolderRun(folder, ["image.png", "other.png"], folder / "out", pair, Question())
    return BatchJob(work, Gathered(folder), [], [])


def test_a_job_begins_once(jobs: BatchJobs, pair: Pair) -> None:
    job = jobs.find(jobs.make(lambda folder: job_in(folder, pair)))
    assert job is not None
    assert job.total == 2
    assert job.seconds_left() is None
    assert job.begin()
    assert not job.begin()


def test_stopped_job_keeps_its_results_and_accepts_no_more(jobs: BatchJobs, pair: Pair) -> None:
    job = jobs.find(jobs.make(lambda folder: job_in(folder, pair)))
    assert job is not None
    job.begin()
    assert job.add([ImageRow("image.png")], [{}])
    assert not job.stop()  # the worker ends it after the current batch
    assert not job.add([ImageRow("other.png")], [{}])
    assert [row.image for row in job.rows] == ["image.png"]
    job.end()
    assert not job.stop()


def test_queued_job_ends_at_once_when_stopped(jobs: BatchJobs, pair: Pair) -> None:
    job = jobs.find(jobs.make(lambda folder: job_in(folder, pair)))
    assert job is not None
    assert job.stop()
    assert not job.begin()


def test_a_job_that_cannot_be_built_leaves_no_folder(jobs: BatchJobs) -> None:
    made = []

    def build(folder: Path) -> BatchJob:
        made.append(folder)
        raise BadInputError("no image")

    for _ in range(3):  # and occupies no place in the queue
        with pytest.raises(BadInputError, match="no image"):
            jobs.make(build)
    assert not any(folder.exists() for folder in made)


def test_oldest_ended_job_is_evicted_when_the_queue_is_full(jobs: BatchJobs, pair: Pair) -> None:
    keys = [jobs.make(lambda folder: job_in(folder, pair)) for _ in range(2)]
    with pytest.raises(BadInputError, match="the queue is full with 2 batches"):
        jobs.make(lambda folder: job_in(folder, pair))
    ended = jobs.find(keys[1])
    assert ended is not None
    ended.end()
    folder = ended.work.folder
    assert folder.exists()
    jobs.make(lambda folder: job_in(folder, pair))
    assert jobs.find(keys[0]) is not None
    assert jobs.find(keys[1]) is None
    assert not folder.exists()
