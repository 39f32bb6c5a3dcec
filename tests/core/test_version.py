"""Version of the program and of its dependencies."""

from pathlib import Path

import pytest
import timm
import torch

from core.version import VERSION, versions

CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"


@pytest.mark.essential
def test_the_changelog_describes_this_version() -> None:
    assert f"## {VERSION}" in CHANGELOG.read_text()


def test_versions_are_those_in_use() -> None:
    found = versions()
    assert list(found) == ["scff-lens", "torch", "torchvision", "timm", "grad-cam"]
    assert found["scff-lens"] == VERSION
    assert torch.__version__.startswith(found["torch"])
    assert found["timm"] == timm.__version__
