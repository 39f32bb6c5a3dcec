"""Heatmaps of every layer and method, against pytorch-grad-cam's hooks and independent derivations."""

import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import pytorch_grad_cam
import torch
from pytorch_grad_cam.base_cam import BaseCAM
from pytorch_grad_cam.utils.image import scale_cam_image

from core.errors import BadInputError
from explain.cam.forward_pass import forward_pass
from explain.cam.layers import layer_names
from explain.cam.methods import METHODS, eigen_cam, grad_cam_plus_plus
from explain.cam.question import Smoothing, Target
from models.fusion_settings import FusionSettings
from models.inference.preparation import inference_ready_network
from models.network import Network
from tests.explain.cam.networks import FUSIONS, images, trained_like


class GradCAMPlusPlus(pytorch_grad_cam.GradCAMPlusPlus):
    """Our function behind the library's hooks; the library's own adds 1e-6, see test_methods.py."""

    def get_cam_image(self, *arguments: object) -> np.ndarray:
        return grad_cam_plus_plus(*map(torch.as_tensor, arguments[3:5])).numpy()


class EigenCAM(pytorch_grad_cam.EigenCAM):
    """Our function behind the library's hooks; the library's own has an arbitrary sign."""

    def get_cam_image(self, *arguments: object) -> np.ndarray:
        return eigen_cam(torch.as_tensor(arguments[3])).numpy()


THEIRS = {
    "gradcam++": GradCAMPlusPlus,
    "gradcam": pytorch_grad_cam.GradCAM,
    "xgradcam": pytorch_grad_cam.XGradCAM,
    "hirescam": pytorch_grad_cam.HiResCAM,
    "layercam": pytorch_grad_cam.LayerCAM,
    "eigencam": EigenCAM,
    "scorecam": pytorch_grad_cam.ScoreCAM,
}


def hooked(network: Network, layer: str) -> torch.nn.Module:
    """The module whose output a layer of a ResNet-18 is."""
    number = 4 if layer == "fused" else int(layer[1:])
    if network.scff is None or layer[0] == "X":
        return getattr(network.backbone, f"layer{number}")
    return network.scff.fuse[number - 2]


@pytest.mark.parametrize("fusion", FUSIONS, ids=["baseline", "scff"])
@pytest.mark.parametrize("method", METHODS)
def test_maps_match_hooks_on_the_whole_network(method: str, fusion: FusionSettings | None) -> None:
    network = trained_like(fusion)
    check_against_hooks(network, method, ("Y2", "X2") if METHODS[method].scores else layer_names(network))


@pytest.mark.exhaustive
@pytest.mark.parametrize("fusion", FUSIONS, ids=["baseline", "scff"])
def test_score_cam_of_the_last_map_matches_hooks_on_the_whole_network(fusion: FusionSettings | None) -> None:
    check_against_hooks(trained_like(fusion), "scorecam", ("fused",))


def check_against_hooks(network: Network, method: str, layers: Sequence[str]) -> None:
    found = forward_pass(network, images()).all_heatmaps([Target(4), Target(1, against=2)], layers, method)
    network.requires_grad_(True)
    for layer in layers:
        with THEIRS[method](network, [hooked(network, layer)]) as cam:
            assert isinstance(cam, BaseCAM)
            theirs = cam(images(), [Target(4), Target(1, against=2)])
        ours = scale_cam_image(scale_cam_image(found[layer].numpy(), (72, 96)))
        assert found[layer].dtype == torch.float32
        np.testing.assert_allclose(ours, theirs, atol=2e-4, err_msg=layer)


@pytest.mark.essential
def test_fused_maps_do_not_run_the_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    network = trained_like(FusionSettings())
    run = forward_pass(network, images())

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("the backbone has run")

    monkeypatch.setattr(network.backbone, "forward_intermediates", fail)
    run.all_heatmaps([Target(1), Target(2)], ["fused", "Y2", "Y3", "X4"])
    with pytest.raises(AssertionError, match="the backbone has run"):
        run.heatmaps([Target(1), Target(2)], "X3")


