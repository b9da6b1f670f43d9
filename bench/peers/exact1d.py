"""Exact ground state of two electrons on the 513 x 513 product grid, by Davidson's method in numpy on one thread.

    pip install numpy scipy
    python exact1d.py REPEATS R

Works in the eigenbasis of the one-electron Hamiltonian. Prints `two_electrons cpu_seconds energy` (without the repulsion of the nuclei).
"""
import sys

import one_thread
import numpy as np
import scipy.linalg as sl

A, KAPPA, N, H = 1.071295, 1 / 2.385345, 513, 0.08
x = (np.arange(N) - N // 2) * H
stencil = ((0, -2.5), (1, 4 / 3), (-1, 4 / 3), (2, -1 / 12), (-2, -1 / 12))
T = -0.5 / H**2 * sum(c * np.eye(N, k=k) for k, c in stencil)
W = A * np.exp(-KAPPA * np.abs(x[:, None] - x[None, :]))


def ground_state(R):
    v = -A * (np.exp(-KAPPA * np.abs(x - R / 2)) + np.exp(-KAPPA * np.abs(x + R / 2)))
    e, U = sl.eigh(T + np.diag(v))
    D = e[:, None] + e[None, :]
    apply = lambda C: D * C + U.T @ ((W * (U @ C @ U.T)) @ U)
    shift = U[:, 0] ** 2 @ W @ U[:, 0] ** 2
    C = np.zeros((N, N))
    C[0, 0], C[1, 1] = 1.0, -0.3
    C /= np.linalg.norm(C)
    V, HV = [C], [apply(C)]
    while True:
        G = np.array([[np.vdot(a, b) for b in HV] for a in V])
        values, vectors = np.linalg.eigh(0.5 * (G + G.T))
        energy, s = values[0], vectors[:, 0]
        C = sum(a * v for a, v in zip(s, V))
        HC = sum(a * v for a, v in zip(s, HV))
        residual = HC - energy * C
        if np.linalg.norm(residual) < 1e-9:
            return energy
        if len(V) >= 14:
            V, HV = [C], [HC]
        gap = D + shift - energy
        gap[np.abs(gap) < 0.05] = 0.05
        P, PC = residual / gap, C / gap
        t = -P + np.vdot(C, P) / np.vdot(C, PC) * PC
        t = 0.5 * (t + t.T)
        for _ in range(2):
            for v in V:
                t = t - np.vdot(v, t) * v
        t /= np.linalg.norm(t)
        V.append(t)
        HV.append(apply(t))


R = float(sys.argv[2])
print("two_electrons", one_thread.best(lambda: ground_state(R), int(sys.argv[1])), float(ground_state(R)))
