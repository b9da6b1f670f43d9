"""A simulation as a JAX function.

``function(sim)`` takes a dictionary of arrays to a dictionary of arrays and can be transformed by ``jit``, ``grad``, ``jvp``, ``vjp``,
``vmap`` and their compositions. Four primitives over flat arrays carry it, each with a rule for tangents, for transposition and for
batches:

====================  ===========================================  =================================================
primitive             what it computes                             derived by
====================  ===========================================  =================================================
``cotangent``         ``f(x)``                                     ``push`` along a tangent
``cotangent_push``    ``J(x) x_dot``                               transposed: ``pull``
``cotangent_pull``    ``J(x)^T y_bar``                             ``second`` along a tangent of ``x``
``cotangent_second``  the derivative of ``J(x)^T y_bar`` by ``x``  linear in ``y_bar`` and in ``x_dot``
====================  ===========================================  =================================================

Second derivatives exist where the simulation has them, forward over reverse: ``jax.jvp`` of ``jax.grad``. JAX must run with 64-bit
floats: ``jax.config.update("jax_enable_x64", True)``.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from ._cotangent import InputError, UnsupportedError
from ._simulation import Function, Simulation

__all__ = ["function"]


def _callback(compute: Callable[..., np.ndarray], size: Callable[[Function], int]) -> Primitive:
    """A primitive whose value a callback computes: an array of ``size`` entries from flat arrays."""
    primitive = Primitive(compute.__name__)

    def called(*arrays: Any, f: Function) -> Any:
        shape = jax.ShapeDtypeStruct((size(f),), np.float64)
        on_host = lambda *a: compute(f, *(np.asarray(v, dtype=np.float64) for v in a))  # noqa: E731
        return jax.pure_callback(on_host, shape, *arrays, vmap_method="sequential")

    def batched(arrays: Any, dims: Any, *, f: Function) -> Any:
        count = next(a.shape[d] for a, d in zip(arrays, dims) if d is not None)
        whole = [
            jnp.broadcast_to(a, (count, *a.shape)) if d is None else jnp.moveaxis(a, d, 0)
            for a, d in zip(arrays, dims)
        ]
        return jax.lax.map(lambda each: primitive.bind(*each, f=f), tuple(whole)), 0

    primitive.def_impl(called)
    primitive.def_abstract_eval(lambda *_, f: jax.core.ShapedArray((size(f),), np.float64))
    mlir.register_lowering(primitive, mlir.lower_fun(called, multiple_results=False))
    batching.primitive_batchers[primitive] = batched
    return primitive


def cotangent(f: Function, x: np.ndarray) -> np.ndarray:
    """``f(x)``."""
    return f.values(x)


def cotangent_push(f: Function, x: np.ndarray, x_dot: np.ndarray) -> np.ndarray:
    """``J(x) x_dot``."""
    return f.pushforward(x, x_dot)[1]


def cotangent_pull(f: Function, x: np.ndarray, y_bar: np.ndarray) -> np.ndarray:
    """``J(x)^T y_bar``."""
    return f.pullback(x, y_bar)[1]


def cotangent_second(f: Function, x: np.ndarray, y_bar: np.ndarray, x_dot: np.ndarray) -> np.ndarray:
    """The derivative of ``J(x)^T y_bar`` along ``x_dot``."""
    return f.second(x, y_bar, x_dot)


_value = _callback(cotangent, lambda f: f.m)
_push = _callback(cotangent_push, lambda f: f.m)
_pull = _callback(cotangent_pull, lambda f: f.n)
_second = _callback(cotangent_second, lambda f: f.n)


def _is_zero(tangent: Any) -> bool:
    return isinstance(tangent, ad.Zero)


def _zero(size: int) -> ad.Zero:
    return ad.Zero(jax.core.ShapedArray((size,), np.float64))


def _value_jvp(primals: Any, tangents: Any, *, f: Function) -> Any:
    (x,), (x_dot,) = primals, tangents
    y = _value.bind(x, f=f)
    return y, _zero(f.m) if _is_zero(x_dot) else _push.bind(x, x_dot, f=f)


def _push_jvp(primals: Any, tangents: Any, *, f: Function) -> Any:
    (x, x_dot), (x_twice, x_dot_dot) = primals, tangents
    if not _is_zero(x_twice):
        raise UnsupportedError(
            "second derivatives go forward over reverse: take jax.jvp of jax.grad, not jax.jvp of jax.jvp"
        )
    y_dot = _push.bind(x, x_dot, f=f)
    return y_dot, _zero(f.m) if _is_zero(x_dot_dot) else _push.bind(x, x_dot_dot, f=f)


def _pull_jvp(primals: Any, tangents: Any, *, f: Function) -> Any:
    (x, y_bar), (x_dot, y_bar_dot) = primals, tangents
    x_bar = _pull.bind(x, y_bar, f=f)
    parts = []
    if not _is_zero(x_dot):
        if not f.has_second:
            raise UnsupportedError("this simulation has no second derivatives")
        parts.append(_second.bind(x, y_bar, x_dot, f=f))
    if not _is_zero(y_bar_dot):
        parts.append(_pull.bind(x, y_bar_dot, f=f))
    return x_bar, sum(parts[1:], parts[0]) if parts else _zero(f.n)


def _push_transpose(y_bar: Any, x: Any, x_dot: Any, *, f: Function) -> Any:
    assert ad.is_undefined_primal(x_dot) and not ad.is_undefined_primal(x)
    return None, ad.Zero(x_dot.aval) if _is_zero(y_bar) else _pull.bind(x, y_bar, f=f)


def _pull_transpose(x_bar: Any, x: Any, y_bar: Any, *, f: Function) -> Any:
    assert ad.is_undefined_primal(y_bar) and not ad.is_undefined_primal(x)
    return None, ad.Zero(y_bar.aval) if _is_zero(x_bar) else _push.bind(x, x_bar, f=f)


def _second_transpose(x_bar: Any, x: Any, y_bar: Any, x_dot: Any, *, f: Function) -> Any:
    # symmetric in x_dot and x_bar; its transpose in y_bar would be a second pushforward, which a simulation does not have
    if ad.is_undefined_primal(y_bar) or not ad.is_undefined_primal(x_dot):
        raise UnsupportedError("third derivatives, and second ones in reverse over forward, do not exist")
    return None, None, ad.Zero(x_dot.aval) if _is_zero(x_bar) else _second.bind(x, y_bar, x_bar, f=f)


def _second_jvp(primals: Any, tangents: Any, *, f: Function) -> Any:
    raise UnsupportedError("third derivatives do not exist")


ad.primitive_jvps[_value] = _value_jvp
ad.primitive_jvps[_push] = _push_jvp
ad.primitive_jvps[_pull] = _pull_jvp
ad.primitive_jvps[_second] = _second_jvp
ad.primitive_transposes[_push] = _push_transpose
ad.primitive_transposes[_pull] = _pull_transpose
ad.primitive_transposes[_second] = _second_transpose


def function(
    sim: Simulation, inputs: Iterable[str] = (), outputs: Iterable[str] = ()
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """The map between inputs and outputs of a simulation (see :meth:`Simulation.function`) as a function of JAX arrays by name.

    Inputs that are not given have their present values.
    """
    f = sim.function(inputs, outputs)

    def call(x: Mapping[str, Any]) -> dict[str, Any]:
        if not jax.config.jax_enable_x64:
            raise InputError('JAX rounds to 32 bits: jax.config.update("jax_enable_x64", True)')
        for name in x:
            if name not in f.inputs:
                raise InputError(f"there is no input `{name}` here; there are: {', '.join(f.inputs)}")
        parts = []
        for name, q in f.inputs.items():
            part = jnp.asarray(x[name] if name in x else q.value, dtype=np.float64)
            if part.shape != q.shape:
                raise InputError(f"`{name}` has shape {part.shape}, {q.shape} is needed")
            parts.append(part.reshape(-1))
        y = _value.bind(jnp.concatenate(parts), f=f)
        return {name: y[f._to.entries[name]].reshape(q.shape) for name, q in f.outputs.items()}

    return call
