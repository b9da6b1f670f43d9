"""Golden numbers of constrained models from MuJoCo: accelerations and one step under each integrator, solved to rounding.

    pip install mujoco==4.0.0
    python physics/peers/golden_constraints.py > physics/tests/data/constraints.json

Every pair of shapes with a closed form under both cones with every number of directions, at several places; stops, dry friction and couplings of
every kind; the mixing of parameters; ellipsoids, for which MuJoCo iterates. Jacobians are dense: MuJoCo 4.0.0 factors sparse ones wrongly.
`golden_cylinders.py` has the pairs of cylinders.
"""

import json
import sys

import mujoco
import numpy as np

OPTION = '<option timestep="0.004" jacobian="dense" {} impratio="{}"/>'

SHAPES = {
    "plane": 'type="plane" size="1 1 1"',
    "sphere": 'type="sphere" size="0.1"',
    "capsule": 'type="capsule" size="0.06 0.12"',
    "ellipsoid": 'type="ellipsoid" size="0.1 0.07 0.13"',
    "cylinder": 'type="cylinder" size="0.09 0.11"',
    "box": 'type="box" size="0.11 0.08 0.13"',
}
PAIRS = [
    ("plane", "sphere"), ("plane", "capsule"), ("plane", "ellipsoid"), ("plane", "cylinder"), ("plane", "box"),
    ("sphere", "sphere"), ("sphere", "capsule"), ("sphere", "cylinder"), ("sphere", "box"), ("capsule", "capsule"),
]


def surface(random, kind):
    """Numbers of a geom that differ from the defaults."""
    mu = random.uniform([0.3, 0.004, 0.001], [1.0, 0.03, 0.01])
    direct = kind == "direct"
    ref = (-random.uniform(2000, 8000), -random.uniform(40, 120)) if direct else random.uniform([0.012, 0.7], [0.04, 1.3])
    imp = (random.uniform(0.7, 0.9), random.uniform(0.91, 0.97), random.uniform(0.002, 0.05), random.uniform(0.3, 0.7), random.uniform(1.0, 3.0))
    numbers = lambda x: " ".join(repr(round(float(v), 5)) for v in x)
    return (f'friction="{numbers(mu)}" solref="{numbers(ref)}" solimp="{numbers(imp)}" '
            f'margin="{random.uniform(0, 0.01):.4f}" gap="{random.uniform(0, 0.003):.4f}" solmix="{random.uniform(0.5, 2):.3f}"')


def contact_model(random, first, second, cone, dim, kind):
    option = OPTION.format(f'cone="{cone}"', round(float(random.uniform(0.7, 4)), 3))
    one, two = surface(random, kind), surface(random, kind)
    below = f'<geom {SHAPES[first]} condim="{dim}" {one}/>'
    if first != "plane":
        below = f'<body><joint type="hinge" axis="0.3 1 0.2" damping="0.2" pos="0.05 0 -0.3"/><joint type="slide" axis="0 0.2 1" damping="0.1"/>{below}</body>'
    return (f'<mujoco>{option}<worldbody>{below}<body pos="0 0 0.18"><freejoint/>'
            f'<geom {SHAPES[second]} condim="1" {two}/></body></worldbody></mujoco>')


STOPS = '''<mujoco><option timestep="0.004" jacobian="dense" cone="elliptic"><flag contact="disable"/></option>
<compiler angle="radian"/>
<worldbody>
 <body pos="0 0 1"><joint name="a" axis="0 1 0" range="-0.3 0.4" margin="0.05" solreflimit="0.03 0.8" solimplimit="0.8 0.96 0.1 0.4 2.5" damping="0.1"
   frictionloss="0.3" solreffriction="0.025 1" solimpfriction="0.85 0.9 0.01 0.5 2"/>
  <geom type="capsule" size="0.03 0.2" pos="0 0 -0.2"/>
  <body pos="0 0 -0.4"><joint name="b" type="ball" range="0 0.5" solreflimit="-900 -30" frictionloss="0.1" damping="0.05"/>
   <geom type="box" size="0.05 0.04 0.15" pos="0.03 0 -0.15"/>
   <body pos="0 0 -0.3"><joint name="c" type="slide" axis="1 0 0.2" range="-0.1 0.1" armature="0.1"/><geom type="sphere" size="0.05"/></body>
  </body>
 </body>
 <body pos="1 0 1"><joint name="d" type="slide" axis="0 0 1" ref="0.2" frictionloss="2"/><geom type="sphere" size="0.06"/>
  <body><joint name="e" axis="1 0 0" ref="-0.1"/><geom type="capsule" size="0.02 0.1" pos="0 0 0.1"/></body>
 </body>
 <body pos="2 0 1"><joint name="f" type="slide" axis="0 0 2"/><geom type="box" size="0.05 0.06 0.04"/></body>
</worldbody>
<tendon>
 <fixed name="t" range="-0.2 0.15" margin="0.02" frictionloss="0.4" solreflimit="0.02 1.1" solimplimit="0.8 0.9 0.05 0.5 2" solreffriction="0.03 1" solimpfriction="0.7 0.9 0.1 0.5 1">
  <joint joint="a" coef="0.7"/><joint joint="c" coef="-1.1"/></fixed>
 <fixed name="u"><joint joint="d" coef="1.2"/><joint joint="e" coef="0.5"/></fixed>
</tendon>
<equality>
 <joint joint1="e" joint2="d" polycoef="0.1 0.6 0.4 -0.3 0.2" solref="0.03 1" solimp="0.8 0.95 0.1 0.5 2"/>
 <joint joint1="f" polycoef="0.05" solref="0.05 0.7"/>
 <tendon tendon1="u" tendon2="t" polycoef="0 0.5 -0.2 0 0"/>
</equality>
</mujoco>'''

