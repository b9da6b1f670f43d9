"""LDA energies of H2 on a line by an SCF that shares nothing with the crate.

    pip install numpy==2.4.6
    python scf_lda.py

Dense eigh, dense Hartree matrix, analytic v_xc by complex step, linear mixing to 1e-10 electrons. Prints R and the
electronic energy (without the repulsion of the nuclei) in hartree.
"""
import numpy as np

A, KAPPA, N, H = 1.071295, 1 / 2.385345, 513, 0.08
x = (np.arange(N) - N // 2) * H
W = A * np.exp(-KAPPA * abs(x[:, None] - x[None, :]))
stencil = ((0, -2.5), (1, 4 / 3), (-1, 4 / 3), (2, -1 / 12), (-2, -1 / 12))
T = -0.5 / H**2 * sum(c * np.eye(N, k=k) for k, c in stencil)


def energy_density(n):
    y = np.pi * n / KAPPA
    eps_x = A / (2 * np.pi) * (np.log(1 + y**2) / y - 2 * np.arctan(y))
    fit = 2 - 1.00077 * y**0.5 + 6.26099 * y - 11.9041 * y**1.5 + 9.62614 * y**2
    fit = fit - 1.48334 * y**2.5 + np.pi * KAPPA**2 / A * y**3
    return n * (eps_x - A * y / np.pi / fit)


for R in (1.28, 3.84, 6.0):
    v = -A * (np.exp(-KAPPA * abs(x - R / 2)) + np.exp(-KAPPA * abs(x + R / 2)))
    n = 2 * np.linalg.eigh(T + np.diag(v))[1][:, 0] ** 2 / H
    while True:
        n_safe = np.maximum(n, 1e-25)
        v_xc = energy_density(n_safe * (1 + 1e-30j)).imag / (n_safe * 1e-30)
        v_ks = v + W @ n * H + v_xc
        e, u = np.linalg.eigh(T + np.diag(v_ks))
        out = 2 * u[:, 0] ** 2 / H
        out = (out + out[::-1]) / 2  # rounding would grow into a charge that sloshes between the atoms
        if abs(out - n).sum() * H < 1e-10:
            break
        n = n + 0.4 * (out - n)
    safe = np.maximum(out, 1e-25)
    energy = 2 * e[0] - v_ks @ out * H + 0.5 * out @ W @ out * H**2 + energy_density(safe).sum() * H + v @ out * H
    print(R, repr(float(energy)))
