"""A timm backbone as baseline or with SCFF in front of its classifier."""

import difflib
import re
from functools import cache
from threading import Lock
from typing import Self

import timm
import torch
from torch import Tensor, nn

from core.errors import BadInputError
from models.inference.tail import Tail
from models.scff import SCFF, FusionSettings

__all__ = ["NETWORKS", "Network", "check_arch", "check_input_size"]

NETWORKS = (
    "resnet18", "resnet34", "resnet50", "resnet101", "resnext50_32x4d", "wide_resnet50_2", "resnetv2_50",
    "res2net50_26w_4s", "skresnet50", "resnest50d", "seresnet50", "inception_v3", "inception_v4", "inception_resnet_v2",
    "vgg16", "vgg16_bn", "vgg19_bn", "efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3",
    "tf_efficientnet_lite0", "densenet121", "densenet169", "convnext_tiny", "mobilenetv3_large_100", "regnety_008",
    "legacy_xception",
)  # fmt: skip
"""The networks that are tested here, the paper's and more; any other convolutional one of timm's may be named."""

# Named where no network's name is near: a common one, a small one, and one of a transformer's generation.
_EXAMPLES = ("resnet50", "efficientnet_b0", "convnext_tiny")

# A tap is a level whose resolution has fallen at least this much: the paper's four stages of a ResNet.
_FIRST_REDUCTION = 4

# How many times `maps` may be compiled in one process: at most three times a network, for one image and for several.
_COMPILED = 64

# Names by which modules that attend over positions call their queries, alone or with keys and values.
_QUERIES = re.compile(r"(to_)?(q|qkvs?|query)(_proj|_conv)?")


