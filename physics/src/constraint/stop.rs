//! Stops of joints and tendons: one-sided constraints along the distance to the end of a range.

use cotangent_ad::{Dual, Num, Quat, Real, Vec3};

use super::adjoint::Pull;
use super::block::{Blocks, Source};
use super::law::{Law, Numbers};
use crate::force::Point;
use crate::model::{JointKind, Line, Model, Stop};

/// The rotation vector of a ball from where it was described, as an angle and an axis.
fn angle_and_axis<T: Real>(q: [T; 4]) -> (T, Vec3<T>) {
    let turn = Quat(q).normalized().log();
    let angle = turn.norm();
    let axis = if angle > 0.0 { turn * angle.recip() } else { Vec3::unit(0) };
    (angle, axis)
}

fn ball_at(model: &Model, stop: &Stop) -> Option<(usize, usize)> {
    let Line::Joint(joint) = stop.line else { return None };
    let link = &model.links[model.joints[joint].link];
    (link.joint == JointKind::Ball).then_some((link.q_at, link.v_at))
}

/// Adds the stops that act at `q`.
pub(super) fn add<T: Real>(p: &Point<'_, T>, blocks: &mut Blocks<T>) {
    let (model, q, constraints) = (p.model, p.q, &p.parameters.constraints);
    for (k, (stop, n)) in model.stops.iter().zip(&constraints.stops).enumerate() {
        let zero = T::lit(0.0);
        let numbers = |gap, weight| Numbers {
            gap,
            reference: n.softness.reference,
            impedance: n.softness.impedance,
            weight: [weight, zero],
            friction: [zero; 5],
        };
        if let Some((q_at, v_at)) = ball_at(model, stop) {
            let (angle, axis) = angle_and_axis([q[q_at], q[q_at + 1], q[q_at + 2], q[q_at + 3]]);
            let gap = n.range[0].max(n.range[1]) - angle - n.margin;
            if gap < 0.0 {
                let along = (0..3).map(|i| (v_at + i, -axis[i]));
                let source = Source::Stop { stop: k, upper: true };
                let weight = constraints.weights.coordinates[v_at];
                blocks.push_line(Law::OneSided, source, numbers(gap, weight), along);
            }
            continue;
        }
        let value = stop.line.length(model, q, p.routes);
        for (upper, side) in [(false, -1.0), (true, 1.0)] {
            let gap = (n.range[usize::from(upper)] - value) * side - n.margin;
            if gap < 0.0 {
                let parts = stop.line.parts(model, p.routes);
                let along = parts.map(|(dof, rate)| (dof, rate * -side));
                let source = Source::Stop { stop: k, upper };
                let weight = stop.line.weight(model, &constraints.weights);
                blocks.push_line(Law::OneSided, source, numbers(gap, weight), along);
            }
        }
    }
}

/// The part of the adjoint that is a stop's own.
pub(super) fn pull(p: &mut Pull<'_>, (stop, upper): (usize, bool)) {
    let (model, bar) = (p.model, p.numbers_bar);
    let line = &model.stops[stop];
    if let Some(parameters) = p.parameters_bar.as_deref_mut() {
        let numbers = &mut parameters.constraints.stops[stop];
        let end = if ball_at(model, line).is_none() {
            usize::from(upper)
        } else {
            let [first, second] = p.parameters.constraints.stops[stop].range;
            usize::from(second > first)
        };
        numbers.range[end] += if upper { bar.gap } else { -bar.gap };
        numbers.margin -= bar.gap;
        numbers.softness.add(&bar.reference, &bar.impedance);
        let weights = &mut parameters.constraints.weights;
        match (ball_at(model, line), line.line) {
            (Some((_, v_at)), _) => weights.coordinates[v_at] += bar.weight[0],
            (None, _) => *line.line.weight_mut(model, weights) += bar.weight[0],
        }
    }
    let Some((q_at, v_at)) = ball_at(model, line) else {
        let side = if upper { 1.0 } else { -1.0 };
        let parts = line.line.parts(model, p.routes);
        parts.for_each(|(dof, rate)| p.q_bar[dof] -= side * rate * bar.gap);
        let rates = p.rates();
        let by = |dof: usize| -side * rates.bar(dof, 0);
        line.line.add_bars(model, &mut *p.moments, by);
        return;
    };
    // the axis moves with the ball
    let q: [f64; 4] = std::array::from_fn(|k| p.q[q_at + k]);
    let turn = Quat::exp(Vec3([0, 1, 2].map(|k| Dual::<f64, 3>::seed(0.0, k))));
    let (angle, axis) = angle_and_axis((Quat(q.map(Dual::lit)).normalized() * turn).0);
    for k in 0..3 {
        p.q_bar[v_at + k] -= angle.eps[k] * bar.gap;
        for i in 0..3 {
            p.q_bar[v_at + k] -= axis[i].eps[k] * p.jacobian_bar(v_at + i, 0);
        }
    }
}
