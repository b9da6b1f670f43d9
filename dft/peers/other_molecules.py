#!/usr/bin/env python3
"""Molecules that ask something of a field: radicals, triplets, anions, bonds torn apart, near degenerate levels. By PySCF.

    pip install pyscf==2.14.0 numpy==2.4.6     (libxc 7.0.0)
    python other_molecules.py ../data/basis > ../tests/data/other_molecules.json

A second-order solver goes down every instability within the kind of orbitals until there is none. Basis sets are the crate's own files, grids of the
level given with NWChem's pruning, gradients with the response of the grid. `python other_molecules.py FOLDER all` makes the long list, which
the crate was compared with once; the short one, which it keeps, is marked. Angstrom in, atomic units out.
"""
import json
import sys

from molecules import basis
from pyscf import dft, gto, scf

# name, atoms in angstrom, charge, unpaired electrons, basis, functional or hf, unrestricted, grid level, kept
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
    ("ethanol", "C -1.19 -.24 0; C .05 .57 0; O 1.18 -.31 0; H 1.96 .26 0; H -2.08 .4 0; H -1.2 -.88 .89; H -1.2 -.88 -.89; H .05 1.22 .89; H .05 1.22 -.89", 0, 0, "6-31gs", "r2scan", False, 1, False),
    ("glycine", "N -1.75 .5 .1; C -.65 -.45 -.05; C .7 .25 0; O .8 1.45 .03; O 1.75 -.6 0; H -1.7 1.2 -.63; H -1.7 .95 1.0; H -.72 -1.0 -1.0; H -.7 -1.17 .78; H 2.58 -.1 0", 0, 0, "6-31g", "blyp", False, 1, False),
    ("C6H6", "C 1.395 0 0; C .6975 1.2081 0; C -.6975 1.2081 0; C -1.395 0 0; C -.6975 -1.2081 0; C .6975 -1.2081 0; H 2.48 0 0; H 1.24 2.1477 0; H -1.24 2.1477 0; H -2.48 0 0; H -1.24 -2.1477 0; H 1.24 -2.1477 0", 0, 0, "sto-3g", "pbe", False, 1, False),
    ("HeH2+", "He 0 0 0; H 0 0 .8; H 0 .1 1.7", 1, 0, "def2-tzvp", "hf", False, 1, False),
    ("CN", "C 0 0 0; N .1 0 1.17", 0, 1, "6-31gs", "pbe", True, 1, False),
    ("CN", "C 0 0 0; N .1 0 1.17", 0, 1, "cc-pvdz", "hf", True, 1, False),
    ("C2 spins apart", "C 0 0 0; C 0 .1 1.24", 0, 0, "cc-pvdz", "hf", True, 1, False),
    ("C2", "C 0 0 0; C 0 .1 1.24", 0, 0, "6-31gs", "b3lyp", False, 1, False),
    ("NH triplet", "N 0 0 0; H .3 0 1.0", 0, 2, "def2-tzvp", "r2scan", True, 2, False),
    ("HCO", "C 0 0 0; O 0 1.17 0; H .95 -.6 .1", 0, 1, "6-311ppgss", "blyp", True, 1, False),
    ("H2O torn", "O 0 0 0; H 0 1.9 1.4; H .2 -1.9 1.4", 0, 0, "6-31gs", "hf", True, 1, False),
    ("H2O torn", "O 0 0 0; H 0 1.9 1.4; H .2 -1.9 1.4", 0, 0, "6-31gs", "b3lyp", True, 1, False),
    ("Li torn from F", "Li 0 0 0; F 0 0 5.0", 0, 0, "6-31gs", "hf", True, 1, False),
]
NAMES = {"lda,vwn5": "lda", "lda,pw_mod": "lda-pw92"}


def field_of(mol, xc, unrestricted, level):
    if xc == "hf":
        return (scf.uhf.UHF if unrestricted else scf.hf.RHF)(mol)
    field = (dft.UKS if unrestricted else dft.RKS)(mol, xc=xc)
    field.grids.level = level
    return field


def lowest(mol, xc, unrestricted, level):
    """The minimum to which the default start leads, down every instability."""
    field = field_of(mol, xc, unrestricted, level)
    field.conv_tol, field.max_cycle = 1e-11, 100
    field.kernel()
    for _ in range(6):
        second = field.newton()
        second.conv_tol, second.conv_tol_grad, second.max_cycle = 1e-12, 1e-7, 200
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
    levels = field.mo_energy.tolist()
    return {
        "name": name, "basis": basis_name.replace("gs", "G*") if "311" not in basis_name else "6-311++G**",
        "functional": "" if xc == "hf" else NAMES.get(xc, xc), "charge": charge, "multiplicity": spin + 1,
        "unrestricted": unrestricted, "level": level, "converged": bool(field.converged), "stable": stable,
        "symbols": [mol.atom_symbol(k) for k in range(mol.natm)], "positions_bohr": mol.atom_coords().tolist(),
        "energy_ha": float(field.e_tot), "orbital_energies_ha": levels,
        "dipole_e_bohr": field.dip_moment(unit="AU", verbose=0).tolist(),
        "gradient": gradient.kernel().tolist(),
        "spin_square": float(field.spin_square()[0]) if unrestricted else 0.0,
    }


if __name__ == "__main__":
    wanted = [c for c in CASES if c[-1] or "all" in sys.argv[2:]]
    records = []
    for c in wanted:
        try:
            records.append(case(sys.argv[1], *c))
            print(c[0], c[4], c[5], records[-1]["energy_ha"], records[-1]["stable"], file=sys.stderr)
        except Exception as error:
            print(c[0], c[4], c[5], "failed:", repr(error), file=sys.stderr)
            if "all" not in sys.argv[2:]:
                raise
    print("[" + ",\n".join(json.dumps(r) for r in records) + "]")
