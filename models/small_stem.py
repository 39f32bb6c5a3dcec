"""The stem of a ResNet for small images, as on CIFAR (He et al., CVPR 2016): 3x3 with stride 1, no max pooling."""

from torch import nn

from core.errors import BadInputError

__all__ = ["use_small_stem"]


def use_small_stem(arch: str, backbone: nn.Module) -> None:
    """Replaces a ResNet's first convolution, or convolutions, by one of 3x3 with stride 1 and drops its max pooling.

    Args:
        arch: timm's name of the network, for the error message.
        backbone: changed in place.

    Raises:
        BadInputError: the network has no such stem.
    """
    for owner, conv, pool in ((backbone, "conv1", "maxpool"), (getattr(backbone, "stem", None), "conv", "pool")):
        if hasattr(owner, conv) and hasattr(owner, pool):
            former = [module for module in getattr(owner, conv).modules() if isinstance(module, nn.Conv2d)]
            first = nn.Conv2d(former[0].in_channels, former[-1].out_channels, 3, padding=1, bias=False)
            nn.init.kaiming_normal_(first.weight, mode="fan_out", nonlinearity="relu")
            setattr(owner, conv, first)
            setattr(owner, pool, nn.Identity())
            return
    raise BadInputError(f"{arch} has no ResNet stem that the small-image stem could replace")
