#!/usr/bin/env python3
"""Kohn-Sham energies, orbital energies, dipoles and gradients by PySCF.

    pip install pyscf==2.14.0 numpy==2.4.6     (libxc 7.0.0)
    python kohn_sham.py ../data/basis > ../tests/data/kohn_sham.json

The basis sets are the crate's own files, read as by molecules.py; grids are of the level given, pruned as PySCF does or not at all; gradients are with the
response of the grid. Atomic units.
"""
import json
import sys

from molecules import basis
from pyscf import dft, gto

WATER = "O 0 0 0.2217; H 0 1.4309 -0.8867; H 0 -1.4309 -0.8867"
# name, atoms in bohr, charge, unpaired electrons, basis, functional, grid level, pruned
CASES = [
    ("H2O", WATER, 0, 0, "6-31gs", "lda,vwn5", 1, False),
    ("H2O", WATER, 0, 0, "6-31gs", "b3lyp", 1, True),
    ("H2O", WATER, 0, 0, "sto-3g", "r2scan", 1, False),
    ("HCl", "Cl 0 0 0; H 0.1 0 2.41", 0, 0, "def2-svp", "pbe0", 0, True),
    ("LiH", "Li 0 0 0; H 0 0 3.0", 0, 0, "cc-pvdz", "blyp", 2, False),
    ("O2", "O 0 0 0; O 0 0 2.28", 0, 2, "sto-3g", "lda,pw_mod", 1, True),
    ("O2", "O 0 0 0; O 0 0 2.28", 0, 2, "sto-3g", "r2scan", 1, True),
    ("CH2", "C 0 0 0; H 1.87 0 0.8; H -1.87 0 0.8", 0, 2, "sto-3g", "pbe", 1, True),
    ("CH3", "C 0 0 0; H 2.04 0 0; H -1.02 1.7667 0; H -1.02 -1.7667 0", 0, 1, "6-31g", "b3lyp", 0, True),
    ("H", "H 0 0 0", 0, 1, "6-31g", "lda,vwn5", 3, False),
    ("H", "H 0 0 0", 0, 1, "6-31g", "pbe", 3, False),
    ("H", "H 0 0 0", 0, 1, "6-31g", "b3lyp", 3, False),
]
NAMES = {"lda,vwn5": "lda", "lda,pw_mod": "lda-pw92"}


def case(folder, name, atoms, charge, spin, basis_name, xc, level, pruned):
    mol = gto.M(atom=atoms, unit="B", charge=charge, spin=spin, basis=basis(folder, basis_name), verbose=0)
    field = (dft.UKS if spin else dft.RKS)(mol, xc=xc)
    field.grids.level = level
    if not pruned:
        field.grids.prune = None
    field.conv_tol = 1e-12
    field.kernel()
    assert field.converged, (name, xc)
    gradient = field.nuc_grad_method()
    gradient.grid_response = True
    return {
        "name": name, "basis": basis_name, "functional": NAMES.get(xc, xc), "charge": charge, "multiplicity": spin + 1,
        "level": level, "pruned": pruned, "points": int(field.grids.size),
        "symbols": [mol.atom_symbol(k) for k in range(mol.natm)], "positions_bohr": mol.atom_coords().tolist(),
        "energy_ha": field.e_tot, "orbital_energies_ha": field.mo_energy.tolist(),
        "dipole_e_bohr": field.dip_moment(unit="AU", verbose=0).tolist(),
        "gradient": gradient.kernel().tolist(),
        "spin_square": float(field.spin_square()[0]),
    }


print("[" + ",\n".join(json.dumps(case(sys.argv[1], *c)) for c in CASES) + "]")
