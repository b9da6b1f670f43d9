#!/usr/bin/env python3
"""Densities, spin densities and orbitals on a lattice, by PySCF's cubegen.

    pip install pyscf==2.14.0 numpy==2.4.6
    python volumes.py ../data/basis > ../tests/data/volumes.json

Extent and margin are multiples of the spacing, so that cubegen's lattice is the crate's. Kept is every 37th value, z fastest. Atomic units.
"""
import json
import os
import sys

import numpy as np
from molecules import basis
from pyscf import gto, scf
from pyscf.tools import cubegen

SPACING, MARGIN, STRIDE = 0.5, 2.5, 37
# name, atoms in bohr, charge, unpaired electrons, basis, Cartesian
CASES = [
    ("NH2", "N 0 0 .5; H 0 1.5 -1; H 0 -1.5 -1", 0, 1, "cc-pvtz", False),
    ("HOF", "O 0 0 0; H .5 0 1.5; F 0 2.5 -1", 0, 0, "6-31gs", True),
]


def case(folder, name, atoms, charge, spin, basis_name, cartesian):
    mol = gto.M(atom=atoms, unit="B", charge=charge, spin=spin, basis=basis(folder, basis_name), cart=cartesian, verbose=0)
    field = scf.UHF(mol) if spin else scf.RHF(mol)
    field.conv_tol, field.conv_tol_grad, field.direct_scf_tol = 1e-12, 3e-9, 1e-16
    field.kernel()
    assert field.converged
    box = np.ptp(mol.atom_coords(), axis=0) + 2 * MARGIN
    counts = np.rint(box / SPACING).astype(int) + 1
    lattice = dict(zip(("nx", "ny", "nz"), counts.tolist())) | {"margin": MARGIN}
    sets = np.asarray(field.mo_coeff).reshape(-1, mol.nao, mol.nao)
    occupied = [n for n in mol.nelec][:len(sets)]
    one = np.asarray(field.make_rdm1()).reshape(-1, mol.nao, mol.nao)
    total, spins = one.sum(axis=0), one[0] - one[-1]
    seen = {
        "density": cubegen.density(mol, os.devnull, total, **lattice),
        "spin": cubegen.density(mol, os.devnull, spins, **lattice),
        "highest": cubegen.orbital(mol, os.devnull, sets[0][:, occupied[0] - 1], **lattice),
        "lowest": cubegen.orbital(mol, os.devnull, sets[-1][:, occupied[-1]], **lattice),
    }
    return {
        "name": name, "basis": basis_name.replace("gs", "G*"), "cartesian": cartesian, "charge": charge, "multiplicity": spin + 1,
        "symbols": [mol.atom_symbol(k) for k in range(mol.natm)], "positions_bohr": mol.atom_coords().tolist(),
        "spacing_bohr": SPACING, "margin_bohr": MARGIN, "stride": STRIDE, "counts": counts.tolist(),
    } | {name: values.ravel()[::STRIDE].tolist() for name, values in seen.items()}


if __name__ == "__main__":
    print("[" + ",\n".join(json.dumps(case(sys.argv[1], *c)) for c in CASES) + "]")
