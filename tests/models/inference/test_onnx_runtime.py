"""ONNX Runtime against PyTorch: feature maps and logits of every network and every variant of SCFF."""

import copy
from itertools import product
from pathlib import Path

import onnx
import pytest
import torch
from torch import Tensor

from models.architectures import NETWORKS
from models.fusion_settings import FusionSettings
from models.inference.engine import Engine, PyTorchEngine
from models.inference.graph import convert
from models.inference.onnx_runtime import OnnxRuntimeEngine, UnusableGraphError
from models.network import Network
from models.variants import DOWNSAMPLE_NAMES, FUSION_NAMES

VARIANTS = [FusionSettings(downsample=name, fusion=fusion) for name, fusion in product(DOWNSAMPLE_NAMES, FUSION_NAMES)]
"""24 variants, of which each of the 28 networks is tested with one, and each variant with a network at least."""


def network_of(arch: str, fusion: FusionSettings | None) -> Network:
    """A network with random weights, whose normalisation statistics are those of a batch: else deep maps vanish."""
    torch.manual_seed(0)
    network = Network(arch, 5, fusion)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the mean over the batches seen
    with torch.no_grad():
        network.train()(torch.randn(4, 3, 96, 96))
    return network.for_inference()


def images(batch: int, size: tuple[int, int]) -> Tensor:
    return torch.randn(batch, 3, *size, generator=torch.Generator().manual_seed(1))


def assert_equal(found: Engine, network: Network, size: tuple[int, int]) -> None:
    """Asserts that maps and logits agree to 1e-4 of the largest value, at several batch sizes.

    PyTorch computes in float64: of the deepest of these networks, its own float32 is off by more than ONNX Runtime's.
    """
    exact = PyTorchEngine(copy.deepcopy(network).double())
    for batch in (1, 3):
        given = images(batch, size)
        ours, plain = found.feature_maps(given), exact.feature_maps(given.double())
        pairs = zip([*ours.stages, *ours.fused, ours.logits], [*plain.stages, *plain.fused, plain.logits], strict=True)
        for values, expected in pairs:
            assert expected.isfinite().all()
            assert (values - expected).abs().max() <= 1e-4 * expected.abs().max()
        assert torch.equal(found.logits(given), ours.logits)


IN_EVERY_RUN = ("resnet18", "tf_efficientnet_lite0", "convnext_tiny")


@pytest.mark.parametrize(
    "arch", [pytest.param(arch, marks=[] if arch in IN_EVERY_RUN else pytest.mark.exhaustive) for arch in NETWORKS]
)
def test_every_network_with_scff_gives_pytorchs_maps(arch: str) -> None:
    network = network_of(arch, VARIANTS[NETWORKS.index(arch) % len(VARIANTS)])
    size = (75, 110)  # halves unevenly
    assert_equal(OnnxRuntimeEngine(network, convert(network, size)), network, size)


@pytest.mark.exhaustive
@pytest.mark.parametrize("arch", NETWORKS)
def test_every_network_without_scff_gives_pytorchs_maps(arch: str) -> None:
    network = network_of(arch, None)
    assert_equal(OnnxRuntimeEngine(network, convert(network, (96, 96))), network, (96, 96))


@pytest.mark.exhaustive
@pytest.mark.parametrize("fusion", VARIANTS, ids=lambda fusion: fusion.variant)
@pytest.mark.parametrize("size", [(64, 64), (33, 57)])
def test_every_variant_gives_pytorchs_maps(fusion: FusionSettings, size: tuple[int, int]) -> None:
    network = network_of("resnet18", fusion)
    assert_equal(OnnxRuntimeEngine(network, convert(network, size)), network, size)


@pytest.fixture(scope="module")
def network() -> Network:
    return network_of("resnet18", FusionSettings())


@pytest.fixture(scope="module")
def graph(network: Network) -> bytes:
    return convert(network, (64, 64))


def test_one_graph_serves_other_weights(graph: bytes) -> None:
    torch.manual_seed(8)
    other = Network("resnet18", 5, FusionSettings()).for_inference()
    assert_equal(OnnxRuntimeEngine(other, graph), other, (64, 64))


def test_graph_holds_no_weights(graph: bytes, network: Network) -> None:
    assert len(graph) < 0.02 * sum(value.nbytes for value in network.parameters())


def test_conversion_leaves_the_network_unchanged(network: Network) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    convert(network, (32, 32))
    assert not network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_images_of_another_memory_layout_or_an_inference_tensor_are_accepted(graph: bytes, network: Network) -> None:
    engine = OnnxRuntimeEngine(network, graph)
    given = images(2, (64, 64))
    expected = engine.logits(given)
    assert torch.equal(engine.logits(given.contiguous(memory_format=torch.channels_last)), expected)
    with torch.inference_mode():
        assert torch.equal(engine.logits(given.clone()), expected)


@pytest.mark.parametrize(
    ("arch", "fusion", "classes"),
    [("resnet18", None, 5), ("resnet18", FusionSettings(), 6), ("resnet34", FusionSettings(), 5)],
)
def test_graph_of_another_network_is_rejected(
    graph: bytes, arch: str, fusion: FusionSettings | None, classes: int
) -> None:
    with pytest.raises(UnusableGraphError):
        OnnxRuntimeEngine(Network(arch, classes, fusion).for_inference(), graph)


def test_damaged_graph_is_rejected(graph: bytes, network: Network) -> None:
    for damaged in (b"", b"no graph", graph[:1000], graph[: len(graph) // 2]):
        with pytest.raises(UnusableGraphError):
            OnnxRuntimeEngine(network, damaged)


def test_graph_that_refers_to_a_file_is_rejected(graph: bytes, network: Network, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(bytes(10_000_000))
    model = onnx.load_model_from_string(graph)
    tensor = next(each for each in model.graph.initializer if each.data_location == onnx.TensorProto.EXTERNAL)
    next(entry for entry in tensor.external_data if entry.key == "location").value = str(tmp_path / "other")
    with pytest.raises(UnusableGraphError, match=f"it refers to {tensor.name}"):
        OnnxRuntimeEngine(network, model.SerializeToString())
