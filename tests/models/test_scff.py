"""SCFF against a derivation of its own, in every variant, and what it must not do to the backbone."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.errors import BadInputError
from models.downsample import DOWNSAMPLES
from models.fusion import FUSIONS
from models.network import Network
from models.scff import SCFF, STARTS, FusionSettings

EPSILON = 1e-5  # of torch's batch normalisation
VARIANTS = list(product(DOWNSAMPLES, FUSIONS))
SIZES = [
    ([8, 40, 72], [(25, 19), (13, 10), (7, 5)]),  # halved, rounded up
    ([6, 10, 8], [(25, 13), (12, 6), (6, 3)]),  # halved, rounded down
    ([4, 6, 8], [(97, 31), (46, 14), (22, 5)]),  # neither, as in an Inception network
    ([6, 10], [(9, 9), (9, 9)]),
    ([4, 6, 8], [(11, 9), (4, 3), (1, 1)]),
]

State = dict[str, np.ndarray]


# The derivation: sections 2.3.1 to 2.3.3 in float64, position by position.


def windows(before: int, after: int) -> list[tuple[int, int]]:
    """The positions [floor(i H / h), ceil((i + 1) H / h)) that make position i."""
    return [(i * before // after, -(-(i + 1) * before // after)) for i in range(after)]


def pooled(x: np.ndarray, size: tuple[int, int], reduce: Callable) -> np.ndarray:
    result = np.empty((*x.shape[:2], *size))
    for i, (top, bottom) in enumerate(windows(x.shape[2], size[0])):
        for j, (left, right) in enumerate(windows(x.shape[3], size[1])):
            result[:, :, i, j] = reduce(x[:, :, top:bottom, left:right], axis=(2, 3))
    return result


def strided(x: np.ndarray, size: tuple[int, int], weight: np.ndarray) -> np.ndarray:
    """Steps of about H / h over the middle of the map, which counts as zero outside."""
    kernel = weight.shape[-1]
    result = np.zeros((x.shape[0], weight.shape[0], *size))
    steps = [max(1, round(before / after)) for before, after in zip(x.shape[2:], size, strict=True)]
    first = [
        max(0, before - (after - 1) * step - kernel) // 2
        for before, after, step in zip(x.shape[2:], size, steps, strict=True)
    ]
    for i, j, k, m in product(range(size[0]), range(size[1]), range(kernel), range(kernel)):
        row, column = first[0] + i * steps[0] + k, first[1] + j * steps[1] + m
        if row < x.shape[2] and column < x.shape[3]:
            result[:, :, i, j] += x[:, :, row, column] @ weight[:, :, k, m].T
    return result


def normalised(x: np.ndarray, state: State, name: str, training: bool) -> np.ndarray:
    """Batch normalisation, [B, C] or [B, C, h, w]."""
    axes, shape = (0, *range(2, x.ndim)), (1, -1) + (1,) * (x.ndim - 2)
    weight, bias = (state[f"{name}.{part}"].reshape(shape) for part in ("weight", "bias"))
    if training:
        mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    else:
        mean, var = (state[f"{name}.{part}"].reshape(shape) for part in ("running_mean", "running_var"))
    return (x - mean) / np.sqrt(var + EPSILON) * weight + bias


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def linear(x: np.ndarray, state: State, name: str) -> np.ndarray:
    return x @ state[f"{name}.weight"].T + state.get(f"{name}.bias", 0.0)


def brought_to_size(y: np.ndarray, size: tuple[int, int], kind: str, state: State, name: str) -> np.ndarray:
    weight = state[f"{name}.project.weight"]
    if kind in ("conv2x2", "conv1x1"):
        return strided(y, size, weight)
    small = pooled(y, size, {"avg": np.mean, "max": np.max}[kind])
    return np.einsum("oc,bchw->bohw", weight[:, :, 0, 0], small)


def gated(x: np.ndarray, state: State, name: str) -> np.ndarray:
    hidden = np.maximum(linear(x.mean(axis=(2, 3)), state, f"{name}.squeeze"), 0)
    weight = (1 + np.tanh(linear(hidden, state, f"{name}.excite") / 2)) / 2  # the sigmoid
    return x * weight[..., None, None]


def fused(a: np.ndarray, b: np.ndarray, kind: str, state: State, name: str, training: bool) -> np.ndarray:
    if kind == "add":
        return a + b
    if kind == "concat":
        both = np.concatenate((a, b), axis=1)
        mixed = np.einsum("oc,bchw->bohw", state[f"{name}.mix.weight"][:, :, 0, 0], both)
        return mixed + state[f"{name}.mix.bias"][None, :, None, None]
    if kind == "se":
        return gated(a, state, f"{name}.gate_earlier") + gated(b, state, f"{name}.gate_stage")
    s = (a + b).mean(axis=(2, 3))
    described = {"sk": s, "sk_softmax": softmax(s, 1), "sk_scaled": softmax(s, 1) * s.shape[1]}[kind]
    z = np.maximum(normalised(linear(described, state, f"{name}.squeeze"), state, f"{name}.norm", training), 0)
    branches = np.stack([linear(z, state, f"{name}.{branch}") for branch in ("excite_earlier", "excite_stage")])
    weights = softmax(branches, axis=0)[..., None, None]
    return weights[0] * a + weights[1] * b


def by_the_paper(
    stages: list[np.ndarray], state: State, downsample: str, fusion: str, training: bool = False
) -> np.ndarray:
    """Y1 = X1, Yi = F(D(Y(i-1)), Xi)."""
    y = stages[0]
    for i, x in enumerate(stages[1:]):
        projected = brought_to_size(y, x.shape[2:], downsample, state, f"downsample.{i}")
        a = np.maximum(normalised(projected, state, f"downsample.{i}.norm", training), 0)
        y = fused(a, x, fusion, state, f"fuse.{i}", training)
    return y


def numbers(module: nn.Module) -> State:
    return {name: value.numpy() for name, value in module.state_dict().items() if value.is_floating_point()}


def shaken(module: nn.Module) -> nn.Module:
    """The module with statistics and weights far from where they start."""
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.rand_like(value) + 0.1 if "running_var" in name else torch.randn_like(value))
    return module


def maps(channels: list[int], sizes: list[tuple[int, int]], batch: int = 2) -> list[Tensor]:
    """Post-activation maps X1..Xn in float64."""
    return [torch.randn(batch, c, *size, dtype=torch.float64).relu() for c, size in zip(channels, sizes, strict=True)]


@pytest.mark.parametrize(("channels", "sizes"), SIZES)
@pytest.mark.parametrize(("downsample", "fusion"), VARIANTS)
def test_forward_is_the_papers(downsample: str, fusion: str, channels: list[int], sizes: list[tuple[int, int]]) -> None:
    torch.manual_seed(1)
    scff = shaken(SCFF(channels, FusionSettings(downsample=downsample, fusion=fusion))).double().eval()
    stages = maps(channels, sizes)
    expected = by_the_paper([x.numpy() for x in stages], numbers(scff), downsample, fusion)
    with torch.no_grad():
        found = scff(stages)
    assert found.shape == stages[-1].shape
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("downsample", "fusion"), VARIANTS)
def test_gradients_are_the_derivations(downsample: str, fusion: str, training: bool) -> None:
    """Of a random combination of the output, along a random direction in all maps and weights at once."""
    torch.manual_seed(2)
    channels, sizes = [4, 6, 5], [(11, 9), (5, 5), (3, 2)]
    scff = shaken(SCFF(channels, FusionSettings(downsample=downsample, fusion=fusion))).double().train(training)
    # not post-activation maps: among zeros a maximum has no gradient to compare with
    stages = [
        torch.randn(3, c, *size, dtype=torch.float64).requires_grad_() for c, size in zip(channels, sizes, strict=True)
    ]
    state, weights = numbers(scff), dict(scff.named_parameters())
    output = scff(stages)
    combination = torch.randn_like(output)
    variables = [*stages, *weights.values()]
    gradients = torch.autograd.grad((output * combination).sum(), variables)
    direction = [torch.randn_like(variable) for variable in variables]
    expected = sum((g * d).sum() for g, d in zip(gradients, direction, strict=True)).item()

    def value(step: float) -> float:
        moved = [v.detach().numpy() + step * d.numpy() for v, d in zip(variables, direction, strict=True)]
        changed = state | dict(zip(weights, moved[len(stages) :], strict=True))
        result = by_the_paper(moved[: len(stages)], changed, downsample, fusion, training)
        return float((result * combination.numpy()).sum())

    step = 1e-6  # small enough to cross no edge of a ReLU or a maximum, with this seed
    assert expected == pytest.approx((value(step) - value(-step)) / (2 * step), rel=1e-5, abs=1e-6)


# Settings.


def test_attention_width_is_the_papers() -> None:
    assert [FusionSettings().width(channels) for channels in (64, 512, 1024, 2048)] == [32, 32, 64, 128]
    assert FusionSettings(reduction=4, min_width=8).width(64) == 16
    assert SCFF([4, 64], FusionSettings(reduction=4, min_width=8)).fuse[0].squeeze.out_features == 16


@pytest.mark.parametrize(
    ("argument", "value", "words"),
    [
        ("reduction", 0, "reduction must be at least 1, got 0"),
        ("min_width", -3, "min_width must be at least 1, got -3"),
        ("downsample", "median", "unknown downsample 'median'; known: avg, conv1x1, conv2x2, max"),
        ("fusion", "average", "unknown fusion 'average'; known: add, concat, se, sk, sk_scaled, sk_softmax"),
        ("start", "zero", "unknown start 'zero'; known: neutral, identity"),
    ],
)
def test_unknown_settings_are_named(argument: str, value: object, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        FusionSettings(**{argument: value})


@pytest.mark.parametrize(("saved", "loading"), [(("avg", "sk"), ("avg", "sk_softmax")), (("max", "se"), ("avg", "se"))])
def test_a_state_loads_into_its_own_variant_alone(saved: tuple[str, str], loading: tuple[str, str]) -> None:
    state = SCFF([4, 8], FusionSettings(downsample=saved[0], fusion=saved[1])).state_dict()
    SCFF([4, 8], FusionSettings(downsample=saved[0], fusion=saved[1])).load_state_dict(state)
    words = f"weights of SCFF variant {' . '.join(saved)} do not fit variant {' . '.join(loading)}"
    with pytest.raises(BadInputError, match=words):
        SCFF([4, 8], FusionSettings(downsample=loading[0], fusion=loading[1])).load_state_dict(state)


# Training.


@pytest.mark.parametrize(("downsample", "fusion"), VARIANTS)
def test_one_image_is_enough_or_refused_in_words(downsample: str, fusion: str) -> None:
    torch.manual_seed(3)
    scff = SCFF([4, 8, 8], FusionSettings(downsample=downsample, fusion=fusion)).train()
    for sizes in ([(8, 8), (4, 4), (2, 2)], [(4, 4), (2, 2), (1, 1)]):
        stages = [x.float() for x in maps([4, 8, 8], sizes, batch=1)]
        if fusion.startswith("sk") or sizes[-1] == (1, 1):
            with pytest.raises(BadInputError, match=r"cannot train on a batch of one image .*; use two or more"):
                scff(stages)
        else:
            assert scff(stages).isfinite().all()
        assert scff.eval()(stages).shape == stages[-1].shape
        scff.train()


@pytest.mark.parametrize(("downsample", "fusion"), VARIANTS)
def test_a_seed_decides_everything(downsample: str, fusion: str) -> None:
    results = []
    for _ in range(2):
        torch.manual_seed(4)
        scff = SCFF([4, 8], FusionSettings(downsample=downsample, fusion=fusion)).train()
        stages = [x.float().requires_grad_() for x in maps([4, 8], [(9, 9), (4, 4)])]
        output = scff(stages)
        results.append([output, *torch.autograd.grad(output.square().sum(), [*stages, *scff.parameters()])])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def gradients_of_stages(settings: FusionSettings, last_detached: bool = False) -> list[Tensor | None]:
    """Gradients of each stage of a small chain of convolutions, whose last map SCFF's output takes the place of."""
    torch.manual_seed(5)
    chain = [nn.Conv2d(a, b, 3, 2, 1) for a, b in ((3, 4), (4, 6), (6, 8))]
    scff, x, stages = SCFF([4, 6, 8], settings).train(), torch.randn(2, 3, 32, 32), []
    for convolution in chain:
        x = convolution(x).relu()
        stages.append(x)
    if last_detached:
        stages[-1] = stages[-1].detach()
    scff(stages).square().sum().backward()
    return [convolution.weight.grad for convolution in chain]


