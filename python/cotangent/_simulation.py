"""Simulations and objectives on dictionaries of NumPy arrays."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from . import _cotangent
from ._cotangent import InputError
from ._overrides import _as_overrides

Array = np.ndarray
Values = Mapping[str, Any]


def _numbers(raw: Any) -> Array:
    """The numbers in bytes of the extension, without a copy."""
    return np.frombuffer(raw, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Quantity:
    """An input or an output of a simulation, or a parameter of an objective: a named array of numbers in one unit."""

    name: str
    #: Empty for a pure number.
    unit: str
    shape: tuple[int, ...]
    #: What it is, in a few words.
    summary: str
    #: Present value of an input; None for an output.
    value: Array | None
    #: Least and greatest meaningful values, of each entry.
    lower: Array
    upper: Array
    #: Typical size of a change.
    scale: float
    #: Why it has no derivative; None where it has one.
    why_not: str | None
    #: Name, unit and values of the coordinate along the first dimension, such as time.
    axis: tuple[str, str, Array] | None

    @property
    def differentiable(self) -> bool:
        """Whether it has a derivative."""
        return self.why_not is None

    @property
    def size(self) -> int:
        """Number of entries."""
        return int(np.prod(self.shape, dtype=np.int64))

    @classmethod
    def _of(cls, raw: dict[str, Any]) -> "Quantity":
        shape = tuple(raw["shape"])
        axis = raw["axis"] and (raw["axis"][0], raw["axis"][1], _numbers(raw["axis"][2]))
        value = _numbers(raw["value"])
        return cls(
            name=raw["name"],
            unit=raw["unit"],
            shape=shape,
            summary=raw["summary"],
            value=value.reshape(shape) if value.size or not raw["lower"] else None,
            lower=_numbers(raw["lower"]).reshape(shape),
            upper=_numbers(raw["upper"]).reshape(shape),
            scale=raw["scale"],
            why_not=raw["why_not"],
            axis=axis,
        )


def _names(given: Any, role: str) -> tuple[str, ...]:
    """Names or patterns that were given, one by itself or several."""
    try:
        names = (given,) if isinstance(given, str) else tuple(given)
    except TypeError:
        raise InputError(f"{role}s are named by a text or a list of texts, not by {given!r}") from None
    for name in names:
        _name(name, role)
    return names


def _name(name: Any, role: str) -> None:
    if not isinstance(name, str) or name != name.encode("utf-8", "replace").decode("utf-8"):
        raise InputError(f"an {role} is named by a text, not by {name!r}")


def _by_name(raw: Iterable[dict[str, Any]]) -> dict[str, Quantity]:
    return {q["name"]: Quantity._of(q) for q in raw}


def _array(what: str, value: Any, shape: tuple[int, ...]) -> Array:
    """``value`` as an array of 64-bit floats of this shape; nothing is rounded, broadcast, stripped of its meaning or read past."""
    if isinstance(value, np.ndarray) and type(value) not in (np.ndarray, np.memmap):
        # a mask or a unit would be lost in silence
        raise InputError(f"`{what}` is a {type(value).__name__}; give a plain array of numbers in the input's unit")
    try:
        array = np.asarray(value)
    except Exception as error:
        raise InputError(f"`{what}` cannot be made an array of numbers: {error}") from error
    if array.dtype != np.float64:
        if array.dtype.kind not in "fiu" or (array.dtype.kind == "f" and array.dtype.itemsize > 8):
            raise InputError(f"`{what}` is of type {array.dtype}; it must be numbers that fit float64")
        exact = array.astype(np.float64)
        if array.dtype.kind in "iu" and not np.array_equal(exact.astype(array.dtype), array):
            raise InputError(f"`{what}` holds whole numbers that float64 does not hold exactly")
        array = exact
    if array.shape != shape:
        raise InputError(f"`{what}` has shape {array.shape}, {shape} is needed")
    return array


class _Layout:
    """Quantities one after the other in a flat array."""

    def __init__(self, quantities: dict[str, Quantity]) -> None:
        self.quantities = quantities
        self.entries: dict[str, slice] = {}
        first = 0
        for name, q in quantities.items():
            self.entries[name] = slice(first, first + q.size)
            first += q.size
        self.size = first

    def flat(self, values: Values, into: Array, role: str) -> Array:
        """``into`` with these values where they are named."""
        if not isinstance(values, Mapping):
            raise InputError(f"{role}s are given as a dictionary of arrays by name, not as {type(values).__name__}")
        for name, value in values.items():
            if name not in self.entries:
                raise InputError(f"there is no {role} `{name}` here; there are: {', '.join(self.entries)}")
            into[self.entries[name]] = _array(name, value, self.quantities[name].shape).reshape(-1)
        return into

    def split(self, flat: Array) -> dict[str, Array]:
        """The arrays by name, views of the flat one."""
        return {n: flat[e].reshape(self.quantities[n].shape) for n, e in self.entries.items()}

    def present(self) -> Array:
        """The present values."""
        values = [q.value.reshape(-1) for q in self.quantities.values() if q.value is not None]
        return np.concatenate(values) if values else np.zeros(0)


class Function:
    """The map from some inputs of a simulation to some outputs.

    Flat arrays, ``x`` of ``n`` and ``y`` of ``m`` entries, hold the inputs and outputs one after the other in the order of
    :attr:`inputs` and :attr:`outputs`.
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._from = _Layout(_by_name(raw.inputs))
        self._to = _Layout(_by_name(raw.outputs))

    @property
    def inputs(self) -> dict[str, Quantity]:
        """What goes in."""
        return self._from.quantities

    @property
    def outputs(self) -> dict[str, Quantity]:
        """What comes out."""
        return self._to.quantities

    @property
    def n(self) -> int:
        """Number of entries of all inputs."""
        return self._from.size

    @property
    def m(self) -> int:
        """Number of entries of all outputs."""
        return self._to.size

    @property
    def why_not(self) -> str | None:
        """Why there is no derivative; None where there is one."""
        return self._raw.no_derivative

    @property
    def has_second(self) -> bool:
        """Whether there are second derivatives."""
        return self._raw.has_second

    @property
    def present(self) -> Array:
        """The present values of the inputs, flat."""
        return self._from.present()

    def pack(self, x: Values) -> Array:
        """Inputs by name as a flat array; those that are not named have their present values."""
        return self._from.flat(x, self.present, "input")

    def unpack(self, y: Array) -> dict[str, Array]:
        """A flat array of outputs by name."""
        return self._to.split(y)

    def unpack_inputs(self, x: Array) -> dict[str, Array]:
        """A flat array of inputs by name."""
        return self._from.split(x)

    def values(self, x: Any) -> Array:
        """``f(x)``."""
        return _numbers(self._raw.values(self._x(x)))

    def pullback(self, x: Any, y_bar: Any) -> tuple[Array, Array]:
        """``f(x)`` and ``J^T y_bar``."""
        y, x_bar = self._raw.vjp(self._x(x), _flat("the cotangent", y_bar, self.m))
        return _numbers(y), _numbers(x_bar)

    def pushforward(self, x: Any, x_dot: Any) -> tuple[Array, Array]:
        """``f(x)`` and ``J x_dot``."""
        y, y_dot = self._raw.jvp(self._x(x), _flat("the tangent", x_dot, self.n))
        return _numbers(y), _numbers(y_dot)

    def jacobian(self, x: Any) -> tuple[Array, Array]:
        """``f(x)`` and ``J``, of shape ``(m, n)``."""
        y, jacobian = self._raw.jacobian(self._x(x))
        return _numbers(y), _numbers(jacobian).reshape(self.m, self.n)

    def second(self, x: Any, y_bar: Any, x_dot: Any) -> Array:
        """The second derivative of ``<y_bar, f>`` along ``x_dot``."""
        y_bar, x_dot = _flat("the cotangent", y_bar, self.m), _flat("the tangent", x_dot, self.n)
        return _numbers(self._raw.second(self._x(x), y_bar, x_dot))

    def _x(self, x: Any) -> Array:
        return _flat("x", x, self.n)


