"""Simulations that know their own derivatives.

A scenario file describes a simulation, a differentiable map from named inputs to named outputs::

    import cotangent

    sim = cotangent.load("double-pendulum.toml")
    y = sim({"body.upper.mass": 1.2})                                        # a dictionary of arrays
    g = sim.vjp({"body.upper.mass": 1.2}, {"joint.elbow.position": y["joint.elbow.position"]})

``sim.inputs`` and ``sim.outputs`` say what there is, ``sim.objective`` is what the scenario minimises, and :func:`run` does what
``cotangent run`` does. ``cotangent.jax``, ``cotangent.torch`` and ``cotangent.scipy`` hand the same map to those libraries; they are
imported when they are named. All numbers are 64-bit floats and those of the command line to the last bit.
"""

import importlib as _importlib

from ._cotangent import (
    EvaluationError,
    InputError,
    RunError,
    ScenarioError,
    UnsupportedError,
    __version__,
)
from ._cotangent import set_threads as _set_threads
from ._run import resume, run
from ._simulation import Function, Objective, Quantity, Simulation, load

__all__ = [
    "EvaluationError",
    "Function",
    "InputError",
    "Objective",
    "Quantity",
    "RunError",
    "ScenarioError",
    "Simulation",
    "UnsupportedError",
    "__version__",
    "load",
    "resume",
    "run",
    "set_threads",
]


def set_threads(n: int) -> None:
    """Uses this many threads; once, before anything is computed. Results do not depend on it."""
    if isinstance(n, bool) or not isinstance(n, int) or not 0 <= n < 2**32:
        raise InputError(f"a number of threads is a positive whole number, not {n!r}")
    _set_threads(n)


def __getattr__(name: str):
    if name in ("jax", "scipy", "torch"):
        return _importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
