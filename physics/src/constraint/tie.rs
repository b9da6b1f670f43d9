//! Ties of two bodies: points that stay together (MuJoCo's `connect`), or whole frames (`weld`).
//!
//! With anchors `x_i` on frames `R_i`, and `Q` the quaternion of `R_1^T R_0`, what is apart is
//!
//! ```text
//! c = (x_0 - x_1, s vec Q),     c' = (x_0' - x_1', E w),     w = w_0 - w_1,     E = s/2 (Q_w 1 - [vec Q]) R_1^T
//! ```
//!
//! with the scale `s` of turns. `c'' = J a + J' v` counts whole: `J' v` has the accelerations of the anchors and frames where the
//! coordinates do not accelerate, and `E' w`.

use cotangent_ad::{Dual, Mat3, Pose, Quat, Real, Vec3};

use super::adjoint::Pull;
use super::block::{Block, Blocks, Source, TieAt};
use super::law::{Law, MOST, Numbers};
use crate::model::{Model, Parameters, Tie};
use crate::rnea::world_acceleration;
use crate::scratch::{Scratch, lift_pose};
use crate::spatial::{Force, Motion};

/// Signs of the two ends.
const SIGNS: [f64; 2] = [1.0, -1.0];

/// What turns of two frames make of a weld.
struct Turned<T> {
    /// `s vec Q`.
    apart: Vec3<T>,
    /// Rows of `E`.
    rows: [Vec3<T>; 3],
    /// `E' w`.
    drift: Vec3<T>,
}

/// `Q_w a - vec Q x a`, twice the rate of `vec Q` at the angular velocity `a` of the second frame's axes.
fn turn_rate<T: Real>(turn: Quat<T>, a: Vec3<T>) -> Vec3<T> {
    a * turn.0[0] - turn.vector().cross(a)
}

fn turned<T: Real>([first, second]: [&Mat3<T>; 2], [w_0, w_1]: [Vec3<T>; 2], s: T) -> Turned<T> {
    let columns = [0, 1, 2].map(|k| second.transpose_mul(first.column(k)));
    let turn = Quat::from_mat(&Mat3::from_columns(columns[0], columns[1], columns[2]));
    let half = s * 0.5;
    // row k of (Q_w 1 - [vec Q]) is Q_w e_k - e_k x vec Q
    let rows = [0, 1, 2].map(|k| {
        let unit = Vec3::unit(k);
        *second * ((unit * turn.0[0] - unit.cross(turn.vector())) * half)
    });
    let relative = w_0 - w_1;
    let a = second.transpose_mul(relative);
    let Vec3([x, y, z]) = turn_rate(turn, a) * T::lit(0.5);
    let rate = Quat([-(a.dot(turn.vector()) * 0.5), x, y, z]);
    let frame_turns = second.transpose_mul(w_1.cross(relative));
    let drift = (turn_rate(rate, a) - turn_rate(turn, frame_turns)) * half;
    Turned { apart: turn.vector() * s, rows, drift }
}

/// Velocity of a link, and its acceleration where the coordinates do not accelerate, gravity aside.
fn motion<T: Real>(link: Option<usize>, gravity: Motion<T>, s: &Scratch<T>) -> [Motion<T>; 2] {
    link.map_or([Motion::zero(); 2], |l| [s.velocity[l], s.acceleration[l] - gravity])
}

/// Frames of a tie's ends in the world.
fn frames<T: Real>(tie: &Tie, s: &Scratch<T>) -> [Pose<T>; 2] {
    tie.ends.each_ref().map(|end| s.link_pose(end.link) * lift_pose(&end.placement))
}