@pytest.mark.parametrize(("downsample", "fusion"), VARIANTS)
def test_the_cut_leaves_the_backbones_own_path_alone(downsample: str, fusion: str) -> None:
    settings = {"downsample": downsample, "fusion": fusion}
    assert gradients_of_stages(FusionSettings(**settings, gradient_cut=True), last_detached=True) == [None] * 3
    through_branches = gradients_of_stages(FusionSettings(**settings), last_detached=True)
    assert through_branches[0].abs().max() > 0
    cut, whole = (gradients_of_stages(FusionSettings(**settings, gradient_cut=value)) for value in (True, False))
    assert cut[0].abs().max() > 0
    assert not torch.equal(cut[0], whole[0])
    torch.testing.assert_close(cut[2], whole[2])  # of Xn's own convolution no branch has a part


# In front of a classifier.


@pytest.mark.parametrize(("downsample", "fusion"), VARIANTS)
def test_identity_starts_at_the_stage(downsample: str, fusion: str) -> None:
    torch.manual_seed(6)
    stages = maps([8, 16, 32], [(20, 20), (10, 10), (5, 5)], batch=3)
    for start in STARTS:
        scff = SCFF([8, 16, 32], FusionSettings(downsample=downsample, fusion=fusion, start=start)).double()
        off = {training: (scff.train(training)(stages) - stages[-1]).abs().max() for training in (False, True)}
        if start == "identity":
            assert max(off.values()) < 1e-3
        else:
            assert min(off.values()) > 0.01


