"""Hartree-Fock energies, orbital energies, dipoles, gradients and sums over all integrals, by PySCF.

    pip install pyscf==2.14.0 numpy==2.4.6
    python molecules.py ../data/basis > ../tests/data/molecules.json

The basis sets are the crate's own files, so that both sides have the same digits. A sum over integrals is `sum_k sin(k + 1) x_k` over the
entries in row-major order; the repulsion integrals are packed (i >= j, k >= l, ij >= kl). Atomic units.
"""
import json
import sys
from pathlib import Path

import numpy as np
from pyscf import gto, scf

LETTERS = {"S": [0], "P": [1], "D": [2], "F": [3], "SP": [0, 1]}
# name, atoms in bohr, charge, unpaired electrons, basis, Cartesian
CASES = [
    ("H", "H 0 0 0", 0, 1, "6-31g", False),
    ("H2O", "O 0 0 0.2217; H 0 1.4309 -0.8867; H 0 -1.4309 -0.8867", 0, 0, "6-31gs", False),
    ("H2O", "O 0 0 0.2217; H 0 1.4309 -0.8867; H 0.1 -1.4309 -0.8867", 0, 0, "6-31gs", True),
    ("HF", "H 0.1 0.2 -0.1; F 0 0.3 1.7", 0, 0, "cc-pvtz", False),
    ("CH2O", "C 0 0 -0.99494; O 0 0 1.25553; H 0 1.77048 -2.10307; H 0 -1.77048 -2.10307", 0, 0, "sto-3g", False),
    ("OH", "O 0 0 0; H 0.2 0 1.83", 0, 1, "cc-pvdz", False),
    ("O2", "O 0 0 0; O 0 0 2.28", 0, 2, "6-31gs", False),
    ("HCl", "Cl 0 0 0; H 0 0 2.41", 0, 0, "def2-svp", False),
    ("NH4", "N 0 0 0; H 1.12 1.12 1.12; H -1.12 -1.12 1.12; H 1.12 -1.12 -1.12; H -1.12 1.12 -1.12", 1, 0, "6-311ppgss", False),
    ("CN", "C 0 0 0; N 0 0.1 2.2", -1, 0, "def2-tzvp", False),
]


def basis(folder, name):
    found, columns = {}, None
    for line in (Path(folder) / f"{name}.nw").read_text().splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0].isalpha():
            rows = []
            found.setdefault(words[0], []).append((LETTERS[words[1]], rows))
        else:
            rows.append([float(x) for x in words])

    def shells(of_element):
        for momenta, rows in of_element:
            count = len(rows[0]) - 1
            for k in range(count):
                l = momenta[k if len(momenta) > 1 else 0]
                yield [l] + [[row[0], row[k + 1]] for row in rows if row[k + 1] != 0.0]

    return {element: list(shells(of_element)) for element, of_element in found.items()}


def weighted(x):
    x = np.asarray(x).ravel()
    return float(np.sum(np.sin(np.arange(1, x.size + 1)) * x))


def case(folder, name, atoms, charge, spin, basis_name, cartesian):
    mol = gto.M(atom=atoms, unit="B", charge=charge, spin=spin, basis=basis(folder, basis_name), cart=cartesian, verbose=0)
    mf = (scf.uhf.UHF if spin else scf.hf.RHF)(mol)  # not the class that leaves the field out for one electron
    mf.conv_tol, mf.conv_tol_grad = 1e-13, 1e-9
    mf.kernel()
    if spin:  # down to a minimum
        for _ in range(3):
            mf.kernel(mf.make_rdm1(mf.stability()[0], mf.mo_occ))
    assert mf.converged
    record = {
        "name": name, "basis": basis_name, "charge": charge, "multiplicity": spin + 1, "cartesian": cartesian,
        "symbols": [mol.atom_symbol(k) for k in range(mol.natm)], "positions_bohr": mol.atom_coords().tolist(),
        "functions": mol.nao, "energy_ha": float(mf.e_tot), "orbital_energies_ha": np.round(mf.mo_energy, 10).tolist(),
        "dipole_e_bohr": (mf.dip_moment(unit="AU", verbose=0)).tolist(), "gradient": mf.nuc_grad_method().kernel().tolist(),
        "spin_square": float(mf.spin_square()[0]),
    }
    if not cartesian:  # PySCF's Cartesian d functions have other norms
        record["sums"] = {
            "overlap": weighted(mol.intor("int1e_ovlp")), "kinetic": weighted(mol.intor("int1e_kin")),
            "attraction": weighted(mol.intor("int1e_nuc")), "dipole": [weighted(x) for x in mol.intor("int1e_r")],
            "second_moments": [weighted(mol.intor("int1e_rr")[k]) for k in (0, 1, 2, 4, 5, 8)],
            "repulsion": weighted(mol.intor("int2e", aosym="s8")),
        }
    return record


if __name__ == "__main__":
    print("[" + ",\n".join(json.dumps(case(sys.argv[1], *c)) for c in CASES) + "]")