/// Adds the ties, after the velocities and accelerations of the links.
pub(super) fn add<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    s: &Scratch<T>,
    blocks: &mut Blocks<T>,
) {
    let gravity = world_acceleration(parameters);
    let constraints = &parameters.constraints;
    for (k, (tie, n)) in model.ties.iter().zip(&constraints.ties).enumerate() {
        let links = tie.ends.each_ref().map(|end| end.link);
        let [first, second] = frames(tie, s);
        let anchors = [first.translation, second.translation];
        let mut drift = Vec3::zero();
        let mut angular = [Vec3::zero(); 2];
        let mut turns = Vec3::zero();
        for (side, link) in links.into_iter().enumerate() {
            let [velocity, bias] = motion(link, gravity, s);
            let from = link.map_or(anchors[side], |l| anchors[side] - s.origin(model, l));
            let acceleration = bias.at(from) + velocity.angular.cross(velocity.at(from));
            drift += acceleration * T::lit(SIGNS[side]);
            turns += bias.angular * T::lit(SIGNS[side]);
            angular[side] = velocity.angular;
        }
        let spread = |a: Vec3<T>, b: Vec3<T>| [a[0], a[1], a[2], b[0], b[1], b[2]];
        let between = anchors[0] - anchors[1];
        let (apart, drift, turning) = if tie.welded {
            let t = turned([&first.rotation, &second.rotation], angular, n.torque_scale);
            let by_turns = Vec3(t.rows.map(|row| row.dot(turns)));
            (spread(between, t.apart), spread(drift, t.drift + by_turns), t.rows)
        } else {
            let zero = Vec3::zero();
            (spread(between, zero), spread(drift, zero), [zero; 3])
        };
        let square = apart.iter().fold(T::lit(0.0), |sum, c| sum + *c * *c);
        let gap = if square > 0.0 { square.sqrt() } else { T::lit(0.0) };
        let mut weight = [T::lit(0.0); 2];
        for body in tie.ends.iter().filter_map(|end| end.body) {
            let own = constraints.weights.bodies[body];
            (0..2).for_each(|i| weight[i] += own[i]);
        }
        let numbers = Numbers {
            gap,
            reference: n.softness.reference,
            impedance: n.softness.impedance,
            weight,
            friction: [T::lit(0.0); 5],
        };
        let at = TieAt { tie: k, apart, drift, anchors, turning };
        push(model, links, (if tie.welded { 6 } else { 3 }, numbers), at, s, blocks);
    }
}

/// Adds a tie's block.
fn push<T: Real>(
    model: &Model,
    links: [Option<usize>; 2],
    (directions, numbers): (usize, Numbers<T>),
    at: TieAt<T>,
    s: &Scratch<T>,
    blocks: &mut Blocks<T>,
) {
    let first = blocks.dofs.len();
    let mut last = links.map(|l| model.last_dof(l));
    // coordinates of either side, the greatest first, with the sides that they move
    while let Some(dof) = last[0].max(last[1]) {
        let moved = last.map(|l| l == Some(dof));
        blocks.dofs.push(4 * dof + usize::from(moved[0]) + 2 * usize::from(moved[1]));
        for (last, moved) in last.iter_mut().zip(moved) {
            *last = if moved { model.dof_parent[dof] } else { *last };
        }
    }
    blocks.dofs[first..].reverse();
    let (n, jacobian) = (blocks.dofs.len() - first, blocks.jacobian.len());
    blocks.jacobian.resize(jacobian + directions * n, T::lit(0.0));
    for c in 0..n {
        let (dof, sides) = (blocks.dofs[first + c] / 4, blocks.dofs[first + c] % 4);
        blocks.dofs[first + c] = dof;
        let (axis, origin) = (s.axis[dof], s.origin(model, model.dof_link[dof]));
        for side in (0..2).filter(|side| sides >> side & 1 == 1) {
            let linear = axis.at(at.anchors[side] - origin);
            for k in 0..directions {
                let rate = if k < 3 { linear[k] } else { at.turning[k - 3].dot(axis.angular) };
                blocks.jacobian[jacobian + k * n + c] += rate * SIGNS[side];
            }
        }
    }
    let source = Source::Tie(blocks.ties.len());
    blocks.ties.push(at);
    let (law, dofs) = (Law::Equality, first..first + n);
    blocks.list.push(Block { law, source, directions, dofs, jacobian, numbers });
}

