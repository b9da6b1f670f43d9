"""Golden numbers of random models from MuJoCo: ten steps in contact, solved to rounding.

    pip install mujoco==3.17.0
    python physics/peers/golden_random.py > physics/tests/data/random.json

The first models of `bench/peers/physics_random.py` under another seed that have a contact in every step, and whose end does not depend on how
MuJoCo factors; and two of its own seed that hold by a body whose centre does not move, so that a constraint is as stiff as numbers can be.
"""

import json
import pathlib
import sys

import mujoco
import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "peers"))
from physics_random import STEPS, Model, drawn, moved

COUNT = 40
STIFF = [266, 983]

assert mujoco.__version__ == "3.17.0", mujoco.__version__


def stiff():
    for attempt in STIFF:
        text = Model([1, attempt]).text()
        model = mujoco.MjModel.from_xml_string(text)
        yield f"stiff {attempt}", text, parts_of(moved(model, np.random.default_rng([1, attempt, 1])))


def parts_of(numbers):
    nq, nv, na, nu = numbers[:4].astype(int)
    return np.split(numbers[4:], np.cumsum([nq, nv, na, nu, nq, nv, na, nq, nv, na]))


def case(name, text, parts):
    names = ["qpos", "qvel", "act", "ctrl", "end_qpos", "end_qvel", "end_act"]
    return {"name": name, "xml": text, **{name: part.tolist() for name, part in zip(names, parts)}}


def main():
    cases = []
    for attempt, text, numbers in drawn(2):
        parts = parts_of(numbers)
        same = all(np.abs(a - b).max(initial=0) < 1e-11 for a, b in zip(parts[4:7], parts[7:10]))
        if numbers[-1] < STEPS or not same:
            continue
        cases.append(case(f"random {attempt}", text, parts))
        if len(cases) == COUNT:
            break
    cases += [case(*found) for found in stiff()]
    text = json.dumps({"mujoco": mujoco.__version__, "steps": STEPS, "cases": cases}, indent=None)
    print(text.replace('{"name"', '\n{"name"'))


main()