class Network(nn.Module):
    """A classifier whose last map, the classifier's input, is Xn (baseline) or Yn (with SCFF).

    The backbone is timm's, untouched: its taps come from `forward_intermediates`, its classifier is
    `forward_head`. Under one random seed a baseline and its SCFF partner start from the same backbone weights.

    Args:
        arch: a timm model name.
        num_classes: classes of the classifier.
        fusion: the SCFF variant, or None for the baseline.
        small_stem: a ResNet's stem for small images, as on CIFAR: 3x3 with stride 1, and no max pooling.

    Raises:
        BadInputError: the name is unknown, the network does not offer maps to fuse, or has no such stem.
    """

    def __init__(
        self, arch: str, num_classes: int, fusion: FusionSettings | None = None, small_stem: bool = False
    ) -> None:
        super().__init__()
        check_arch(arch)
        self.arch = arch
        self.backbone = timm.create_model(arch, num_classes=num_classes)
        levels = getattr(self.backbone, "feature_info", None)
        if levels is None or not hasattr(self.backbone, "forward_intermediates"):
            raise BadInputError(f"{arch} offers no intermediate maps to fuse; {_nearest(arch)}")
        taps = [i for i, level in enumerate(levels) if level["reduction"] >= _FIRST_REDUCTION]
        if len(taps) < 2:
            raise BadInputError(f"{arch} offers {len(taps)} map(s) to fuse, two are needed; {_nearest(arch)}")
        if small_stem:
            _give_small_stem(arch, self.backbone)
        # The deepest level is taken as the network's own classifier expects it: after its head convolution, if any.
        self.taps = taps[:-1]
        channels = [levels[i]["num_chs"] for i in self.taps] + [self.backbone.num_features]
        self.scff = None if fusion is None else SCFF(channels, fusion)
        self.prepared = False
        """Whether its weights were folded, packed or compiled for inference, and are no longer those of its layers."""
        self.tail: Tail | None = None
        """What it computes behind its stages, where that was recorded."""

    @property
    def depth(self) -> int:
        """n, how many stages there are."""
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
        """X1..Xn and Y2..Yn, of which there is none without SCFF; the last is the classifier's input."""
        stages = self.stages(images)
        return stages, [] if self.scff is None else self.scff.fuse_on(stages[0], stages[1:])

    def compile_maps(self, freezing: bool = False) -> None:
        """Lets torch.compile take `maps` over, at its first images; it needs a C++ compiler.

        Args:
            freezing: whether the weights become constants of what is compiled, laid out as it computes with them; they
                must not change any more, and `maps` must be called without gradients.
        """
        from torch._dynamo import config as tracing
        from torch._inductor import config as generating

        compiled = torch.compile(self.maps)
        lock = Lock()  # threads that come at once would each compile

        def maps(images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
            # Given to torch.compile as an option, freezing is unknown to its first half, which leaves the weights be.
            # The limit is on all networks together: once reached, further ones would silently not be compiled.
            with lock, generating.patch(freezing=freezing), tracing.patch(recompile_limit=_COMPILED):
                return compiled(images)

        self.maps = maps
        self.prepared = True

    @property
    def stages_lead_on(self) -> bool:
        """Whether the backbone goes on from X1 to Xn-1 themselves; of some networks these are copies, put aside."""
        return _stages_lead_on(self.arch)

    def head(self, features: Tensor) -> Tensor:
        """Logits [B, classes] of the classifier's input [B, C, h, w]."""
        return self.backbone.forward_head(features)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, classes] of normalised images [B, 3, H, W]."""
        return self.head(self.features(images))

    def freeze_backbone(self) -> None:
        """Leaves SCFF and the classifier alone to learn; the caller keeps the backbone in eval mode."""
        self.backbone.requires_grad_(False)
        self.backbone.get_classifier().requires_grad_(True)

    def for_inference(self, device: torch.device | str = "cpu") -> Self:
        """This network in eval mode, without gradients for its weights, on a device."""
        return self.to(device).eval().requires_grad_(False)


def check_arch(arch: str) -> None:
    """Refuses a name that timm does not know, or a tag after it.

    Raises:
        BadInputError: names the nearest that can be used.
    """
    if not timm.is_model(arch):
        raise BadInputError(f"unknown arch {arch!r}; {_nearest(arch)}")
    name, _, tag = arch.partition(".")
    known = [full.partition(".")[2] for full in timm.list_pretrained(f"{name}.*")]
    if tag and tag not in known:
        raise BadInputError(f"{name} has no weights tagged {tag!r}; known: {', '.join(known) or 'none'}")


def check_input_size(arch: str, size: tuple[int, int], small_stem: bool = False) -> None:
    """Works a network with SCFF through, without computing, so that what it cannot do is known before it is trained.

    Args:
        arch: a timm model name.
        size: (height, width) in pixels.
        small_stem: as Network's.

    Raises:
        BadInputError: the network is not convolutional, cannot take images of that size, or has no such stem.
    """
    if not _convolutional(arch):
        raise BadInputError(
            f"{arch} is not a network of convolutions alone (a transformer, or in part one); {_nearest(arch)}"
        )
    with torch.device("meta"):
        network = Network(arch, 2, FusionSettings(), small_stem).for_inference("meta")
        try:
            network(torch.empty(1, 3, *size))
        except (RuntimeError, ValueError, AssertionError, TypeError) as error:
            reason = str(error).partition("\n")[0]
            raise BadInputError(f"{arch} cannot take images of {size[1]} x {size[0]} pixels ({reason})") from None


@cache
def _stages_lead_on(arch: str) -> bool:
    with torch.device("meta"):
        network = Network(arch, 2).for_inference("meta")
        images = torch.empty(1, *network.backbone.pretrained_cfg["input_size"], requires_grad=True)
    with torch.inference_mode(False), torch.enable_grad():
        *stages, last = network.stages(images)
        return None not in torch.autograd.grad(last.sum(), stages, allow_unused=True)


def _convolutional(arch: str) -> bool:
    """Whether the network ends in a map [B, C, h, w] and attends over positions nowhere."""
    with torch.device("meta"):
        network = Network(arch, 2).for_inference("meta")
        if any(_attends(module) for module in network.modules()):
            return False
        try:
            stages = network.stages(torch.empty(1, *network.backbone.pretrained_cfg["input_size"]))
        except (RuntimeError, ValueError, AssertionError, TypeError, AttributeError):
            return False
    return all(isinstance(stage, Tensor) and stage.ndim == 4 for stage in stages) and (
        stages[-1].shape[1] == network.backbone.num_features
    )


def _attends(module: nn.Module) -> bool:
    """Whether a module asks positions about each other."""
    if type(module).__name__.endswith("Attention"):  # timm's word for it; channel attention is "Attn" there
        return True
    return any(_QUERIES.fullmatch(name) for name, _ in module.named_children())


def _nearest(arch: str) -> str:
    """Words that name the nearest networks that can be used."""
    near = difflib.get_close_matches(arch, {*timm.list_models(), *NETWORKS}, n=6, cutoff=0.6)
    usable = [name for name in near if _usable(name)][:3]
    if not usable:
        return f"none that can be used has a name like it; among these are {', '.join(_EXAMPLES)}"
    return f"the nearest that can be used are {', '.join(usable)}"


def _usable(arch: str) -> bool:
    try:
        return _convolutional(arch)
    except BadInputError:
        return False


def _give_small_stem(arch: str, backbone: nn.Module) -> None:
    """Makes a ResNet's first convolution, or convolutions, one of 3x3 with stride 1, and its max pooling nothing."""
    for owner, conv, pool in ((backbone, "conv1", "maxpool"), (getattr(backbone, "stem", None), "conv", "pool")):
        if hasattr(owner, conv) and hasattr(owner, pool):
            former = [module for module in getattr(owner, conv).modules() if isinstance(module, nn.Conv2d)]
            first = nn.Conv2d(former[0].in_channels, former[-1].out_channels, 3, padding=1, bias=False)
            nn.init.kaiming_normal_(first.weight, mode="fan_out", nonlinearity="relu")
            setattr(owner, conv, first)
            setattr(owner, pool, nn.Identity())
            return
    raise BadInputError(f"{arch} has no ResNet's stem that a small-image stem could take the place of")
