//! Runge-Kutta-Munthe-Kaas of order 4.
//!
//! With `T` the displacement from the step's start, `q = q_0 (+) T`: `T' = J_r(T)^-1 v`, `v' = a(q, v, u)`, solved by the
//! classical method. H. Munthe-Kaas, Appl. Numer. Math. 29, 115 (1999).

use cotangent_ad::{Quat, Real, Vec3};

use super::Implicit;
use crate::force::Point;
use crate::forward::forward_dynamics;
use crate::model::{JointKind, Model, Parameters};
use crate::routes::Routes;
use crate::scratch::Scratch;
use crate::state::{State, displace};

/// Stage `i` starts from the rates of stage `i - 1`, `HALVES[i] h` away.
pub(crate) const HALVES: [f64; 4] = [0.0, 0.5, 0.5, 1.0];
/// Weights of the stages.
pub(crate) const WEIGHTS: [f64; 4] = [1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0];

/// Evaluates the four stages of a step into `s.stages`, whose drives are known.
pub(crate) fn stages<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    h: f64,
    (q, v): (&[T], &[T]),
    s: &mut Scratch<T>,
) {
    let n = model.nv();
    for i in 0..4 {
        let (before, from) = s.stages.split_at_mut(i);
        let stage = &mut from[0];
        match before.last() {
            None => {
                stage.displacement.fill(T::lit(0.0));
                stage.q.copy_from_slice(q);
                stage.v.copy_from_slice(v);
            }
            Some(last) => {
                for d in 0..n {
                    stage.displacement[d] = last.rate[d] * (HALVES[i] * h);
                    stage.v[d] = v[d] + last.a[d] * (HALVES[i] * h);
                }
                displace(model, q, &stage.displacement, &mut stage.q);
            }
        }
        for link in model.links() {
            let at = link.v_at;
            if link.joint == JointKind::Ball {
                let take = |x: &[T]| Vec3([x[at], x[at + 1], x[at + 2]]);
                let rate = Quat::exp_rate(take(&stage.displacement), take(&stage.v));
                stage.rate[at..at + 3].copy_from_slice(&rate.0);
            } else {
                let range = at..at + link.joint.nv();
                stage.rate[range.clone()].copy_from_slice(&stage.v[range]);
            }
        }
        let stage = &mut s.stages[i];
        let (q, v) = (std::mem::take(&mut stage.q), std::mem::take(&mut stage.v));
        let drive = std::mem::take(&mut stage.drive);
        let routes = Routes::default();
        let point = Point { model, parameters, q: &q, v: &v, drive: &drive, routes: &routes };
        forward_dynamics(&point, Implicit::Nothing, s);
        let stage = &mut s.stages[i];
        stage.a.copy_from_slice(&s.a);
        (stage.q, stage.v, stage.drive) = (q, v, drive);
    }
}

pub(super) fn step<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    h: f64,
    state: &mut State<T>,
    s: &mut Scratch<T>,
) {
    stages(model, parameters, h, (&state.q, &state.v), s);
    for d in 0..model.nv() {
        let mut displacement = T::lit(0.0);
        for (stage, weight) in s.stages.iter().zip(WEIGHTS) {
            displacement += stage.rate[d] * (weight * h);
            state.v[d] += stage.a[d] * (weight * h);
        }
        s.stages[0].displacement[d] = displacement;
    }
    let first = &mut s.stages[0];
    displace(model, &state.q, &first.displacement, &mut first.q);
    state.q.copy_from_slice(&first.q);
}