MIXED = '''<mujoco><option timestep="0.004" jacobian="dense" cone="{cone}" impratio="1.5"/>
<worldbody>
 <geom name="floor" type="plane" size="2 2 1" pos="0 0 -0.05" euler="3 -4 0" friction="0.4 0.01 0.002" priority="{priority}" solref="0.02 1"/>
 <body name="cart" pos="0 0 0.15"><joint type="slide" axis="1 0 0"/><joint type="slide" axis="0 0 1"/><joint axis="0 1 0"/>
  <geom name="hull" type="box" size="0.2 0.1 0.05" friction="0.8 0.02 0.004" condim="4"/>
  <body name="wheel" pos="0.15 0 -0.1"><joint axis="0 1 0"/><geom name="tyre" type="sphere" size="0.11" condim="6" friction="0.97 0.011 0.0006" solref="-3000 -60" contype="2" conaffinity="1"/></body>
  <body name="arm" pos="-0.1 0 0.1"><joint axis="0 1 0"/><geom name="rod" type="capsule" size="0.03 0.15" pos="0 0 0.15" condim="3" friction="0.65 0.006 0.0002"/>
   <body name="hand" pos="0 0 0.3"><joint type="ball"/><geom name="knob" type="sphere" size="0.06" condim="3" friction="0.95 0.007 0.0003"/><geom type="sphere" size="0.05" pos="0.1 0 -0.12" friction="0.85 0.008 0.0004"/></body></body>
 </body>
 <body name="ball" pos="-0.05 0 0.47"><freejoint/><geom name="free" type="sphere" size="0.1" friction="0.9 0.003 0.001" condim="4"/></body>
 <body name="other" pos="-0.22 0.02 0.35"><freejoint/><geom name="stick" type="capsule" size="0.04 0.1" euler="0 80 0" friction="0.75 0.009 0.0005"/></body>
</worldbody>
<contact><exclude body1="ball" body2="hand"/><exclude body1="cart" body2="other"/>
 <pair geom1="stick" geom2="free" condim="3" friction="0.5 0.7" solref="0.03 1" margin="0.01"/>
 <pair geom1="rod" geom2="stick"/></contact>
</mujoco>'''


TIES = '''<mujoco><option timestep="0.004" jacobian="dense"><flag contact="disable"/></option>
<worldbody>
 <body name="post" pos="0.3 0.1 1.2" euler="10 20 30"><site name="pin" pos="0.1 0 0.05" euler="20 -30 40"/><geom size="0.02"/></body>
 <body name="a" pos="0 0 1" euler="0 10 0"><joint axis="0 1 0.1"/><geom type="capsule" size="0.03 0.1" pos="0 0 -0.15"/>
  <body name="b" pos="0 0 -0.3" euler="5 0 -8"><joint axis="0.2 1 0"/><geom type="box" size="0.03 0.04 0.1" pos="0.02 0 -0.1"/>
   <body name="c" pos="0 0.05 -0.25"><joint type="ball"/><geom type="capsule" size="0.02 0.08" euler="0 60 0"/><site name="tip" pos="0 0 0.1" euler="30 0 10"/></body>
   <body name="d" pos="0.05 0 -0.1"><joint type="slide" axis="1 0.2 0"/><geom size="0.05"/></body>
  </body>
 </body>
 <body name="e" pos="0.2 -0.1 0.6" euler="15 -25 35"><freejoint/><geom type="box" size="0.06 0.04 0.08" pos="0.01 0.02 0"/></body>
 <body name="f" pos="0.5 0.2 0.9" euler="-30 10 5"><freejoint/><geom type="ellipsoid" size="0.05 0.07 0.06" pos="0 0.03 0"/><site name="knob" pos="0.05 0.02 -0.01" euler="0 45 0"/></body>
</worldbody>
<equality>{}</equality>
</mujoco>'''

SOFT = 'solref="0.03 0.9" solimp="0.8 0.95 0.2 0.4 2.5"'
TIED = {
    "connect": f'<connect body1="c" body2="e" anchor="0.02 0.1 -0.03" {SOFT}/><connect body1="f" anchor="0.1 -0.05 0.02"/>',
    "connect within": f'<connect body1="d" body2="a" anchor="0.03 0.02 0.1" {SOFT}/><connect site1="tip" site2="knob" solref="-900 -40"/>',
    "weld": f'<weld body1="c" body2="e" anchor="0.02 0.1 -0.03" {SOFT} torquescale="0.6"/><weld body1="f" body2="post"/>',
    "weld within": f'<weld body1="d" body2="b" anchor="0.01 0 0.02" torquescale="1.7" {SOFT}/><weld site1="knob" site2="pin" solimp="0.9 0.95 0.3 0.5 1"/>',
    "weld placed": f'<weld body1="e" body2="c" relpose="0.1 0.02 -0.1 0.9 0.2 -0.3 0.1" anchor="0.01 0.02 0.03" {SOFT}/><weld body1="f" relpose="0.45 0.1 0.8 1 0.1 0.2 -0.1"/>',
}

