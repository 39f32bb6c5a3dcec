"""The processes that share a folder of images, as torchrun starts them."""

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from torch import distributed

__all__ = ["ALONE", "Workers"]

_PATIENCE = timedelta(days=7)  # with a machine that is slower, or has more to do


@dataclass(frozen=True)
class Workers:
    """One process, alone or among others."""

    rank: int = 0
    """Of this process, from 0."""
    count: int = 1
    local_rank: int = 0
    """Of this process on its machine: which GPU it takes."""

    @classmethod
    def joined(cls) -> Self:
        """Those of torchrun's environment; alone where there is none."""
        if not distributed.is_torchelastic_launched() or os.environ["WORLD_SIZE"] == "1":
            return cls()
        if not distributed.is_initialized():
            distributed.init_process_group("gloo", timeout=_PATIENCE)
        return cls(distributed.get_rank(), distributed.get_world_size(), int(os.environ["LOCAL_RANK"]))

    @property
    def first(self) -> bool:
        """Whether this process speaks for all."""
        return self.rank == 0

    def from_first(self, value: str | None) -> str | None:
        """What the first process gives, for all; the others wait for it."""
        if self.count > 1:
            box = [value]
            distributed.broadcast_object_list(box)
            value = box[0]
        return value

    def gathered(self, values: list) -> list | None:
        """The lists of all, one after the other, for the first process; None for the others."""
        if self.count == 1:
            return values
        found = [None] * self.count if self.first else None
        distributed.gather_object(values, found)
        return None if found is None else [value for part in found for value in part]

    def leave(self) -> None:
        """Ends the work in common."""
        if self.count > 1:
            distributed.destroy_process_group()


ALONE = Workers()
