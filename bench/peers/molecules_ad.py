"""Derivatives of molecules by automatic differentiation: prints `name cpu_seconds values...`.

    pip install pyscf==2.14.0 pyscfad==0.3.4 dftax==0.9.3 jax==0.10.2
    python molecules_ad.py pyscfad|dftax REPEATS

Molecules, basis set and functional are those of bench/src/area/dft/differentiated.rs. Every case is warm: it has been computed once, at the same
shapes, before it is timed. PySCFAD's line `memory` is the largest resident memory of the process in MiB, by the time of its first case.
"""
import resource
import sys

import one_thread

jax = one_thread.double_jax()
import numpy as np

WATER = [("O", (0, 0, 0.2217)), ("H", (0, 1.4309, -0.8867)), ("H", (0, -1.4309, -0.8867))]
FORMALDEHYDE = [("C", (0, 0, -0.99494)), ("O", (0, 0, 1.25553)), ("H", (0, 1.77048, -2.10307)), ("H", (0, -1.77048, -2.10307))]
BOHR = 0.529177210903
program, repeats = sys.argv[1], int(sys.argv[2])


def norm(x):
    return float(np.linalg.norm(np.asarray(x)))


def by_pyscfad():
    from pyscfad import dft, gto, scf

    def molecule(**traced):
        mol = gto.Mole()
        mol.atom, mol.unit, mol.basis, mol.verbose = WATER, "B", "6-31g*", 0
        mol.build(**traced)
        return mol

    def b3lyp(mol):
        found = dft.RKS(mol)
        found.xc, found.conv_tol = "b3lyp", 1e-9
        return found.kernel()

    def hartree_fock(mol):
        found = scf.RHF(mol)
        found.conv_tol = 1e-9
        return found.kernel()

    mol = molecule(trace_coords=True, trace_exp=False, trace_ctr_coeff=False)
    work = lambda: jax.block_until_ready(jax.value_and_grad(b3lyp)(mol))
    seconds = one_thread.best(work, repeats)
    energy, slopes = work()
    print("water-b3lyp", seconds, repr(float(energy)), repr(norm(slopes.coords)))
    print("memory", 0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    mol = molecule(trace_coords=True, trace_exp=True, trace_ctr_coeff=True)
    work = lambda: jax.block_until_ready(jax.value_and_grad(hartree_fock)(mol))
    seconds = one_thread.best(work, repeats)
    energy, slopes = work()
    print("water-basis", seconds, repr(float(energy)), repr(norm(slopes.coords)), np.size(slopes.exp), np.size(slopes.ctr_coeff), repr(norm(slopes.exp)))


def by_dftax():
    from dftax import KS, Molecule, forces, polarizability, scf
    from dftax.energy.xc import functional

    def molecule(atoms):
        lines = "; ".join(f"{s} " + " ".join(repr(x * BOHR) for x in r) for s, r in atoms)
        return Molecule.from_xyz(lines, "6-31g*")

    b3lyp = functional("B3LYP")
    mol = molecule(WATER)

    def field_and_forces():
        found = scf(KS(mol, b3lyp))
        return jax.block_until_ready((found.e_tot, forces(mol, b3lyp, found)))

    seconds = one_thread.best(field_and_forces, repeats)
    energy, slopes = field_and_forces()
    print("water-b3lyp", seconds, repr(float(energy)), repr(norm(slopes)), flush=True)
    mol = molecule(FORMALDEHYDE)
    answer = lambda: jax.block_until_ready(polarizability(mol, b3lyp))
    seconds = one_thread.best(answer, repeats)
    print("formaldehyde-polarisability", seconds, repr(float(np.trace(np.asarray(answer()))) / 3))


{"pyscfad": by_pyscfad, "dftax": by_dftax}[program]()
