"""SCFF in every variant: independent derivation, settings, and effect on the backbone's training."""

from collections.abc import Callable
from importlib import import_module
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.errors import BadInputError
from models.fusion_settings import STARTS, FusionSettings
from models.network import Network
from models.scff import SCFF
from models.variants import DOWNSAMPLE_NAMES, FUSION_NAMES
from tests.models.derivation import State, feature_maps, normalised, numbers, randomised

VARIANTS = list(product(DOWNSAMPLE_NAMES, FUSION_NAMES))
SIZES = [
    ([8, 40, 72], [(25, 19), (13, 10), (7, 5)]),  # halved, rounded up
    ([6, 10, 8], [(25, 13), (12, 6), (6, 3)]),  # halved, rounded down
    ([4, 6, 8], [(97, 31), (46, 14), (22, 5)]),  # neither, as in an Inception network
    ([6, 10], [(9, 9), (9, 9)]),
    ([4, 6, 8], [(11, 9), (4, 3), (1, 1)]),
]


def derivation(package: str, name: str) -> Callable[..., np.ndarray]:
    """A variant's derivation, from its test module."""
    return import_module(f"tests.models.{package}.test_{name}").derivation


def by_the_paper(
    stages: list[np.ndarray], state: State, downsample: str, fusion: str, training: bool = False
) -> np.ndarray:
    """Y1 = X1, Yi = F(D(Y(i-1)), Xi), in float64."""
    bring_to_size, fuse = derivation("downsample", downsample), derivation("fusion", fusion)
    y = stages[0]
    for i, x in enumerate(stages[1:]):
        small = bring_to_size(y, x.shape[2:], state[f"downsample.{i}.project.weight"])
        a = np.maximum(normalised(small, state, f"downsample.{i}.norm", training), 0)
        y = fuse(a, x, state, f"fuse.{i}", training)
    return y


@pytest.mark.essential
@pytest.mark.parametrize(("channels", "sizes"), SIZES)
@pytest.mark.parametrize(("downsample", "fusion"), VARIANTS)
def test_forward_matches_the_paper(
    downsample: str, fusion: str, channels: list[int], sizes: list[tuple[int, int]]
) -> None:
    torch.manual_seed(1)
    scff = randomised(SCFF(channels, FusionSettings(downsample=downsample, fusion=fusion))).double().eval()
    stages = feature_maps(channels, sizes)
    expected = by_the_paper([x.numpy() for x in stages], numbers(scff), downsample, fusion)
    with torch.no_grad():
        found = scff(stages)
    assert found.shape == stages[-1].shape
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("downsample", "fusion"), VARIANTS)
def test_gradients_match_the_derivation(downsample: str, fusion: str, training: bool) -> None:
    """Of a random combination of the output, along a random direction in all maps and weights at once."""
    torch.manual_seed(2)
    channels, sizes = [4, 6, 5], [(11, 9), (5, 5), (3, 2)]
    scff = randomised(SCFF(channels, FusionSettings(downsample=downsample, fusion=fusion))).double().train(training)
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


def test_attention_width_follows_the_settings() -> None:
    assert SCFF([4, 64], FusionSettings(reduction=4, min_width=8)).fuse[0].squeeze.out_features == 16


@pytest.mark.essential
@pytest.mark.parametrize(("saved", "loading"), [(("avg", "sk"), ("avg", "sk_softmax")), (("max", "se"), ("avg", "se"))])
def test_state_loads_only_into_its_own_variant(saved: tuple[str, str], loading: tuple[str, str]) -> None:
    state = SCFF([4, 8], FusionSettings(downsample=saved[0], fusion=saved[1])).state_dict()
    SCFF([4, 8], FusionSettings(downsample=saved[0], fusion=saved[1])).load_state_dict(state)
    message = f"weights of SCFF variant {' . '.join(saved)} do not fit variant {' . '.join(loading)}"
    with pytest.raises(BadInputError, match=message):
        SCFF([4, 8], FusionSettings(downsample=loading[0], fusion=loading[1])).load_state_dict(state)


