"""What MuJoCo's sensors read in states of a model of tests/data, under converged constraints: of sensors, of ranges, or of meshes.

    pip install mujoco==3.17.0
    python physics/peers/golden_sensors.py sensors > physics/tests/data/sensors.json
    python physics/peers/golden_sensors.py ranges > physics/tests/data/ranges.json
    python physics/peers/golden_sensors.py meshes > physics/tests/data/meshes.json
"""

import json
import pathlib
import sys

import mujoco
import numpy as np

assert mujoco.__version__ == "3.17.0", mujoco.__version__
name = sys.argv[1]
path = pathlib.Path(__file__).parent.parent / f"tests/data/{name}.xml"
model = mujoco.MjModel.from_xml_path(str(path))
model.opt.tolerance, model.opt.ls_tolerance = 0, 1e-14
model.opt.iterations, model.opt.ls_iterations = 500, 200
data = mujoco.MjData(model)
random = np.random.default_rng(11)

states = []
for k in range(4):
    mujoco.mj_resetData(model, data)
    qpos = data.qpos.copy()
    step = random.uniform(-0.7, 0.7, model.nv)
    if name != "sensors":
        # rays go on meeting what they are aimed at
        step *= 0.15
    else:
        # the box stays near the floor: four corners of it touch, two, one, none
        step[:2] *= 0.3
        step[2] = (-0.002, 0.02, 0.05, 0.3)[k]
        step[3:5] = ((0.0, 0.0), (0.0, 0.12), (0.15, 0.2), (0.1, 0.1))[k]
        step[5] *= 1.5
        # the bead beyond its stop once
        step[10] = (0.05, 0.21, -0.1, 0.1)[k]
        # the toe last
        step[11] = (0.1, 0.05, -0.2, 0.3)[k]
    mujoco.mj_integratePos(model, qpos, step, 1.0)
    qvel = random.uniform(-1.5, 1.5, model.nv)
    qvel[2] = -0.5 if name == "sensors" else qvel[2]
    ctrl = random.uniform(-0.9, 0.9, model.nu)
    data.qpos[:], data.qvel[:], data.ctrl[:] = qpos, qvel, ctrl
    mujoco.mj_forward(model, data)
    readings = {}
    for i in range(model.nsensor):
        first = model.sensor_adr[i]
        entries = data.sensordata[first : first + model.sensor_dim[i]]
        readings[model.sensor(i).name] = entries.tolist()
    states.append(
        {
            "qpos": qpos.tolist(), "qvel": qvel.tolist(), "ctrl": ctrl.tolist(), "contacts": data.ncon,
            "readings": readings,
        }
    )

print(json.dumps({"mujoco": mujoco.__version__, "model": f"{name}.xml", "states": states}))
