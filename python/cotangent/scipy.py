"""A scenario's objective for ``scipy.optimize``."""

from typing import Any

import numpy as np
from scipy import optimize

from ._simulation import Objective, Simulation

__all__ = ["Problem", "problem"]


class Problem:
    """What is minimised, in units of each parameter's scale, so that SciPy's steps and tolerances have a meaning: ``x = z * scale``."""

    def __init__(self, objective: Objective, seed: int | None = None) -> None:
        self.objective = objective
        parameters = objective.parameters.values()
        flat = lambda part: np.concatenate([np.broadcast_to(part(q), q.shape).reshape(-1) for q in parameters])  # noqa: E731
        #: Size of a unit of each entry.
        self.scale = flat(lambda q: q.scale)
        #: Bounds of each entry, in units of its scale.
        self.bounds = optimize.Bounds(flat(lambda q: q.lower) / self.scale, flat(lambda q: q.upper) / self.scale)
        #: The start, in units of the scale.
        self.start = objective.start(seed) / self.scale

    def x(self, z: Any) -> dict[str, np.ndarray]:
        """Parameters by name, in their own units."""
        return self.objective.unpack(np.asarray(z) * self.scale)

    def value_and_gradient(self, z: np.ndarray) -> tuple[float, np.ndarray]:
        """The value and its gradient by ``z``."""
        value, gradient = self.objective.value_and_gradient(z * self.scale)
        return value, gradient * self.scale

    def hvp(self, z: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The Hessian's product with ``v``, both by ``z``."""
        return self.objective.hvp(z * self.scale, v * self.scale) * self.scale

    def residuals(self, z: np.ndarray) -> np.ndarray:
        """The residuals."""
        return self.objective.residuals(z * self.scale)

    def jacobian(self, z: np.ndarray) -> np.ndarray:
        """The derivatives of the residuals by ``z``."""
        return self.objective.jacobian(z * self.scale) * self.scale

    def minimize(self, **options: Any) -> optimize.OptimizeResult:
        """``scipy.optimize.minimize`` from the start, within the bounds, by the exact gradient."""
        options.setdefault("method", "L-BFGS-B")
        options.setdefault("bounds", self.bounds)
        if self.objective.capabilities["hvp"]:
            options.setdefault("hessp", self.hvp) if options["method"] in ("Newton-CG", "trust-constr") else None
        return optimize.minimize(self.value_and_gradient, self.start, jac=True, **options)

    def least_squares(self, **options: Any) -> optimize.OptimizeResult:
        """``scipy.optimize.least_squares`` from the start, within the bounds, by the exact Jacobian."""
        options.setdefault("bounds", self.bounds)
        return optimize.least_squares(self.residuals, self.start, jac=self.jacobian, **options)


def problem(sim: Simulation, seed: int | None = None) -> Problem:
    """The objective of a scenario, from the start of a seed."""
    return Problem(sim.objective, seed)
