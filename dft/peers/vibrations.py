"""Second derivatives, frequencies and thermochemistry of water in Hartree-Fock, by PySCF: numbers of dft/tests/molecules/hartree_fock.rs.

    pip install pyscf==2.14.0 numpy==2.4.6
    python vibrations.py ../data/basis

The basis set is the crate's own file. Masses are those of the commonest isotopes, also for translation and rotation. Atomic units, 1/cm.
"""
import sys
from pathlib import Path

import numpy as np
from pyscf import gto, scf
from pyscf.hessian import thermo

MASSES = {"H": 1.00782503223, "O": 15.99491461957}

text = (Path(sys.argv[1]) / "sto-3g.nw").read_text()
mol = gto.M(
    atom="O 0 0 0.2397; H 0 1.4325 -0.9588; H 0 -1.4325 -0.9588",
    unit="B",
    basis={symbol: gto.basis.parse(text, symbol) for symbol in MASSES},
    verbose=0,
)
mol.atom_mass_list = lambda isotope_avg=False: np.array([MASSES[mol.atom_pure_symbol(k)] for k in range(mol.natm)])
field = scf.RHF(mol)
field.conv_tol, field.conv_tol_grad = 1e-13, 1e-10
field.kernel()
hessian = field.Hessian().kernel()
n = 3 * mol.natm
for row in hessian.transpose(0, 2, 1, 3).reshape(n, n):
    print([round(float(x), 9) for x in row])
found = thermo.harmonic_analysis(mol, hessian, mass=mol.atom_mass_list())
print([float(x) for x in np.real(found["freq_wavenumber"])])
mol.symmetry = True  # for the symmetry number, 2
for name, value in thermo.thermo(field, found["freq_au"], 298.15, 101325).items():
    if name in ("ZPE", "S_tot", "H_tot", "G_tot", "sym_number"):
        print(name, value)
