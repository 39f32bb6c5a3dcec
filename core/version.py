"""Versions of SCFF Lens and of the packages that determine its results."""

from importlib.metadata import version

__all__ = ["VERSION", "versions"]

VERSION = "0.2.0"
"""The version of SCFF Lens; CHANGELOG.md has a section for it."""

_PACKAGES = ("torch", "torchvision", "timm", "grad-cam")  # those that determine a heatmap's values


def versions() -> dict[str, str]:
    """Versions by package name, SCFF Lens first as `scff-lens`."""
    return {"scff-lens": VERSION, **{name: version(name) for name in _PACKAGES}}