/// Lanes of a weld's turns: of the first and the second frame, their angular velocities, and the scale.
const LANES: usize = 13;
type Lane = Dual<f64, LANES>;

/// A rotation that turns along three lanes, in world axes.
fn turning(rotation: &Mat3<f64>, lane: usize) -> Mat3<Lane> {
    let turn = Vec3([0, 1, 2].map(|k| Lane::seed(0.0, lane + k)));
    let columns = [0, 1, 2].map(|k| {
        let column = Vec3(rotation.column(k).0.map(Lane::konst));
        column + turn.cross(column)
    });
    Mat3::from_columns(columns[0], columns[1], columns[2])
}

/// The part of the adjoint that is a tie's own. `restoring` is what a violation of 1 asks for.
pub(super) fn pull(p: &mut Pull<'_>, at: &TieAt<f64>, restoring: f64, s: &Scratch) {
    let model = p.model;
    let tie = &model.ties[at.tie];
    let links = tie.ends.each_ref().map(|end| end.link);
    let gap = p.numbers_bar.gap / at.apart.iter().map(|c| c * c).sum::<f64>().sqrt();
    let by_acceleration = p.along[1];
    let apart_bar: [f64; MOST] = std::array::from_fn(|j| {
        restoring * by_acceleration[j] + if gap.is_finite() { gap * at.apart[j] } else { 0.0 }
    });
    let mut anchor_bars = [0, 1].map(|side| split(&apart_bar).0 * SIGNS[side]);
    let mut rows_bar = [Vec3::zero(); 3];
    pull_rates(p, at, links, (&mut anchor_bars, &mut rows_bar), s);
    pull_drift(p, at, links, (&mut anchor_bars, &mut rows_bar), s);
    if tie.welded {
        pull_turns(p, at, links, (split(&apart_bar).1, &rows_bar), s);
    }
    for ((link, anchor), bar) in links.into_iter().zip(at.anchors).zip(anchor_bars) {
        let Some(link) = link else { continue };
        p.links.geometry[link] += Force::at(anchor - s.origin(model, link), bar);
    }
    if let Some(parameters) = p.parameters_bar.as_deref_mut() {
        let to = &mut parameters.constraints;
        to.ties[at.tie].softness.add(&p.numbers_bar.reference, &p.numbers_bar.impedance);
        for body in tie.ends.iter().filter_map(|end| end.body) {
            (0..2).for_each(|i| to.weights.bodies[body][i] += p.numbers_bar.weight[i]);
        }
    }
}

/// The first and the last three directions.
fn split(x: &[f64; MOST]) -> (Vec3<f64>, Vec3<f64>) {
    (Vec3([x[0], x[1], x[2]]), Vec3([x[3], x[4], x[5]]))
}

/// `E^T x`.
fn torque(at: &TieAt<f64>, x: Vec3<f64>) -> Vec3<f64> {
    (0..3).fold(Vec3::zero(), |sum, k| sum + at.turning[k] * x[k])
}

/// What a force between the anchors and a torque between the frames do to the link of one end, whose anchor is at `from`.
fn end_wrench(side: usize, from: Vec3<f64>, force: Vec3<f64>, torque: Vec3<f64>) -> Force<f64> {
    let sign = SIGNS[side];
    Force { angular: (from.cross(force) + torque) * sign, linear: force * sign }
}

type Geometry<'a> = (&'a mut [Vec3<f64>; 2], &'a mut [Vec3<f64>; 3]);

