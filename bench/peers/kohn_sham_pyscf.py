"""Kohn-Sham fields and forces by PySCF: prints `name cpu_seconds energy`, for forces `name cpu_seconds norm`.

    pip install pyscf==2.14.0 numpy==2.4.6
    python kohn_sham_pyscf.py REPEATS

Molecules, basis set and grid are those of bench/src/area/dft/kohn_sham.rs: level 3 pruned as NWChem does, energies to 1e-9 hartree, forces without the
response of the grid. A field includes integrals and grid, as a program that is asked for one energy computes it.
"""
import sys

import one_thread

import numpy as np
from pyscf import dft, gto, lib

lib.num_threads(1)
repeats = int(sys.argv[1])
angle = np.arange(6) * np.pi / 3
ring = [("C", 2.6296, a) for a in angle] + [("H", 4.6705, a) for a in angle]
MOLECULES = {
    "benzene": [(s, (r * np.cos(a), r * np.sin(a), 0.0)) for s, r, a in ring],
    "formaldehyde": [("C", (0, 0, -0.99494)), ("O", (0, 0, 1.25553)), ("H", (0, 1.77048, -2.10307)), ("H", (0, -1.77048, -2.10307))],
    "water": [("O", (0, 0, 0.2217)), ("H", (0, 1.4309, -0.8867)), ("H", (0, -1.4309, -0.8867))],
}


def field(molecule, functional):
    mol = gto.M(atom=MOLECULES[molecule], unit="B", basis="6-31g*", verbose=0)
    found = dft.RKS(mol, xc=functional)
    found.conv_tol = 1e-9
    found.kernel()
    assert found.converged
    return found


for molecule, functional, name in (("water", "b3lyp", "b3lyp"), ("formaldehyde", "b3lyp", "b3lyp"), ("benzene", "lda,vwn5", "lda"), ("benzene", "b3lyp", "b3lyp")):
    seconds = one_thread.best(lambda: field(molecule, functional), repeats)
    found = field(molecule, functional)
    print(f"{molecule}-{name}-field", seconds, repr(float(found.e_tot)))
    seconds = one_thread.best(lambda: found.nuc_grad_method().kernel(), repeats)
    print(f"{molecule}-{name}-forces", seconds, repr(float(np.linalg.norm(found.nuc_grad_method().kernel()))))
