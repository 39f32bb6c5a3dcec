"""A backbone's tail: what it computes from one of its stages on, without what lies in front of that stage.

timm's networks can be entered at the image alone. Here the operations of one forward pass are recorded, and those
behind a stage replayed from any values of it, with a graph for gradients.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

__all__ = ["Tail"]


@dataclass(frozen=True)
class _Value:
    """A tensor of the pass that is no weight, by its number."""

    number: int


@dataclass(frozen=True)
class _Operation:
    """One operation of the pass."""

    function: OpOverload
    arguments: tuple[Any, ...]
    """A _Value in each place of a tensor that is no weight."""
    options: dict[str, Any]
    results: tuple[_Value, ...]

    @property
    def inputs(self) -> Iterator[_Value]:
        """What it takes."""
        return _values((self.arguments, self.options))

    @property
    def written(self) -> Iterator[_Value]:
        """What of that it writes over."""
        for i, argument in enumerate(self.function._schema.arguments):
            if argument.alias_info is not None and argument.alias_info.is_write:
                yield from _values(self.arguments[i] if i < len(self.arguments) else self.options.get(argument.name))

    @property
    def gives_views(self) -> bool:
        """Whether its results lie in the memory of what it takes."""
        return any(result.alias_info is not None for result in self.function._schema.returns)


class Tail:
    """The tails behind all stages of a network, for images of one shape. Threads may share it.

    Args:
        operations: of a forward pass, in their order.
        stages: X1..Xn among their results.
        like: the same as tensors without values, whose shapes and strides count.
    """

    def __init__(self, operations: Sequence[_Operation], stages: Sequence[_Value], like: Sequence[Tensor]) -> None:
        self._operations = operations
        self._stages = stages
        self._like = like
        starts = {number: self._start(stage) for number, stage in enumerate(stages[:-1], start=1)}
        self._starts = {number: start for number, start in starts.items() if start is not None}

    @classmethod
    def of(cls, network: nn.Module, size: tuple[int, int]) -> Self:
        """Records a forward pass over one image.

        Args:
            network: a models.network.Network for inference, whose weights are shared.
            size: (height, width) of the image.
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
            if any(operation.written) or not taken.isdisjoint(operation.results)
        ]
        return cls(operations, stages, [torch.empty_like(stage, device="meta") for stage in found])

    def after(self, number: int, stage: Tensor) -> list[Tensor] | None:
        """X of all stages behind one.

        Args:
            number: of that one, counted from 1.
            stage: its values, [1, C, h, w]; where they require gradients, what comes back has a graph behind it.

        Returns:
            None where there is no such tail: behind the last stage, where later ones take from earlier maps as well or
            from maps that are made on the way, where the stage is written over, and for images of another shape.
        """
        like = self._like[number - 1]
        if number not in self._starts or stage.shape != like.shape:
            return None
        if stage.stride() != like.stride():  # views were recorded of maps that lay so in memory
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
        """The first operation behind a stage; None where it has no tail."""
        start = 1 + max((i for i, each in enumerate(self._operations) if stage in each.results), default=-1)
        available, aliases = {stage}, {stage}  # aliases: the stage itself, and views of it
        for operation in self._operations[start:]:
            makes_a_map = any(isinstance(option, torch.device) for option in tree_leaves(operation.options))
            if makes_a_map or not available.issuperset(operation.inputs) or not aliases.isdisjoint(operation.written):
                return None
            available.update(operation.results)
            if operation.gives_views and not aliases.isdisjoint(operation.inputs):
                aliases.update(set(operation.results) - set(operation.written))
        return start if available.issuperset(self._stages[self._stages.index(stage) :]) else None


class _Recorder(TorchDispatchMode):
    """Records operations.

    Args:
        weights: of the network, which stand for themselves.
    """

    def __init__(self, weights: Sequence[Tensor]) -> None:
        super().__init__()
        self.operations: list[_Operation] = []
        self._weights = {id(weight) for weight in weights}
        self._values: dict[int, _Value] = {}
        self._kept: list[Tensor] = []  # so that no identity is given twice

    def value(self, tensor: Tensor) -> _Value:
        """What a tensor is called."""
        self._kept.append(tensor)
        return self._values.setdefault(id(tensor), _Value(len(self._values)))

    def _named(self, leaf: Any) -> Any:
        return self.value(leaf) if isinstance(leaf, Tensor) and id(leaf) not in self._weights else leaf

    def __torch_dispatch__(self, func: OpOverload, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        """Records one."""
        arguments, options = tree_map(self._named, (args, kwargs or {}))
        found = func(*args, **(kwargs or {}))
        self.operations.append(_Operation(func, arguments, options, tuple(map(self.value, tree_leaves(found)))))
        return found


def _values(arguments: Any) -> Iterator[_Value]:
    return (leaf for leaf in tree_leaves(arguments) if isinstance(leaf, _Value))