def _flat(what: str, value: Any, size: int) -> Array:
    # what nearly every caller gives costs next to nothing
    if type(value) is np.ndarray and value.dtype == np.float64 and value.shape == (size,) and value.flags.c_contiguous:
        return value
    return np.ascontiguousarray(_array(what, value, (size,)))


class Simulation:
    """A scenario's simulation, a differentiable map from named inputs to named outputs, and its objective."""

    def __init__(self, path: str | os.PathLike[str], overrides: Mapping[str, Any] | None = None) -> None:
        self._raw = _cotangent.Scenario(os.fspath(path), _as_overrides(overrides))
        self._functions: dict[tuple[tuple[str, ...], tuple[str, ...]], Function] = {}

    @cached_property
    def inputs(self) -> dict[str, Quantity]:
        """Everything that goes in, with its present value."""
        return _by_name(self._raw.inputs)

    @cached_property
    def outputs(self) -> dict[str, Quantity]:
        """Everything that may come out."""
        return _by_name(self._raw.outputs)

    @cached_property
    def objective(self) -> "Objective":
        """What the scenario minimises, by its parameters."""
        return Objective(self._raw.objective())

    def function(self, inputs: Iterable[str] = (), outputs: Iterable[str] = ()) -> Function:
        """The map between inputs and outputs that are named, by names or patterns. Without names it is between those that the
        scenario makes free and asks of, and where it does not say, between all that have derivatives."""
        key = (_names(inputs, "input"), _names(outputs, "output"))
        if key not in self._functions:
            if len(self._functions) >= 32:
                del self._functions[next(iter(self._functions))]
            self._functions[key] = Function(self._raw.map(list(key[0]), list(key[1])))
        return self._functions[key]

    def __call__(self, x: Values | None = None, outputs: Iterable[str] | None = None) -> dict[str, Array]:
        """The outputs (all, or those of these names or patterns) where the inputs have these values; inputs that are not named
        have their present ones."""
        x = self._given(x)
        f = self._between(x, list(self.outputs) if outputs is None else outputs)
        return f.unpack(f.values(f.pack(x)))

    def vjp(self, x: Values, cotangents: Values) -> dict[str, Array]:
        """``J^T y_bar``: the derivative of ``sum(cotangent * output)`` by each input that ``x`` names."""
        x = self._given(x)
        f = self._between(x, self._known(cotangents, self.outputs, "output"))
        y_bar = f._to.flat(cotangents, np.zeros(f.m), "output")
        return f.unpack_inputs(f.pullback(f.pack(x), y_bar)[1])

    def jvp(self, x: Values, tangents: Values, outputs: Iterable[str] | None = None) -> dict[str, Array]:
        """``J x_dot``: the derivative of the outputs (all that have one, or those named) along tangents of inputs. Inputs stand
        at ``x``; what ``x`` does not name has its present value."""
        x = {**{n: self.inputs[n].value for n in self._known(tangents, self.inputs, "input")}, **self._given(x)}
        f = self._between(x, self._smooth() if outputs is None else outputs)
        x_dot = f._from.flat(tangents, np.zeros(f.n), "input")
        return f.unpack(f.pushforward(f.pack(x), x_dot)[1])

    def jacobian(self, x: Values, outputs: Iterable[str] | None = None) -> dict[str, dict[str, Array]]:
        """``J``: for each output and each input that ``x`` names an array of the output's shape followed by the input's."""
        x = self._given(x)
        f = self._between(x, self._smooth() if outputs is None else outputs)
        _, whole = f.jacobian(f.pack(x))
        return {
            y: {
                u: whole[rows, columns].reshape(f.outputs[y].shape + f.inputs[u].shape)
                for u, columns in f._from.entries.items()
            }
            for y, rows in f._to.entries.items()
        }

    def _smooth(self) -> list[str]:
        return [n for n, q in self.outputs.items() if q.differentiable]

    def _given(self, x: Values | None) -> Values:
        return {n: x[n] for n in self._known({} if x is None else x, self.inputs, "input")}

    def _known(self, values: Values, known: dict[str, Quantity], role: str) -> list[str]:
        if not isinstance(values, Mapping):
            raise InputError(f"{role}s are given as a dictionary of arrays by name, not as {type(values).__name__}")
        if not self._raw.has_simulation:
            self._raw.map([], [])  # says why
        for name in values:
            _name(name, role)
            if name not in known:
                # the text and the nearest name are the command line's
                self._raw.map([name], []) if role == "input" else self._raw.map([], [name])
                raise InputError(f"`{name}` is a pattern; {role}s are given by their own names")
        return list(values)

    def _between(self, x: Values, outputs: Iterable[str]) -> Function:
        outputs = _names(outputs, "output")
        if not outputs:
            raise InputError("no output is named")
        # without a name the map would be from the scenario's choice: its present values are the same
        return self.function(tuple(x), outputs)


