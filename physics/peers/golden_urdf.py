"""Golden numbers of a robot of URDF on a floor from MuJoCo: accelerations and one step, solved to rounding.

    pip install mujoco==3.17.0
    python physics/peers/golden_urdf.py > physics/tests/data/gripper.json

The states reach beyond the limits, into the floor and into the robot itself, without and with forces from outside. What MuJoCo assumes of a URDF file holds: bodies fixed to each other are
fused, and visual shapes are left out.
"""

import json
import pathlib

import mujoco
import numpy as np

FILE = pathlib.Path(__file__).parent.parent / "tests" / "data" / "gripper.urdf"


def model():
    spec = mujoco.MjSpec.from_string(FILE.read_text())
    floor = spec.worldbody.add_geom()
    floor.type, floor.size = mujoco.mjtGeom.mjGEOM_PLANE, [1, 1, 1]
    spec.option.jacobian = mujoco.mjtJacobian.mjJAC_DENSE
    spec.option.iterations, spec.option.tolerance, spec.option.ls_iterations = 200, 1e-15, 100
    return spec.compile()


def main():
    m = model()
    random = np.random.default_rng(7)
    states = []
    for k in range(16):
        d = mujoco.MjData(m)
        # floating base, shoulder, elbow, finger
        turn = random.normal(size=4) * [0.2, 0.2, 0.2, 0.2] + [1, 0, 0, 0]
        height = random.uniform(0.0, 0.12) if k else 1.0
        d.qpos[:] = [*random.uniform(-1, 1, 2), height, *(turn / np.linalg.norm(turn)),
                     random.uniform(-1.4, 1.5), random.uniform(-3, 3), random.uniform(-0.05, 0.06)]
        d.qvel[:] = random.normal(size=m.nv) * 0.7
        start = {"qpos": d.qpos.tolist(), "qvel": d.qvel.tolist()}
        mujoco.mj_forward(m, d)
        start |= {"qacc": d.qacc.tolist(), "ncon": d.ncon}
        mujoco.mj_step(m, d)
        after = {"qpos": d.qpos.tolist(), "qvel": d.qvel.tolist()}
        # the same under a force and a torque on each body
        d.qpos[:], d.qvel[:] = start["qpos"], start["qvel"]
        d.xfrc_applied[1:] = random.normal(size=(m.nbody - 1, 6)) * 2
        mujoco.mj_forward(m, d)
        start |= {"external": d.xfrc_applied[1:].tolist(), "qacc_pushed": d.qacc.tolist()}
        states.append(start | {"next": after})
    print(json.dumps({"nbody": m.nbody, "timestep": m.opt.timestep, "qpos0": m.qpos0.tolist(), "states": states}))


main()
