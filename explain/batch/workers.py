"""The processes that share a folder of images, as torchrun starts them."""

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from torch import distributed

__all__ = ["ALONE", "Workers", "started_processes"]

_TIMEOUT = timedelta(days=7)  # for a slower machine, or one with more images


def started_processes() -> int:
    """Number of processes that torchrun has started, this one included; 1 without torchrun."""
    return int(os.environ["WORLD_SIZE"]) if distributed.is_torchelastic_launched() else 1


@dataclass(frozen=True)
class Workers:
    """One process, alone or in a group."""

    rank: int = 0
    """Rank of this process, from 0."""
    count: int = 1
    local_rank: int = 0
    """Rank of this process on its machine, which selects its GPU."""

    @classmethod
    def joined(cls) -> Self:
        """Joins the processes that torchrun has started; without torchrun, a single process."""
        if started_processes() == 1:
            return cls()
        if not distributed.is_initialized():
            distributed.init_process_group("gloo", timeout=_TIMEOUT)
        return cls(distributed.get_rank(), distributed.get_world_size(), int(os.environ["LOCAL_RANK"]))

    @property
    def first(self) -> bool:
        """Whether this process writes the table and the messages."""
        return self.rank == 0

    def from_first(self, value: str | None) -> str | None:
        """Broadcasts the first process's value."""
        if self.count > 1:
            box = [value]
            distributed.broadcast_object_list(box)
            value = box[0]
        return value

    def gathered(self, values: list) -> list | None:
        """All processes' lists, concatenated, for the first process; None for the others."""
        if self.count == 1:
            return values
        parts: list[list] | None = [[] for _ in range(self.count)] if self.first else None
        distributed.gather_object(values, parts)
        return None if parts is None else [value for part in parts for value in part]

    def leave(self) -> None:
        """Destroys the process group."""
        if self.count > 1:
            distributed.destroy_process_group()


ALONE = Workers()
