"""Export of networks to ONNX and torch.export, in every variant."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from core.errors import BadInputError
from core.onnx_runtime import new_session
from models.downsample import DOWNSAMPLES
from models.fusion import FUSIONS
from models.fusion_settings import FusionSettings
from models.network import Network
from models.preprocessing import Preprocessing
from pairs.checkpoint import LoadedNetwork
from pairs.export import FORMATS, METADATA_KEY, export
from pairs.pair import load_pair
from tests.conftest import Ended, header


def loaded(arch: str, fusion: FusionSettings | None) -> LoadedNetwork:
    torch.manual_seed(0)
    preprocessing = Preprocessing((75, 110), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))  # sizes that halve unevenly
    network = Network(arch, 3, fusion).for_inference()
    return LoadedNetwork(network, header(fusion, arch=arch, preprocessing=preprocessing), "")


def run(kind: str, path: Path, images: torch.Tensor) -> np.ndarray:
    if kind == "onnx":
        session = new_session(path.read_bytes())
        return session.run(None, {"images": images.numpy()})[0]
    with torch.no_grad():
        return torch.export.load(path).module()(images).numpy()


VARIANTS = [
    FusionSettings(downsample=downsample, fusion=fusion)
    for downsample, fusion in zip(cycle(DOWNSAMPLES), FUSIONS, strict=False)  # there are more fusions
]
"""Each down-sampling and each fusion at least once."""


def exports() -> Iterator[Any]:
    """Each variant of SCFF in one format by turns, two networks as ONNX; the rest is exhaustive."""
    for arch, fusion in (
        ("resnet18", None),
        ("tf_efficientnet_lite0", FusionSettings()),
        ("densenet121", FusionSettings()),
    ):
        for kind in FORMATS:
            marks = [pytest.mark.exhaustive] if arch == "densenet121" or kind != "onnx" else []
            yield pytest.param(arch, fusion, kind, marks=marks, id=f"{arch}-{kind}")
    for i, variant in enumerate(VARIANTS):
        for j, kind in enumerate(FORMATS):
            marks = [pytest.mark.exhaustive] if (i + j) % 2 else []
            name = f"{variant.downsample}-{variant.fusion}-{kind}"
            yield pytest.param("resnet18", variant, kind, marks=marks, id=name)


@pytest.mark.parametrize(("arch", "fusion", "kind"), exports())
def test_exported_file_gives_the_logits_of_the_network(
    arch: str, fusion: FusionSettings | None, kind: str, tmp_path: Path
) -> None:
    original, path = loaded(arch, fusion), tmp_path / "network"
    assert export(original, kind, path) < 1e-4
    images = torch.randn(5, 3, 75, 110)  # a batch size other than the export's own check
    with torch.no_grad():
        expected = original.network(images).numpy()
    np.testing.assert_allclose(run(kind, path, images), expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(("kind", "network"), zip(FORMATS, ["baseline", "scff"], strict=True))
def test_command_line_exports_network_and_header(
    command: Callable[..., Ended], pair_folder: Path, kind: str, network: str, tmp_path: Path
) -> None:
    path = tmp_path / "exported"
    ended = command("pairs", "export", pair_folder, "--format", kind, "--out", path, "--network", network)
    assert ended.status == 0, ended.err
    assert "images [B, 3, 64, 64]" in ended.out
    if kind == "onnx":
        kept = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    else:
        kept = {METADATA_KEY: ""}
        torch.export.load(path, extra_files=kept)
    assert json.loads(kept[METADATA_KEY])["classes"] == ["field", "roof", "water"]
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = load_pair(pair_folder).networks[network].network(images).numpy()
    np.testing.assert_allclose(run(kind, path, images), expected, atol=1e-5)


def test_a_file_with_other_logits_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exporter is replaced by one that writes another network."""
    right, other = FORMATS["torch-export"], loaded("resnet18", FusionSettings())
    monkeypatch.setitem(FORMATS, "torch-export", replace(right, write=lambda _, images: right.write(other, images)))
    with pytest.raises(BadInputError, match="of the largest logit; nothing was written"):
        export(loaded("resnet18", None), "torch-export", tmp_path / "network")
    assert not list(tmp_path.iterdir())


def test_a_file_that_does_not_run_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, right in list(FORMATS.items()):
        monkeypatch.setitem(FORMATS, kind, replace(right, write=lambda *_: b"torn"))
        with pytest.raises(BadInputError, match=f"this resnet18 cannot be exported as {kind}: "):
            export(loaded("resnet18", None), kind, tmp_path / "network")
    assert not list(tmp_path.iterdir())


def test_non_finite_network_is_not_exported(tmp_path: Path) -> None:
    infinite = loaded("resnet18", None)
    infinite.network.backbone.fc.weight[0, 0] = torch.inf
    with pytest.raises(BadInputError, match="logits for random images are not finite"):
        export(infinite, "torch-export", tmp_path / "network")
    assert not list(tmp_path.iterdir())


def test_invalid_arguments_are_rejected(command: Callable[..., Ended], pair_folder: Path, tmp_path: Path) -> None:
    half = tmp_path / "half"
    half.mkdir()
    shutil.copy(pair_folder / "baseline.safetensors", half)
    for arguments, message in (
        ((pair_folder, "--out", tmp_path / "x", "--format", "tflite"), "unknown format 'tflite'; known: torch-export"),
        ((pair_folder, "--out", tmp_path / "x", "--network", "both"), "unknown network 'both'; known: baseline, scff"),
        ((pair_folder, "--out", tmp_path / "no" / "x"), "no: no such folder"),
        ((pair_folder, "--out", tmp_path), "is a folder; give a file name"),
        ((tmp_path / "no", "--out", tmp_path / "x"), "no: no such folder of a model pair"),
        ((tmp_path, "--out", tmp_path / "x"), "scff.safetensors is missing"),
        ((half, "--out", tmp_path / "x"), "half is an incomplete model pair without scff; add --network baseline"),
        ((pair_folder, "--out", pair_folder / "scff.safetensors"), "already exists; choose another --out"),
    ):
        ended = command("pairs", "export", *arguments)
        assert ended.status == 2
        assert message in ended.err
        assert ended.err.count("\n") == 1
    assert not (tmp_path / "x").exists()
