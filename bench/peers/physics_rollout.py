"""A thousand steps in contact: for each model prints `file step_seconds nq nv na nu qpos qvel act`, the state where they begin.

    python physics_rollout.py BEFORE STEPS REPEATS FILE...

Written for mujoco 3.17.0, dm_control 1.0.50; a name without a folder is a model of dm_control. The state is the one after BEFORE steps from the reference under
constant controls of 0.1, solved to rounding; what is timed, STEPS steps from there, has the file's options. Steps are Euler's where the file
asks for Runge-Kutta's.
"""

import importlib.util
import pathlib
import sys
import time

import mujoco
import numpy as np

from physics_settled import settled

before, steps, repeats = map(int, sys.argv[1:4])


def found(name):
    if "/" in name:
        return pathlib.Path(name)
    folder = pathlib.Path(importlib.util.find_spec("dm_control").submodule_search_locations[0])
    return folder / "suite" / f"{name}.xml"


for path in map(found, sys.argv[4:]):
    model, data, state = settled(path, before)
    best = float("inf")
    for _ in range(repeats):
        data.qpos[:], data.qvel[:], data.act[:] = state
        data.qacc_warmstart[:] = 0
        start = time.process_time()
        mujoco.mj_step(model, data, steps)
        best = min(best, time.process_time() - start)
    sizes = [model.nq, model.nv, model.na, model.nu]
    print(path, best / steps, *sizes, *np.concatenate(state))