# pairs whose points MuJoCo chooses by cases: more places
BOXES = [("capsule", "box"), ("box", "box")]

# pairs for which MuJoCo iterates, here to rounding
CONVEX = [("sphere", "ellipsoid"), ("capsule", "ellipsoid"), ("ellipsoid", "ellipsoid"), ("ellipsoid", "cylinder"), ("ellipsoid", "box")]


def solved(model, data, qpos, qvel):
    mujoco.mj_resetData(model, data)
    data.qpos[:], data.qvel[:] = qpos, qvel
    mujoco.mj_forward(model, data)
    return data


def states(model, random, count, spread, rate, wanted, integrators=("Euler", "RK4", "implicitfast"), accept=lambda data: True, tries=400):
    data = mujoco.MjData(model)
    model.opt.solver = mujoco.mjtSolver.mjSOL_NEWTON
    model.opt.tolerance, model.opt.ls_tolerance = 0, 1e-12
    model.opt.iterations, model.opt.ls_iterations = 200, 200
    model.opt.ccd_tolerance, model.opt.ccd_iterations = 1e-12, 500
    found = []
    for _ in range(tries):
        mujoco.mj_resetData(model, data)
        qpos = data.qpos.copy()
        mujoco.mj_integratePos(model, qpos, random.uniform(-spread, spread, model.nv), 1.0)
        qvel = random.uniform(-rate, rate, model.nv)
        qpos, qvel = np.round(qpos, 6), np.round(qvel, 6)
        solved(model, data, qpos, qvel)
        idle = np.abs(data.qfrc_constraint).max() < 1e-2
        if data.nefc < wanted or idle or (data.ncon and data.contact.dist.min() < -0.03) or not accept(data):
            continue
        state = {"qpos": qpos, "qvel": qvel, "qacc": data.qacc.copy(), "rows": [data.nefc], "contacts": [data.ncon]}
        state = {k: np.array(v).tolist() for k, v in state.items()}
        for name in integrators:
            model.opt.integrator = getattr(mujoco.mjtIntegrator, f"mjINT_{name.upper()}")
            solved(model, data, qpos, qvel)
            mujoco.mj_step(model, data)
            state[name] = {"qpos": data.qpos.tolist(), "qvel": data.qvel.tolist()}
        model.opt.integrator = mujoco.mjtIntegrator.mjINT_EULER
        found.append(state)
        if len(found) == count:
            return found
    raise SystemExit(f"{len(found)} states only")


def main():
    assert mujoco.__version__ == "4.0.0", mujoco.__version__
    random = np.random.default_rng(11)
    cases = []

    def case(name, xml, count, spread, rate, wanted):
        print(name, file=sys.stderr)
        model = mujoco.MjModel.from_xml_string(xml)
        cases.append({"name": name, "xml": xml, "states": states(model, random, count, spread, rate, wanted)})

    for first, second in PAIRS:
        for cone in ("pyramidal", "elliptic"):
            for dim in (1, 3, 4, 6):
                kind = "direct" if (dim + (cone == "elliptic")) % 3 == 0 else "standard"
                xml = contact_model(random, first, second, cone, dim, kind)
                case(f"{first} {second} {cone} {dim}", xml, 1, 0.12 if first != "plane" else 0.25, 1.0, 1)
    case("stops", STOPS, 5, 0.6, 1.5, 9)
    for cone in ("pyramidal", "elliptic"):
        for priority in (0, 1):
            case(f"mixed {cone} {priority}", MIXED.format(cone=cone, priority=priority), 2, 0.05, 1.0, 12)
    for name, ties in TIED.items():
        case(f"ties {name}", TIES.format(ties), 3, 0.3, 1.5, 6)
    for first, second in BOXES:
        for k, (cone, dim) in enumerate([("pyramidal", 3), ("elliptic", 4), ("pyramidal", 6), ("elliptic", 3), ("elliptic", 1)]):
            xml = contact_model(random, first, second, cone, dim, "direct" if k == 2 else "standard")
            case(f"{first} {second} {cone} {dim}", xml, 4, 0.35, 1.0, 1)
    for first, second in CONVEX:
        for cone, dim in (("pyramidal", 3), ("elliptic", 6)):
            xml = contact_model(random, first, second, cone, dim, "standard")
            case(f"convex {first} {second} {cone} {dim}", xml, 3, 0.3, 1.0, 1)
    text = json.dumps({"mujoco": mujoco.__version__, "cases": cases}, indent=None)
    print(text.replace('{"name"', '\n{"name"'))


if __name__ == "__main__":
    main()
