"""Models of dm_control in contact: for each prints `file step_seconds nq nv na nu qpos qvel act` and `file:jacobian seconds`.

    python physics_contact.py STEPS REPEATS

Written for mujoco 3.17.0, dm_control 1.0.50. The state is the one after so many steps from the reference under constant controls of 0.1, by when the model lies or stands on
the floor; there it is solved to rounding, and what is timed has the file's options: twenty steps from the state, and one-sided differences
for the derivatives. Steps are Euler's where the file asks for Runge-Kutta's.
"""

import importlib.util
import pathlib
import sys
import time

import mujoco
import numpy as np

from physics_settled import settled

MODELS = ["cheetah", "hopper", "quadruped", "humanoid", "humanoid_CMU"]
BATCH = 20

steps, repeats = int(sys.argv[1]), int(sys.argv[2])
folder = pathlib.Path(importlib.util.find_spec("dm_control").submodule_search_locations[0])


def timed(work):
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


for name in MODELS:
    path = folder / "suite" / f"{name}.xml"
    model, data, state = settled(path, steps)

    def back():
        data.qpos[:], data.qvel[:], data.act[:] = state

    def go():
        back()
        mujoco.mj_step(model, data, BATCH)

    sizes = [model.nq, model.nv, model.na, model.nu]
    print(path, timed(go) / BATCH, *sizes, *np.concatenate(state))
    size = 2 * model.nv + model.na
    a, b = np.zeros((size, size)), np.zeros((size, model.nu))
    back()
    mujoco.mj_forward(model, data)
    print(f"{path}:jacobian", timed(lambda: mujoco.mjd_transitionFD(model, data, 1e-6, 0, a, b, None, None)))
