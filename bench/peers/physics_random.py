"""Random models in MuJoCo: writes them to a folder and prints `file 0 nq nv na nu qpos qvel act ctrl end other touching` for each that moves on.

    python physics_random.py FOLDER COUNT [SEED]

Written for mujoco 3.17.0. Trees of one to eight bodies with joints of every kind, springs, dampers, dry friction, stops, geoms that touch in pairs with
closed forms under either cone, fixed and spatial tendons, actuators with and without activation, couplings of every kind, fluid. `end` is the state after
ten steps, solved to rounding; `other` the same by sparse factors, which shows what rounding makes of it; `touching` how many of the steps had a contact. A model that is in itself by more than three centimetres,
or accelerates beyond all measure, is drawn anew.
"""

import itertools
import pathlib
import sys

import mujoco
import numpy as np

STEPS = 10


class Draw:
    """Random numbers as the text of attributes."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def chance(self, share):
        return self.random.uniform() < share

    def pick(self, *choices):
        return choices[self.random.integers(len(choices))]

    def number(self, low, high):
        return float(f"{self.random.uniform(low, high):.5g}")

    def numbers(self, count, low, high):
        return " ".join(str(self.number(low, high)) for _ in range(count))

    def some(self, share, text):
        return text() if self.chance(share) else ""

    def softness(self, suffix=""):
        ref = self.pick(lambda: f"{self.number(0.01, 0.05)} {self.number(0.5, 1.5)}", lambda: f"{self.number(-5000, -500)} {self.number(-100, -20)}")()
        imp = f"{self.number(0.6, 0.9)} {self.number(0.9, 0.98)} {self.number(0.001, 0.1)} {self.number(0.2, 0.8)} {self.pick(1, 2, self.number(1, 4))}"
        return f' solref{suffix}="{ref}" solimp{suffix}="{imp}"'


class Model:
    def __init__(self, seed):
        self.d = Draw(seed)
        self.bodies, self.joints, self.scalars, self.balls, self.sites, self.geoms = [], [], [], [], [], []

    def geom(self, weighs=True):
        d, name = self.d, f"g{len(self.geoms)}"
        kind = d.pick("sphere", "sphere", "capsule", "capsule", "box", "box", "cylinder", "ellipsoid")
        size = {"sphere": 1, "capsule": 2, "cylinder": 2, "box": 3, "ellipsoid": 3}[kind]
        # only pairs with closed forms meet
        bits = {"sphere": (3, 1), "capsule": (1, 1), "box": (1, 1), "cylinder": (0, 2), "ellipsoid": (0, 4)}[kind]
        self.geoms.append((name, kind, self.bodies[-1]))
        text = f'<geom name="{name}" type="{kind}" size="{d.numbers(size, 0.03, 0.12)}" contype="{bits[0]}" conaffinity="{bits[1]}"'
        text += d.some(0.5, lambda: f' pos="{d.numbers(3, -0.1, 0.1)}"') + d.some(0.6, lambda: f' euler="{d.numbers(3, -1.5, 1.5)}"')
        text += f' condim="{d.pick(1, 3, 3, 4, 6)}"'
        text += d.some(0.6, lambda: f' friction="{d.number(0.2, 1.2)} {d.number(0.001, 0.03)} {d.number(0.0005, 0.01)}"')
        text += d.some(0.4, d.softness) + d.some(0.3, lambda: f' margin="{d.number(0, 0.01)}"') + d.some(0.1, lambda: f' gap="{d.number(0, 0.003)}"')
        text += d.some(0.2, lambda: f' priority="{d.pick(0, 1, 2)}"') + d.some(0.2, lambda: f' solmix="{d.number(0.3, 2)}"')
        return text + d.pick(f' density="{d.number(300, 2000)}"', f' mass="{d.number(0.1, 3)}"') + "/>"

    def joint(self, kind):
        d, name = self.d, f"j{len(self.joints)}"
        self.joints.append(name)
        text = f'<joint name="{name}" type="{kind}"'
        if kind == "free":
            return f'<freejoint name="{name}"/>'
        if kind != "ball":
            self.scalars.append(name)
            text += f' axis="{d.numbers(3, -1, 1)}"' + d.some(0.2, lambda: f' ref="{d.number(-0.2, 0.2)}"') + d.some(0.2, lambda: f' springref="{d.number(-0.3, 0.3)}"')
            text += d.some(0.4, lambda: f' range="{d.number(-0.6, -0.02)} {d.number(0.02, 0.6)}"{d.softness("limit")}')
        else:
            self.balls.append(name)
            text += d.some(0.3, lambda: f' range="0 {d.number(0.2, 1)}"')
        text += d.some(0.4, lambda: f' pos="{d.numbers(3, -0.05, 0.05)}"')
        text += d.some(0.6, lambda: f' damping="{d.number(0.01, 1)}"') + d.some(0.4, lambda: f' stiffness="{d.number(0.1, 20)}"')
        text += d.some(0.4, lambda: f' armature="{d.number(0.001, 0.1)}"') + d.some(0.3, lambda: f' frictionloss="{d.number(0.01, 1)}"')
        text += d.some(0.1, d.softness_of_friction) + d.some(0.2, lambda: f' margin="{d.number(0, 0.05)}"')
        return text + "/>"

    def body(self, depth, held=""):
        d, name = self.d, f"b{len(self.bodies)}"
        self.bodies.append(name)
        place = f"{d.numbers(2, -0.4, 0.4)} {d.number(0.02, 0.4)}" if depth == 0 else d.numbers(3, -0.25, 0.25)
        kinds = d.pick(*([["free"]] * 4 if depth == 0 else []), ["ball"], ["hinge"], ["slide"], ["hinge"], ["hinge", "hinge"], ["slide", "hinge"], ["slide", "ball"])
        if depth > 0 and d.chance(0.08):
            kinds = []
        else:
            # bodies that move together hold the same share of their weights
            held = d.some(0.1, lambda: f' gravcomp="{d.number(0, 1)}"')
        text = f'<body name="{name}" pos="{place}"' + d.some(0.5, lambda: f' euler="{d.numbers(3, -1.5, 1.5)}"') + held + ">"
        text += "".join(map(self.joint, kinds))
        text += d.some(0.15, lambda: f'<inertial pos="{d.numbers(3, -0.05, 0.05)}" mass="{d.number(0.2, 2)}" diaginertia="{d.numbers(3, 0.004, 0.007)}" euler="{d.numbers(3, -1, 1)}"/>')
        for _ in range(d.pick(1, 1, 2)):
            text += self.geom()
        for _ in range(d.pick(0, 1, 2)):
            self.sites.append(f"s{len(self.sites)}")
            text += f'<site name="{self.sites[-1]}" pos="{d.numbers(3, -0.1, 0.1)}" euler="{d.numbers(3, -1, 1)}"/>'
        while len(self.bodies) < self.most and depth < 4 and d.chance(0.6):
            text += self.body(depth + 1, held)
        return text + "</body>"

    def tendons(self):
        d, text, names = self.d, "", []
        for _ in range(d.pick(0, 0, 1, 2)):
            forces = d.some(0.5, lambda: f' stiffness="{d.number(1, 50)}"') + d.some(0.5, lambda: f' damping="{d.number(0.05, 1)}"')
            forces += d.some(0.2, lambda: f' frictionloss="{d.number(0.05, 0.5)}"') + d.some(0.3, lambda: f' springlength="{d.number(0, 0.4)}"')
            forces += d.some(0.2, lambda: f' range="{d.number(-0.5, -0.05)} {d.number(0.1, 0.6)}" margin="{d.number(0, 0.02)}"')
            name = f"t{len(names)}"
            if d.chance(0.5) and len(self.scalars) > 1:
                chosen = d.random.choice(self.scalars, 2, replace=False)
                text += f'<fixed name="{name}"{forces}>' + "".join(f'<joint joint="{j}" coef="{d.number(-1, 1)}"/>' for j in chosen) + "</fixed>"
            elif len(self.sites) > 2:
                a, b, c = d.random.choice(self.sites, 3, replace=False)
                middle = d.some(0.3, lambda: f'<pulley divisor="2"/><site site="{b}"/>')
                text += f'<spatial name="{name}"{forces}><site site="{a}"/><site site="{b}"/>{middle}<site site="{c}"/></spatial>'
            else:
                continue
            names.append(name)
        return (f"<tendon>{text}</tendon>" if text else ""), names

    def actuators(self, tendons):
        d, text = self.d, ""
        for _ in range(d.pick(0, 1, 2, 4)):
            on = [f'joint="{j}"' for j in self.scalars] + [f'tendon="{t}"' for t in tendons]
            if not on:
                break
            usual = f' {d.pick(*on)} gear="{d.number(0.3, 3)}"'
            usual += d.some(0.4, lambda: f' ctrlrange="{d.number(-0.7, -0.1)} {d.number(0.1, 0.7)}"') + d.some(0.3, lambda: f' forcerange="{d.number(-2, -0.2)} {d.number(0.2, 2)}"')
            text += d.pick(
                lambda: f"<motor{usual}/>",
                lambda: f'<position{usual} kp="{d.number(1, 30)}"' + d.some(0.4, lambda: f' kv="{d.number(0.05, 1)}"') + "/>",
                lambda: f'<velocity{usual} kv="{d.number(0.1, 3)}"/>',
                lambda: f'<intvelocity{usual} kp="{d.number(1, 20)}" actrange="-0.5 0.5"/>',
                lambda: f'<general{usual} dyntype="{d.pick("filter", "filterexact", "integrator")}" dynprm="{d.number(0.02, 0.2)}" gaintype="affine" gainprm="{d.numbers(3, -2, 2)}" biastype="affine" biasprm="{d.numbers(3, -2, 0)}"'
                + d.some(0.4, lambda: ' actearly="true"') + "/>",
            )()
        return f"<actuator>{text}</actuator>" if text else ""

    def equalities(self, tendons):
        d, text = self.d, ""
        for _ in range(d.pick(0, 0, 0, 1, 2)):
            ways = []
            if len(self.bodies) > 1:
                a, b = d.random.choice(self.bodies, 2, replace=False)
                ways += [lambda: f'<connect body1="{a}" body2="{b}" anchor="{d.numbers(3, -0.1, 0.1)}"{d.softness()}/>']
                ways += [lambda: f'<weld body1="{a}" body2="{b}"{d.softness()} torquescale="{d.number(0.3, 2)}"/>']
            ways += [lambda: f'<connect body1="{self.bodies[0]}" anchor="{d.numbers(3, -0.1, 0.1)}"{d.softness()}/>']
            if len(self.scalars) > 1:
                i, j = d.random.choice(self.scalars, 2, replace=False)
                ways += [lambda: f'<joint joint1="{i}" joint2="{j}" polycoef="{d.numbers(5, -0.5, 0.5)}"{d.softness()}/>']
            if tendons:
                ways += [lambda: f'<tendon tendon1="{tendons[0]}" polycoef="{d.numbers(2, -0.1, 0.1)} 0 0 0"{d.softness()}/>']
            text += d.pick(*ways)()
        return f"<equality>{text}</equality>" if text else ""

    def contacts(self):
        d, text = self.d, ""
        if len(self.bodies) > 1 and d.chance(0.2):
            a, b = d.random.choice(self.bodies, 2, replace=False)
            text += f'<exclude body1="{a}" body2="{b}"/>'
        closed = {"sphere", "capsule", "box"}
        plain = [(n, b) for n, kind, b in self.geoms if kind in closed]
        if len(plain) > 1 and d.chance(0.3):
            (a, in_a), (b, in_b) = (plain[i] for i in d.random.choice(len(plain), 2, replace=False))
            if in_a != in_b:
                text += f'<pair geom1="{a}" geom2="{b}" condim="{d.pick(1, 3, 4, 6)}" friction="{d.number(0.2, 1)} {d.number(0.2, 1)} 0.01 0.001 0.002"{d.softness()}/>'
        return f"<contact>{text}</contact>" if text else ""

    def text(self):
        d = self.d
        self.most = d.pick(1, 2, 3, 4, 6, 8)
        floor = d.some(0.7, lambda: f'<geom name="floor" type="plane" size="2 2 1" pos="0 0 {d.number(-0.1, 0)}" euler="{d.numbers(2, -0.1, 0.1)} 0" contype="7" conaffinity="1" condim="{d.pick(1, 3, 4, 6)}"/>')
        block = d.some(0.3, lambda: f'<geom name="block" type="{d.pick("box", "sphere", "capsule")}" size="{d.numbers(3, 0.1, 0.3)}" pos="{d.numbers(3, -0.3, 0.3)}" contype="1"/>')
        bodies = ""
        while len(self.bodies) < self.most:
            bodies += self.body(0)
        balls = bool(self.balls) or 'freejoint' in bodies
        integrator = d.pick("Euler", "implicitfast", "Euler" if balls else "RK4")
        fluid = d.some(0.15, lambda: f' density="{d.number(1, 300)}" viscosity="{d.number(0, 0.1)}"')
        option = f'<option timestep="{d.pick(0.001, 0.002, 0.004, 0.005)}" gravity="{d.numbers(2, -1, 1)} -9.81" integrator="{integrator}" cone="{d.pick("pyramidal", "elliptic")}" impratio="{d.pick(1, 1, d.number(0.5, 5))}"{fluid}>'
        flags = "".join(d.some(0.1, lambda: f' {flag}="disable"') for flag in ("eulerdamp", "filterparent", "refsafe"))
        tendon, tendons = self.tendons()
        rest = tendon + self.actuators(tendons) + self.equalities(tendons) + self.contacts()
        return f'<mujoco><compiler angle="radian"/>{option}<flag{flags}/></option><worldbody>{floor}{block}{bodies}</worldbody>{rest}</mujoco>'


Draw.softness_of_friction = lambda self: self.softness("friction")


def solved_to_rounding(model):
    model.opt.jacobian = mujoco.mjtJacobian.mjJAC_DENSE
    model.opt.solver = mujoco.mjtSolver.mjSOL_NEWTON
    # its tree of bounding boxes misses contacts less than a micrometre deep (attempt 674 of seed 1)
    model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_MIDPHASE
    model.opt.tolerance, model.opt.ls_tolerance, model.opt.iterations, model.opt.ls_iterations = 0, 1e-14, 500, 200


def moved(model, random):
    """A start and where it leads, or why there is none."""
    data = mujoco.MjData(model)
    qpos = model.qpos0.copy()
    mujoco.mj_integratePos(model, qpos, random.uniform(-0.1, 0.1, model.nv), 1.0)
    data.qpos[:], data.qvel[:] = qpos, random.uniform(-1, 1, model.nv)
    data.act[:], data.ctrl[:] = random.uniform(-0.5, 0.5, model.na), random.uniform(-1, 1, model.nu)
    # until some have fallen on the floor or on each other
    for _ in range(random.choice([0, 20, 50, 100, 200, 400])):
        mujoco.mj_step(model, data)
    start = [x.copy() for x in (data.qpos, data.qvel, data.act, data.ctrl)]
    solved_to_rounding(model)
    mujoco.mj_resetData(model, data)
    data.qpos[:], data.qvel[:], data.act[:], data.ctrl[:] = start
    touching = 0
    for k in range(STEPS):
        mujoco.mj_forward(model, data)
        if data.ncon and data.contact.dist.min() < -0.03:
            return None
        if not np.abs(data.qacc).max() < 3e3 or not np.abs(data.qvel).max() < 50:
            return None
        touching += data.ncon > 0
        mujoco.mj_step(model, data)
    end = [data.qpos.copy(), data.qvel.copy(), data.act.copy()]
    model.opt.jacobian = mujoco.mjtJacobian.mjJAC_SPARSE
    mujoco.mj_resetData(model, data)
    data.qpos[:], data.qvel[:], data.act[:], data.ctrl[:] = start
    mujoco.mj_step(model, data, STEPS)
    sizes = [model.nq, model.nv, model.na, model.nu]
    return np.concatenate([sizes, *start, *end, data.qpos, data.qvel, data.act, [touching]])


def drawn(seed):
    """Models that load and move on: number, text, and numbers, without end."""
    for attempt in itertools.count():
        text = Model([seed, attempt]).text()
        try:
            model = mujoco.MjModel.from_xml_string(text)
        except ValueError as why:
            print(attempt, str(why).splitlines()[0], file=sys.stderr)
            continue
        numbers = moved(model, np.random.default_rng([seed, attempt, 1]))
        if numbers is not None:
            yield attempt, text, numbers


def main():
    folder, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    for attempt, text, numbers in itertools.islice(drawn(seed), count):
        path = folder / f"random-{attempt:05}.xml"
        path.write_text(text)
        print(path, 0, *numbers)


if __name__ == "__main__":
    main()
