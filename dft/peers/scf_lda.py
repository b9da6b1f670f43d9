"""LDA and LSDA energies and densities on a line by an SCF that shares nothing with the crate.

    pip install numpy==2.4.6
    python scf_lda.py

Dense eigh, dense Hartree matrix, v_xc by complex step, linear mixing to 1e-11 electrons. Prints for each system the electronic
energy (without the repulsion of the nuclei) in hartree and the density at some points, in 1/bohr; of polarised systems the
spin density too.
"""
import numpy as np

A, KAPPA, N, H = 1.071295, 1 / 2.385345, 513, 0.08
x = (np.arange(N) - N // 2) * H
W = A * np.exp(-KAPPA * abs(x[:, None] - x[None, :]))
stencil = ((0, -2.5), (1, 4 / 3), (-1, 4 / 3), (2, -1 / 12), (-2, -1 / 12))
T = -0.5 / H**2 * sum(c * np.eye(N, k=k) for k, c in stencil)
POINTS = [226, 244, 256, 261, 290]


def fit(n, c):
    y = np.pi * n / KAPPA
    d = c[0] + c[1] * y**0.5 + c[2] * y + c[3] * y**1.5 + c[4] * y**2
    return -A * y / np.pi / (d + c[5] * y**2.5 + c[6] * np.pi * KAPPA**2 / A * y**3)


def energy_density(up, down):
    n = up + down
    total = 0
    for spin in (up, down):  # exchange of a polarised gas: half that of twice the density
        y = 2 * np.pi * spin / KAPPA
        total = total + spin * A / (2 * np.pi) * (np.log(1 + y**2) / y - 2 * np.arctan(y))
    unpolarised = fit(n, (2, -1.00077, 6.26099, -11.9041, 9.62614, -1.48334, 1))
    polarised = fit(n, (180.891, -541.124, 651.615, -356.504, 88.0733, -4.32708, 8))
    return total + n * (unpolarised + ((up - down) / n) ** 2 * (polarised - unpolarised))


def scf(nuclei, occupations):
    """occupations: one list where both spins share orbitals and potential, two where they do not."""
    v = -sum(z * A * np.exp(-KAPPA * abs(x - at)) for at, z in nuclei)
    mirror = sorted((round(-at, 9), z) for at, z in nuclei) == sorted((round(at, 9), z) for at, z in nuclei)

    def orbitals(potential, occupation):
        e, u = np.linalg.eigh(T + np.diag(potential))
        out = sum(f * u[:, k] ** 2 for k, f in enumerate(occupation)) / H
        if mirror:  # rounding would grow into a charge that sloshes between the atoms
            out = (out + out[::-1]) / 2
        return sum(f * e[k] for k, f in enumerate(occupation)), out

    def xc(n):
        safe = [np.maximum(s, 1e-25) for s in n]
        if len(n) == 1:
            half = safe[0] / 2
            moved = half * (1 + 1e-30j)
            return [energy_density(moved, moved).imag / (safe[0] * 1e-30)], energy_density(half, half).sum() * H
        potentials = []
        for s in range(2):
            moved = [f * (1 + 1e-30j) if k == s else f for k, f in enumerate(safe)]
            potentials.append(energy_density(*moved).imag / (safe[s] * 1e-30))
        return potentials, energy_density(*safe).sum() * H

    n = [orbitals(v, f)[1] for f in occupations]
    while True:
        hartree = W @ sum(n) * H
        potentials = [v + hartree + p for p in xc(n)[0]]
        found = [orbitals(p, f) for p, f in zip(potentials, occupations)]
        out = [o for _, o in found]
        if sum(abs(o - s).sum() for o, s in zip(out, n)) * H < 1e-11:
            break
        n = [s + 0.3 * (o - s) for o, s in zip(out, n)]
    total = sum(out)
    energy = sum(e for e, _ in found) - sum(p @ o for p, o in zip(potentials, out)) * H
    energy += 0.5 * total @ W @ total * H**2 + v @ total * H + xc(out)[1]
    return energy, out


def chain(count, charge, spacing):
    return [((k - (count - 1) / 2) * spacing, charge) for k in range(count)]


SYSTEMS = [
    ("H2 1.28", chain(2, 1, 1.28), [[2]]),
    ("H2 3.84", chain(2, 1, 3.84), [[2]]),
    ("H2 6.00", chain(2, 1, 6.0), [[2]]),
    ("H2+ 2.40", chain(2, 1, 2.4), [[1]]),
    ("He", chain(1, 2, 0), [[2]]),
    ("Li", chain(1, 3, 0), [[2, 1]]),
    ("Be", chain(1, 4, 0), [[2, 2]]),
    ("H4 2.08", chain(4, 1, 2.08), [[2, 2]]),
    ("HeH+", [(-0.8, 2), (0.72, 1)], [[2]]),
    ("H3+", [(-1.6, 1), (0.08, 1), (1.76, 1)], [[2]]),
    ("H polarised", chain(1, 1, 0), [[1], [0]]),
    ("Li polarised", chain(1, 3, 0), [[1, 1], [1]]),
    ("H3 polarised", [(-1.6, 1), (0.08, 1), (1.76, 1)], [[1, 1], [1]]),
]
print(np.__version__)
for name, nuclei, occupations in SYSTEMS:
    energy, n = scf(nuclei, occupations)
    print(name, repr(float(energy)), [float(sum(n)[i]) for i in POINTS])
    if len(n) == 2:
        print("    spin density", [float((n[0] - n[1])[i]) for i in POINTS])
