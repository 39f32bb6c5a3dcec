"""Convolutions whose weights lie in memory as oneDNN computes with them.

PyTorch otherwise brings a convolution's weights into oneDNN's order in every call, which for a single image takes a
third of a ResNet-50's time, for eight a twentieth. `torch.compile` packs them as well; here the network stays eager.
"""

import copy
from typing import Self

import torch
from torch import Tensor, nn

from models.network import Network

__all__ = ["PackedConv2d", "can_pack", "packed"]


class PackedConv2d(nn.Conv2d):
    """A convolution for inference on a CPU, of one shape of maps by one number of threads; of others, with gradients,
    on other devices and in other types, the usual one."""

    shape: torch.Size
    """Of the maps [B, C_in, H, W] whose convolution the weights are laid out for: others would have them laid out anew
    in every call, at three times the cost of the usual one."""
    threads: int
    """Of PyTorch, for which they are laid out too."""
    packed: Tensor

    @classmethod
    def of(cls, convolution: nn.Conv2d, shape: torch.Size) -> Self:
        """Packs a convolution.

        Args:
            convolution: float32, on the CPU.
            shape: of its input, [B, C_in, H, W].
        """
        result = copy.copy(convolution)  # which shares the weights
        result.__class__ = cls
        result.shape = shape
        result.threads = torch.get_num_threads()
        result.packed = torch._C._nn.mkldnn_reorder_conv2d_weight(
            convolution.weight.detach().to_mkldnn(), *result._geometry(), list(shape)
        )
        return result

    def forward(self, values: Tensor) -> Tensor:
        """Maps [B, C_in, H, W] to [B, C_out, h, w]."""
        usual = values.requires_grad or values.dtype != torch.float32 or values.device.type != "cpu"
        if usual or values.shape != self.shape or torch.get_num_threads() != self.threads:
            return super().forward(values)
        channels_last = values.contiguous(memory_format=torch.channels_last)
        return torch.ops.mkldnn._convolution_pointwise(
            channels_last, self.packed, self.bias, *self._geometry(), "none", [], ""
        )

    def _geometry(self) -> tuple[list[int], list[int], list[int], int]:
        return list(self.padding), list(self.stride), list(self.dilation), self.groups


def can_pack() -> bool:
    """Whether this build of PyTorch has oneDNN and what is used of it here."""
    return (
        torch.backends.mkldnn.is_available()
        and hasattr(torch._C._nn, "mkldnn_reorder_conv2d_weight")
        and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
    )


def packed(network: Network, shape: tuple[int, int, int, int]) -> Network:
    """The network with convolutions packed for images of one shape.

    The weights are shared with the network given, which is left as it is.

    Args:
        network: for inference on the CPU, in float32.
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
    network.prepared = True
    return network
