"""The version is said in one place."""

import tomllib
from pathlib import Path

import timm
import torch

from core.version import VERSION, versions

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_the_project_takes_its_version_from_the_code() -> None:
    project = tomllib.loads(PROJECT.read_text())
    assert "version" not in project["project"]
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "core.version.VERSION"}


def test_versions_are_those_in_use() -> None:
    found = versions()
    assert list(found) == ["scff-lens", "torch", "torchvision", "timm", "grad-cam"]
    assert found["scff-lens"] == VERSION
    assert torch.__version__.startswith(found["torch"])
    assert found["timm"] == timm.__version__