@pytest.mark.essential
def test_a_contrast_is_a_difference_of_logits() -> None:
    network, other = trained_like(FusionSettings()), trained_like(FusionSettings())
    with torch.no_grad():
        other.backbone.fc.weight[0] -= other.backbone.fc.weight[3]
    found = forward_pass(network, images(1)).heatmaps([Target(0, against=3)])
    expected = forward_pass(other, images(1)).heatmaps([Target(0)])
    assert expected.max() > 0
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    assert forward_pass(network, images(1)).heatmaps([Target(2, against=2)]).max() == 0


def test_smoothing_is_the_mean_over_noisy_copies() -> None:
    network, image, targets = trained_like(FusionSettings()), images(1), [Target(2)]
    run = forward_pass(network, image)
    torch.testing.assert_close(run.heatmaps(targets, smoothing=Smoothing(3, 0.0)), run.heatmaps(targets))
    random = torch.Generator().manual_seed(7)
    deviation = 0.2 * (image.max() - image.min())
    copies = [image + deviation * torch.randn(image.shape, generator=random) for _ in range(3)]
    expected = sum(forward_pass(network, copy).heatmaps(targets) for copy in copies) / 3
    torch.testing.assert_close(run.heatmaps(targets, smoothing=Smoothing(3, 0.2, seed=7)), expected)


def test_smoothing_is_independent_of_the_batch() -> None:
    network, smoothing = trained_like(FusionSettings()), Smoothing(2, 0.2)
    together = forward_pass(network, images(3)).heatmaps([Target(2)] * 3, smoothing=smoothing)
    alone = forward_pass(network, images(3)[2:]).heatmaps([Target(2)], smoothing=smoothing)
    torch.testing.assert_close(together[2:], alone, rtol=1e-4, atol=1e-5 * float(alone.max()))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("fusion", FUSIONS, ids=["baseline", "scff"])
def test_half_precision_networks_give_float32_maps(fusion: FusionSettings | None, dtype: torch.dtype) -> None:
    expected = forward_pass(trained_like(fusion), images()).heatmaps([Target(4), Target(1)])
    found = forward_pass(trained_like(fusion).to(dtype), images()).heatmaps([Target(4), Target(1)])
    assert found.dtype == torch.float32
    assert (found - expected).abs().max() < 0.05 * expected.max()


def test_channels_without_contrast_mask_nothing_in_half_precision() -> None:
    network = trained_like(FusionSettings())
    with torch.no_grad():
        network.scff.downsample[0].norm.weight[:45] = 0
        network.scff.downsample[0].norm.bias[:45] = -9
        network.backbone.layer2[1].bn2.weight[:45] = 0
        network.backbone.layer2[1].bn2.bias[:45] = -9
    # at Y2, the fused map of fewest channels: a processor is slow at half precision
    image = images(1)[..., :40, :36]
    expected = forward_pass(network, image).heatmaps([Target(4)], "Y2", "scorecam")
    found = forward_pass(network.half(), image).heatmaps([Target(4)], "Y2", "scorecam")
    assert (found - expected).abs().max() < 0.05 * expected.max()


def test_autocast_around_the_call_changes_little() -> None:
    network = trained_like(FusionSettings())
    expected = forward_pass(network, images()).heatmaps([Target(4), Target(1)], "Y2")
    with torch.autocast("cpu", torch.bfloat16):
        found = forward_pass(network, images()).heatmaps([Target(4), Target(1)], "Y2")
        again = forward_pass(network, images())
    assert found.dtype == torch.float32
    assert again.logits.dtype == torch.float32
    assert (found - expected).abs().max() < 0.05 * expected.max()


def test_inference_mode_around_the_call_changes_nothing() -> None:
    network = trained_like(FusionSettings())
    expected = forward_pass(network, images()).all_heatmaps([Target(4), Target(1)], ["fused", "X1"])
    with torch.inference_mode():
        found = forward_pass(network, images() + 0).all_heatmaps([Target(4), Target(1)], ["fused", "X1"])
    assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize(
    ("corrupt", "where"),
    [
        (lambda network: network.backbone.conv1.weight.fill_(torch.nan), "X1"),
        (lambda network: network.backbone.layer3[0].conv1.weight.fill_(torch.inf), "X3"),
        (lambda network: network.scff.downsample[1].norm.bias.fill_(torch.nan), "Y3"),
        (lambda network: network.backbone.fc.bias.fill_(torch.inf), "the logits"),
    ],
)
def test_non_finite_output_is_rejected_and_located(corrupt: Callable, where: str) -> None:
    network = trained_like(FusionSettings())
    corrupt(network)
    with pytest.raises(
        BadInputError, match=f"output of this network is not finite; the first non-finite values are in {where}"
    ):
        forward_pass(network, images())


