"""A simulation as a function of torch tensors, with first derivatives in reverse, and second ones where the simulation has them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch

from ._cotangent import InputError
from ._simulation import Function, Simulation

__all__ = ["function"]


def _host(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().numpy()


class _Value(torch.autograd.Function):
    """``f(x)``."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, f: Function) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.f = f
        return torch.from_numpy(f.values(_host(x)).copy())

    @staticmethod
    def backward(ctx: Any, y_bar: torch.Tensor) -> tuple[torch.Tensor, None]:
        (x,) = ctx.saved_tensors
        return _Pull.apply(x, y_bar, ctx.f), None


class _Pull(torch.autograd.Function):
    """``J(x)^T y_bar``; its own pullback of ``v`` is the second derivative along ``v``, and ``J v``."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, y_bar: torch.Tensor, f: Function) -> torch.Tensor:
        ctx.save_for_backward(x, y_bar)
        ctx.f = f
        return torch.from_numpy(f.pullback(_host(x), _host(y_bar.contiguous()))[1].copy())

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, v: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None, None]:
        x, y_bar = (_host(t.contiguous()) for t in ctx.saved_tensors)
        by_x, by_y = ctx.needs_input_grad[:2]
        v = _host(v.contiguous())
        second = torch.from_numpy(ctx.f.second(x, y_bar, v).copy()) if by_x else None
        pushed = torch.from_numpy(ctx.f.pushforward(x, v)[1].copy()) if by_y else None
        return second, pushed, None


def function(
    sim: Simulation, inputs: Iterable[str] = (), outputs: Iterable[str] = ()
) -> Callable[[Mapping[str, torch.Tensor]], dict[str, torch.Tensor]]:
    """The map between inputs and outputs of a simulation (see :meth:`Simulation.function`) as a function of tensors by name, of 64-bit
    floats in the processor's memory. Inputs that are not given have their present values.
    """
    f = sim.function(inputs, outputs)

    def call(x: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        for name in x:
            if name not in f.inputs:
                raise InputError(f"there is no input `{name}` here; there are: {', '.join(f.inputs)}")
        parts = []
        for name, q in f.inputs.items():
            part = torch.as_tensor(x[name] if name in x else q.value.copy())
            if part.dtype != torch.float64:
                raise InputError(f"`{name}` is of type {part.dtype}; use torch.float64")
            if part.device.type != "cpu":
                raise InputError(f"`{name}` is on {part.device}; move it with .cpu()")
            if part.layout != torch.strided:
                raise InputError(f"`{name}` is {part.layout}; make it dense with .to_dense()")
            if tuple(part.shape) != q.shape:
                raise InputError(f"`{name}` has shape {tuple(part.shape)}, {q.shape} is needed")
            parts.append(part.reshape(-1))
        y = _Value.apply(torch.cat(parts), f)
        return {name: y[f._to.entries[name]].reshape(q.shape) for name, q in f.outputs.items()}

    return call
