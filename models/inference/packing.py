"""Convolution weights packed into oneDNN's memory layout.

PyTorch otherwise reorders a convolution's weights in every call, which takes a third of a ResNet-50's time for a single
image and a twentieth for eight. `torch.compile` packs them as well; here the network stays eager.
"""

import copy
from typing import Any, Self

import torch
from torch import Tensor, nn

from models.network import Network

_nn: Any = getattr(torch._C, "_nn")  # noqa: B009 - missing from PyTorch's stubs

__all__ = ["PackedConv2d", "can_pack", "packed"]


class PackedConv2d(nn.Conv2d):
    """A convolution for inference on a CPU, packed for one input shape and one number of threads.

    For other shapes, thread counts, devices and types, and where gradients are needed, it is an ordinary Conv2d.
    """

    shape: torch.Size
    """Input shape [B, C_in, H, W] that the weights are packed for. For others oneDNN would reorder them in every call,
    at three times the cost of an ordinary convolution."""
    threads: int
    """Number of PyTorch's threads that the weights are packed for."""
    packed: Tensor
    """The weights, in oneDNN's own layout."""

    @classmethod
    def of(cls, convolution: nn.Conv2d, shape: torch.Size) -> Self:
        """Packs a convolution.

        Args:
            convolution: float32, on the CPU.
            shape: of its input, [B, C_in, H, W].
        """
        result = cls.__new__(cls)
        result.__dict__.update(convolution.__dict__)  # shares the weights
        result.shape = shape
        result.threads = torch.get_num_threads()
        result.packed = _nn.mkldnn_reorder_conv2d_weight(
            convolution.weight.detach().to_mkldnn(), *result._geometry(), list(shape)
        )
        return result

    def forward(self, input: Tensor) -> Tensor:
        """Maps [B, C_in, H, W] to [B, C_out, h, w]."""
        unpacked = input.requires_grad or input.dtype != torch.float32 or input.device.type != "cpu"
        if unpacked or input.shape != self.shape or torch.get_num_threads() != self.threads:
            return super().forward(input)
        channels_last = input.contiguous(memory_format=torch.channels_last)
        return torch.ops.mkldnn._convolution_pointwise(
            channels_last, self.packed, self.bias, *self._geometry(), "none", [], ""
        )

    def _geometry(self) -> tuple[list[int | str], list[int], list[int], int]:
        """Padding, stride, dilation and groups, in the order that oneDNN's operators take them."""
        return list(self.padding), list(self.stride), list(self.dilation), self.groups


def can_pack() -> bool:
    """Whether this build of PyTorch has oneDNN and the operators used here."""
    return (
        torch.backends.mkldnn.is_available()
        and hasattr(_nn, "mkldnn_reorder_conv2d_weight")
        and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
    )


def packed(network: Network, shape: tuple[int, int, int, int]) -> Network:
    """A copy whose convolutions are packed for images of one shape; it shares the weights with the original.

    Args:
        network: for inference on the CPU, in float32; not modified.
        shape: of its images, [B, 3, H, W].
    """
    shapes: dict[str, torch.Size] = {}

    network = copy.deepcopy(network, {id(value): value for value in network.state_dict(keep_vars=True).values()})
    plain = {module: name for name, module in network.named_modules() if type(module) is nn.Conv2d}

    def note(module: nn.Conv2d, given: tuple[Tensor]) -> None:
        shapes.setdefault(plain[module], given[0].shape)

    hooks = [module.register_forward_pre_hook(note) for module in plain]
    with torch.no_grad():
        network(torch.zeros(shape))
    for hook in hooks:
        hook.remove()
    for module, name in plain.items():
        if name in shapes and module.padding_mode == "zeros" and not isinstance(module.padding, str):
            network.set_submodule(name, PackedConv2d.of(module, shapes[name]))
    network.inference_ready = True
    return network
