"""timm's networks as backbones: which ones SCFF can fuse, and for images of which sizes."""

import difflib
import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import islice
from typing import Any, cast

import timm
import torch
from torch import Tensor, nn

from core.errors import BadInputError
from models.small_stem import use_small_stem

__all__ = [
    "NETWORKS",
    "Backbone",
    "check_arch",
    "check_input_size",
    "create_backbone",
    "stages_on_forward_path",
    "tap_indices",
]

NETWORKS = (
    "resnet18", "resnet34", "resnet50", "resnet101", "resnext50_32x4d", "wide_resnet50_2", "resnetv2_50",
    "res2net50_26w_4s", "skresnet50", "resnest50d", "seresnet50", "inception_v3", "inception_v4", "inception_resnet_v2",
    "vgg16", "vgg16_bn", "vgg19_bn", "efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3",
    "tf_efficientnet_lite0", "densenet121", "densenet169", "convnext_tiny", "mobilenetv3_large_100", "regnety_008",
    "legacy_xception",
)  # fmt: skip
"""The networks covered by the tests, among them the paper's; any other convolutional network of timm may be named."""

# Suggested where no supported name is similar: a common network, a small one, and one of the transformers' generation.
_EXAMPLES = ("resnet50", "efficientnet_b0", "convnext_tiny")

# A tap is a feature level of at least this reduction: the paper's four stages of a ResNet.
_FIRST_REDUCTION = 4

# Names by which modules with spatial self-attention call their queries, alone or with keys and values.
_QUERIES = re.compile(r"(to_)?(q|qkvs?|query)(_proj|_conv)?")

# What timm's networks raise for images that are too small, or where they do not work as their interface has it.
_FORWARD_ERRORS = (RuntimeError, ValueError, AssertionError, TypeError)


class Backbone(nn.Module):
    """What timm's convolutional networks have in common, for type checkers; timm.create_model builds them."""

    num_features: int
    """Channels of the classifier's input."""
    feature_info: Any
    """Of each feature level `num_chs`, `reduction` and more."""
    pretrained_cfg: dict[str, Any]
    forward_features: Callable[[Tensor], Tensor]
    forward_head: Callable[[Tensor], Tensor]
    forward_intermediates: Callable[..., tuple[Tensor, list[Tensor]]]
    get_classifier: Callable[[], nn.Module]


def create_backbone(arch: str, num_classes: int, small_stem: bool = False) -> Backbone:
    """A timm network with random weights that SCFF can be attached to.

    Args:
        arch: timm's name of the network.
        num_classes: classes of its classifier.
        small_stem: whether it gets a ResNet's stem for small images, see models.small_stem.

    Raises:
        BadInputError: the name is unknown, the network has fewer than two feature maps to fuse, or no such stem.
    """
    check_arch(arch)
    backbone = cast("Backbone", timm.create_model(arch, num_classes=num_classes))
    if getattr(backbone, "feature_info", None) is None or not hasattr(backbone, "forward_intermediates"):
        raise BadInputError(f"{arch} has no intermediate feature maps to fuse; {_nearest(arch)}")
    if (count := len(tap_indices(backbone))) < 2:
        raise BadInputError(f"{arch} has {count} feature map(s) to fuse, two are needed; {_nearest(arch)}")
    if small_stem:
        use_small_stem(arch, backbone)
    return backbone


def tap_indices(backbone: Backbone) -> list[int]:
    """Indices in `feature_info` of the maps X1..Xn that SCFF fuses, shallowest first."""
    return [i for i, level in enumerate(backbone.feature_info) if level["reduction"] >= _FIRST_REDUCTION]


def check_arch(arch: str) -> None:
    """Rejects a name, or a tag of pre-trained weights behind it, that timm does not know.

    Raises:
        BadInputError: suggests the nearest supported names.
    """
    if not timm.is_model(arch):
        raise BadInputError(f"unknown architecture {arch!r}; {_nearest(arch)}")
    name, _, tag = arch.partition(".")
    known = [full.partition(".")[2] for full in timm.list_pretrained(f"{name}.*")]
    if tag and tag not in known:
        raise BadInputError(f"{name} has no weights tagged {tag!r}; known: {', '.join(known) or 'none'}")


def check_input_size(arch: str, size: tuple[int, int], small_stem: bool = False) -> None:
    """Runs a network on the meta device, so that an unsuitable one is rejected before any training.

    Args:
        arch: timm's name of the network.
        size: (height, width) in pixels.
        small_stem: as create_backbone's.

    Raises:
        BadInputError: the network is not purely convolutional, cannot take images of that size, or has no such stem.
    """
    if not _is_convolutional(arch):
        raise BadInputError(f"{arch} is not purely convolutional (a transformer or a hybrid); {_nearest(arch)}")
    with torch.device("meta"):
        backbone = _create_for_inference(arch, small_stem)
        try:
            backbone.forward_head(_stages(backbone, size)[-1])  # SCFF leaves its shape as it is
        except _FORWARD_ERRORS as error:
            reason = str(error).partition("\n")[0]
            raise BadInputError(f"{arch} cannot take images of {size[1]} x {size[0]} pixels ({reason})") from None


@cache
def stages_on_forward_path(arch: str) -> bool:
    """Whether the backbone computes its last map from X1..Xn-1 themselves; in some networks these are side outputs."""
    with torch.inference_mode(False), torch.enable_grad():  # whatever the caller's mode
        with torch.device("meta"):
            backbone = _create_for_inference(arch)
        *stages, last = _stages(backbone, requires_grad=True)
        return None not in torch.autograd.grad(last.sum(), stages, allow_unused=True)


def _create_for_inference(arch: str, small_stem: bool = False) -> Backbone:
    return cast("Backbone", create_backbone(arch, 2, small_stem).eval().requires_grad_(False))


def _stages(backbone: Backbone, size: Sequence[int] = (), requires_grad: bool = False) -> list[Tensor]:
    """X1..Xn of one image on the meta device, by default of the size that timm's weights were trained on."""
    height, width = size or backbone.pretrained_cfg["input_size"][1:]
    image = torch.empty(1, 3, height, width, device="meta", requires_grad=requires_grad)
    last, taps = backbone.forward_intermediates(image, indices=tap_indices(backbone)[:-1])
    return [*taps, last]


def _is_convolutional(arch: str) -> bool:
    """Whether the network ends in a map [B, C, h, w] and has no spatial self-attention."""
    with torch.device("meta"):
        backbone = _create_for_inference(arch)
        if any(_is_self_attention(module) for module in backbone.modules()):
            return False
        try:
            stages = _stages(backbone)
        except (*_FORWARD_ERRORS, AttributeError):
            return False
    return all(isinstance(stage, Tensor) and stage.ndim == 4 for stage in stages) and (
        stages[-1].shape[1] == backbone.num_features
    )


def _is_self_attention(module: nn.Module) -> bool:
    """Whether a module attends over positions; timm names channel attention "Attn" instead."""
    if type(module).__name__.endswith("Attention"):
        return True
    return any(_QUERIES.fullmatch(name) for name, _ in module.named_children())


def _nearest(arch: str) -> str:
    """A suggestion for an error message: supported networks of similar names."""
    near = difflib.get_close_matches(arch, {*timm.list_models(), *NETWORKS}, n=6, cutoff=0.6)
    supported = list(islice(filter(_is_supported, near), 3))
    if not supported:
        return f"no supported network has a similar name; examples are {', '.join(_EXAMPLES)}"
    return f"the nearest supported networks are {', '.join(supported)}"


def _is_supported(arch: str) -> bool:
    try:
        return _is_convolutional(arch)
    except BadInputError:
        return False
