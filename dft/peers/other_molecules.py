#!/usr/bin/env python3
"""Molecules that ask something of a field: radicals, triplets, anions, bonds torn apart, near degenerate levels. By PySCF.

    pip install pyscf==2.14.0 numpy==2.4.6     (libxc 7.0.0)
    python other_molecules.py ../data/basis > ../tests/data/other_molecules.json
    python other_molecules.py ../data/basis long > ../tests/data/other_molecules_long.json

A second-order solver goes down every instability within the kind of orbitals until there is none, from several starts where spins part in a
singlet. Basis sets are the crate's own files, grids of the
level given with NWChem's pruning, gradients with the response of the grid. The marked cases are the crate's tests; the others, with
`long`, are compared by `cotangent-bench verify dft`. Angstrom in, atomic units out.
"""
import json
import sys

import numpy as np
from molecules import basis
from pyscf import dft, gto, scf

# name, atoms in angstrom, charge, unpaired electrons, basis, functional or hf, unrestricted, grid level, a test of the crate
CASES = [
    ("CH3", "C 0 0 0; H 1.08 0 0; H -.54 .9353 0; H -.54 -.9353 0", 0, 1, "6-31gs", "hf", True, 1, True),
    ("CH2 singlet", "C 0 0 0; H .86 0 .7; H -.86 0 .7", 0, 0, "def2-svp", "b3lyp", False, 1, False),
    ("CH2 triplet", "C 0 0 0; H .99 0 .42; H -.99 0 .42", 0, 2, "cc-pvdz", "pbe", True, 1, False),
    ("N2 torn", "N 0 0 0; N 0 0 2.1", 0, 0, "6-31gs", "pbe", True, 1, True),
    ("N2 torn", "N 0 0 0; N 0 0 2.1", 0, 0, "6-31gs", "hf", True, 1, True),
    ("F2 torn", "F 0 0 0; F 0 0 1.9", 0, 0, "cc-pvdz", "hf", True, 1, True),
    ("O3", "O 0 0 0; O 1.08 .67 0; O -1.08 .67 0", 0, 0, "6-31gs", "b3lyp", False, 1, False),
    ("O3 spins apart", "O 0 0 0; O 1.08 .67 0; O -1.08 .67 0", 0, 0, "6-31gs", "hf", True, 1, False),
    ("NO2", "N 0 0 0; O 1.1 .47 0; O -1.1 .47 0", 0, 1, "6-311ppgss", "pbe0", True, 1, False),
    ("SO2", "S 0 0 0; O 1.24 .72 0; O -1.24 .72 0", 0, 0, "def2-tzvp", "b3lyp", False, 1, False),
    ("OH-", "O 0 0 0; H 0 .2 .95", -1, 0, "6-311ppgss", "pbe", False, 1, True),
    ("Li2", "Li 0 0 0; Li 0 0 3.4", 0, 0, "cc-pvtz", "b3lyp", False, 1, False),
    ("C", "C 0 0 0", 0, 2, "cc-pvtz", "pbe", True, 1, False),
    ("O", "O 0 0 0", 0, 2, "def2-svp", "b3lyp", True, 1, False),
    ("S", "S 0 0 0", 0, 2, "6-31gs", "lda,vwn5", True, 1, False),
    ("Al", "Al 0 0 0", 0, 1, "def2-svp", "pbe0", True, 1, False),
    ("F", "F 0 0 0", 0, 1, "cc-pvdz", "hf", True, 1, True),
    ("B", "B 0 0 0", 0, 1, "def2-svp", "r2scan", True, 3, False),
    ("NaCl", "Na 0 0 0; Cl .3 0 2.36", 0, 0, "def2-tzvp", "pbe0", False, 1, False),
    ("MgO", "Mg 0 0 0; O 0 0 1.75", 0, 0, "def2-svp", "b3lyp", False, 1, False),
    ("BeH", "Be 0 0 0; H 0 0 1.34", 0, 1, "cc-pvtz", "blyp", True, 1, False),
    ("C2H4 twisted", "C 0 0 .67; C 0 0 -.67; H .92 0 1.23; H -.92 0 1.23; H 0 .92 -1.23; H 0 -.92 -1.23", 0, 0, "6-31gs", "hf", True, 1, False),
    ("C2H4 twisted", "C 0 0 .67; C 0 0 -.67; H .92 0 1.23; H -.92 0 1.23; H 0 .92 -1.23; H 0 -.92 -1.23", 0, 0, "6-31gs", "b3lyp", True, 1, False),
    ("C4H4 square", "C .72 .72 0; C -.72 .72 0; C -.72 -.72 0; C .72 -.72 0; H 1.48 1.48 0; H -1.48 1.48 0; H -1.48 -1.48 0; H 1.48 -1.48 0", 0, 0, "sto-3g", "hf", True, 1, False),
    ("allyl", "C 0 .44 0; C 1.21 -.2 0; C -1.21 -.2 0; H 0 1.52 0; H 1.3 -1.28 0; H -1.3 -1.28 0; H 2.14 .35 0; H -2.14 .35 0", 0, 1, "6-31gs", "hf", True, 1, False),
    ("H2O+", "O 0 0 .11; H 0 .8 -.45; H 0 -.8 -.45", 1, 1, "cc-pvdz", "r2scan", True, 1, True),
    ("N2+", "N 0 0 0; N .3 0 1.1", 1, 1, "def2-svp", "pbe0", True, 1, True),
    ("O2-", "O 0 0 0; O .1 0 1.35", -1, 1, "6-311ppgss", "b3lyp", True, 1, False),
    ("ClO2", "Cl 0 0 0; O 1.24 .76 0; O -1.24 .76 0", 0, 1, "6-31gs", "b3lyp", True, 1, False),
    ("NO", "N 0 0 0; O .2 0 1.15", 0, 1, "def2-svp", "r2scan", True, 1, False),
    ("SiH4", "Si 0 0 0; H .86 .86 .86; H -.86 -.86 .86; H .86 -.86 -.86; H -.86 .86 -.86", 0, 0, "def2-tzvp", "lda,pw_mod", False, 1, False),
    ("PH3", "P 0 0 0; H 1.19 0 .77; H -.6 1.03 .77; H -.6 -1.03 .77", 0, 0, "6-31gs", "r2scan", False, 1, False),
    ("C6H6", "C 1.395 0 0; C .6975 1.2081 0; C -.6975 1.2081 0; C -1.395 0 0; C -.6975 -1.2081 0; C .6975 -1.2081 0; H 2.48 0 0; H 1.24 2.1477 0; H -1.24 2.1477 0; H -2.48 0 0; H -1.24 -2.1477 0; H 1.24 -2.1477 0", 0, 0, "sto-3g", "pbe", False, 1, False),
    ("HeH2+", "He 0 0 0; H 0 0 .8; H 0 .1 1.7", 1, 1, "def2-tzvp", "hf", True, 1, False),
    ("CN", "C 0 0 0; N .1 0 1.17", 0, 1, "6-31gs", "pbe", True, 1, False),
    ("CN", "C 0 0 0; N .1 0 1.17", 0, 1, "cc-pvdz", "hf", True, 1, False),
    ("C2 spins apart", "C 0 0 0; C 0 .1 1.24", 0, 0, "cc-pvdz", "hf", True, 1, False),
    ("C2", "C 0 0 0; C 0 .1 1.24", 0, 0, "6-31gs", "b3lyp", False, 1, False),
    ("NH triplet", "N 0 0 0; H .3 0 1.0", 0, 2, "def2-tzvp", "r2scan", True, 2, False),
    ("HCO", "C 0 0 0; O 0 1.17 0; H .95 -.6 .1", 0, 1, "6-311ppgss", "blyp", True, 1, False),
    ("H2O torn", "O 0 0 0; H 0 1.9 1.4; H .2 -1.9 1.4", 0, 0, "6-31gs", "hf", True, 1, False),
    ("H2O torn", "O 0 0 0; H 0 1.9 1.4; H .2 -1.9 1.4", 0, 0, "6-31gs", "b3lyp", True, 1, False),
    ("Li torn from F", "Li 0 0 0; F 0 0 5.0", 0, 0, "6-31gs", "hf", True, 1, False),
    ("NH2", "N 0 0 .14; H 0 .8 -.5; H 0 -.8 -.5", 0, 1, "def2-svp", "b3lyp", True, 1, True),
    ("CH", "C 0 0 0; H .2 0 1.1", 0, 1, "cc-pvdz", "pbe", True, 1, True),
    ("CN-", "C 0 0 0; N .1 0 1.18", -1, 0, "6-311ppgss", "b3lyp", False, 1, False),
    ("SiH2 triplet", "Si 0 0 0; H 1.25 0 .78; H -1.25 0 .78", 0, 2, "def2-tzvp", "pbe0", True, 1, False),
    ("HO2", "O 0 0 0; O 1.33 0 0; H -.25 .94 0", 0, 1, "6-31gs", "r2scan", True, 1, False),
    ("H3O+", "O 0 0 .1; H .94 0 -.2; H -.47 .81 -.2; H -.47 -.81 -.2", 1, 0, "cc-pvtz", "hf", False, 1, False),
    ("NO-", "N 0 0 0; O .1 0 1.26", -1, 2, "6-311ppgss", "blyp", True, 1, False),
    ("S2", "S 0 0 0; S 0 .2 1.9", 0, 2, "6-31gs", "pbe", True, 1, False),
    ("P4", "P .78 .78 .78; P -.78 -.78 .78; P .78 -.78 -.78; P -.78 .78 -.78", 0, 0, "sto-3g", "lda,vwn5", False, 1, False),
    ("SF6", "S 0 0 0; F 1.57 0 0; F -1.57 0 0; F 0 1.57 0; F 0 -1.57 0; F 0 0 1.57; F 0 0 -1.57", 0, 0, "6-31g", "b3lyp", False, 1, False),
    ("Be2", "Be 0 0 0; Be 0 0 2.45", 0, 0, "cc-pvtz", "hf", False, 1, False),
    ("Be2 spins apart", "Be 0 0 0; Be 0 0 2.45", 0, 0, "cc-pvdz", "pbe", True, 1, False),
    ("HF torn", "H 0 0 0; F .2 0 2.4", 0, 0, "def2-svp", "b3lyp", True, 1, True),
    ("C2H6 torn", "C 0 0 1.7; C 0 0 -1.7; H 1.05 0 1.95; H -.53 .91 1.95; H -.53 -.91 1.95; H -1.05 0 -1.95; H .53 .91 -1.95; H .53 -.91 -1.95", 0, 0, "6-31gs", "hf", True, 1, False),
    ("H4 square", "H .8 .8 0; H -.8 .8 0; H -.8 -.8 0; H .8 -.8 0", 0, 0, "cc-pvtz", "b3lyp", True, 1, False),
    ("H4 square", "H .8 .8 0; H -.8 .8 0; H -.8 -.8 0; H .8 -.8 0", 0, 0, "cc-pvdz", "hf", False, 1, True),
    ("H3", "H 0 0 -.93; H 0 0 0; H 0 0 .93", 0, 1, "def2-tzvp", "b3lyp", True, 1, False),
    ("pyridine", "N 1.42 0 0; C .72 1.14 0; C -.67 1.19 0; C -1.38 0 0; C -.67 -1.19 0; C .72 -1.14 0; H 1.3 2.06 0; H -1.18 2.15 0; H -2.47 0 0; H -1.18 -2.15 0; H 1.3 -2.06 0", 0, 0, "6-31gs", "pbe", False, 1, False),
    ("benzyl", "C 1.4 0 0; C .72 1.21 0; C -.67 1.21 0; C -1.37 0 0; C -.67 -1.21 0; C .72 -1.21 0; C 2.8 0 0; H 1.27 2.15 0; H -1.21 2.16 0; H -2.46 0 0; H -1.21 -2.16 0; H 1.27 -2.15 0; H 3.36 .93 0; H 3.36 -.93 0", 0, 1, "sto-3g", "b3lyp", True, 1, False),
    ("alanine", "N -1.5 .9 .3; C -.45 -.1 .35; C .85 .5 -.2; O 1.0 1.7 -.4; O 1.8 -.4 -.45; C -.85 -1.35 -.45; H -1.6 1.25 -.65; H -2.4 .5 .6; H -.25 -.4 1.38; H 2.6 .1 -.8; H -1.75 -1.8 0; H -.05 -2.1 -.4; H -1.05 -1.1 -1.5", 0, 0, "6-31g", "pbe0", False, 1, False),
    ("BN", "B 0 0 0; N 0 .1 1.28", 0, 0, "cc-pvdz", "b3lyp", False, 1, False),
    ("BN triplet", "B 0 0 0; N 0 .1 1.33", 0, 2, "cc-pvdz", "hf", True, 1, True),
    ("AlO", "Al 0 0 0; O 0 .1 1.62", 0, 1, "def2-svp", "pbe0", True, 1, False),
    ("ClO", "Cl 0 0 0; O 0 .1 1.58", 0, 1, "cc-pvdz", "b3lyp", True, 1, False),
    ("TMM triplet", "C 0 0 0; C 0 1.41 0; C 1.2211 -.705 0; C -1.2211 -.705 0; H .93 1.97 0; H -.93 1.97 0; H 1.241 -1.79 0; H 2.171 -.18 0; H -1.241 -1.79 0; H -2.171 -.18 0", 0, 2, "6-31gs", "pbe", True, 1, False),
    ("p-benzyne", "C 0 1.33 0; C 0 -1.33 0; C 1.2 .71 0; C -1.2 .71 0; C 1.2 -.71 0; C -1.2 -.71 0; H 2.16 1.23 0; H -2.16 1.23 0; H 2.16 -1.23 0; H -2.16 -1.23 0", 0, 0, "6-31gs", "b3lyp", True, 1, False),
    ("O2 singlet", "O 0 0 0; O .1 0 1.21", 0, 0, "def2-svp", "hf", False, 1, True),
    ("Si2 triplet", "Si 0 0 0; Si 0 .1 2.27", 0, 2, "6-31gs", "b3lyp", True, 1, False),
    ("Al2 triplet", "Al 0 0 0; Al 0 .1 2.6", 0, 2, "def2-svp", "hf", True, 1, False),
    ("Li3", "Li 0 1.3 0; Li 1.5 -.7 0; Li -1.5 -.7 .1", 0, 1, "cc-pvdz", "pbe", True, 1, False),
    ("Na2+", "Na 0 0 0; Na 0 0 3.6", 1, 1, "def2-tzvp", "b3lyp", True, 1, False),
    ("Cl2-", "Cl 0 0 0; Cl 0 .1 2.7", -1, 1, "6-311ppgss", "pbe0", True, 1, False),
    ("LiF torn", "Li 0 0 0; F 0 0 4.0", 0, 0, "cc-pvdz", "hf", False, 1, False),
    ("ArH+", "Ar 0 0 0; H 0 .2 1.27", 1, 0, "def2-tzvp", "r2scan", False, 1, False),
    ("HCN", "H 0 0 -1.07; C 0 0 0; N 0 .05 1.16", 0, 0, "cc-pvtz", "lda,pw_mod", False, 1, False),
    ("CO torn", "C 0 0 0; O .2 0 2.3", 0, 0, "6-31gs", "pbe0", True, 1, False),
    ("ClF3", "Cl 0 0 0; F 0 0 1.6; F 1.7 0 .07; F -1.7 0 .07", 0, 0, "6-31gs", "b3lyp", False, 1, False),
    ("Si", "Si 0 0 0", 0, 2, "cc-pvdz", "r2scan", True, 2, False),
]
NAMES = {"lda,vwn5": "lda", "lda,pw_mod": "lda-pw92"}


