#!/usr/bin/env python3
"""Lebedev's quadratures of the sphere, solved to the last digit: prints the rules of dft/src/molecule/grid/lebedev_rules.rs.

pip install mpmath==1.3.0 pyscf==2.14.0 numpy==2.4.6
python lebedev_rules.py > ../src/molecule/grid/lebedev_rules.rs && rustfmt ../src/molecule/grid/lebedev_rules.rs

A rule is invariant under the octahedral group, so it is exact up to a degree where it integrates every product (x^4 + y^4 + z^4)^i (x^2 y^2 z^2)^j
of no higher degree: as many equations as there are free generators and weights. Published values (Lebedev & Laikov 1999; read through PySCF),
rounded to five digits, are where Newton's method starts; what it finds in 60 digits is printed.
"""
import mpmath as mp
import numpy as np
from pyscf.dft.LebedevGrid import LEBEDEV_ORDER, MakeAngularGrid

mp.mp.dps = 60
SIZES = [6, 14, 26, 38, 50, 74, 86, 110, 146, 170, 194, 230, 266, 302, 350, 434, 590, 770, 974, 1202]
DEGREE = {size: degree for degree, size in LEBEDEV_ORDER.items()}


def published(size):
    """Orbits: (number of points, kind, free coordinates, weight), to five digits."""
    orbits = {}
    for x, y, z, w in MakeAngularGrid(size):
        key = tuple(np.round(sorted(np.abs([x, y, z])), 9))
        orbits.setdefault(key, [w, 0])[1] += 1
    found = []
    for (a, b, c), (w, count) in sorted(orbits.items()):
        kind = {6: "axes", 12: "edges", 8: "corners", 48: "general"}.get(count)
        free = ()
        if count == 24:
            kind = "planes" if a < 1e-9 else "pairs"
            # (p, q, 0); (l, l, m)
            free = (b,) if a < 1e-9 else ((a,) if abs(a - b) < 1e-9 else (b,))
        elif count == 48:
            free = (a, b)
        found.append((count, kind, tuple(round(v, 5) for v in free), float("%.4e" % w)))
    return found


def squares(kind, free):
    """Squares of the coordinates of an orbit's point."""
    third = mp.mpf(1) / 3
    fixed = {"axes": (1, 0, 0), "edges": (mp.mpf(1) / 2, mp.mpf(1) / 2, 0), "corners": (third, third, third)}
    if kind in fixed:
        return [mp.mpf(v) for v in fixed[kind]]
    if kind == "planes":
        return [free[0] ** 2, 1 - free[0] ** 2, mp.mpf(0)]
    if kind == "pairs":
        return [free[0] ** 2, free[0] ** 2, 1 - 2 * free[0] ** 2]
    return [free[0] ** 2, free[1] ** 2, 1 - free[0] ** 2 - free[1] ** 2]


def invariants(kind, free):
    x, y, z = squares(kind, free)
    return x * x + y * y + z * z, x * y * z


def sphere_mean(i, j):
    """Mean over the sphere of (x^4 + y^4 + z^4)^i (x^2 y^2 z^2)^j."""
    total = mp.mpf(0)
    for a in range(i + 1):
        for b in range(i - a + 1):
            c = i - a - b
            many = mp.factorial(i) / (mp.factorial(a) * mp.factorial(b) * mp.factorial(c))
            half = [2 * a + j, 2 * b + j, 2 * c + j]
            odd = mp.mpf(1)
            for h in half:
                odd *= mp.fac2(2 * h - 1) if h else 1
            total += many * odd / mp.fac2(2 * sum(half) + 1)
    return total


def solve(size):
    orbits = published(size)
    powers = [(i, j) for i in range(20) for j in range(20) if 4 * i + 6 * j <= DEGREE[size]]
    want = [sphere_mean(i, j) for i, j in powers]
    unknowns = [mp.mpf(v) for orbit in orbits for v in (*orbit[2], orbit[3])]
    assert len(unknowns) == len(powers), (size, len(unknowns), len(powers))

    def unpack(x):
        at = 0
        for count, kind, free, _ in orbits:
            yield at, count, kind, x[at : at + len(free)], x[at + len(free)]
            at += len(free) + 1

    for _ in range(40):
        residual = mp.matrix([-w for w in want])
        jacobian = mp.zeros(len(powers))
        for at, count, kind, free, weight in unpack(unknowns):
            s, t = invariants(kind, free)
            step = mp.mpf(10) ** -30
            moved = [invariants(kind, [f + step * (k == m) for m, f in enumerate(free)]) for k in range(len(free))]
            for row, (i, j) in enumerate(powers):
                value = s**i * t**j
                residual[row] += count * weight * value
                jacobian[row, at + len(free)] = count * value
                for k, (sk, tk) in enumerate(moved):
                    jacobian[row, at + k] = count * weight * (sk**i * tk**j - value) / step
        change = mp.lu_solve(jacobian, -residual)
        unknowns = [u + c for u, c in zip(unknowns, change)]
        if max(abs(c) for c in change) < mp.mpf(10) ** -25:
            break
    else:
        raise SystemExit(f"{size}: Newton's method did not converge")
    rule = {"axes": [], "edges": [], "corners": [], "planes": [], "pairs": [], "general": []}
    for (_, _, kind, free, weight), (_, _, start, w) in zip(unpack(unknowns), orbits):
        assert all(abs(f - g) < 2e-5 for f, g in zip(free, start)) and abs(weight - w) < 1e-4 * abs(w), size
        rule[kind].append([float(v) for v in (*free, weight)])
    return rule


print("//! Generators and weights of the rules; written by `dft/peers/lebedev_rules.py`.\n")
print("use super::lebedev::Rule;\n")
print("/// From the smallest to the largest.\npub(super) const RULES: &[Rule] = &[")
for size in SIZES:
    rule = solve(size)
    fixed = [rule[kind][0][0] if rule[kind] else 0.0 for kind in ("axes", "edges", "corners")]
    print(f"Rule {{ points: {size}, degree: {DEGREE[size]}, axes: {fixed[0]!r}, edges: {fixed[1]!r}, corners: {fixed[2]!r},")
    for kind in ("pairs", "planes", "general"):
        print(f"{kind}: &{rule[kind]!r},")
    print("},")
print("];")
