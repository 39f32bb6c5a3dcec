"""Timing in rounds, medians and ratios."""

import pytest
import torch

from benchmarks.timing import Rounds, median_ms, median_ratio, time_in_rounds

pytestmark = pytest.mark.essential


def test_contenders_alternate_after_a_warm_up() -> None:
    calls: list[str] = []
    works = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    times = time_in_rounds(works, torch.device("cpu"), Rounds(at_least=3, at_most=3))
    assert calls == ["a", "a", "b", "b", *("a", "b") * 3]
    assert {name: len(each) for name, each in times.items()} == {"a": 3, "b": 3}


def test_time_limit_applies_once_there_are_enough_rounds() -> None:
    times = time_in_rounds({"a": lambda: None}, torch.device("cpu"), Rounds(at_least=4, at_most=50, seconds=0))
    assert len(times["a"]) == 4


def test_ratio_is_the_median_of_the_rounds_ratios() -> None:
    times = {"a": [1.0, 4.0, 9.0], "b": [1.0, 2.0, 3.0]}  # ratios 1, 2, 3
    assert median_ratio(times, "a", "b") == 2.0
    assert median_ms(times, "a") == 4000.0
