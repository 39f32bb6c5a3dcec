"""F, section 2.3.3 of the paper: fuses an earlier map A, brought to size, with the stage's own map B.

Each module takes two maps of one shape, [B, C, h, w], and gives one of the same shape.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.batch_norm import check_batch_size
from models.downsample import DownSample

__all__ = ["FUSIONS", "Fusion"]

# Of a sigmoid, or of a softmax over two branches: weights of 6e-6 and of what is left of one.
_NEARLY_ALL = 12.0
_NEARLY_NOTHING = 1e-5


class Fusion(nn.Module):
    """What all share.

    Args:
        channels: C of both maps.
        width: of the attention's hidden layer, where there is one.
    """

    def __init__(self, channels: int, width: int) -> None:  # noqa: ARG002 - each kind takes what it needs
        super().__init__()

    def forward(self, earlier: Tensor, stage: Tensor) -> Tensor:
        """Fuses A and B."""
        raise NotImplementedError

    def weights(self, earlier: Tensor, stage: Tensor) -> tuple[Tensor, Tensor] | None:  # noqa: ARG002 - as forward
        """What A and B are weighed by in each channel, [B, C] both; None where nothing is chosen by the image."""
        return None

    def start_at_stage(self, downsample: DownSample) -> None:
        """Sets the last layer so that the result starts as B, up to 1e-5 of A, whatever the maps.

        Args:
            downsample: makes A.
        """
        raise NotImplementedError


def _set_constant(layer: nn.Linear, value: float) -> None:
    """Makes a layer's output one value, whatever its input; it can learn from there."""
    nn.init.zeros_(layer.weight)
    nn.init.constant_(layer.bias, value)


class Addition(Fusion):
    """Y = A + B."""

    def forward(self, earlier: Tensor, stage: Tensor) -> Tensor:
        return earlier + stage

    def start_at_stage(self, downsample: DownSample) -> None:
        nn.init.constant_(downsample.norm.weight, _NEARLY_NOTHING)  # there is no layer here that could leave A out


class Concatenation(Fusion):
    """Y = a 1x1 convolution of A and B, one beside the other."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(channels, width)
        self.mix = nn.Conv2d(2 * channels, channels, kernel_size=1)

    def forward(self, earlier: Tensor, stage: Tensor) -> Tensor:
        return self.mix(torch.cat((earlier, stage), dim=1))

    def start_at_stage(self, downsample: DownSample) -> None:  # noqa: ARG002 - weighs A itself
        with torch.no_grad():
            taken, ignored = torch.eye(self.mix.out_channels), torch.zeros(self.mix.out_channels, self.mix.out_channels)
            self.mix.weight.copy_(torch.cat((ignored, taken), dim=1)[:, :, None, None])
            self.mix.bias.zero_()


class _Gate(nn.Module):
    """Squeeze and excitation (Hu et al., CVPR 2018): a weight from 0 to 1 for each channel of a map."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, width)
        self.excite = nn.Linear(width, channels)

    def weights(self, values: Tensor) -> Tensor:
        """Of the map's channels, [B, C]."""
        hidden = functional.relu(self.squeeze(values.mean(dim=(2, 3))), inplace=True)  # [B, width]
        return torch.sigmoid(self.excite(hidden))

    def forward(self, values: Tensor) -> Tensor:
        """The map times its weights, [B, C, h, w]."""
        return values * self.weights(values)[:, :, None, None].to(values.dtype)


class SqueezeExcitation(Fusion):
    """Y = a.A + b.B, the weights of each map from its own squeeze and excitation."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(channels, width)
        self.gate_earlier = _Gate(channels, width)
        self.gate_stage = _Gate(channels, width)

    def forward(self, earlier: Tensor, stage: Tensor) -> Tensor:
        return self.gate_earlier(earlier) + self.gate_stage(stage)

    def weights(self, earlier: Tensor, stage: Tensor) -> tuple[Tensor, Tensor]:
        return self.gate_earlier.weights(earlier), self.gate_stage.weights(stage)

    def start_at_stage(self, downsample: DownSample) -> None:  # noqa: ARG002 - weighs A itself
        _set_constant(self.gate_earlier.excite, -_NEARLY_ALL)
        _set_constant(self.gate_stage.excite, _NEARLY_ALL)


class SelectiveKernel(Fusion):
    """SKNet's fuse (Li et al., CVPR 2019): Y = a.A + b.B with a + b = 1 in each channel, chosen from both maps."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(channels, width)
        self.squeeze = nn.Linear(channels, width, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.excite_earlier = nn.Linear(width, channels)
        self.excite_stage = nn.Linear(width, channels)

    def forward(self, earlier: Tensor, stage: Tensor) -> Tensor:
        """Fuses A and B.

        Raises:
            BadInputError: in training, a batch of one image.
        """
        weight = self._weight_of_earlier(earlier, stage)
        # Under autocast a stage may be float32 still, as behind ConvNeXt's layer scale.
        return torch.lerp(stage, earlier.to(stage.dtype), weight[:, :, None, None].to(stage.dtype))

    def weights(self, earlier: Tensor, stage: Tensor) -> tuple[Tensor, Tensor]:
        weight = self._weight_of_earlier(earlier, stage)
        return weight, 1 - weight

    def _weight_of_earlier(self, earlier: Tensor, stage: Tensor) -> Tensor:
        """a, [B, C]."""
        pooled = earlier.mean(dim=(2, 3)) + stage.mean(dim=(2, 3))  # [B, C], the mean of A + B
        squeezed = self.squeeze(self.described(pooled))  # [B, width]
        check_batch_size(squeezed, self)
        hidden = functional.relu(self.norm(squeezed), inplace=True)
        # A softmax over two branches is the sigmoid of their difference; the stage's weight is what is left of one.
        return torch.sigmoid(self.excite_earlier(hidden) - self.excite_stage(hidden))

    def described(self, pooled: Tensor) -> Tensor:
        """What the attention sees of both maps' mean, [B, C]."""
        return pooled

    def start_at_stage(self, downsample: DownSample) -> None:  # noqa: ARG002 - weighs A itself
        _set_constant(self.excite_earlier, -_NEARLY_ALL / 2)
        _set_constant(self.excite_stage, _NEARLY_ALL / 2)


class SoftmaxSelectiveKernel(SelectiveKernel):
    """The paper's choice: a softmax over the pooled channels put first."""

    def described(self, pooled: Tensor) -> Tensor:
        return pooled.softmax(dim=1)


class ScaledSelectiveKernel(SelectiveKernel):
    """Ours: that softmax times the number of channels.

    The paper's sums to one over up to 2,048 channels, so that what BatchNorm is given varies less than its epsilon
    and the attention starts nearly blind to its input; here the values are about one, whatever the width.
    """

    def described(self, pooled: Tensor) -> Tensor:
        return pooled.softmax(dim=1) * pooled.shape[1]


FUSIONS: dict[str, type[Fusion]] = {
    "add": Addition,
    "concat": Concatenation,
    "se": SqueezeExcitation,
    "sk": SelectiveKernel,
    "sk_softmax": SoftmaxSelectiveKernel,
    "sk_scaled": ScaledSelectiveKernel,
}
"""By the name that settings and checkpoints use."""
