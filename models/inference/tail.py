"""The tail of a backbone: the part behind one of its stages, which can be run without the part in front of it.

timm's networks take only images. Here the operations of one forward pass are recorded, and those behind a stage are
replayed from any values of that stage, differentiably.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

__all__ = ["StagedNetwork", "Tail"]


class StagedNetwork(Protocol):
    """A network of stages, as models.network.Network is."""

    def parameters(self) -> Iterator[Tensor]: ...

    def buffers(self) -> Iterator[Tensor]: ...

    def stages(self, images: Tensor) -> list[Tensor]: ...


@dataclass(frozen=True)
class _Value:
    """A tensor of the recorded pass, other than a weight, by its number."""

    number: int


@dataclass(frozen=True)
class _Operation:
    """One operation of the recorded pass."""

    function: OpOverload
    arguments: tuple[Any, ...]
    """With a _Value in place of each tensor that is not a weight."""
    options: dict[str, Any]
    results: tuple[_Value, ...]

    @property
    def inputs(self) -> Iterator[_Value]:
        """Tensors that it reads, weights aside."""
        return _values((self.arguments, self.options))

    @property
    def mutated(self) -> Iterator[_Value]:
        """Inputs that it modifies in place."""
        for i, argument in enumerate(self.function._schema.arguments):
            if argument.alias_info is not None and argument.alias_info.is_write:
                yield from _values(self.arguments[i] if i < len(self.arguments) else self.options.get(argument.name))

    @property
    def returns_views(self) -> bool:
        """Whether its results share memory with its inputs."""
        return any(result.alias_info is not None for result in self.function._schema.returns)


class Tail:
    """The tails behind all stages of a network, for images of one shape; thread-safe.

    Args:
        operations: of a forward pass, in order.
        stages: X1..Xn among their results.
        like: X1..Xn on the meta device, for their shapes and strides.
    """

    def __init__(self, operations: Sequence[_Operation], stages: Sequence[_Value], like: Sequence[Tensor]) -> None:
        self._operations = operations
        self._stages = stages
        self._like = like
        starts = {number: self._start(stage) for number, stage in enumerate(stages[:-1], start=1)}
        self._starts = {number: start for number, start in starts.items() if start is not None}

    @classmethod
    def of(cls, network: StagedNetwork, size: tuple[int, int]) -> Self:
        """Records a forward pass over one image.

        Args:
            network: in eval mode; its weights are shared.
            size: (height, width) of the image in pixels.
        """
        weights = (*network.parameters(), *network.buffers())
        image = torch.zeros(1, 3, *size, device=weights[0].device, dtype=weights[0].dtype)
        recorder = _Recorder(weights)
        with torch.autocast(image.device.type, enabled=False), torch.no_grad(), recorder:
            found = network.stages(image)
        stages = [recorder.value(stage) for stage in found]
        taken = {*stages, *(value for operation in recorder.operations for value in operation.inputs)}
        operations = [
            operation
            for operation in recorder.operations
            if any(operation.mutated) or not taken.isdisjoint(operation.results)
        ]
        return cls(operations, stages, [torch.empty_like(stage, device="meta") for stage in found])

    def after(self, number: int, stage: Tensor) -> list[Tensor] | None:
        """Computes the stages X(i+1)..Xn from Xi.

        Args:
            number: i, counted from 1.
            stage: Xi, [1, C, h, w]; if it requires gradients, so do the results.

        Returns:
            None where there is no such tail: behind the last stage; where later stages depend on earlier maps or
            on tensors created on the way; where the stage is modified in place; for images of another shape.
        """
        like = self._like[number - 1]
        if number not in self._starts or stage.shape != like.shape:
            return None
        if stage.stride() != like.stride():  # recorded views depend on the memory layout
            stage = stage.new_empty_strided(like.shape, like.stride()).copy_(stage)
        tensors = {self._stages[number - 1]: stage}

        def tensor(leaf: Any) -> Any:
            return tensors[leaf] if isinstance(leaf, _Value) else leaf

        for operation in self._operations[self._starts[number] :]:
            arguments, options = tree_map(tensor, (operation.arguments, operation.options))
            found = operation.function(*arguments, **options)
            tensors.update(zip(operation.results, tree_leaves(found), strict=True))
        return [tensors[later] for later in self._stages[number:]]

    def _start(self, stage: _Value) -> int | None:
        """Index of the first operation behind a stage; None where it has no tail."""
        start = 1 + max((i for i, each in enumerate(self._operations) if stage in each.results), default=-1)
        available, aliases = {stage}, {stage}  # aliases: the stage itself and views of it
        for operation in self._operations[start:]:
            if any(isinstance(option, torch.device) for option in tree_leaves(operation.options)):
                return None  # it creates a tensor
            if not available.issuperset(operation.inputs) or not aliases.isdisjoint(operation.mutated):
                return None
            available.update(operation.results)
            if operation.returns_views and not aliases.isdisjoint(operation.inputs):
                aliases.update(set(operation.results) - set(operation.mutated))
        return start if available.issuperset(self._stages[self._stages.index(stage) :]) else None


class _Recorder(TorchDispatchMode):
    """Records the operations of a forward pass.

    Args:
        weights: parameters and buffers of the network, which are recorded as they are.
    """

    def __init__(self, weights: Sequence[Tensor]) -> None:
        super().__init__()
        self.operations: list[_Operation] = []
        self._weights = {id(weight) for weight in weights}
        self._values: dict[int, _Value] = {}
        self._kept: list[Tensor] = []  # keeps id() unique

    def value(self, tensor: Tensor) -> _Value:
        """The number of a tensor."""
        self._kept.append(tensor)
        return self._values.setdefault(id(tensor), _Value(len(self._values)))

    def _named(self, leaf: Any) -> Any:
        return self.value(leaf) if isinstance(leaf, Tensor) and id(leaf) not in self._weights else leaf

    def __torch_dispatch__(self, func: OpOverload, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        """Records one operation."""
        arguments, options = tree_map(self._named, (args, kwargs or {}))
        found = func(*args, **(kwargs or {}))
        self.operations.append(_Operation(func, arguments, options, tuple(map(self.value, tree_leaves(found)))))
        return found


def _values(arguments: Any) -> Iterator[_Value]:
    return (leaf for leaf in tree_leaves(arguments) if isinstance(leaf, _Value))
