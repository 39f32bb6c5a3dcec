"""Which version this program is, and with which versions of others it computes."""

from importlib.metadata import version

__all__ = ["VERSION", "versions"]

VERSION = "0.2.0"
"""Of SCFF Lens; CHANGELOG.md has a section for it."""

_PACKAGES = ("torch", "torchvision", "timm", "grad-cam")  # what decides the numbers of a heatmap


def versions() -> dict[str, str]:
    """By the package's name, our own first, under `scff-lens`."""
    return {"scff-lens": VERSION, **{name: version(name) for name in _PACKAGES}}