@pytest.mark.parametrize("fusion", FUSIONS)
def test_identity_start_learns_to_use_the_earlier_map(fusion: str) -> None:
    """Classes that the earlier map alone tells apart."""
    torch.manual_seed(0)
    scff, head = SCFF([8, 16], FusionSettings(fusion=fusion, start="identity")).train(), nn.Linear(16, 2)
    optimizer = torch.optim.AdamW([*scff.parameters(), *head.parameters()], lr=0.002, weight_decay=0.05)
    right = []
    for _ in range(250):
        labels = torch.randint(2, (32,))
        earlier, stage = torch.randn(32, 8, 8, 8).relu(), torch.randn(32, 16, 4, 4).relu()
        earlier[:, 0] += 1.5 * labels[:, None, None]
        logits = head(scff([earlier, stage]).mean(dim=(2, 3)))
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits, labels).backward()
        optimizer.step()
        right.append((logits.argmax(dim=1) == labels).float().mean().item())
    assert np.mean(right[:5]) < 0.75
    assert np.mean(right[-20:]) > 0.95


def test_resnet50_grows_by_3_80_million_parameters() -> None:
    def count(fusion: FusionSettings | None) -> int:
        with torch.device("meta"):
            return sum(parameter.numel() for parameter in Network("resnet50", 1000, fusion).parameters())

    assert (count(FusionSettings()) - count(None)) / 1e6 == pytest.approx(3.80, abs=0.005)
