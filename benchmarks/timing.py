"""Timing in rounds: contenders alternate in one process, so that a machine whose speed drifts favours none."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

__all__ = ["Rounds", "Work", "median_ms", "median_ratio", "seconds", "time_in_rounds"]

Work = Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """How often everything is timed."""

    at_least: int = 9
    at_most: int = 30
    seconds: float = 60
    """No further round starts after this time, once there are enough."""


def seconds(work: Work, device: torch.device) -> float:
    """Duration of one call, until the device has finished."""
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def time_in_rounds(
    works: Mapping[str, Work],
    device: torch.device,
    rounds: Rounds = Rounds(),
) -> dict[str, list[float]]:
    """Seconds of each round, keyed by contender, after two rounds of warm-up."""
    for work in works.values():
        for _ in range(2):
            seconds(work, device)
    times: dict[str, list[float]] = {name: [] for name in works}
    start = time.perf_counter()
    for done in range(rounds.at_most):
        if done >= rounds.at_least and time.perf_counter() - start > rounds.seconds:
            break
        for name, work in works.items():
            times[name].append(seconds(work, device))
    return times


def median_ratio(times: dict[str, list[float]], name: str, unit: str) -> float:
    """Median over the rounds of a contender's time divided by another's."""
    return round(statistics.median(mine / of for mine, of in zip(times[name], times[unit], strict=True)), 3)


def median_ms(times: dict[str, list[float]], name: str) -> float:
    """Median over the rounds of a contender's time, in milliseconds."""
    return round(1000 * statistics.median(times[name]), 1)
