"""Golden numbers of random models from MuJoCo: ten steps in contact, solved to rounding.

    pip install mujoco==3.17.0
    python physics/peers/golden_random.py > physics/tests/data/random.json

The first models of `bench/peers/physics_random.py` under another seed that have a contact in every step, and whose end does not depend on how
MuJoCo factors.
"""

import json
import pathlib
import sys

import mujoco
import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "peers"))
from physics_random import STEPS, drawn

COUNT = 40

assert mujoco.__version__ == "3.17.0", mujoco.__version__


def main():
    cases = []
    for attempt, text, numbers in drawn(2):
        sizes, rest = numbers[:4].astype(int), numbers[4:]
        nq, nv, na, nu = sizes
        parts = np.split(rest, np.cumsum([nq, nv, na, nu, nq, nv, na, nq, nv, na]))
        same = all(np.abs(a - b).max(initial=0) < 1e-11 for a, b in zip(parts[4:7], parts[7:10]))
        if rest[-1] < STEPS or not same:
            continue
        names = ["qpos", "qvel", "act", "ctrl", "end_qpos", "end_qvel", "end_act"]
        cases.append({"name": f"random {attempt}", "xml": text, **{name: part.tolist() for name, part in zip(names, parts)}})
        if len(cases) == COUNT:
            break
    text = json.dumps({"mujoco": mujoco.__version__, "steps": STEPS, "cases": cases}, indent=None)
    print(text.replace('{"name"', '\n{"name"'))


main()