def field_of(mol, xc, unrestricted, level):
    if xc == "hf":
        return (scf.uhf.UHF if unrestricted else scf.hf.RHF)(mol)
    field = (dft.UKS if unrestricted else dft.RKS)(mol, xc=xc)
    field.grids.level = level
    return field


def starts(mol, xc, unrestricted, level):
    """Densities to start from: the default one, and for spins apart in a singlet the highest orbital mixed with each of three empty ones,
    one way for spin up and the other for spin down: no stability analysis leads from a closed shell to some of the minima beyond."""
    yield None
    if unrestricted and mol.spin == 0:
        closed = field_of(mol, xc, False, level)
        closed.kernel()
        half = mol.nelectron // 2
        for empty in range(half, min(half + 3, mol.nao)):
            spins = []
            for sign in (1.0, -1.0):
                mixed = closed.mo_coeff[:, :half].copy()
                mixed[:, -1] = np.cos(0.5) * mixed[:, -1] + sign * np.sin(0.5) * closed.mo_coeff[:, empty]
                spins.append(mixed @ mixed.T)
            yield np.array(spins)


def lowest(*case):
    """The lowest minimum to which the starts lead."""
    return min((down(start, *case) for start in starts(*case)), key=lambda found: found[0].e_tot)


def down(start, mol, xc, unrestricted, level):
    """The minimum to which a start leads, down every instability."""
    field = field_of(mol, xc, unrestricted, level)
    field.conv_tol, field.max_cycle = 1e-11, 100
    field.kernel(start)
    for _ in range(6):
        second = field.newton()
        second.conv_tol, second.conv_tol_grad, second.max_cycle = 1e-10, 3e-7, 60
        orbitals = field.mo_coeff if field.mo_coeff is not None else None
        second.kernel(orbitals, field.mo_occ)
        turned = second.stability(return_status=True)
        field = second
        if turned[2]:
            break
        field.mo_coeff = turned[0]
    return field, bool(turned[2])