# Training.


@pytest.mark.essential
@pytest.mark.parametrize(("downsample", "fusion"), VARIANTS)
def test_batch_of_one_image_trains_or_is_rejected(downsample: str, fusion: str) -> None:
    torch.manual_seed(3)
    scff = SCFF([4, 8, 8], FusionSettings(downsample=downsample, fusion=fusion)).train()
    for sizes in ([(8, 8), (4, 4), (2, 2)], [(4, 4), (2, 2), (1, 1)]):
        stages = [x.float() for x in feature_maps([4, 8, 8], sizes, batch=1)]
        if fusion.startswith("sk") or sizes[-1] == (1, 1):
            with pytest.raises(BadInputError, match=r"cannot train on a batch of one image .*; use two or more"):
                scff(stages)
        else:
            assert scff(stages).isfinite().all()
        assert scff.eval()(stages).shape == stages[-1].shape
        scff.train()


@pytest.mark.parametrize(("downsample", "fusion"), VARIANTS)
def test_same_seed_gives_the_same_outputs_and_gradients(downsample: str, fusion: str) -> None:
    results = []
    for _ in range(2):
        torch.manual_seed(4)
        scff = SCFF([4, 8], FusionSettings(downsample=downsample, fusion=fusion)).train()
        stages = [x.float().requires_grad_() for x in feature_maps([4, 8], [(9, 9), (4, 4)])]
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
def test_gradient_cut_leaves_the_backbones_own_path_unchanged(downsample: str, fusion: str) -> None:
    settings = {"downsample": downsample, "fusion": fusion}
    assert gradients_of_stages(FusionSettings(**settings, gradient_cut=True), last_detached=True) == [None] * 3
    through_branches = gradients_of_stages(FusionSettings(**settings), last_detached=True)
    assert through_branches[0].abs().max() > 0
    cut, whole = (gradients_of_stages(FusionSettings(**settings, gradient_cut=value)) for value in (True, False))
    assert cut[0].abs().max() > 0
    assert not torch.equal(cut[0], whole[0])
    torch.testing.assert_close(cut[2], whole[2])  # no branch contributes to the gradient of Xn's own convolution


# In front of a classifier.


@pytest.mark.parametrize(("downsample", "fusion"), VARIANTS)
def test_identity_start_outputs_the_last_stage(downsample: str, fusion: str) -> None:
    torch.manual_seed(6)
    stages = feature_maps([8, 16, 32], [(20, 20), (10, 10), (5, 5)], batch=3)
    for start in STARTS:
        scff = SCFF([8, 16, 32], FusionSettings(downsample=downsample, fusion=fusion, start=start)).double()
        off = {training: (scff.train(training)(stages) - stages[-1]).abs().max() for training in (False, True)}
        if start == "identity":
            assert max(off.values()) < 1e-3
        else:
            assert min(off.values()) > 0.01


@pytest.mark.parametrize("fusion", FUSION_NAMES)
def test_identity_start_learns_to_use_the_earlier_map(fusion: str) -> None:
    """Classes that only the earlier map separates."""
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


def test_parameters_added_to_resnet50_match_the_derivation() -> None:
    """A 1x1 convolution and its normalisation; then the attention: one layer to its width, two layers back."""
    expected = 0
    for before, after in ((256, 512), (512, 1024), (1024, 2048)):
        width = max(after // 16, 32)
        attention = after * width + 2 * width + 2 * (width * after + after)
        expected += before * after + 2 * after + attention

    def count(fusion: FusionSettings | None) -> int:
        with torch.device("meta"):
            return sum(parameter.numel() for parameter in Network("resnet50", 1000, fusion).parameters())

    assert count(FusionSettings()) - count(None) == expected == 3_799_488
