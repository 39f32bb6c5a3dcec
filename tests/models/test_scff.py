"""SCFF against a derivation of its own, and what it must not do to the backbone."""

import numpy as np
import pytest
import torch
from torch import Tensor

from models.network import Network
from models.scff import SCFF, FusionSettings

EPSILON = 1e-5  # of torch's batch normalisation


def adaptive_average(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Average over the window [floor(i H / h), ceil((i + 1) H / h)) for each position."""
    result = np.empty((*x.shape[:2], *size))
    for i in range(size[0]):
        for j in range(size[1]):
            rows = slice(i * x.shape[2] // size[0], -(-(i + 1) * x.shape[2] // size[0]))
            columns = slice(j * x.shape[3] // size[1], -(-(j + 1) * x.shape[3] // size[1]))
            result[:, :, i, j] = x[:, :, rows, columns].mean(axis=(2, 3))
    return result


def normalised(x: np.ndarray, state: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Batch normalisation in eval mode, [B, C] or [B, C, h, w]."""
    shape = (1, -1) + (1,) * (x.ndim - 2)
    mean, var, weight, bias = (
        state[f"{name}.{part}"].reshape(shape) for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / np.sqrt(var + EPSILON) * weight + bias


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def by_the_paper(stages: list[np.ndarray], state: dict[str, np.ndarray]) -> np.ndarray:
    """Y1 = X1, Yi = F(D(Y(i-1)), Xi) in float64, from sections 2.3.1 to 2.3.3."""
    y = stages[0]
    for i, x in enumerate(stages[1:]):
        pooled = adaptive_average(y, x.shape[2:])
        projected = np.einsum("oc,bchw->bohw", state[f"downsample.{i}.project.weight"][:, :, 0, 0], pooled)
        a = np.maximum(normalised(projected, state, f"downsample.{i}.norm"), 0)
        s = (a + x).mean(axis=(2, 3))
        p = softmax(s, axis=1)
        z = np.maximum(normalised(p @ state[f"fuse.{i}.squeeze.weight"].T, state, f"fuse.{i}.norm"), 0)
        branches = np.stack(
            [
                z @ state[f"fuse.{i}.{branch}.weight"].T + state[f"fuse.{i}.{branch}.bias"]
                for branch in ("excite_earlier", "excite_stage")
            ]
        )
        weights = softmax(branches, axis=0)[..., None, None]
        y = weights[0] * a + weights[1] * x
    return y


def shaken(module: torch.nn.Module) -> torch.nn.Module:
    """The module with statistics and weights far from where they start."""
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.rand_like(value) + 0.1 if "running_var" in name else torch.randn_like(value))
    return module.eval()


@pytest.mark.parametrize(
    ("channels", "sizes"),
    [
        ([8, 40, 72], [(25, 19), (13, 10), (7, 5)]),
        ([6, 10], [(9, 9), (9, 9)]),
        ([4, 6, 8, 10, 12], [(33, 20), (31, 18), (11, 9), (4, 3), (1, 1)]),
    ],
)
def test_forward_is_the_papers(channels: list[int], sizes: list[tuple[int, int]]) -> None:
    torch.manual_seed(1)
    scff = shaken(SCFF(channels, FusionSettings())).double()
    stages = [torch.randn(2, c, *size, dtype=torch.float64).relu() for c, size in zip(channels, sizes, strict=True)]
    expected = by_the_paper([x.numpy() for x in stages], {k: v.numpy() for k, v in scff.state_dict().items()})
    with torch.no_grad():
        found = scff(stages)
    assert found.shape == stages[-1].shape
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10, atol=1e-12)


def test_attention_width_is_the_papers() -> None:
    assert [FusionSettings().width(channels) for channels in (64, 512, 1024, 2048)] == [32, 32, 64, 128]


@pytest.mark.parametrize(("argument", "value"), [("reduction", 0), ("downsample", "median"), ("fusion", "average")])
def test_unknown_settings_are_named(argument: str, value: object) -> None:
    with pytest.raises(ValueError, match=argument):
        FusionSettings(**{argument: value})


def test_resnet50_grows_by_3_80_million_parameters() -> None:
    def count(fusion: FusionSettings | None) -> int:
        return sum(parameter.numel() for parameter in Network("resnet50", 1000, fusion).parameters())

    assert (count(FusionSettings()) - count(None)) / 1e6 == pytest.approx(3.80, abs=0.005)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("arch", ["resnet18", "efficientnet_b0"])
def test_the_backbones_maps_are_left_as_they_are(arch: str, training: bool) -> None:
    torch.manual_seed(2)
    network = Network(arch, 5, FusionSettings()).train(training)
    images = torch.randn(3, 3, 72, 56)
    seen: list[Tensor] = []
    network.scff.register_forward_pre_hook(lambda _, inputs: seen.extend(inputs[0]))
    torch.manual_seed(3)
    with torch.no_grad():
        network(images)
    torch.manual_seed(3)
    with torch.no_grad():
        last, taps = network.backbone.forward_intermediates(images, indices=network.taps)
    for after_fusion, untouched in zip(seen, [*taps, last], strict=True):
        assert torch.equal(after_fusion, untouched)
