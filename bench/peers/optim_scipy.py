"""SciPy's optimizers on functions that the caller evaluates: residuals and Jacobians come over standard input and output.

A request is a line `METHOD m n x0...`; the answers to `r x...` (residuals) and `j x...` (their Jacobian, row-major) are lines of numbers,
empty where there is no value; the end is `done SUCCESS functions derivatives x...`. Written for SciPy 1.17, numpy 2.
"""

import sys
import warnings

import numpy as np
from scipy.optimize import least_squares, minimize

warnings.simplefilter("ignore")
MOST = 5000


class Remote:
    """Residuals of another process, counted."""

    def __init__(self, m, n):
        self.m, self.n = m, n
        self.functions = self.derivatives = 0

    def ask(self, what, x, shape):
        print(what, *(repr(float(v)) for v in x), flush=True)
        answer = np.array([float(v) for v in sys.stdin.readline().split()])
        return answer.reshape(shape) if answer.size else np.full(shape, np.nan)

    def residuals(self, x):
        self.functions += 1
        return self.ask("r", x, (self.m,))

    def jacobian(self, x):
        self.derivatives += 1
        return self.ask("j", x, (self.m, self.n))

    def value(self, x):
        r = self.residuals(x)
        return 0.5 * float(r @ r)

    def gradient(self, x):
        # the residuals that belong to it are asked for anew, and not counted: a user's code would share them
        return self.jacobian(x).T @ self.ask("r", x, (self.m,))


def solve(method, remote, x0):
    tight = dict(ftol=1e-13, xtol=1e-13, gtol=1e-13)
    name, _, scaled = method.partition("+")
    if name in ("lm", "trf", "dogbox"):
        scale = "jac" if scaled else 1.0
        return least_squares(
            remote.residuals, x0, remote.jacobian, method=name, x_scale=scale, max_nfev=MOST, **tight
        )
    options = {
        "BFGS": dict(gtol=1e-9, maxiter=MOST),
        "L-BFGS-B": dict(ftol=1e-15, gtol=1e-9, maxfun=MOST, maxiter=MOST),
    }[name]
    return minimize(remote.value, x0, jac=remote.gradient, method=name, options=options)


for line in sys.stdin:
    method, m, n, *start = line.split()
    remote = Remote(int(m), int(n))
    x0 = np.array([float(v) for v in start])
    try:
        found = solve(method, remote, x0)
        success, x = bool(found.success), found.x
    except (ValueError, FloatingPointError, np.linalg.LinAlgError):
        success, x = False, x0
    print("done", int(success), remote.functions, remote.derivatives, *(repr(float(v)) for v in x), flush=True)
