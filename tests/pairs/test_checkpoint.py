"""Weights files: storage, headers and rejection of invalid files."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from core.errors import BadInputError
from models.fusion_settings import FusionSettings
from models.network import Network
from models.state import at_stored_precision
from pairs.checkpoint import Header, load_network, save_network
from pairs.pair import load_pair
from tests.conftest import CLASSES, header


def test_header_round_trips_through_json() -> None:
    for fusion in (None, FusionSettings(reduction=8, min_width=16)):
        original = header(fusion, test_accuracy=0.125)
        assert Header.from_json(original.to_json()) == original


def test_header_of_an_earlier_version_gets_defaults() -> None:
    former = json.loads(header(FusionSettings()).to_json())
    for name in ("small_stem", "initial"):
        del former[name]
    for name in ("gradient_cut", "start"):
        del former["fusion"][name]
    assert Header.from_json(json.dumps(former)) == header(FusionSettings())


def test_earlier_file_without_variant_name_is_loaded(tmp_path: Path) -> None:
    network = Network("resnet18", 3, FusionSettings())
    former = {name: value for name, value in network.state_dict().items() if not name.endswith("_extra_state")}
    network.state_dict = lambda: former
    save_network(tmp_path / "scff.safetensors", network, header(FusionSettings()))
    assert load_network(tmp_path / "scff.safetensors").network.scff.settings == FusionSettings()


@pytest.mark.parametrize(
    "fusion",
    [
        FusionSettings(reduction=8, min_width=16, downsample="max", fusion="se", gradient_cut=True, start="identity"),
        FusionSettings(fusion="concat", downsample="conv2x2"),
    ],
)
def test_variants_and_stems_are_restored(fusion: FusionSettings, tmp_path: Path) -> None:
    torch.manual_seed(4)
    network = Network("resnet18", 3, fusion, small_stem=True).eval()
    save_network(tmp_path / "scff.safetensors", network, header(fusion, small_stem=True))
    loaded = load_network(tmp_path / "scff.safetensors")
    network.load_state_dict(at_stored_precision(network.state_dict()))
    with torch.no_grad():
        assert torch.equal(loaded.network(torch.ones(1, 3, 32, 32)), network(torch.ones(1, 3, 32, 32)))
    assert loaded.header.fusion == fusion


def test_variant_that_differs_from_its_header_is_rejected(tmp_path: Path) -> None:
    network = Network("resnet18", 3, FusionSettings(fusion="sk"))
    save_network(tmp_path / "scff.safetensors", network, header(FusionSettings(downsample="max")))
    message = r"scff.safetensors: weights of SCFF variant avg \+ sk do not fit variant max \+ sk_softmax"
    with pytest.raises(BadInputError, match=message):
        load_network(tmp_path / "scff.safetensors")


def test_non_finite_weights_are_rejected(tmp_path: Path) -> None:
    network = Network("resnet18", 3)
    torch.nn.init.constant_(network.backbone.conv1.weight, torch.nan)
    save_network(tmp_path / "baseline.safetensors", network, header(None))
    message = r"baseline.safetensors holds 1 tensor\(s\) that are not finite, the first is backbone.conv1.weight"
    with pytest.raises(BadInputError, match=message):
        load_network(tmp_path / "baseline.safetensors")


@pytest.mark.essential
def test_networks_are_restored_at_stored_precision(tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = Network("resnet18", 3, FusionSettings()).eval()
    network.scff.fuse[0].norm.running_var.fill_(1e6)  # beyond float16
    save_network(tmp_path / "scff.safetensors", network, header(FusionSettings()))
    loaded = load_network(tmp_path / "scff.safetensors")
    images = torch.randn(2, 3, 64, 64)
    network.load_state_dict(at_stored_precision(network.state_dict()))
    with torch.no_grad():
        assert torch.equal(loaded.network(images), network(images))
    assert loaded.network.scff.fuse[0].norm.running_var.max() == 1e6
    assert loaded.header.classes == CLASSES
    assert next(loaded.network.parameters()).dtype == torch.float32


def test_any_flipped_byte_is_detected(pair_folder: Path) -> None:
    path = pair_folder / "scff.safetensors"
    whole = path.read_bytes()
    start = 8 + int.from_bytes(whole[:8], "little")
    digest = whole.index(b'"sha256":"') + 12
    for position in (
        2,
        9,
        whole.index(b"field"),
        whole.index(b"64, 64"),
        digest,
        start,
        start + 12_345,
        len(whole) - 1,
    ):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(BadInputError, match=r"tiny/scff.safetensors (is damaged|holds weights, but|has a header)"):
            load_pair(pair_folder)
    path.write_bytes(whole)
    load_pair(pair_folder)


@pytest.mark.parametrize("length", [0, 5, 200, 100_000])
def test_truncated_file_is_rejected(pair_folder: Path, length: int) -> None:
    path = pair_folder / "baseline.safetensors"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(BadInputError, match=r"baseline\.safetensors is damaged or truncated"):
        load_pair(pair_folder)


def test_weights_of_another_program_are_rejected(pair_folder: Path) -> None:
    save_file({"x": torch.zeros(3)}, pair_folder / "scff.safetensors")
    with pytest.raises(BadInputError, match="that this program did not write: its header is missing"):
        load_pair(pair_folder)


def test_missing_unknown_and_misshapen_tensors_are_named(tmp_path: Path) -> None:
    network = Network("resnet18", 3)
    save = network.state_dict
    whole = save()
    for change, message in (
        ({"backbone.fc.bias": None}, r"lacks 1 tensor\(s\) of its network, the first is backbone.fc.bias"),
        ({"extra": torch.zeros(2)}, r"holds 1 tensor\(s\) unknown to its network, the first is extra"),
        ({"backbone.fc.bias": torch.zeros(4)}, r"backbone.fc.bias has shape \(4,\), its network needs \(3,\)"),
    ):
        state = {name: value for name, value in {**whole, **change}.items() if value is not None}
        network.state_dict = lambda state=state: state
        save_network(tmp_path / "baseline.safetensors", network, header(None))
        with pytest.raises(BadInputError, match=message):
            load_network(tmp_path / "baseline.safetensors")


def test_header_of_a_later_format_is_rejected(tmp_path: Path) -> None:
    class Later(Header):
        def to_json(self) -> str:
            return json.dumps({**json.loads(super().to_json()), "format": 99})

    later = Later(**vars(header(None)))
    save_network(tmp_path / "baseline.safetensors", Network("resnet18", 3), later)
    with pytest.raises(BadInputError, match="its format is 99, this version reads 1"):
        load_network(tmp_path / "baseline.safetensors")


def test_malformed_header_is_rejected(tmp_path: Path) -> None:
    class Malformed(Header):
        def to_json(self) -> str:
            return json.dumps({**json.loads(super().to_json()), "preprocessing": [1, 2]})

    save_network(tmp_path / "baseline.safetensors", Network("resnet18", 3), Malformed(**vars(header(None))))
    with pytest.raises(BadInputError, match="has a header that cannot be read"):
        load_network(tmp_path / "baseline.safetensors")


def test_header_is_readable_with_safetensors(pair_folder: Path) -> None:
    with safe_open(pair_folder / "scff.safetensors", framework="pt") as file:
        stored = json.loads(file.metadata()["scff-lens"])
    assert stored["arch"] == "resnet18"
    assert stored["fusion"]["fusion"] == "sk_softmax"
    assert stored["classes"] == list(CLASSES)
