"""Geometries by geomeTRIC and pyberny with PySCF's Hartree-Fock in STO-3G: prints `peer-name cpu_seconds energies...`, the energies on the way.

    pip install pyscf==2.14.0 geometric==1.1.1 pyberny==0.7.0 numpy==2.4.6
    python geometry_pyscf.py

The molecules are those of geometries.json. Both stop at forces of 1e-5 hartree/bohr; neither searches beyond 100 fields.
"""
import json
import logging
import os
import time

import one_thread  # noqa: F401

from pyscf import gto, lib, scf
from pyscf.geomopt import berny_solver, geometric_solver

lib.num_threads(1)
logging.disable(logging.CRITICAL)
TIGHT = {
    "geometric": {f"convergence_{name}": value for name, value in
                  {"energy": 1e-3, "gmax": 1e-5, "grms": 1e-5, "dmax": 1e-2, "drms": 1e-2}.items()},
    "berny": {"gradientmax": 1e-5, "gradientrms": 1e-5, "stepmax": 1e-2, "steprms": 1e-2},
}
SOLVERS = {"geometric": geometric_solver, "berny": berny_solver}


def energies(peer, atoms):
    field = scf.RHF(gto.M(atom=atoms, basis="sto-3g", verbose=0))
    field.conv_tol = 1e-10
    on_the_way = []
    SOLVERS[peer].kernel(field, callback=lambda seen: on_the_way.append(float(seen["energy"])), maxsteps=100, **TIGHT[peer])
    return on_the_way


here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "geometries.json")) as file:
    molecules = json.load(file)
for name, atoms in molecules.items():
    for peer in SOLVERS:
        start = time.process_time()
        found = energies(peer, atoms)
        print(f"{peer}-{name.replace(' ', '-')}", time.process_time() - start, *map(repr, found), flush=True)
