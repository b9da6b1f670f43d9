"""The Hartree-Fock field of hexadecane by PySCF, its integrals made anew in every iteration: prints `name cpu_seconds energy`.

    pip install pyscf==2.14.0 numpy==2.4.6
    python direct_pyscf.py

The molecule is that of bench/src/area/dft/direct.rs, the basis set 6-31G*, the energy converged to 1e-9 hartree.
"""
import time

import one_thread  # noqa: F401

import numpy as np
from pyscf import gto, lib, scf

lib.num_threads(1)
CARBONS, CHAIN, SIDE, BOND = 16, (2.4126, 0.8137), (1.2253, 1.6557), 2.0598


def alkane(count):
    """All carbons in a plane, in a zigzag of angles of 112 degrees; bohr."""
    atoms = []
    arm = np.array([CHAIN[0], 2 * CHAIN[1], 0.0])
    arm *= BOND / np.linalg.norm(arm)
    for k in range(count):
        up = 1.0 if k % 2 == 0 else -1.0
        at = np.array([k * CHAIN[0], up * CHAIN[1], 0.0])
        atoms.append(("C", at))
        atoms += [("H", at + [0.0, up * SIDE[0], side * SIDE[1]]) for side in (1.0, -1.0)]
        if k in (0, count - 1):
            out = -1.0 if k == 0 else 1.0
            atoms.append(("H", at + arm * [out, -up, 0.0]))
    return atoms


def field():
    mol = gto.M(atom=alkane(CARBONS), unit="B", basis="6-31g*", verbose=0)
    found = scf.RHF(mol)
    found.conv_tol, found.max_memory = 1e-9, 0  # no room for integrals
    found.kernel()
    assert found.converged and found._eri is None
    return found.e_tot


start = time.process_time()
energy = field()
print("hexadecane", time.process_time() - start, repr(float(energy)))
