"""Energies and potentials of libxc at many points: prints `name cpu_seconds e v...` for each functional.

    pip install pyscf==2.14.0 numpy==2.4.6     (libxc 7.0.0)
    python functionals_libxc.py POINTS

The points are those of bench/src/area/dft/functionals.rs. Values are of point 7, counted from 0, through the same call.
"""
import sys

import one_thread

import numpy as np
from pyscf.dft import libxc

FUNCTIONALS = [("lda", "lda,vwn5", 1), ("lda-pw92", "lda,pw_mod", 1), ("pbe", "pbe,pbe", 2), ("b3lyp", "b3lyp", 2), ("r2scan", "r2scan,r2scan", 3)]

count = int(sys.argv[1])
k = np.arange(1, count + 1)
fraction = lambda rate: (rate * k) % 1.0
n = 10 ** (7 * fraction(0.6180339887498949) - 6)
slope = n ** (4 / 3) * 6 * fraction(0.7548776662466927)
tau = slope**2 / (8 * n) + 2.871234000188191 * n ** (5 / 3) * 3 * fraction(0.5698402909980532)


def density(rung, factor):
    if rung == 1:
        return factor * n
    zero = 0 * n
    rows = [n, slope, zero, zero] + ([tau] if rung == 3 else [])
    return factor * np.array(rows)


for spin in (0, 1):
    for name, code, rung in FUNCTIONALS:
        rho = density(rung, 1.0) if spin == 0 else (density(rung, 0.6), density(rung, 0.4))
        evaluate = lambda: libxc.eval_xc(code, rho, spin=spin, deriv=1)
        seconds = one_thread.best(evaluate, 3)
        e, v = evaluate()[:2]
        columns = [e * n] + [np.reshape(v[i], (count, -1))[:, j] for i in [0, 1, 3][:rung] for j in range(np.size(v[i]) // count)]
        print(f"{name}-{'open' if spin else 'closed'}", seconds, *(repr(float(c[7])) for c in columns))
