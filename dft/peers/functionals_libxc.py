#!/usr/bin/env python3
"""Exchange-correlation energies and potentials of libxc at random points, for dft/tests/data/functionals.json.

pip install pyscf==2.14.0 numpy==2.4.6     (libxc 7.0.0)
python functionals_libxc.py 40 > ../tests/data/functionals.json

The argument is the number of points. n from 1e-6 to 1e3 per cubed bohr, reduced gradients s up to 10, any polarisation, any angle between the
gradients, kinetic energies from that of one orbital to beyond the uniform gas. A row is a point and then e (hartree per cubed bohr) and its
derivatives by the numbers of the point: n, sigma, tau; or n_u, n_d, sigma_uu, sigma_ud, sigma_dd, tau_u, tau_d.
"""
import json
import sys

import numpy as np
from pyscf.dft import libxc

count = int(sys.argv[1])
random = np.random.default_rng(20)
fermi = (3 * np.pi**2) ** (1 / 3)
functionals = {
    "lda": ("lda,vwn5", 1), "lda-vwn-rpa": ("lda,vwn_rpa", 1), "lda-pw92": ("lda,pw_mod", 1), "lda-pw92-printed": ("lda,pw", 1),
    "pbe": ("pbe,pbe", 2), "pbe0": ("pbe0", 2), "blyp": ("b88,lyp", 2), "b3lyp": ("b3lyp", 2), "b3lyp5": ("b3lyp5", 2),
    "r2scan": ("r2scan,r2scan", 3),
}


def spin_density(n):
    """Gradient length and tau of a density n of one spin, n/2 + n/2 scaled."""
    s = random.uniform(0, 10, n.size) * random.uniform(0, 1, n.size)
    total = 2 * n
    slope = s * 2 * fermi * total ** (4 / 3)
    single = slope**2 / (8 * total)
    alpha = 10 ** random.uniform(-2, 1, n.size)
    tau = single + alpha * 0.3 * fermi**2 * total ** (5 / 3)
    return slope / 2, tau / 2


def rho(n, slope, angle, tau, rung):
    rows = [n] if rung == 1 else [n, slope * np.cos(angle), slope * np.sin(angle), 0 * n]
    return np.array(rows + [tau] if rung == 3 else rows) if rung > 1 else n


def numbers(rows):
    return [[float(x) for x in row] for row in np.array(rows).T]


n = 10 ** random.uniform(-6, 3, count)
zeta = random.uniform(-1, 1, count)
spins = [n * (1 + zeta) / 2, n * (1 - zeta) / 2]
closed = spin_density(n / 2)
slopes, taus = zip(*map(spin_density, spins))
angle = random.uniform(0, np.pi, count)
found = {}
for name, (code, rung) in functionals.items():
    slope, tau = 2 * closed[0], 2 * closed[1]
    e, v = libxc.eval_xc(code, rho(n, slope, 0, tau, rung), spin=0, deriv=1)[:2]
    rows = [n, slope**2, tau][:rung] + [e * n] + [v[k] for k in [0, 1, 3][:rung]]
    both = [rho(spins[0], slopes[0], 0, taus[0], rung), rho(spins[1], slopes[1], angle, taus[1], rung)]
    e, v = libxc.eval_xc(code, both, spin=1, deriv=1)[:2]
    sigma = [slopes[0] ** 2, slopes[0] * slopes[1] * np.cos(angle), slopes[1] ** 2]
    point = [*spins, *sigma, *taus][: [2, 5, 7][rung - 1]]
    potential = [*v[0].T, *(v[1].T if rung > 1 else []), *(v[3].T if rung > 2 else [])]
    found[name] = {"restricted": numbers(rows), "unrestricted": numbers(point + [e * n] + potential)}
json.dump(found, sys.stdout, separators=(",", ":"))
print()
