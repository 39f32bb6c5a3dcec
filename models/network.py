"""A timm backbone as baseline or with SCFF in front of its classifier."""

import difflib
from typing import Self

import timm
import torch
from torch import Tensor, nn

from models.errors import BadInputError
from models.scff import SCFF, FusionSettings

__all__ = ["Network", "check_arch", "check_input_size"]

# A tap is a level whose resolution has fallen at least this much: the paper's four stages of a ResNet.
_FIRST_REDUCTION = 4


class Network(nn.Module):
    """A classifier whose last map, the classifier's input, is Xn (baseline) or Yn (with SCFF).

    The backbone is timm's, untouched: its taps come from `forward_intermediates`, its classifier is
    `forward_head`. Under one random seed a baseline and its SCFF partner start from the same backbone weights.

    Args:
        arch: a timm model name.
        num_classes: classes of the classifier.
        fusion: the SCFF variant, or None for the baseline.

    Raises:
        BadInputError: the name is unknown, or the network does not offer maps to fuse.
    """

    def __init__(self, arch: str, num_classes: int, fusion: FusionSettings | None = None) -> None:
        super().__init__()
        check_arch(arch)
        self.backbone = timm.create_model(arch, num_classes=num_classes)
        levels = getattr(self.backbone, "feature_info", None)
        if levels is None or not hasattr(self.backbone, "forward_intermediates"):
            raise BadInputError(f"arch {arch!r} offers no intermediate maps to fuse; try resnet50")
        taps = [i for i, level in enumerate(levels) if level["reduction"] >= _FIRST_REDUCTION]
        if len(taps) < 2:
            raise BadInputError(f"arch {arch!r} offers {len(taps)} map(s) to fuse, two are needed; try resnet50")
        # The deepest level is taken as the network's own classifier expects it: after its head convolution, if any.
        self.taps = taps[:-1]
        channels = [levels[i]["num_chs"] for i in self.taps] + [self.backbone.num_features]
        self.scff = None if fusion is None else SCFF(channels, fusion)

    def features(self, images: Tensor) -> Tensor:
        """The classifier's input, Xn or Yn, [B, C, h, w], of normalised images [B, 3, H, W]."""
        if self.scff is None:
            return self.backbone.forward_features(images)
        last, stages = self.backbone.forward_intermediates(images, indices=self.taps)
        return self.scff([*stages, last])

    def head(self, features: Tensor) -> Tensor:
        """Logits [B, classes] of the classifier's input [B, C, h, w]."""
        return self.backbone.forward_head(features)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, classes] of normalised images [B, 3, H, W]."""
        return self.head(self.features(images))

    def for_inference(self, device: torch.device | str = "cpu") -> Self:
        """This network in eval mode, without gradients for its weights, on a device."""
        return self.to(device).eval().requires_grad_(False)


def check_arch(arch: str) -> None:
    """Refuses a name that timm does not know.

    Raises:
        BadInputError: names the nearest known ones.
    """
    if timm.is_model(arch):
        return
    near = difflib.get_close_matches(arch, timm.list_models(), n=3, cutoff=0.5) or ["resnet18", "resnet50"]
    raise BadInputError(f"unknown arch {arch!r}; the nearest names are {', '.join(near)}")


def check_input_size(arch: str, size: tuple[int, int]) -> None:
    """Runs an untrained network with SCFF once, so that what it cannot do is known before it is trained.

    Args:
        arch: a timm model name.
        size: (height, width) in pixels.

    Raises:
        BadInputError: the network has no maps of height and width, or cannot take images of that size.
    """
    network = Network(arch, 2, FusionSettings()).for_inference()
    images = torch.zeros(1, 3, *size)
    try:
        with torch.inference_mode():
            fused, last = network.features(images), network.backbone.forward_features(images)
            usable = fused.ndim == 4 and fused.shape == last.shape and network.head(fused).shape == (1, 2)
    except (RuntimeError, ValueError, AssertionError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise BadInputError(f"{arch} cannot take images of {size[1]} x {size[0]} pixels ({reason})") from None
    if not usable:
        raise BadInputError(f"{arch} has no maps of height and width to fuse; try resnet50")
