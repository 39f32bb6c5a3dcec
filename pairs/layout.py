"""The names that a pair's folder, its report and its split use. Imports nothing slow."""

from pathlib import Path

from core.errors import BadInputError

__all__ = ["NO_SUCH_FOLDER", "REPORT", "ROLES", "SUBSETS", "check_pair_folder", "weights_file"]

ROLES = ("baseline", "scff")
"""The two networks of a pair, in the order in which they are shown."""
REPORT = "report.json"
"""File name of a pair's report."""
SUBSETS = ("train", "val", "test")
"""Subsets of the split that both networks were trained with."""
NO_SUCH_FOLDER = "no such folder of a model pair"


def weights_file(role: str) -> str:
    """File name of one of a pair's networks."""
    return f"{role}.safetensors"


def check_pair_folder(path: Path) -> None:
    """Checks that a pair's folder exists, for a command line to do before it imports anything slow.

    Raises:
        BadInputError: it does not.
    """
    if not path.is_dir():
        raise BadInputError(f"{path}: {NO_SUCH_FOLDER}")
