"""End states of initial value problems, for tests/rules/ivp.rs.

Python 3.11, numpy 2.4.6, scipy 1.17.1, mpmath 1.3.0, sympy 1.14.0:
    python ivp_reference.py > ivp_reference.csv

Lotka-Volterra by Taylor's series (mpmath.odefun). The Pleiades by DOP853 of scipy with relative tolerances of 1e-12 and 1e-13.
Stiff problems by Radau IIA of five stages, order 9, written here in 80-bit numbers of 19 digits, with n and with 2n steps. The difference
of both runs stands beside the end state. A line is: name,
difference, components.
"""

import sys

import numpy as np
import sympy
from mpmath import mp, mpf, odefun
from scipy.integrate import solve_ivp

LONG = np.longdouble


def long(text):
    return LONG(str(text))


def solve(a, b):
    """Gaussian elimination with partial pivoting."""
    a, b = a.copy(), b.copy()
    n = len(b)
    for k in range(n):
        pivot = k + int(np.argmax(np.abs(a[k:, k])))
        a[[k, pivot]], b[[k, pivot]] = a[[pivot, k]], b[[pivot, k]]
        factors = a[k + 1 :, k] / a[k, k]
        a[k + 1 :, k:] -= np.outer(factors, a[k, k:])
        b[k + 1 :] -= factors * b[k]
    x = np.zeros(n, LONG)
    for k in range(n - 1, -1, -1):
        x[k] = (b[k] - a[k, k + 1 :] @ x[k + 1 :]) / a[k, k]
    return x


def radau(s):
    """Nodes are the zeros of d^(s-1)/dx^(s-1) [x^(s-1) (x-1)^s], the matrix is that of collocation."""
    x = sympy.symbols("x")
    poly = sympy.Poly(sympy.diff(x ** (s - 1) * (x - 1) ** s, x, s - 1), x)
    nodes = [sympy.re(r) for r in poly.nroots(n=50)]
    matrix = np.zeros((s, s), LONG)
    for j in range(s):
        others = [nodes[m] for m in range(s) if m != j]
        lagrange = sympy.prod([(x - o) / (nodes[j] - o) for o in others])
        integral = sympy.integrate(sympy.expand(lagrange), x)
        for k in range(s):
            matrix[k, j] = long(sympy.N(integral.subs(x, nodes[k]), 30))
    return matrix


A = radau(5)


def slope(f, y):
    """Central differences: Newton's method needs no more digits than they have."""
    columns = []
    for j in range(len(y)):
        h = LONG(1e-6) * (abs(y[j]) + LONG(1e-12))
        up, down = y.copy(), y.copy()
        up[j] += h
        down[j] -= h
        columns.append((f(up) - f(down)) / (up[j] - down[j]))
    return np.array(columns).T


def step(f, y, h):
    s, n = len(A), len(y)
    z = np.zeros((s, n), LONG)
    for _ in range(40):
        rates = np.array([f(y + z[k]) for k in range(s)])
        slopes = [slope(f, y + z[k]) for k in range(s)]
        system = np.eye(s * n, dtype=LONG)
        for k in range(s):
            for j in range(s):
                system[k * n : (k + 1) * n, j * n : (j + 1) * n] -= h * A[k, j] * slopes[j]
        moved = solve(system, (z - h * (A @ rates)).ravel()).reshape(s, n)
        z -= moved
        if np.max(np.abs(moved) / (np.abs(y) + LONG(1e-16))) < LONG(1e-16):
            break
    return y + z[-1]


def integrate(f, y, times):
    y = np.array([long(v) for v in y])
    for t0, t1 in zip(times, times[1:]):
        y = step(f, y, t1 - t0)
    return y


def hires(y):
    a, b, c, d, e, g, k, l = y
    r = 280 * g * l
    return np.array([
        -long("1.71") * a + long("0.43") * b + long("8.32") * c + long("0.0007"),
        long("1.71") * a - long("8.75") * b,
        -long("10.03") * c + long("0.43") * d + long("0.035") * e,
        long("8.32") * b + long("1.71") * c - long("1.12") * d,
        -long("1.745") * e + long("0.43") * g + long("0.43") * k,
        -r + long("0.69") * d + long("1.71") * e - long("0.43") * g + long("0.69") * k,
        r - long("1.81") * k,
        -r + long("1.81") * k,
    ])


