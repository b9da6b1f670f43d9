"""Ground states of three and four electrons on small product grids, by sparse diagonalisation: shares nothing with the crate.

    pip install numpy==2.4.6 scipy==1.17.1
    python product_grid.py

All coordinates of all electrons are on the grid, so nothing is truncated. States that are symmetric under the exchange of
two electrons of one spin are pushed away by a penalty. Prints the electronic energy in hartree.
"""
import itertools

import numpy as np
import scipy
import scipy.sparse as sp
import scipy.sparse.linalg as sl

A, KAPPA = 1.071295, 1 / 2.385345


def w(u):
    return A * np.exp(-KAPPA * abs(u))


def energy(n, h, nuclei, up, down):
    x = (np.arange(n) - n // 2) * h
    electrons = up + down
    v = -sum(z * w(x - at) for at, z in nuclei)
    stencil = {0: -2.5, 1: 4 / 3, -1: 4 / 3, 2: -1 / 12, -2: -1 / 12}
    one = sp.diags(list(stencil.values()), list(stencil), shape=(n, n)) * (-0.5 / h**2) + sp.diags(v)
    total = sp.csr_matrix((n**electrons, n**electrons))
    for a in range(electrons):
        total = total + sp.kron(sp.kron(sp.identity(n**a), one), sp.identity(n ** (electrons - 1 - a)))
    index = np.indices((n,) * electrons).reshape(electrons, -1)
    repulsion = sum(w(x[index[a]] - x[index[b]]) for a, b in itertools.combinations(range(electrons), 2))
    total = total + sp.diags(repulsion)
    same = list(itertools.combinations(range(up), 2)) + list(itertools.combinations(range(up, electrons), 2))
    for a, b in same:
        swapped = index.copy()
        swapped[[a, b]] = swapped[[b, a]]
        rows = np.ravel_multi_index(tuple(swapped), (n,) * electrons)
        exchange = sp.csr_matrix((np.ones(len(rows)), (np.arange(len(rows)), rows)))
        total = total + 20.0 * (sp.identity(len(rows)) + exchange)
    return sl.eigsh(total.tocsr(), k=1, which="SA", tol=1e-13, ncv=60)[0][0]


print(np.__version__, scipy.__version__)
H3 = [(-1.8, 1), (0.0, 1), (1.8, 1)]
H4 = [(-2.8, 1), (-0.7, 1), (0.7, 1), (2.8, 1)]
print("H3 (2, 1)", repr(float(energy(21, 0.6, H3, 2, 1))))
print("H3 (3, 0)", repr(float(energy(21, 0.6, H3, 3, 0))))
print("H4 (2, 2)", repr(float(energy(13, 0.7, H4, 2, 2))))
print("H4 (3, 1)", repr(float(energy(13, 0.7, H4, 3, 1))))