def case(folder, name, atoms, charge, spin, basis_name, xc, unrestricted, level, _kept):
    mol = gto.M(atom=atoms, unit="B", charge=charge, spin=spin, basis=basis(folder, basis_name), verbose=0)
    mol.set_geom_(mol.atom_coords() / 0.529177210544, unit="B")  # the crate's angstrom
    field, stable = lowest(mol, xc, unrestricted, level)
    if xc == "hf":
        plain = field.undo_newton() if hasattr(field, "undo_newton") else field
    else:
        plain = field.undo_newton()
    gradient = plain.nuc_grad_method()
    if xc != "hf":
        gradient.grid_response = True
    return {
        "name": name, "basis": basis_name.replace("gs", "G*") if "311" not in basis_name else "6-311++G**",
        "functional": "" if xc == "hf" else NAMES.get(xc, xc), "charge": charge, "multiplicity": spin + 1,
        "unrestricted": unrestricted, "level": level, "converged": bool(field.converged), "stable": stable,
        "symbols": [mol.atom_symbol(k) for k in range(mol.natm)], "positions_bohr": mol.atom_coords().tolist(),
        "energy_ha": float(field.e_tot),
        "dipole_e_bohr": field.dip_moment(unit="AU", verbose=0).tolist(),
        "gradient": gradient.kernel().tolist(),
        "spin_square": float(field.spin_square()[0]) if unrestricted else 0.0,
    }


if __name__ == "__main__":
    wanted = [c for c in CASES if c[-1] != ("long" in sys.argv[2:])]
    records = []
    for c in wanted:
        records.append(case(sys.argv[1], *c))
        print(c[0], c[4], c[5], records[-1]["energy_ha"], records[-1]["stable"], file=sys.stderr)
    print("[" + ",\n".join(json.dumps(r) for r in records) + "]")
