"""The names that a pair's folder, its report and its split use."""

__all__ = ["REPORT", "ROLES", "SUBSETS", "weights_file"]

ROLES = ("baseline", "scff")
"""The two networks of a pair, in the order in which they are shown."""
REPORT = "report.json"
"""File name of a pair's report."""
SUBSETS = ("train", "val", "test")
"""Subsets of the split that both networks were trained with."""


def weights_file(role: str) -> str:
    """File name of one of a pair's networks."""
    return f"{role}.safetensors"
