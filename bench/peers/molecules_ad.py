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


def by_exponents():
    """Central differences of PySCF's energy by the exponents of each element, whose functions are normalised at each."""
    from pyscf import gto, scf

    def energy(shells):
        found = scf.RHF(gto.M(atom=WATER, unit="B", basis=shells, verbose=0))
        found.conv_tol = 1e-13
        return found.kernel()

    def moved(element, shell, primitive, step):
        shells = {e: gto.basis.load("6-31g*", e) for e in "OH"}
        shells[element][shell][primitive][0] += step
        return energy(shells)

    slopes = []
    for element in "OH":
        for i, shell in enumerate(gto.basis.load("6-31g*", element)):
            for j, primitive in enumerate(shell[1:], 1):
                h = 1e-4 * primitive[0]
                slopes.append((moved(element, i, j, h) - moved(element, i, j, -h)) / (2 * h))
    return slopes


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
    assert np.size(slopes.exp) == np.size(slopes.ctr_coeff) == 19
    # PySCFAD's own derivatives by exponents, of length 0.0930, leave out how functions are normalised
    print("water-basis", seconds, repr(float(energy)), repr(norm(slopes.coords)), repr(norm(by_exponents())))


def by_dftax():
    # no forces: those of water had not compiled after a quarter of an hour. Integrals are fitted, as by default. What is compiled asks for many
    # small pieces of memory: sysctl -w vm.max_map_count=1048576, or it ends in "LLVM ERROR: Unable to allocate section memory!"
    from dftax import KS, Molecule, scf
    from dftax.energy.xc import functional

    for name, atoms in (("water", WATER), ("formaldehyde", FORMALDEHYDE)):
        lines = "; ".join(f"{s} " + " ".join(repr(x * BOHR) for x in r) for s, r in atoms)
        mol = Molecule.from_xyz(lines, "6-31g*")
        build = lambda: KS(mol, functional("B3LYP"))
        print(f"{name}-integrals", one_thread.best(lambda: jax.block_until_ready(jax.tree_util.tree_leaves(build())), 1), flush=True)
        ks = build()
        work = lambda: jax.block_until_ready(scf(ks).e_tot)
        print(f"{name}-field", one_thread.best(work, repeats), repr(float(work())), flush=True)
        print(f"{name}-polarisability", *polarisability_by_dftax(ks), flush=True)


def polarisability_by_dftax(ks):
    """What dftax's `polarizability(method="analytic")` does once its integrals are there, which it computes anew in each call."""
    import equinox as eqx
    import jax.numpy as jnp
    from dftax.integrals.multipole import dipole_matrices
    from dftax.ks.implicit import implicit_density

    moments = dipole_matrices(ks.basis, (0.0, 0.0, 0.0))

    def dipole(field):
        inside = eqx.tree_at(lambda k: k.hcore, ks, ks.hcore + jnp.einsum("i,ipq->pq", field, moments))
        return -jnp.einsum("ipq,pq->i", moments, implicit_density(inside))

    work = lambda: jax.block_until_ready(jax.jacobian(dipole)(jnp.zeros(3)))
    return one_thread.best(work, repeats), repr(norm(work()))


{"pyscfad": by_pyscfad, "dftax": by_dftax}[program]()
