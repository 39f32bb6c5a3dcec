"""Shared fixtures: tiny scenes, tiny pairs, the SIRI-WHU data set and a command-line runner."""

import gc
import json
import os
import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.fusion_settings import FusionSettings
from models.inference.graph_cache import VARIABLE
from models.network import Network
from models.preprocessing import Preprocessing
from pairs.checkpoint import Header, save_network
from pairs.layout import weights_file
from pairs.pair import Pair, load_pair
from training.settings import TrainingSettings

CLASSES = ("field", "roof", "water")


def pytest_collection_finish() -> None:
    """Excludes what is imported by now from garbage collection, which would otherwise visit all of it every time."""
    gc.collect()
    gc.freeze()


def texture(label: int, number: int, side: int = 40) -> np.ndarray:
    """An image of an easily learned class: the class's colour, with noise."""
    random = np.random.default_rng([label, number])
    image = random.normal(90, 20, (side, side, 3))
    image[..., label] += 70
    return np.clip(image, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session", autouse=True)
def graph_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Converted networks of the tests are not mixed with the user's own."""
    os.environ[VARIABLE] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """A folder of three classes with six images of 40 x 40 each."""
    root = tmp_path / "scenes"
    for label, name in enumerate(CLASSES):
        (root / name).mkdir(parents=True)
        for number in range(6):
            Image.fromarray(texture(label, number)).save(root / name / f"{number:04}.tif")
    return root


def settings(**changes: object) -> TrainingSettings:
    """Settings of a short run over tiny images."""
    values = {
        "arch": "resnet18",
        "recipe": "siri-whu",
        "epochs": 2,
        "batch_size": 4,
        "lr": 0.001,
        "image_size": (32, 32),
        "seed": 3,
    }
    return TrainingSettings(**{**values, **changes})


def header(fusion: FusionSettings | None, **changes: object) -> Header:
    """A header for a tiny network."""
    values = {
        "arch": "resnet18",
        "fusion": fusion,
        "classes": CLASSES,
        "preprocessing": Preprocessing((64, 64), (0.4, 0.4, 0.4), (0.2, 0.2, 0.2)),
        "recipe": "siri-whu",
        "seed": 0,
        "epochs": 1,
        "dataset": "scenes",
        "data_fingerprint": "d",
        "split_fingerprint": "s",
        "test_accuracy": 0.5,
    }
    return Header(**{**values, **changes})


def write_pair(folder: Path, arch: str = "resnet18", seed: int = 0) -> Path:
    """Writes an untrained pair with the fields of the report that the page needs."""
    folder.mkdir(parents=True)
    for role, fusion in (("baseline", None), ("scff", FusionSettings())):
        torch.manual_seed(seed)
        network = Network(arch, len(CLASSES), fusion)
        save_network(folder / weights_file(role), network, header(fusion, arch=arch))
    report = {
        "images": dict.fromkeys(CLASSES, 6),
        "split_source": "stratified 60/20/20, seed 0",
        "networks": {
            role: {"test": {"images": 20, "per_class": {"field": 0.25, "roof": 0.75, "water": None}}}
            for role in ("baseline", "scff")
        },
    }
    (folder / "report.json").write_text(json.dumps(report))
    return folder


@pytest.fixture
def pair_folder(tmp_path: Path) -> Path:
    """An untrained ResNet-18 pair of three classes at 64 x 64."""
    return write_pair(tmp_path / "checkpoints" / "tiny")


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The same pair, loaded once for all tests; tests must not modify it."""
    return load_pair(write_pair(tmp_path_factory.mktemp("checkpoints") / "tiny"))


@pytest.fixture(scope="session")
def siri_whu() -> Path:
    """The folder of SIRI-WHU, from the environment variable SIRI_WHU_ROOT."""
    root = os.environ.get("SIRI_WHU_ROOT")
    if not root:
        pytest.skip("SIRI_WHU_ROOT is not set: no real scenes to test on")
    return Path(root)


SHIPPED = {
    name: Path(__file__).parent.parent / "checkpoints" / name
    for name in ("efficientnet-lite0-siri-whu", "resnet18-siri-whu")
}
"""The pairs in the repository, by name."""


@dataclass(frozen=True)
class Ended:
    """Exit status and output of a command line."""

    status: int
    out: str
    err: str


@pytest.fixture
def command(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Runs `python -m MODULE ARGUMENTS` in this process."""

    def run(module: str, *arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", [module, *map(str, arguments)])
        capsys.readouterr()
        status = 0
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as end:
            status = end.code or 0
        return Ended(status, *capsys.readouterr())

    return run