def test_unknown_layer_method_and_class_are_rejected() -> None:
    run = forward_pass(trained_like(None), images())
    with pytest.raises(
        BadInputError, match="unknown layer 'Y5'; these networks have fused, Y2, Y3, Y4, X1, X2, X3, X4"
    ):
        run.heatmaps([Target(0), Target(1)], "Y5")
    with pytest.raises(BadInputError, match=r"unknown method 'cam'; known: gradcam\+\+, gradcam, "):
        run.heatmaps([Target(0), Target(1)], method="cam")
    for target, wrong in ((Target(6), 6), (Target(-1), -1), (Target(0, against=99), 99)):
        for method in METHODS:
            with pytest.raises(BadInputError, match=f"class {wrong} is out of range; this network's classes are 0 "):
                run.heatmaps([Target(0), target], method=method)


# Side effects and threads.


def traces(network: Network) -> list[object]:
    """Everything of a network that a call might leave modified."""
    return [
        [(parameter.requires_grad, parameter.grad) for parameter in network.parameters()],
        [module.training for module in network.modules()],
        [len(module._forward_hooks) + len(module._backward_hooks) for module in network.modules()],
    ]


@contextmanager
def failing_head(network: Network) -> Iterator[None]:
    """A network that raises in the middle of a call."""
    head = network.head

    def fail(features: torch.Tensor) -> None:
        head(features)
        raise RuntimeError("the head has failed")

    network.head = fail
    try:
        yield
    finally:
        del network.head


@pytest.mark.parametrize("learning", [False, True])
def test_calls_leave_the_network_unchanged(learning: bool) -> None:
    network = trained_like(FusionSettings()).requires_grad_(learning)
    before, state = traces(network), {name: value.clone() for name, value in network.state_dict().items()}
    run = forward_pass(network, images(1))
    for method in METHODS:
        run.heatmaps([Target(1)], "X2" if METHODS[method].gradients else "fused", method)
        with pytest.raises(RuntimeError, match="the head has failed"), failing_head(network):
            run.heatmaps([Target(1)], "X2" if method == "scorecam" else "fused", method, Smoothing(1))
    assert traces(network) == before
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("ready", [False, True], ids=["as loaded", "inference_ready"])
def test_64_requests_from_16_threads_match_serial_results(ready: bool) -> None:
    networks = [trained_like(fusion) for fusion in FUSIONS]
    if ready:
        networks = [inference_ready_network(network, (96, 72)) for network in networks]
    cheap = [name for name, method in METHODS.items() if not method.scores]
    every = list(product(networks, ["fused", "X2", "Y3"], cheap))  # 36 of the 62
    requests = [(every[i % 36][0], images(64)[i : i + 1], *every[i % 36][1:]) for i in range(62)]
    requests += [(network, images(1), "Y2", "scorecam") for network in networks]

    def heatmaps(network: Network, image: torch.Tensor, layer: str, method: str) -> torch.Tensor:
        return forward_pass(network, image).heatmaps([Target(1)], layer, method)

    serial = [heatmaps(*request) for request in requests]
    concurrent: list[torch.Tensor | None] = [None] * len(requests)

    def work(start: int) -> None:
        for i in range(start, len(requests), 16):
            concurrent[i] = heatmaps(*requests[i])

    threads = [threading.Thread(target=work, args=(start,)) for start in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(first, second) for first, second in zip(serial, concurrent, strict=True))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_2000_calls_leave_memory_flat() -> None:
    network, image = trained_like(FusionSettings()), torch.randn(1, 3, 32, 32)
    methods = [name for name, method in METHODS.items() if method.gradients]

    def memory(calls: int) -> int:
        for i in range(calls):
            forward_pass(network, image).heatmaps(
                [Target(i % 6)], "Y3" if i % 2 else "fused", methods[i % len(methods)]
            )
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    before = memory(300)
    assert memory(2000) - before < 8 * 2**20
