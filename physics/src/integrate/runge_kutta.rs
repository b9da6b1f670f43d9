//! Explicit Runge-Kutta-Munthe-Kaas methods whose stages each start from the one before.
//!
//! With `T` the displacement from the step's start, `q = q_0 (+) T`: `T' = J_r(T)^-1 v`, `v' = a(q, v, u)`, solved by a
//! classical method. H. Munthe-Kaas, Appl. Numer. Math. 29, 115 (1999).

use cotangent_ad::{Quat, Real, Vec3};

use super::Implicit;
use crate::force::Point;
use crate::forward::forward_dynamics;
use crate::model::{JointKind, Model, Parameters};
use crate::routes::Routes;
use crate::scratch::{Scratch, Stage};
use crate::state::{State, displace};

/// The coefficients of a method.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tableau {
    /// Stage `i` is `nodes[i] h` from the start, along the rates of stage `i - 1`.
    pub(crate) nodes: &'static [f64],
    /// Weights of the stages in the step.
    pub(crate) weights: &'static [f64],
    /// Whether the length of a step is the method's own choice.
    pub(crate) adaptive: bool,
}

/// Euler's methods have one stage.
pub(crate) const EULER: Tableau = Tableau { nodes: &[0.0], weights: &[1.0], adaptive: false };

/// The classical method, order 4.
pub(crate) const CLASSICAL: Tableau = Tableau {
    nodes: &[0.0, 0.5, 0.5, 1.0],
    weights: &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0],
    adaptive: false,
};

/// The method of order 3 of Bogacki and Shampine (Appl. Math. Lett. 2, 321 (1989)). None of its stages is at the step's end, so that a step up to a
/// jump of the forces has nothing of what is beyond.
pub(crate) const THIRD_ORDER: Tableau = Tableau {
    nodes: &[0.0, 0.5, 0.75],
    weights: &[2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0],
    adaptive: true,
};

/// The acceleration of a stage whose configuration, velocity and drive are known, and the rate of its displacement.
pub(crate) fn evaluate<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    i: usize,
    s: &mut Scratch<T>,
) {
    let stage = &mut s.stages[i];
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
    let (q, v) = (std::mem::take(&mut stage.q), std::mem::take(&mut stage.v));
    let drive = std::mem::take(&mut stage.drive);
    let routes = Routes::default();
    let point = Point { model, parameters, q: &q, v: &v, drive: &drive, routes: &routes };
    forward_dynamics(&point, Implicit::Nothing, s);
    let stage = &mut s.stages[i];
    stage.a.copy_from_slice(&s.a);
    (stage.q, stage.v, stage.drive) = (q, v, drive);
}

/// Evaluates the stages of a step of length `h` into `s.stages`, from the one at `first` on; their drives are known.
pub(crate) fn stages<T: Real>(
    (model, parameters): (&Model, &Parameters<T>),
    (tableau, h, first): (&Tableau, T, usize),
    (q, v): (&[T], &[T]),
    s: &mut Scratch<T>,
) {
    for i in first..tableau.nodes.len() {
        let (before, from) = s.stages.split_at_mut(i);
        let stage = &mut from[0];
        match before.last() {
            None => begin(stage, (q, v)),
            Some(last) => {
                let time = h * tableau.nodes[i];
                for d in 0..model.nv() {
                    stage.displacement[d] = last.rate[d] * time;
                    stage.v[d] = v[d] + last.a[d] * time;
                }
                displace(model, q, &stage.displacement, &mut stage.q);
            }
        }
        evaluate(model, parameters, i, s);
    }
}

/// A stage at the step's start.
pub(crate) fn begin<T: Real>(stage: &mut Stage<T>, (q, v): (&[T], &[T])) {
    stage.displacement.fill(T::lit(0.0));
    stage.q.copy_from_slice(q);
    stage.v.copy_from_slice(v);
}

pub(super) fn step<T: Real>(
    model: &Model,
    parameters: &Parameters<T>,
    h: f64,
    state: &mut State<T>,
    s: &mut Scratch<T>,
) {
    stages((model, parameters), (&CLASSICAL, T::lit(h), 0), (&state.q, &state.v), s);
    for d in 0..model.nv() {
        let mut displacement = T::lit(0.0);
        for (stage, weight) in s.stages.iter().zip(CLASSICAL.weights) {
            displacement += stage.rate[d] * (weight * h);
            state.v[d] += stage.a[d] * (weight * h);
        }
        s.stages[0].displacement[d] = displacement;
    }
    let first = &mut s.stages[0];
    displace(model, &state.q, &first.displacement, &mut first.q);
    state.q.copy_from_slice(&first.q);
}
