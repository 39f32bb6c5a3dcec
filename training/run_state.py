"""The hidden folder beside a pair that holds the checkpoints of an unfinished run, so that it can be resumed."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from core.errors import BadInputError
from training.run import TrainingRun

__all__ = ["RunState"]

_SETTINGS = "settings.json"


@dataclass(frozen=True)
class RunState:
    """Checkpoints of an unfinished run, a folder per network, and the settings they belong to."""

    folder: Path
    is_new: bool
    """Whether there was nothing to resume."""

    @classmethod
    def open(cls, run: TrainingRun, resume: bool) -> Self:
        """Creates the folder or, to resume, checks that its settings, scenes and split are those of the run.

        Raises:
            BadInputError: an interrupted run is in the way, or differs from this one.
        """
        folder = run.out.with_name(f".{run.out.name}.training")
        conditions = json.dumps(
            {
                **run.settings.as_json("scff"),
                "data": run.scenes.fingerprint,
                "split": run.split.fingerprint,
            }
        )
        file = folder / _SETTINGS
        if not folder.exists():
            folder.mkdir(parents=True)
            file.write_text(conditions)
            return cls(folder, is_new=True)
        if not resume:
            raise BadInputError(
                f"{folder} holds an interrupted run of {run.out.name}: add --resume, or delete that folder"
            )
        if not file.is_file() or file.read_text() != conditions:
            raise BadInputError(
                f"the interrupted run in {folder} has other settings, scenes or split; "
                "resume it with its own, or delete it"
            )
        return cls(folder, is_new=False)

    def checkpoints(self, role: str) -> Path:
        """Folder of the checkpoints of one network."""
        return self.folder / role

    def delete(self) -> None:
        """Removes the folder."""
        shutil.rmtree(self.folder)
