"""Worker processes: a single one; several are tested in test_folder.py."""

import pytest

from explain.batch.workers import ALONE, Workers


def test_single_process_is_first_and_keeps_its_values() -> None:
    assert ALONE.first
    assert ALONE.from_first("refused") == "refused"
    assert ALONE.gathered([1, 2]) == [1, 2]
    ALONE.leave()  # there is no group


def test_without_torchrun_there_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    assert Workers.joined() == ALONE


def test_only_rank_0_is_first() -> None:
    assert [Workers(rank, 3).first for rank in range(3)] == [True, False, False]
