"""A timm backbone as baseline or with SCFF in front of its classifier."""

from threading import Lock
from typing import Self

import torch
from torch import Tensor, nn

from models.architectures import create_backbone, stages_on_forward_path, tap_indices
from models.fusion_settings import FusionSettings
from models.inference.tail import Tail
from models.scff import SCFF

__all__ = ["Network"]

# Limit on the compilations of `maps` in one process: up to three per network, for one image and for several.
_COMPILATION_LIMIT = 64


class Network(nn.Module):
    """A classifier whose last feature map, the classifier's input, is Xn (baseline) or Yn (with SCFF).

    The backbone is timm's, unchanged: its taps come from `forward_intermediates`, its classifier is
    `forward_head`. Under one random seed a baseline and its SCFF partner start from the same backbone weights.

    Args:
        arch: timm's name of the network.
        num_classes: classes of the classifier.
        fusion: the SCFF variant, or None for the baseline.
        small_stem: a ResNet's stem for small images, as on CIFAR: 3x3 with stride 1, and no max pooling.

    Raises:
        BadInputError: the name is unknown, the network has fewer than two feature maps to fuse, or no such stem.
    """

    def __init__(
        self, arch: str, num_classes: int, fusion: FusionSettings | None = None, small_stem: bool = False
    ) -> None:
        super().__init__()
        self.arch = arch
        self.backbone = create_backbone(arch, num_classes, small_stem)
        # The deepest level is taken as the network's own classifier expects it: after its head convolution, if any.
        self.taps = tap_indices(self.backbone)[:-1]
        channels = [self.backbone.feature_info[i]["num_chs"] for i in self.taps] + [self.backbone.num_features]
        self.scff = None if fusion is None else SCFF(channels, fusion)
        self.inference_ready = False
        """Whether weights are folded, packed or compiled, so that the layers' own weights no longer take effect."""
        self.tail: Tail | None = None
        """The backbone behind each of its stages, where it was recorded."""

    @property
    def num_stages(self) -> int:
        """n, the number of stages X1..Xn."""
        return len(self.taps) + 1

    def stages(self, images: Tensor) -> list[Tensor]:
        """X1..Xn, each [B, Ci, hi, wi], of normalised images [B, 3, H, W]."""
        last, taps = self.backbone.forward_intermediates(images, indices=self.taps)
        return [*taps, last]

    def features(self, images: Tensor) -> Tensor:
        """The classifier's input, Xn or Yn, [B, C, h, w], of normalised images [B, 3, H, W]."""
        if self.scff is None:
            return self.backbone.forward_features(images)
        return self.scff(self.stages(images))

    def maps(self, images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """X1..Xn and Y2..Yn (empty without SCFF) of normalised images [B, 3, H, W]; the last is the classifier's
        input."""
        stages = self.stages(images)
        return stages, [] if self.scff is None else self.scff.fuse_on(stages[0], stages[1:])

    def compile_maps(self, freezing: bool = False) -> None:
        """Compiles `maps` with torch.compile, at its first call; needs a C++ compiler.

        Args:
            freezing: whether weights become constants of the compiled code, in the memory layout it computes with; they
                must not change afterwards, and `maps` must be called without gradients.
        """
        from torch._dynamo import config as tracing
        from torch._inductor import config as generating

        compiled = torch.compile(self.maps)
        lock = Lock()  # concurrent threads would each compile

        def maps(images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
            # Passed to torch.compile as an option, `freezing` does not reach Dynamo, which then leaves weights as they
            # are. The limit is global: beyond it, further networks would silently not be compiled.
            with lock, generating.patch(freezing=freezing), tracing.patch(recompile_limit=_COMPILATION_LIMIT):
                return compiled(images)

        self.maps = maps
        self.inference_ready = True

    @property
    def stages_on_forward_path(self) -> bool:
        """Whether the backbone computes on from X1..Xn-1 themselves; in some networks these are side outputs."""
        return stages_on_forward_path(self.arch)

    def head(self, features: Tensor) -> Tensor:
        """Logits [B, classes] of the classifier's input [B, C, h, w]."""
        return self.backbone.forward_head(features)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, classes] of normalised images [B, 3, H, W]."""
        return self.head(self.features(images))

    def freeze_backbone(self) -> None:
        """Leaves only SCFF and the classifier trainable; the caller keeps the backbone in eval mode."""
        self.backbone.requires_grad_(False)
        self.backbone.get_classifier().requires_grad_(True)

    def for_inference(self, device: torch.device | str = "cpu") -> Self:
        """This network in eval mode, without gradients for its weights, on a device."""
        return self.to(device).eval().requires_grad_(False)
