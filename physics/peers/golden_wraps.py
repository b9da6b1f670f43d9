"""Lengths of strings that a sphere or a cylinder is in the way of, from MuJoCo: no joint moves, so that the length is that of the way alone.

    pip install mujoco==3.17.0
    python physics/peers/golden_wraps.py > physics/tests/data/wraps.json

A row: 0 for a sphere and 1 for a cylinder along z, its radius, the ends, the length and, where there is one, the side's point.
"""

import json

import mujoco
import numpy as np

assert mujoco.__version__ == "3.17.0", mujoco.__version__
random = np.random.default_rng(23)


def length(kind, radius, a, b, side):
    places = {"a": a, "b": b} | ({} if side is None else {"side": side})
    sites = "".join(
        f'<site name="{name}" pos="{" ".join(repr(float(x)) for x in place)}"/>' for name, place in places.items()
    )
    way = "" if side is None else ' sidesite="side"'
    model = mujoco.MjModel.from_xml_string(f"""<mujoco><worldbody>{sites}
        <geom name="g" type="{["sphere", "cylinder"][kind]}" size="{radius!r} 1"/></worldbody>
        <tendon><spatial><site site="a"/><geom geom="g"{way}/><site site="b"/></spatial></tendon></mujoco>""")
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return float(data.ten_length[0])


def random_case(kind, side):
    radius = float(random.uniform(0.2, 0.5))
    a, b = random.uniform(-0.9, 0.9, (2, 3))
    if random.random() < 0.4:
        # on the other side, so that the string is in the way of most
        b = -a * random.uniform(0.5, 1.5) + random.uniform(-0.3, 0.3, 3)
    around = random.uniform(-1, 1, 3)
    beside = {"none": None, "inside": 0.5 * radius * around, "outside": 1.5 * around}[side]
    return kind, radius, a, b, beside


# ends on one line with the centre, at one place, at the centre and on the surface; a side across and along
exact = [
    ((1.0, 0, 0), (-1.0, 0, 0)), ((0, 0.75, 0), (0, -1.0, 0)), ((0.5, 0.5, 0), (-0.5, -0.5, 0)),
    ((0.75, 0, 0), (0.75, 0, 0)), ((0, 0, 0), (1.0, 0.25, 0)), ((1.0, 0.25, 0), (0, 0, 0)), ((0.5, 0, 0), (1.0, 0.25, 0)),
    ((1.0, 0, 0), (0.75, 0, 0)), ((1.0, 0, 0.25), (-1.0, 0, 0.5)), ((0.25, 0.25, 0), (1.0, 0.25, 0)),
]
sides = [None, (0, 1.0, 0), (0, -1.0, 0), (1.0, 0, 0), (0, 0, 1.0), (0, 0.125, 0), (0.125, 0, 0)]
cases = [(kind, 0.5, np.array(a), np.array(b), side) for kind in (0, 1) for a, b in exact for side in sides]
cases += [random_case(kind, side) for kind in (0, 1) for side in ("none", "inside", "outside") for _ in range(60)]
rows = []
for kind, radius, a, b, side in cases:
    a, b = ([float(x) for x in end] for end in (a, b))
    side = None if side is None else [float(x) for x in side]
    rows.append([kind, radius, *a, *b, length(kind, radius, a, b, side), *(side or [])])
text = ",\n".join(json.dumps(row) for row in rows)
print(f'{{"mujoco": "{mujoco.__version__}", "rows": [\n{text}\n]}}')
