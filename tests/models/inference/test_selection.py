"""Which engine runs a network, and what is said where the faster one cannot."""

from functools import cache
from pathlib import Path

import pytest
import torch

from core.onnx_runtime import onnxruntime
from models.fusion_settings import FusionSettings
from models.inference import selection
from models.inference.engine import PyTorchEngine
from models.inference.graph import convert
from models.inference.graph_cache import VARIABLE, GraphCache
from models.inference.selection import MANY_PASSES, convert_and_keep, fastest_engine, is_converted
from models.network import Network

SIZE = (40, 56)


@cache
def converted(arch: str, fusion: FusionSettings | None, size: tuple[int, int]) -> bytes:
    return convert(Network(arch, 3, fusion).for_inference(), size)


def convert_once(network: Network, size: tuple[int, int]) -> bytes:
    """What `convert` gives, which does not depend on the weights; several tests need the same."""
    return converted(network.arch, None if network.scff is None else network.scff.settings, size)


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and no warning that was printed before."""
    selection._warn.cache_clear()
    monkeypatch.setattr(selection, "convert", convert_once)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    return tmp_path / "graphs"


def network(seed: int = 0) -> Network:
    torch.manual_seed(seed)
    return Network("resnet18", 3, FusionSettings()).for_inference()


def test_network_runs_on_pytorch_until_it_is_converted() -> None:
    assert fastest_engine(network(), SIZE).name == "pytorch"
    assert not is_converted(network(), SIZE)
    assert fastest_engine(network(), SIZE, MANY_PASSES).name == "onnxruntime"
    assert fastest_engine(network(seed=1), SIZE).name == "onnxruntime"  # the weights do not matter
    assert is_converted(network(), SIZE)
    assert not is_converted(network(), (56, 40))


def test_networks_in_half_precision_run_on_pytorch() -> None:
    assert fastest_engine(network().half(), SIZE, MANY_PASSES).name == "pytorch"


def test_graphs_are_kept_apart_by_all_that_they_depend_on() -> None:
    networks = [
        network(),
        Network("resnet18", 4, FusionSettings()),
        Network("resnet18", 3, FusionSettings(downsample="max")),
        Network("resnet18", 3, FusionSettings(fusion="sk")),
        Network("resnet18", 3, FusionSettings(), small_stem=True),
        Network("resnet18", 3),
        Network("resnet34", 3),
    ]
    keys = {selection.graph_key(each, SIZE) for each in networks} | {selection.graph_key(network(), (56, 40))}
    assert len(keys) == len(networks) + 1


def test_torn_graph_is_converted_again(cache_folder: Path) -> None:
    convert_and_keep(network(), SIZE)
    (path,) = cache_folder.iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    assert fastest_engine(network(), SIZE).name == "pytorch"
    assert fastest_engine(network(), SIZE, MANY_PASSES).name == "onnxruntime"


def test_unusable_cache_folder_is_reported_once(cache_folder: Path, capsys: pytest.CaptureFixture) -> None:
    cache_folder.write_text("a file in the folder's place")
    for _ in range(2):
        assert fastest_engine(network(), SIZE, MANY_PASSES).name == "onnxruntime"
    assert capsys.readouterr().err.count("warning: converted networks cannot be kept") == 1


def test_broken_engine_is_reported_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("this processor lacks an instruction\nsecond line")

    convert_and_keep(network(), SIZE)
    monkeypatch.setattr(onnxruntime, "InferenceSession", broken)
    for _ in range(2):
        engine = fastest_engine(network(), SIZE)
        assert isinstance(engine, PyTorchEngine)
    assert engine.logits(torch.zeros(1, 3, *SIZE)).shape == (1, 3)
    message = "warning: resnet18 runs on PyTorch, more slowly: this processor lacks an instruction\n"
    assert capsys.readouterr().err == message


def test_graph_with_other_values_is_not_kept(
    cache_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """The converter is replaced by one that converts another variant, whose weights have the same names and shapes."""
    monkeypatch.setattr(selection, "convert", lambda _, size: converted("resnet18", FusionSettings(fusion="sk"), size))
    assert fastest_engine(network(), SIZE, MANY_PASSES).name == "pytorch"
    assert "more slowly: the converted network's values differ by " in capsys.readouterr().err
    assert not cache_folder.exists()


def test_graph_of_another_network_is_not_used(cache_folder: Path, capsys: pytest.CaptureFixture) -> None:
    key = selection.graph_key(network(), SIZE)
    GraphCache(cache_folder).put(key, converted("resnet18", None, SIZE))
    assert fastest_engine(network(), SIZE).name == "pytorch"
    assert "warning: resnet18 runs on PyTorch" in capsys.readouterr().err
