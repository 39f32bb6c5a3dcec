"""Timing in turns: contenders take turns in one process, so that a machine whose speed drifts favours none."""

import statistics
import time
from collections.abc import Callable

import torch

__all__ = ["Work", "median_ms", "median_ratio", "seconds", "take_turns"]

Work = Callable[[], object]

_SECONDS = 60  # of measuring at most, once there are enough rounds
_ROUNDS = (9, 30)  # at least, at most


def seconds(work: Work, device: torch.device) -> float:
    """Of one run, to its end on the device."""
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def take_turns(
    works: dict[str, Work], device: torch.device, rounds: tuple[int, int] = _ROUNDS
) -> dict[str, list[float]]:
    """Seconds of each round, by contender, after two rounds to warm up; at least so many rounds, at most so many."""
    for work in works.values():
        for _ in range(2):
            seconds(work, device)
    times: dict[str, list[float]] = {name: [] for name in works}
    start = time.perf_counter()
    for done in range(rounds[1]):
        if done >= rounds[0] and time.perf_counter() - start > _SECONDS:
            break
        for name, work in works.items():
            times[name].append(seconds(work, device))
    return times


def median_ratio(times: dict[str, list[float]], name: str, unit: str) -> float:
    """A contender's time over another's, the median of the rounds."""
    return round(statistics.median(mine / of for mine, of in zip(times[name], times[unit], strict=True)), 3)


def median_ms(times: dict[str, list[float]], name: str) -> float:
    """A contender's time in milliseconds, the median of the rounds."""
    return round(1000 * statistics.median(times[name]), 1)
