"""Golden numbers of cylinders that touch capsules, cylinders and boxes from MuJoCo: accelerations and one step, solved to rounding.

    pip install mujoco==3.17.0
    python physics/peers/golden_cylinders.py > physics/tests/data/cylinders.json

At any angle, where there is one point, and with a flat side of one on a flat side or a line of the other, where there are up to four. Of a cap
MuJoCo keeps four of the corners of a polygon; where several choices span the same area its own is one of rounding. The line that it lays on a
flat side is up to a degree away from that which points there. Its normals are off by up to 2e-5. So there are states only at which its choice
stands when the state is moved by 1e-9, its line points to the side, and its normal is right to 2e-6.
"""

import json
import re
import sys

import mujoco
import numpy as np

from golden_constraints import contact_model, states

assert mujoco.__version__ == "3.17.0", mujoco.__version__

# how the second shape lies over a cylinder that stands: its turn and its height
ANY = {"capsule": ("35 20 10", 0.24), "cylinder": ("40 -20 15", 0.21), "box": ("30 25 -10", 0.24)}
# on it, and beside it, nearly along each other: turn, place, and the points that they share
ALONG = {
    "capsule": [("0 0 0", "0.145 0.02 0.04", 1)],
    "cylinder": [
        ("0 0 0", "0.06 0.045 0.215", 4),
        ("0 0 0", "0.175 0.02 0.04", 1), ("90 0 0", "0.175 0.02 0.04", 1),
    ],
    "box": [("0 0 0", "0.06 0.045 0.235", 4), ("0 90 0", "0.06 0.045 0.215", 4), ("0 0 0", "0.195 0.02 0.04", 2)],
}


def placed(random, second, cone, dim, turn, place):
    xml = contact_model(random, "cylinder", second, cone, dim, "standard")
    if turn != ANY[second][0]:
        xml = re.sub('margin="[^"]*"', "", xml)
    return xml.replace('<body pos="0 0 0.18"><freejoint/>', f'<body pos="{place}" euler="{turn}"><freejoint/>')


def points(data):
    return np.array([np.concatenate([[c.dist], c.pos, c.frame[:3]]) for c in data.contact[: data.ncon]])


def stands(model, data, random):
    """Whether the contacts move little with the state."""
    here, other = points(data), mujoco.MjData(model)
    for _ in range(12):
        other.qpos[:] = data.qpos
        mujoco.mj_integratePos(model, other.qpos, 1e-9 * random.uniform(-1, 1, model.nv), 1.0)
        mujoco.mj_forward(model, other)
        if len(here) != other.ncon or np.abs(points(other) - here).max() > 1e-6:
            return False
    return True


def is_right(model, data, random):
    """Whether no direction near the normal separates the shapes more."""
    geoms = data.contact[0].geom1, data.contact[0].geom2

    def reach(geom, n):
        x, size, kind = data.geom_xmat[geom].reshape(3, 3).T @ n, model.geom_size[geom], model.geom_type[geom]
        if kind == mujoco.mjtGeom.mjGEOM_BOX:
            return np.abs(x) @ size
        along = size[1] * abs(x[2])
        return along + size[0] * (1 if kind == mujoco.mjtGeom.mjGEOM_CAPSULE else np.hypot(x[0], x[1]))

    def gap(n):
        return (data.geom_xpos[geoms[1]] - data.geom_xpos[geoms[0]]) @ n - reach(geoms[0], n) - reach(geoms[1], n)

    start = best = np.array(data.contact[0].frame[:3])
    width = 1e-3
    while width > 1e-8:
        n = best + width * random.normal(size=3)
        n /= np.linalg.norm(n)
        if gap(n) > gap(best):
            best = n
        else:
            width *= 0.99
    return np.abs(best - start).max() < 2e-6


def points_there(model, data):
    """Whether lines on a flat side are those that point along the normal."""
    for contact in data.contact[: data.ncon]:
        for sign, geom in ((1, contact.geom1), (-1, contact.geom2)):
            turn = data.geom_xmat[geom].reshape(3, 3)
            out = sign * turn.T @ contact.frame[:3]
            if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_BOX or abs(out[2]) > 0.9:
                continue
            at = turn.T @ (contact.pos - sign * contact.frame[:3] * contact.dist / 2 - data.geom_xpos[geom])
            if abs(at[0] * out[1] - at[1] * out[0]) > 1e-6 * model.geom_size[geom, 0] * np.hypot(*out[:2]):
                return False
    return True


def main():
    random = np.random.default_rng(17)
    cases = []

    def case(name, xml, count, spread, wanted, accept):
        print(name, file=sys.stderr)
        model = mujoco.MjModel.from_xml_string(xml)
        cases.append({"name": name, "xml": xml, "states": states(model, random, count, spread, 1.0, wanted, ("Euler", "implicitfast"), accept, 20000)})

    kinds = [("pyramidal", 3), ("elliptic", 4), ("pyramidal", 6), ("elliptic", 1)]
    for second in ("capsule", "cylinder", "box"):
        for cone, dim in kinds:
            turn, height = ANY[second]
            xml = placed(random, second, cone, dim, turn, f"0.03 -0.02 {height}")
            case(f"cylinder {second} {cone} {dim}", xml, 3, 0.2, 1, lambda data: data.ncon == 1 and is_right(mujoco.MjModel.from_xml_string(xml), data, random))
        for k, (turn, place, shared) in enumerate(ALONG[second]):
            cone, dim = kinds[k % 2]
            xml = placed(random, second, cone, dim, turn, place)
            model = mujoco.MjModel.from_xml_string(xml)
            tame = lambda data: data.ncon == shared and data.contact.dist.max() < 0 and (shared == 1 and is_right(model, data, random) or points_there(model, data) and stands(model, data, random))
            case(f"cylinder {second}, {shared} shared {k}, {cone} {dim}", xml, 3, 0.03, 1, tame)
    text = json.dumps({"mujoco": mujoco.__version__, "cases": cases}, indent=None)
    print(text.replace('{"name"', '\n{"name"'))


main()