def robertson(y):
    a, b, c = long("0.04") * y[0], LONG(3e7) * y[1] ** 2, LONG(1e4) * y[1] * y[2]
    return np.array([c - a, a - c - b, b])


def van_der_pol(y):
    return np.array([y[1], 1000 * (1 - y[0] ** 2) * y[1] - y[0]])


def geometric(first, end, n):
    """0, then n steps that grow in a fixed ratio from `first` to `end`."""
    ratio = (LONG(end) / LONG(first)) ** (LONG(1) / n)
    return [LONG(0)] + [LONG(first) * ratio**k for k in range(n)] + [long(end)]


def loose_times(f, start, end, n):
    """Steps of a loose solution, each cut into n."""
    fun = lambda t, y: f(np.array(y, LONG)).astype(float)
    found = solve_ivp(fun, (0, float(end)), [float(v) for v in start], method="Radau", rtol=1e-7, atol=1e-10)
    times = [LONG(0)]
    for a, b in zip(found.t, found.t[1:]):
        times += [LONG(a) + (LONG(b) - LONG(a)) * (k + 1) / n for k in range(n)]
    times[-1] = long(end)
    return times


MASSES = np.arange(1.0, 8.0)


def pleiades(_, y):
    places, speeds = y[:14].reshape(2, 7), y[14:]
    apart = places[:, None, :] - places[:, :, None]
    square = np.sum(apart**2, axis=0) + np.eye(7)
    pull = apart * MASSES / (square * np.sqrt(square))
    return np.concatenate([speeds, np.sum(pull, axis=2).ravel()])


def lotka_volterra(t, y):
    return [(mpf("0.55") - mpf("0.028") * y[1]) * y[0], (mpf("0.024") * y[0] - mpf("0.80")) * y[1]]


def by_radau(name, f, start, times, n):
    coarse, fine = integrate(f, start, times(n)), integrate(f, start, times(2 * n))
    difference = np.max(np.abs(coarse - fine)) / np.max(np.abs(fine))
    line(name, f"{float(difference):.1e}", [np.format_float_scientific(v, precision=17) for v in fine])


def line(name, difference, components):
    print(",".join([name, difference, *components]), flush=True)


def main():
    which = sys.argv[1:] or ["lotka_volterra", "hires", "robertson", "van_der_pol", "pleiades"]
    if "lotka_volterra" in which:
        mp.dps = 25
        y = odefun(lotka_volterra, 0, [mpf("33.956"), mpf("5.933")])(20)
        line("lotka_volterra", "", [mp.nstr(v, 20) for v in y])
    if "hires" in which:
        start = [1, 0, 0, 0, 0, 0, 0, "0.0057"]
        by_radau("hires", hires, start, lambda n: loose_times(hires, start, "321.8122", n), 1)
    if "robertson" in which:
        by_radau("robertson", robertson, [1, 0, 0], lambda n: geometric("1e-6", "1e11", n), 120)
    if "van_der_pol" in which:
        by_radau("van_der_pol", van_der_pol, [2, 0], lambda n: loose_times(van_der_pol, [2, 0], 2000, n), 1)
    if "pleiades" in which:
        places = [3, 3, -1, -3, 2, -2, 2, 3, -3, 2, 0, 0, -4, 4]
        start = places + [0, 0, 0, 0, 0, "1.75", "-1.5", 0, 0, 0, "-1.25", 1, 0, 0]
        loose, tight = (
            solve_ivp(pleiades, (0, 3), [float(v) for v in start], method="DOP853", rtol=rtol, atol=1e-14).y[:, -1]
            for rtol in (1e-12, 1e-13)
        )
        difference = np.max(np.abs(loose - tight)) / np.max(np.abs(tight))
        line("pleiades", f"{difference:.1e}", [repr(float(v)) for v in tight])


main()
