"""A swing-up by Crocoddyl's BoxFDDP: CPU seconds to the end of its search, then the cost there, the number of iterations and the cost of the first controls.

Written for crocoddyl 3.2.0, pin 3.9.0 (with cmeel-urdfdom 4, cmeel-tinyxml2 10, cmeel-console-bridge 1), mujoco 3.17.0. Crocoddyl 3.2.1 beside
pin 4.1.0, which pip installs together, moves as if there were no gravity; the cost of the first controls tells.

usage: physics_crocoddyl.py MODEL.xml MOTOR_JOINT STEPS REPEATS POSITION_WEIGHT VELOCITY_WEIGHT EFFORT_WEIGHT TARGET,... CONTROL...

The model is a chain of hinges and slides, read by MuJoCo, whose inertias Pinocchio gets as they are. A step of both is Euler's, velocities first. A joint
without a motor has a control whose limits are zero. The first controls are those of the motor, one a step.
"""

import sys
import time

import crocoddyl
import mujoco
import numpy as np
import pinocchio


def chain(m):
    """The same chain in Pinocchio: a hinge a body."""
    model = pinocchio.Model()
    model.gravity.linear = m.opt.gravity.copy()
    joint, names = 0, []
    for body in range(1, m.nbody):
        assert m.body_jntnum[body] == 1 and not m.jnt_pos[m.body_jntadr[body]].any()
        k = m.body_jntadr[body]
        if m.jnt_type[k] == mujoco.mjtJoint.mjJNT_HINGE:
            kind = pinocchio.JointModelRevoluteUnaligned(m.jnt_axis[k])
        else:
            kind = pinocchio.JointModelPrismaticUnaligned(m.jnt_axis[k])
        name = m.joint(k).name
        joint = model.addJoint(joint, kind, pinocchio.SE3(np.eye(3), m.body_pos[body]), name)
        turn = np.zeros(9)
        mujoco.mju_quat2Mat(turn, m.body_iquat[body])
        turn = turn.reshape(3, 3)
        inertia = turn @ np.diag(m.body_inertia[body]) @ turn.T
        inertia = pinocchio.Inertia(m.body_mass[body], m.body_ipos[body], inertia)
        model.appendBodyToJoint(joint, inertia, pinocchio.SE3.Identity())
        names.append(name)
    return model, names


def main():
    file, motor = sys.argv[1:3]
    steps, repeats = int(sys.argv[3]), int(sys.argv[4])
    position, velocity, effort = (float(x) for x in sys.argv[5:8])
    target = np.array([float(x) for x in sys.argv[8].split(",")])
    controls = [float(x) for x in sys.argv[9:]]
    m = mujoco.MjModel.from_xml_path(file)
    assert not m.dof_damping.any() and not m.dof_armature.any()
    model, names = chain(m)
    state = crocoddyl.StateMultibody(model)
    actuation = crocoddyl.ActuationModelFull(state)
    nu = model.nv
    lower, upper = np.zeros(nu), np.zeros(nu)
    driven = names.index(motor)
    lower[driven], upper[driven] = m.actuator_ctrlrange[0]

    def node(dt, costs):
        differential = crocoddyl.DifferentialActionModelFreeFwdDynamics(state, actuation, costs)
        differential.u_lb, differential.u_ub = lower, upper
        return crocoddyl.IntegratedActionModelEuler(differential, dt)

    running = crocoddyl.CostModelSum(state, nu)
    by_control = crocoddyl.ResidualModelControl(state, nu)
    running.addCost("effort", crocoddyl.CostModelResidual(state, by_control), effort)
    last = crocoddyl.CostModelSum(state, nu)
    weights = np.r_[np.full(nu, position), np.full(nu, velocity)]
    weights = crocoddyl.ActivationModelWeightedQuad(weights)
    wanted = np.r_[target, np.zeros(nu)]
    at_rest = crocoddyl.ResidualModelState(state, wanted, nu)
    last.addCost("rest", crocoddyl.CostModelResidual(state, weights, at_rest), 1.0)
    running, last = node(m.opt.timestep, running), node(0.0, last)
    start = np.r_[m.qpos0, np.zeros(nu)]
    best = float("inf")
    for _ in range(repeats):
        problem = crocoddyl.ShootingProblem(start, [running] * steps, last)
        solver = crocoddyl.SolverBoxFDDP(problem)
        solver.th_stop = 1e-9
        us = [np.array([u if k == driven else 0.0 for k in range(nu)]) for u in controls]
        xs = [start]
        for data, u in zip(problem.runningDatas, us):
            running.calc(data, xs[-1], u)
            xs.append(data.xnext.copy())
        first = problem.calc(xs, us)
        begin = time.process_time()
        solver.solve(xs, us, 500, True)
        best = min(best, time.process_time() - begin)
    print("swing-up", best, solver.cost, solver.iter, first)


main()
