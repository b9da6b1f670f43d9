"""Steps of C MuJoCo, looped in C: prints `NAME cpu_seconds_a_step q...` of each model.

    python physics_mujoco.py STEPS REPEATS NAME=PATH...

Constraints are off and the integrator is Euler: the part of MuJoCo that Cotangent simulates.
"""

import sys
import time

import mujoco

steps, repeats = int(sys.argv[1]), int(sys.argv[2])
for argument in sys.argv[3:]:
    name, path = argument.split("=", 1)
    model = mujoco.MjModel.from_xml_path(path)
    model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONSTRAINT
    model.opt.integrator = mujoco.mjtIntegrator.mjINT_EULER
    data = mujoco.MjData(model)
    best = float("inf")
    for _ in range(repeats):
        mujoco.mj_resetData(model, data)
        data.ctrl[:] = 0.1
        start = time.process_time()
        mujoco.mj_step(model, data, steps)
        best = min(best, time.process_time() - start)
    print(name, best / steps, *data.qpos)