/// The derivative of the Jacobian, contracted with the three fields.
fn pull_rates(
    p: &mut Pull<'_>,
    at: &TieAt<f64>,
    links: [Option<usize>; 2],
    (anchor_bars, rows_bar): Geometry<'_>,
    s: &Scratch,
) {
    for field in 0..3 {
        let (force, turns) = split(&p.along[field]);
        let torque = torque(at, turns);
        for (side, link) in links.into_iter().enumerate() {
            let (Some(link), sign) = (link, SIGNS[side]) else { continue };
            let from = at.anchors[side] - s.origin(p.model, link);
            let velocity = p.links.fields[field][link];
            let wrench = end_wrench(side, from, force, torque);
            p.links.wrenches[field][link] += wrench;
            p.links.gyration[link] += velocity.cross_force(wrench);
            anchor_bars[side] += force.cross(velocity.angular) * sign;
            (0..3).for_each(|k| rows_bar[k] += velocity.angular * (turns[k] * sign));
        }
    }
}

/// The derivative of `J' v` without that of `E' w`.
fn pull_drift(
    p: &mut Pull<'_>,
    at: &TieAt<f64>,
    links: [Option<usize>; 2],
    (anchor_bars, rows_bar): Geometry<'_>,
    s: &Scratch,
) {
    let (force, turns) = split(&p.along[1]);
    let torque = torque(at, turns);
    for (side, link) in links.into_iter().enumerate() {
        let (Some(link), sign) = (link, SIGNS[side]) else { continue };
        let from = at.anchors[side] - s.origin(p.model, link);
        let (velocity, bias) = (p.links.fields[2][link], p.links.drift.bias[link]);
        let wrench = end_wrench(side, from, force, torque);
        p.links.drift.wrench[link] += wrench;
        p.links.drift.spin[link] += velocity.cross_force(wrench);
        p.links.gyration[link] += bias.cross_force(wrench);
        (0..3).for_each(|k| rows_bar[k] += bias.angular * (turns[k] * sign));
        // w x u with the anchor's velocity u
        let (w, u) = (velocity.angular, velocity.at(from));
        let by_u = force.cross(w) * sign;
        let by_velocity = Force { angular: from.cross(by_u) + u.cross(force) * sign, linear: by_u };
        p.add_by_velocity(link, by_velocity);
        anchor_bars[side] += force.cross(bias.angular) * sign + by_u.cross(w);
    }
}

/// The derivative of what depends on the frames' turns, by duals.
fn pull_turns(
    p: &mut Pull<'_>,
    at: &TieAt<f64>,
    links: [Option<usize>; 2],
    (apart_bar, rows_bar): (Vec3<f64>, &[Vec3<f64>; 3]),
    s: &Scratch,
) {
    let tie = &p.model.ties[at.tie];
    let [first, second] = frames(tie, s);
    let rotations = [turning(&first.rotation, 0), turning(&second.rotation, 3)];
    let angular = [0, 1].map(|side| {
        let w = links[side].map_or(Vec3::zero(), |l| p.links.fields[2][l].angular);
        Vec3([0, 1, 2].map(|k| Lane::seed(w[k], 6 + 3 * side + k)))
    });
    let scale = Lane::seed(p.parameters.constraints.ties[at.tie].torque_scale, 12);
    let [r_0, r_1] = &rotations;
    let t = turned([r_0, r_1], angular, scale);
    let by_drift = split(&p.along[1]).1;
    let mut lanes = [0.0; LANES];
    for (lane, sum) in lanes.iter_mut().enumerate() {
        for k in 0..3 {
            *sum += t.apart[k].eps[lane] * apart_bar[k] + t.drift[k].eps[lane] * by_drift[k];
            *sum += (0..3).map(|i| t.rows[k][i].eps[lane] * rows_bar[k][i]).sum::<f64>();
        }
    }
    for (side, link) in links.into_iter().enumerate() {
        let Some(link) = link else { continue };
        let lane = |from: usize| Vec3([0, 1, 2].map(|k| lanes[from + 3 * side + k]));
        p.links.geometry[link] += Force { angular: lane(0), linear: Vec3::zero() };
        p.add_by_velocity(link, Force { angular: lane(6), linear: Vec3::zero() });
    }
    if let Some(parameters) = p.parameters_bar.as_deref_mut() {
        parameters.constraints.ties[at.tie].torque_scale += lanes[12];
    }
}
