"""A step in contact of C MuJoCo, and its derivatives by one-sided differences: prints `step cpu_seconds qpos...` and `jacobian cpu_seconds A...`.

    python physics_transition.py PATH STEPS REPEATS

The state is the one after STEPS from the reference under constant controls of 0.1. It and the derivatives that are printed are solved to
rounding, the latter by centered differences; what is timed has the file's options.
"""

import sys
import time

import mujoco
import numpy as np

path, steps, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
model = mujoco.MjModel.from_xml_path(path)
data = mujoco.MjData(model)


def converged(yes, usual=(model.opt.tolerance, model.opt.ls_tolerance, model.opt.iterations, model.opt.ls_iterations)):
    """Solves to rounding, or as the file says."""
    model.opt.tolerance, model.opt.ls_tolerance, model.opt.iterations, model.opt.ls_iterations = (0, 1e-12, 200, 200) if yes else usual


converged(True)
data.ctrl[:] = 0.1
mujoco.mj_step(model, data, steps)
qpos, qvel = data.qpos.copy(), data.qvel.copy()
size = 2 * model.nv + model.na
a, b = np.zeros((size, size)), np.zeros((size, model.nu))
best = [float("inf"), float("inf")]
converged(False)
for _ in range(repeats):
    data.qpos[:], data.qvel[:] = qpos, qvel
    start = time.process_time()
    mujoco.mj_step(model, data, 20)
    best[0] = min(best[0], (time.process_time() - start) / 20)
    data.qpos[:], data.qvel[:] = qpos, qvel
    mujoco.mj_forward(model, data)
    start = time.process_time()
    mujoco.mjd_transitionFD(model, data, 1e-6, 0, a, b, None, None)
    best[1] = min(best[1], time.process_time() - start)
converged(True)
data.qpos[:], data.qvel[:] = qpos, qvel
mujoco.mj_forward(model, data)
mujoco.mjd_transitionFD(model, data, 1e-6, 1, a, b, None, None)
print("step", best[0], *qpos)
print("jacobian", best[1], *a.ravel())
