"""Golden numbers of a model of tests/data from MuJoCo: its constraints are off.

    pip install mujoco==4.0.0
    python physics/peers/golden_mujoco.py zoo > physics/tests/data/zoo.json
    python physics/peers/golden_mujoco.py forces > physics/tests/data/forces.json

Implicit steps of actuators that a joint clamps are those of the release before, which keeps them in its matrix:

    pip install mujoco==3.17.0
    python physics/peers/golden_mujoco.py forces implicitfast > physics/tests/data/forces-implicitfast.json

So are those of models without balls, of which both releases take the same steps:

    python physics/peers/golden_mujoco.py actuators > physics/tests/data/actuators.json
    python physics/peers/golden_mujoco.py tendons > physics/tests/data/tendons.json
    python physics/peers/golden_mujoco.py windings > physics/tests/data/windings.json
    python physics/peers/golden_mujoco.py windings-inside > physics/tests/data/windings-inside.json
    python physics/peers/golden_mujoco.py transmissions Euler implicitfast > physics/tests/data/transmissions.json
    python physics/peers/golden_mujoco.py transmissions-hinged RK4 > physics/tests/data/transmissions-hinged.json

Tendons and windings have accelerations and steps under the constraints too. Transmissions, of a model with a ball, which RK4 turns otherwise in that
release and which the hinged model therefore has not, have the moments of each actuator, and of its length, velocity and force what sensors read.
"""

import json
import pathlib
import sys

import mujoco
import numpy as np

name, *methods = sys.argv[1:]
older = methods or name not in ("zoo", "forces")
assert mujoco.__version__ == ("3.17.0" if older else "4.0.0"), mujoco.__version__
methods = methods or ["Euler", "RK4"] + ["implicitfast"] * (name != "forces")
path = pathlib.Path(__file__).parent.parent / f"tests/data/{name}.xml"
model = mujoco.MjModel.from_xml_path(str(path))
model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONSTRAINT
data = mujoco.MjData(model)
random = np.random.default_rng(7)

states = []
for _ in range(4):
    mujoco.mj_resetData(model, data)
    qpos = data.qpos.copy()
    mujoco.mj_integratePos(model, qpos, random.uniform(-0.7, 0.7, model.nv), 1.0)
    qvel = random.uniform(-1.5, 1.5, model.nv)
    ctrl = random.uniform(-1.2, 1.2, model.nu)
    act = random.uniform(-1.2, 1.2, model.na)

    def reset():
        mujoco.mj_resetData(model, data)
        data.qpos[:], data.qvel[:], data.ctrl[:] = qpos, qvel, ctrl
        data.act[:] = act

    reset()
    model.opt.enableflags |= mujoco.mjtEnableBit.mjENBL_ENERGY
    mujoco.mj_forward(model, data)
    mass = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, mass)
    state = {
        "qpos": qpos, "qvel": qvel, "ctrl": ctrl, "M": mass,
        "qfrc_bias": data.qfrc_bias, "qacc": data.qacc, "energy": data.energy,
        "xpos": data.xpos[1:], "site_xpos": data.site_xpos,
        "site_xmat": data.site_xmat,
    }
    if model.na:
        state["act"] = act
    if name == "transmissions":
        moments = np.zeros((model.nu, model.nv))
        sparse = data.moment_rownnz, data.moment_rowadr, data.moment_colind
        mujoco.mju_sparse2dense(moments, data.actuator_moment, *sparse)
        state |= {"moments": moments, "qfrc_actuator": data.qfrc_actuator, "sensors": data.sensordata}
    state = {k: np.array(v).tolist() for k, v in state.items()}
    for method in methods:
        reset()
        model.opt.integrator = getattr(mujoco.mjtIntegrator, f"mjINT_{method.upper()}")
        mujoco.mj_step(model, data)
        state[method] = {"qpos": data.qpos.tolist(), "qvel": data.qvel.tolist()}
        if model.na:
            state[method]["act"] = data.act.tolist()
    if name in ("tendons", "windings", "windings-inside"):
        model.opt.disableflags &= ~int(mujoco.mjtDisableBit.mjDSBL_CONSTRAINT)
        model.opt.tolerance, model.opt.ls_tolerance = 0, 1e-14
        model.opt.iterations, model.opt.ls_iterations = 500, 200
        reset()
        mujoco.mj_forward(model, data)
        state["full"] = {"qacc": data.qacc.tolist(), "rows": data.nefc}
        state["step"] = {}
        for method in methods:
            reset()
            model.opt.integrator = getattr(mujoco.mjtIntegrator, f"mjINT_{method.upper()}")
            mujoco.mj_step(model, data)
            state["step"][method] = {"qpos": data.qpos.tolist(), "qvel": data.qvel.tolist()}
        model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONSTRAINT
    states.append(state)

print(json.dumps({"mujoco": mujoco.__version__, "model": f"{name}.xml", "states": states}))
