"""What a backbone makes of one of its stages: the rest of its way, without what lies before.

timm's networks begin with the image alone. Here the operations of a pass are written down once, while shapes without
values run through, and those behind a stage can be done again from any values of it, with a graph for gradients.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch._ops import OpOverload
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

__all__ = ["Rest"]


@dataclass(frozen=True)
class _Value:
    """A tensor of the pass, by its number."""

    number: int


@dataclass(frozen=True)
class _Step:
    """One operation."""

    function: OpOverload
    arguments: tuple[Any, ...]
    """A _Value in each place of a tensor that is no weight."""
    options: dict[str, Any]
    results: tuple[_Value, ...]

    @property
    def given(self) -> Iterator[_Value]:
        """What it takes."""
        return (leaf for leaf in tree_leaves((self.arguments, self.options)) if isinstance(leaf, _Value))

    @property
    def writes_over(self) -> bool:
        """Whether it changes what it takes."""
        return self.function._schema.is_mutable

    @property
    def shares(self) -> bool:
        """Whether its results lie in the memory of what it takes."""
        return any(result.alias_info for result in self.function._schema.returns)


class Rest:
    """All ways from a stage of a network to its last, for images of one shape. Threads may share it."""

    def __init__(self, steps: Sequence[_Step], stages: Sequence[_Value], shapes: Sequence[torch.Size]) -> None:
        self._steps = steps
        self._stages = stages
        self._shapes = shapes
        self._starts = {
            number: start for number in range(1, len(stages)) if (start := self._start(stages[number - 1])) is not None
        }

    @classmethod
    def of(cls, network: nn.Module, shape: tuple[int, int, int, int]) -> Self:
        """Writes a pass down; no other thread may use the network meanwhile.

        Args:
            network: a models.network.Network for inference, whose weights are shared.
            shape: of its images, [B, 3, H, W].
        """
        weights = {f"network.{name}": value for name, value in (*network.named_parameters(), *network.named_buffers())}
        shapes = {name: value.to("meta") for name, value in weights.items()}
        images = torch.empty(shape, device="meta", dtype=next(network.parameters()).dtype)
        recorder = _Recorder({id(shape): weights[name] for name, shape in shapes.items()})
        with torch.no_grad(), recorder:
            stages = functional_call(_Stages(network), shapes, images)
        values = [recorder.value(stage) for stage in stages]
        taken = {*values, *(value for step in recorder.steps for value in step.given)}
        steps = [step for step in recorder.steps if step.writes_over or not taken.isdisjoint(step.results)]
        return cls(steps, values, [stage.shape for stage in stages])

    def after(self, number: int, stage: Tensor) -> list[Tensor] | None:
        """X of the later stages.

        Args:
            number: of the stage, counted from 1.
            stage: its values, [B, C, h, w]; with a graph behind it where they require gradients.

        Returns:
            None where later stages take from earlier ones too, or the stage is of images of another shape.
        """
        if number not in self._starts or stage.shape != self._shapes[number - 1]:
            return None
        values = {self._stages[number - 1]: stage}

        def filled(leaf: Any) -> Any:
            return values[leaf] if isinstance(leaf, _Value) else leaf

        for step in self._steps[self._starts[number] :]:
            found = step.function(*tree_map(filled, step.arguments), **tree_map(filled, step.options))
            values.update(zip(step.results, tree_leaves(found), strict=True))
        return [values[later] for later in self._stages[number:]]

    def _start(self, stage: _Value) -> int | None:
        """The first step behind a stage; None where there is no way on from it alone."""
        start = 1 + max((i for i, step in enumerate(self._steps) if stage in step.results), default=-1)
        there, same = {stage}, {stage}  # what is there, and what of it is the stage itself, seen in other ways
        for step in self._steps[start:]:
            made = any(isinstance(option, torch.device) for option in tree_leaves(step.options))
            if made or not there.issuperset(step.given):
                return None
            there.update(step.results)
            if not same.isdisjoint(step.given):
                if step.writes_over:
                    return None
                same.update(step.results if step.shares else ())
        return start if there.issuperset(self._stages[self._stages.index(stage) :]) else None


class _Stages(nn.Module):
    """A network whose output is its stages."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> list[Tensor]:
        """X1..Xn."""
        return self.network.stages(images)


class _Recorder(TorchDispatchMode):
    """Writes operations down.

    Args:
        weights: by the identity of what stands for them while shapes run through.
    """

    def __init__(self, weights: dict[int, Tensor]) -> None:
        super().__init__()
        self.steps: list[_Step] = []
        self._weights = weights
        self._values: dict[int, _Value] = {}
        self._kept: list[Tensor] = []  # so that no identity is given twice

    def value(self, tensor: Tensor) -> _Value:
        """What a tensor is called."""
        self._kept.append(tensor)
        return self._values.setdefault(id(tensor), _Value(len(self._values)))

    def _named(self, leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            return leaf
        return self._weights[id(leaf)] if id(leaf) in self._weights else self.value(leaf)

    def __torch_dispatch__(self, func: OpOverload, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        """Writes one down."""
        kwargs = kwargs or {}
        given = tree_map(self._named, (args, kwargs))
        found = func(*args, **kwargs)
        self.steps.append(_Step(func, *given, tuple(map(self.value, tree_leaves(found)))))
        return found