class Objective:
    """What a scenario minimises, by its parameters: a flat array, or a dictionary by name (what is not named is at its start)."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._layout = _Layout(_by_name(raw.parameters))

    @property
    def parameters(self) -> dict[str, Quantity]:
        """What is free; ``value`` is where the scenario's seed starts."""
        return self._layout.quantities

    @property
    def capabilities(self) -> dict[str, Any]:
        """What it can give: ``gradient``, the number of ``residuals``, ``hvp``, and whether it is ``stochastic``."""
        return self._raw.capabilities

    def start(self, seed: int | None = None) -> Array:
        """Where a seed starts, flat."""
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**63):
            raise InputError(f"a seed is a whole number from 0 to 2^63 - 1, not {seed!r}")
        return _numbers(self._raw.start(seed))

    def pack(self, x: Any) -> Array:
        """Parameters by name as a flat array."""
        if isinstance(x, Mapping):
            return self._layout.flat(x, self.start(), "parameter")
        return _flat("x", x, self._layout.size)

    def unpack(self, x: Array) -> dict[str, Array]:
        """A flat array by name."""
        return self._layout.split(x)

    def value(self, x: Any) -> float:
        """The value."""
        return self._raw.value(self.pack(x))[0]

    def terms(self, x: Any) -> dict[str, float]:
        """The value's terms by name."""
        return self._raw.value(self.pack(x))[1]

    def gradient(self, x: Any) -> Array:
        """The gradient, flat."""
        return self.value_and_gradient(x)[1]

    def value_and_gradient(self, x: Any) -> tuple[float, Array]:
        """The value and the gradient of one evaluation."""
        value, gradient = self._raw.gradient(self.pack(x))
        return value, _numbers(gradient)

    def residuals(self, x: Any) -> Array:
        """The residuals ``r``, where the value is ``1/2 |r|^2`` and a constant."""
        return _numbers(self._raw.residuals(self.pack(x)))

    def jacobian(self, x: Any) -> Array:
        """The derivatives of the residuals, a row for each."""
        return _numbers(self._raw.jacobian(self.pack(x))).reshape(-1, self._layout.size)

    def hvp(self, x: Any, v: Any) -> Array:
        """The product of the Hessian with ``v``."""
        return _numbers(self._raw.hvp(self.pack(x), _flat("v", v, self._layout.size)))


def load(path: str | os.PathLike[str], overrides: Mapping[str, Any] | None = None) -> Simulation:
    """Reads a scenario file. ``overrides`` change its keys, as ``--set`` does:
    ``{"scenario.seed": 7, "values": {"body.upper.mass": 1.4}}``.

    Raises :class:`ScenarioError`, with the text that the command line shows, where something is wrong with it.
    """
    return Simulation(path, overrides)
