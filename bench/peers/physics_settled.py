"""Where a model of contact is timed: on the floor, after some steps under constant controls of 0.1, solved to rounding.

Written for mujoco 3.17.0. Steps are Euler's where the file asks for Runge-Kutta's.
"""

import mujoco


def settled(path, steps):
    """The model, its data and their state `(qpos, qvel, act)` after `steps` from the reference; the model has the file's options again."""
    model = mujoco.MjModel.from_xml_path(str(path))
    if model.opt.integrator == mujoco.mjtIntegrator.mjINT_RK4:
        model.opt.integrator = mujoco.mjtIntegrator.mjINT_EULER
    data = mujoco.MjData(model)
    data.ctrl[:] = 0.1
    usual = model.opt.tolerance, model.opt.ls_tolerance, model.opt.iterations
    model.opt.tolerance, model.opt.ls_tolerance, model.opt.iterations = 0, 1e-12, 200
    mujoco.mj_step(model, data, steps)
    model.opt.tolerance, model.opt.ls_tolerance, model.opt.iterations = usual
    return model, data, [data.qpos.copy(), data.qvel.copy(), data.act.copy()]
