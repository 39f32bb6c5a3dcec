"""The web app in a process of its own, over an untrained pair, and images to upload to it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from core.errors import BadInputError
from models.fusion_settings import FusionSettings
from models.network import Network
from models.preprocessing import Preprocessing
from pairs.checkpoint import Header, save_network
from pairs.layout import REPORT, ROLES, weights_file

__all__ = ["CLASSES", "PAIR_NAME", "encode", "running_server", "synthetic_image", "write_untrained_pair"]

CLASSES = tuple(f"class {number}" for number in range(12))
PAIR_NAME = "untrained"
_SEED = 0


def write_untrained_pair(checkpoints: Path, arch: str, size: int) -> Path:
    """Writes a pair of seeded random weights, PAIR_NAME, into a folder of pairs.

    Args:
        checkpoints: the folder of pairs.
        arch: timm's name of the network.
        size: side of the input in pixels.
    """
    folder = checkpoints / PAIR_NAME
    folder.mkdir(parents=True)
    for role, fusion in zip(ROLES, (None, FusionSettings()), strict=True):
        torch.manual_seed(_SEED)
        network = Network(arch, len(CLASSES), fusion)
        header = Header(
            arch=arch,
            fusion=fusion,
            classes=CLASSES,
            preprocessing=Preprocessing(size=(size, size), mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)),
            recipe="none",
            seed=_SEED,
            epochs=0,
            dataset="none",
            data_fingerprint="none",
            split_fingerprint="none",
            test_accuracy=0.0,
        )
        save_network(folder / weights_file(role), network, header)
    (folder / REPORT).write_text("{}")
    return folder


def synthetic_image(seed: int, width: int, height: int) -> np.ndarray:
    """Smooth shapes with noise, about as compressible as a photograph: RGB uint8 [height, width, 3]."""
    random = np.random.default_rng(seed)
    shapes = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    smooth = np.asarray(shapes.resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    noise = random.integers(-8, 9, (height, width, 1), dtype=np.int16)
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


def encode(image: np.ndarray, kind: str) -> bytes:
    """An image file of one of Pillow's formats."""
    data = BytesIO()
    Image.fromarray(image).save(data, kind)
    return data.getvalue()


@contextmanager
def running_server(checkpoints: Path) -> Iterator[str]:
    """URL of `python -m app` over a folder of pairs, once it listens; uploads are deleted with it.

    Raises:
        BadInputError: it exits before it listens.
    """
    with tempfile.TemporaryDirectory() as uploads:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "--port", "0", "--checkpoints", str(checkpoints), "--device", "cpu"],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "GRADIO_TEMP_DIR": uploads},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        try:
            greeting = process.stdout.readline().split()  # SCFF Lens on URL
            if not greeting:
                raise BadInputError("python -m app exited before it listened; its output is above")
            yield greeting[-1]
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
