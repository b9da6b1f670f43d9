"""Widely used models in MuJoCo: prints `file 0 nq nv na nu qpos qvel act ctrl next free` for each that it loads.

    python physics_models.py

The models are those of the packages dm_control, gymnasium and metaworld of this interpreter that are files with a body that moves. `next` is the state after a step
from the reference with small random velocities and controls, `free` the same without contact: configuration, velocity and activation. Steps
are Euler's where the file asks for Runge-Kutta's, whose turns differ between releases, and solved to rounding.
"""

import importlib.util
import pathlib
import sys

import mujoco
import numpy as np

FOLDERS = [
    ("dm_control", "suite/*.xml"),
    ("gymnasium", "envs/mujoco/assets/*.xml"),
    ("metaworld", "assets/sawyer_xyz/*.xml"),
]


def stepped(model, start):
    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[:], data.act[:], data.ctrl[:] = start
    mujoco.mj_step(model, data)
    return [data.qpos, data.qvel, data.act]


def measure(path):
    model = mujoco.MjModel.from_xml_path(str(path))
    if model.nv == 0:
        return None
    if model.opt.integrator == mujoco.mjtIntegrator.mjINT_RK4:
        model.opt.integrator = mujoco.mjtIntegrator.mjINT_EULER
    model.opt.jacobian = mujoco.mjtJacobian.mjJAC_DENSE
    model.opt.solver = mujoco.mjtSolver.mjSOL_NEWTON
    model.opt.tolerance, model.opt.ls_tolerance, model.opt.iterations, model.opt.ls_iterations = 0, 1e-14, 500, 200
    model.opt.ccd_tolerance, model.opt.ccd_iterations = 1e-12, 500
    model.opt.noslip_iterations = 0
    random = np.random.default_rng(3)
    start = [model.qpos0, *(0.1 * random.uniform(-1, 1, n) for n in (model.nv, model.na, model.nu))]
    whole = stepped(model, start)
    model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONTACT
    free = stepped(model, start)
    sizes = [model.nq, model.nv, model.na, model.nu]
    return np.concatenate([sizes, *start, *whole, *free])


for package, pattern in FOLDERS:
    found = importlib.util.find_spec(package)
    for place in found.submodule_search_locations if found else []:
        for path in sorted(pathlib.Path(place).glob(pattern)):
            try:
                numbers = measure(path)
            except ValueError as why:  # a part that other files include
                print(path, str(why).splitlines()[0], file=sys.stderr)
                continue
            if numbers is not None:
                print(path, 0, *numbers)
