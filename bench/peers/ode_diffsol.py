"""Initial value problems in diffsol: values and gradients by its discrete adjoint, one thread, process CPU time.

    pip install pydiffsol numpy        (measured with pydiffsol 0.6.2, which is diffsol 0.16.1)
    python ode_diffsol.py PROBLEM ACCURACY REPEATS VALUE... -- DERIVATIVE...

Given the right end state and the right derivatives of `sum (k + 1) y_k` there, every method is run at tolerances of all powers of ten,
and the fastest that is right to ACCURACY of the largest entry is told. Prints a line `forward` and a line `adjoint`: best CPU seconds,
the error, the number of the method, minus the logarithm of the tolerance. A method that fails at a tolerance is passed over.
"""
import sys

import one_thread
import numpy as np
import pydiffsol as ds

#: Exponents of the relative tolerances; the absolute ones are in the table.
EXPONENTS = range(3, 13)
EXPLICIT, STIFF = (0, 1), (1, 2, 3)
METHODS = (ds.tsit45, ds.bdf, ds.esdirk34, ds.tr_bdf2)


def pleiades():
    masses = ", ".join(f"m{i} = {i + 1}.0" for i in range(7))
    places = [3, 3, -1, -3, 2, -2, 2, 3, -3, 2, 0, 0, -4, 4]
    speeds = [0, 0, 0, 0, 0, 1.75, -1.5, 0, 0, 0, -1.25, 1, 0, 0]
    names = [f"{axis}{i}" for axis in "xzvw" for i in range(7)]
    start = ", ".join(f"{name} = {float(value)}" for name, value in zip(names, places + speeds))
    rates = [name for name in names[14:]]
    for axis in "xz":
        for i in range(7):
            square = "((x{i} - x{j}) * (x{i} - x{j}) + (z{i} - z{j}) * (z{i} - z{j}))"
            pull = "({a}{j} - {a}{i}) * m{j} / (" + square + " * sqrt(" + square + "))"
            rates.append(" + ".join(pull.format(a=axis, i=i, j=j) for j in range(7) if j != i))
    return f"in_i {{ {masses} }}\nu_i {{ {start} }}\nF_i {{ {', '.join(rates)} }}"


#: Text, parameters, end, absolute tolerance as a share of the relative one, methods.
PROBLEMS = {
    "lotka_volterra": (
        """in_i { a = 0.55, b = 0.028, c = 0.80, d = 0.024 }
        u_i { x = 33.956, y = 5.933 }
        F_i { (a - b * y) * x, (d * x - c) * y }""",
        [0.55, 0.028, 0.80, 0.024], 20.0, 1.0, EXPLICIT,
    ),
    "pleiades": (pleiades(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 3.0, 1.0, EXPLICIT),
    "van_der_pol": (
        """in_i { m = 1000.0 }
        u_i { x = 2.0, y = 0.0 }
        F_i { y, m * (1.0 - x * x) * y - x }""",
        [1e3], 800.0, 1.0, STIFF,
    ),
    "hires": (
        """in_i { k = 280.0 }
        u_i { a = 1.0, b = 0.0, c = 0.0, d = 0.0, e = 0.0, f = 0.0, g = 0.0, h = 0.0057 }
        F_i {
            b * 0.43 - a * 1.71 + c * 8.32 + 0.0007,
            a * 1.71 - b * 8.75,
            d * 0.43 - c * 10.03 + e * 0.035,
            b * 8.32 + c * 1.71 - d * 1.12,
            (f + g) * 0.43 - e * 1.745,
            d * 0.69 - k * f * h + e * 1.71 - f * 0.43 + g * 0.69,
            k * f * h - g * 1.81,
            g * 1.81 - k * f * h,
        }""",
        [280.0], 321.8122, 1e-4, STIFF,
    ),
    "robertson": (
        """in_i { k1 = 0.04, k2 = 30000000.0, k3 = 10000.0 }
        u_i { x = 1.0, y = 0.0, z = 0.0 }
        F_i { k3 * y * z - k1 * x, k1 * x - k3 * y * z - k2 * y * y, k2 * y * y }""",
        [0.04, 3e7, 1e4], 40.0, 1e-4, STIFF,
    ),
}


def off(found, right):
    return float(np.max(np.abs(np.ravel(found) - right)) / np.max(np.abs(right)))


problem, accuracy, repeats = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
split = sys.argv.index("--")
state, slope = (np.array([float(a) for a in part]) for part in (sys.argv[4:split], sys.argv[split + 1 :]))
text, parameters, end, share, methods = PROBLEMS[problem]
parameters, ends = np.array(parameters), np.array([end])
weights = np.arange(1.0, len(state) + 1.0).reshape(-1, 1)


def forward(ode):
    return ode.solve_dense(parameters, ends).ys


def adjoint(ode):
    found, checkpoint = ode.solve_adjoint_fwd(parameters, ends)
    # derivatives by the logarithms of the parameters
    return np.ravel(ode.solve_adjoint_bkwd(found, checkpoint, weights)) * parameters


def made(number, exponent):
    ode = ds.Ode(text, matrix_type=ds.nalgebra_dense, ode_solver=METHODS[number])
    ode.rtol, ode.atol = 10.0**-exponent, share * 10.0**-exponent
    return ode


best = {}
for number in methods:
    for exponent in EXPONENTS:
        ode = made(number, exponent)
        for name, run, right in (("forward", forward, state), ("adjoint", adjoint, slope)):
            try:
                error = off(run(ode), right)
            # a panic of its own is no Exception, and leaves its solver locked
            except BaseException:
                ode = made(number, exponent)
                continue
            if not error <= accuracy:
                continue
            seconds = one_thread.best(lambda: run(ode), repeats)
            if name not in best or seconds < best[name][0]:
                best[name] = seconds, error, number, exponent
for name, found in best.items():
    print(name, *(f"{value:.9e}" for value in found))
