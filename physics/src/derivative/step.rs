//! The adjoint of a step.
//!
//! A step solves `R(a; q, v, u, p) = M a + c - tau + h E a = 0`, `E` being what its integrator is implicit in, with the forces `tau` of [`crate::force`]. By the implicit function theorem a cotangent `a_bar` becomes the multiplier `lambda = -M^-1 a_bar`, one
//! solve with the factors that the step made, and then contracts the derivatives of `R`.

use cotangent_ad::{Dual, Quat, Vec3};

use super::inverse_dynamics::{Multiplier, prepare, pull};
use crate::activation::{self, follow_part};
use crate::constraint::{ConstraintAdjoint, MOST};
use crate::force::{self, Bars, ImplicitPull, Point};
use crate::forward::forward_dynamics;
use crate::integrate::{
    Implicit, Integrator, StepOptions, Tableau, euler_acceleration_again, pull_gyration, solve,
    stages,
};
use crate::known::Known;
use crate::model::{JointKind, Model, Parameters};
use crate::routes::{self, Routes};
use crate::scratch::Scratch;
use crate::state::State;

/// The cotangent of a state.
#[derive(Clone, Debug, PartialEq)]
pub struct Cotangent {
    /// By the configuration, in its tangent space. Entries: `nv`.
    pub q: Vec<f64>,
    /// By the velocity. Entries: `nv`.
    pub v: Vec<f64>,
    /// By the activations. Entries: `na`.
    pub act: Vec<f64>,
}

impl Cotangent {
    /// Zero.
    pub fn zero(model: &Model) -> Self {
        let [q, v] = [(); 2].map(|()| vec![0.0; model.nv()]);
        Self { q, v, act: vec![0.0; model.na()] }
    }
}

/// Pulls cotangents back through steps of one model, reusing its memory.
#[derive(Clone, Debug)]
pub struct StepAdjoint {
    pub(super) multiplier: Multiplier,
    /// Cotangents of the displacement and the acceleration of each stage, and of a displacement at large.
    rate: [Vec<f64>; 4],
    acceleration: [Vec<f64>; 4],
    displacement: Vec<f64>,
    velocity: Vec<f64>,
    start: Vec<f64>,
    /// Cotangents of what drives the actuators at each stage.
    drive: [Vec<f64>; 4],
    /// Cotangents of the tendons' moments.
    moments: Vec<f64>,
    /// Cotangent of the forces on the coordinates.
    pub(super) tau_bar: Vec<f64>,
    work: Vec<f64>,
    implicit: ImplicitPull,
    pub(super) constraints: ConstraintAdjoint,
    /// The multiplier of the constraints' problem.
    lambda: Vec<f64>,
}

impl StepAdjoint {
    /// Memory for `model`.
    pub fn new(model: &Model) -> Self {
        let zeros = || vec![0.0; model.nv()];
        Self {
            multiplier: Multiplier::new(model),
            rate: std::array::from_fn(|_| zeros()),
            acceleration: std::array::from_fn(|_| zeros()),
            displacement: zeros(),
            velocity: zeros(),
            start: zeros(),
            drive: std::array::from_fn(|_| vec![0.0; model.nu()]),
            moments: vec![],
            tau_bar: zeros(),
            work: zeros(),
            implicit: ImplicitPull::new(model),
            constraints: ConstraintAdjoint::new(model),
            lambda: zeros(),
        }
    }

    /// Replays the step from `state` and replaces `bar`, the cotangent of the next state, by that of `state`; adds the
    /// cotangents of the controls to `u_bar` (`nu`) and, where wanted, of the parameters.
    ///
    /// A control beyond its actuator's range gets 0. Where the constraints' problem has no solution, as of a state that is not finite, the
    /// cotangents are NaN as the step is.
    pub fn pull(
        &mut self,
        model: &Model,
        parameters: &Parameters<f64>,
        options: &StepOptions,
        (state, u): (&State, &[f64]),
        bar: &mut Cotangent,
        u_bar: &mut [f64],
        parameters_bar: Option<&mut Parameters<f64>>,
        s: &mut Scratch,
    ) {
        let inputs = Inputs { model, parameters, options };
        let bars = (bar, u_bar, parameters_bar);
        self.pull_known(&inputs, (state, u, &Known::default()), bars, s);
    }

    /// [`StepAdjoint::pull`] through a step of which something may be known. The same bits, whether it is or not.
    pub(super) fn pull_known(
        &mut self,
        inputs: &Inputs<'_>,
        (state, u, known): (&State, &[f64], &Known),
        bars: (&mut Cotangent, &mut [f64], Option<&mut Parameters<f64>>),
        s: &mut Scratch,
    ) {
        let options = inputs.options;
        if matches!(options.integrator, Integrator::Adaptive { .. }) {
            self.parts(inputs, (state, u), bars, s);
        } else {
            let part = (options.integrator.tableau(), options.dt);
            self.pull_part(inputs, part, (state, u, known), bars, s);
        }
    }

    /// [`StepAdjoint::pull`] through one step of a method, or a part of one; returned is the cotangent of its length, of Runge-Kutta methods.
    pub(super) fn pull_part(
        &mut self,
        inputs: &Inputs<'_>,
        part: (&Tableau, f64),
        (state, u, known): (&State, &[f64], &Known),
        (bar, u_bar, mut wanted): (&mut Cotangent, &mut [f64], Option<&mut Parameters<f64>>),
        s: &mut Scratch,
    ) -> f64 {
        let Inputs { model, parameters, options } = *inputs;
        follow_part(model, parameters, part, (&state.act, u), s);
        self.drive.iter_mut().for_each(|bar| bar.fill(0.0));
        let by_parameters = wanted.as_deref_mut();
        let by_stages = match options.integrator {
            Integrator::Euler | Integrator::EulerExplicitDamping | Integrator::ImplicitFast => {
                self.euler(inputs, (state, known), bar, by_parameters, s);
                0.0
            }
            Integrator::RungeKutta4 | Integrator::Adaptive { .. } => {
                self.runge_kutta(inputs, part, state, bar, by_parameters, s)
            }
        };
        let (point, bars) = ((state.act.as_slice(), u), (bar.act.as_mut_slice(), u_bar));
        by_stages + activation::pull((model, parameters), part, point, &self.drive, bars, wanted)
    }

    fn euler(
        &mut self,
        inputs: &Inputs<'_>,
        (state, known): (&State, &Known),
        bar: &mut Cotangent,
        parameters_bar: Option<&mut Parameters<f64>>,
        s: &mut Scratch,
    ) {
        let (model, h) = (inputs.model, inputs.options.dt);
        let point = (state.q.as_slice(), state.v.as_slice());
        let start = (point.0, point.1, known);
        euler_acceleration_again(model, inputs.parameters, inputs.options, start, s);
        for d in 0..model.nv() {
            self.velocity[d] = (state.v[d] + s.a[d] * h) * h;
        }
        // q+ = q (+) h v+
        displace_pullback(model, &self.velocity, &mut bar.q, &mut self.displacement);
        for d in 0..model.nv() {
            bar.v[d] += h * self.displacement[d];
            self.multiplier.lambda[d] = -h * bar.v[d];
        }
        let (q_bar, v_bar) = (bar.q.as_mut_slice(), bar.v.as_mut_slice());
        let implicit = inputs.options.integrator.implicit(h);
        self.residual(inputs, (implicit, 0), point, (q_bar, v_bar), parameters_bar, s);
    }

    /// Contracts the derivatives of `R` with `lambda <- M^-1 lambda`; kinematics, factors and `s.a` are those of the point, its drive
    /// that of a `stage`.
    fn residual(
        &mut self,
        inputs: &Inputs<'_>,
        (implicit, stage): (Implicit, usize),
        (q, v): (&[f64], &[f64]),
        (q_bar, v_bar): (&mut [f64], &mut [f64]),
        parameters_bar: Option<&mut Parameters<f64>>,
        s: &mut Scratch,
    ) {
        let (model, parameters) = (inputs.model, inputs.parameters);
        let drive = std::mem::take(&mut s.stages[stage].drive);
        let mut drive_bar = std::mem::take(&mut self.drive[stage]);
        let routes = std::mem::take(&mut s.routes);
        let mut moments_bar = std::mem::take(&mut self.moments);
        moments_bar.clear();
        moments_bar.resize(routes.moments.len(), 0.0);
        let point = Point { model, parameters, q, v, drive: &drive, routes: &routes };
        let mut bars = Bars {
            q: q_bar,
            v: v_bar,
            drive: &mut drive_bar,
            moments: &mut moments_bar,
            parameters: parameters_bar,
        };
        if s.constraints.blocks.list.is_empty() {
            solve(model, implicit, &mut self.multiplier.lambda, true, s);
            let a = std::mem::take(&mut s.a);
            self.smooth(&point, (implicit, &a), &mut bars, s);
            s.a = a;
        } else {
            self.constrained(&point, implicit, &mut bars, s);
        }
        routes::pull(model, bars.moments, bars.q, s);
        (s.stages[stage].drive, self.drive[stage]) = (drive, drive_bar);
        (s.routes, self.moments) = (routes, moments_bar);
    }

    /// Contracts the derivatives of `M a + c - tau + h E a` with the multiplier.
    fn smooth(
        &mut self,
        point: &Point<'_, f64>,
        (implicit, a): (Implicit, &[f64]),
        bars: &mut Bars<'_>,
        s: &mut Scratch,
    ) {
        prepare(point.model, point.parameters, (point.v, a), s);
        self.prepared(point, (implicit, a), bars, s);
    }

    /// [`StepAdjoint::smooth`] where the links move and accelerate already.
    fn prepared(
        &mut self,
        point: &Point<'_, f64>,
        (implicit, a): (Implicit, &[f64]),
        bars: &mut Bars<'_>,
        s: &Scratch,
    ) {
        let m = &mut self.multiplier;
        let wanted = (bars.parameters.as_deref_mut(), true);
        let tangent = (&mut *bars.q, &mut *bars.v);
        pull(point.model, point.parameters, a, m, s, tangent, wanted);
        self.forces(point, (implicit, a), bars, s);
    }

    /// The part of [`StepAdjoint::smooth`] that inverse dynamics has not.
    pub(super) fn forces(
        &mut self,
        point: &Point<'_, f64>,
        (implicit, a): (Implicit, &[f64]),
        bars: &mut Bars<'_>,
        s: &Scratch,
    ) {
        let m = &self.multiplier;
        // R has -tau
        self.tau_bar.iter_mut().zip(&m.lambda).for_each(|(bar, l)| *bar = -l);
        force::pull(point, &self.tau_bar, &mut self.work, bars);
        self.implicit_forces(point, (implicit, a), bars, s);
    }

    /// The part of [`StepAdjoint::forces`] that a step has for being implicit, with the multiplier's negative in `tau_bar`.
    pub(super) fn implicit_forces(
        &mut self,
        point: &Point<'_, f64>,
        (implicit, a): (Implicit, &[f64]),
        bars: &mut Bars<'_>,
        s: &Scratch,
    ) {
        match implicit {
            Implicit::Nothing => {}
            Implicit::Damping(h) => {
                force::pull_implicit_damping(point, (h, a), &self.tau_bar, bars);
            }
            Implicit::Forces(h) => {
                let lambda = self.multiplier.lambda.as_slice();
                force::pull_implicit_damping(point, (h, a), &self.tau_bar, bars);
                self.implicit.pull(point, (h, lambda, a), bars, s);
                pull_gyration(point, (h, lambda, a), bars, s);
            }
        }
    }

    /// The same where there are constraints. They give accelerations `a_1` and forces `f`, whose residual `R_1` is that of `h = 0`; where
    /// something is implicit the step has others, of the residual `R_2(a_2)` with these forces. With `lambda_2` as without constraints, that
    /// of `R_1` is `lambda_1 = -H^-1 J^T W J lambda_2`; the forces, which both have, are contracted with the sum.
    fn constrained(
        &mut self,
        point: &Point<'_, f64>,
        implicit: Implicit,
        bars: &mut Bars<'_>,
        s: &mut Scratch,
    ) {
        if s.constraints.failure.is_some() {
            return undefined(bars);
        }
        self.lambda.fill(0.0);
        if implicit != Implicit::Nothing {
            solve(point.model, implicit, &mut self.multiplier.lambda, true, s);
            let a = std::mem::take(&mut s.a);
            self.smooth(point, (implicit, &a), bars, s);
            s.a = a;
            self.lambda.copy_from_slice(&self.multiplier.lambda);
            s.constraints.curve(&self.lambda, &mut self.multiplier.lambda);
            self.multiplier.lambda.iter_mut().for_each(|l| *l = -*l);
        }
        s.constraints.newton.hessian.solve(&mut self.multiplier.lambda);
        let a = std::mem::take(&mut s.constraints.a);
        self.smooth(point, (Implicit::Nothing, &a), bars, s);
        s.constraints.a = a;
        self.lambda.iter_mut().zip(&self.multiplier.lambda).for_each(|(sum, l)| *sum += l);
        self.constraints.prepare(point, bars.parameters.is_none(), s);
        self.constraints.pull(point, &self.lambda, &[], s, bars);
    }

    /// Adds the derivatives of `a_bar . a` of the accelerations that all forces give, after these were computed at `point`, without implicit
    /// damping.
    pub(crate) fn pull_acceleration(
        &mut self,
        point: &Point<'_, f64>,
        a_bar: &[f64],
        bars: &mut Bars<'_>,
        s: &mut Scratch,
    ) {
        self.multiplier.lambda.iter_mut().zip(a_bar).for_each(|(l, bar)| *l = -bar);
        if s.constraints.blocks.list.is_empty() {
            solve(point.model, Implicit::Nothing, &mut self.multiplier.lambda, true, s);
            let a = std::mem::take(&mut s.a);
            self.smooth(point, (Implicit::Nothing, &a), bars, s);
            s.a = a;
        } else {
            self.constrained(point, Implicit::Nothing, bars, s);
        }
    }

    /// Adds the derivatives of `along . J^T f + sum_b block_bars_b . f_b` of the constraints' forces `f` under the accelerations that they
    /// and everything else give. The accelerations are those of `point`, without implicit damping.
    pub(crate) fn constraint_forces(
        &mut self,
        point: &Point<'_, f64>,
        (along, block_bars): (&[f64], &[[f64; MOST]]),
        bars: &mut Bars<'_>,
        s: &mut Scratch,
    ) {
        if s.constraints.failure.is_some() {
            return undefined(bars);
        }
        let c = &s.constraints;
        let by_acceleration = &mut self.multiplier.lambda;
        by_acceleration.fill(0.0);
        for ((block, here), bar) in c.blocks.list.iter().zip(&c.newton.points).zip(block_bars) {
            let mut w = c.blocks.along(block, along);
            w.iter_mut().zip(bar).for_each(|(w, bar)| *w += bar);
            let curved = here.curvature.map(|row| row.iter().zip(&w).map(|(a, b)| a * b).sum());
            c.blocks.add_transposed(block, &curved, by_acceleration);
        }
        c.newton.hessian.solve(by_acceleration);
        let a = std::mem::take(&mut s.constraints.a);
        self.smooth(point, (Implicit::Nothing, &a), bars, s);
        s.constraints.a = a;
        let multipliers = self.multiplier.lambda.iter().zip(along);
        self.lambda.iter_mut().zip(multipliers).for_each(|(x, (l, along))| *x = l - along);
        self.constraints.prepare(point, bars.parameters.is_none(), s);
        self.constraints.pull(point, &self.lambda, block_bars, s, bars);
    }

    /// The adjoint of a step of length `h`; returned is the cotangent of `h`.
    fn runge_kutta(
        &mut self,
        inputs: &Inputs<'_>,
        (tableau, h): (&Tableau, f64),
        state: &State,
        bar: &mut Cotangent,
        mut parameters_bar: Option<&mut Parameters<f64>>,
        s: &mut Scratch,
    ) -> f64 {
        let (model, n) = (inputs.model, inputs.model.nv());
        stages((model, inputs.parameters), (tableau, h, 0), (&state.q, &state.v), s);
        let mut length_bar = self.begin_stages(model, (tableau, h), bar, s);
        let last = tableau.nodes.len() - 1;
        for i in (0..=last).rev() {
            let stage = &mut s.stages[i];
            let (q, v) = (std::mem::take(&mut stage.q), std::mem::take(&mut stage.v));
            let displacement = std::mem::take(&mut stage.displacement);
            // a = a(q, v, u): the factors of this stage are made again, but of the last one, which are there still
            let (parameters, drive) = (inputs.parameters, std::mem::take(&mut stage.drive));
            let routes = Routes::default();
            let (q_at, v_at) = (q.as_slice(), v.as_slice());
            let point =
                Point { model, parameters, q: q_at, v: v_at, drive: &drive, routes: &routes };
            if i < last {
                forward_dynamics(&point, Implicit::Nothing, s);
            }
            s.stages[i].drive = drive;
            for d in 0..n {
                self.multiplier.lambda[d] = -self.acceleration[i][d];
            }
            bar.q.fill(0.0);
            self.velocity.fill(0.0);
            let mut v_bar = std::mem::take(&mut self.velocity);
            let bars = (bar.q.as_mut_slice(), v_bar.as_mut_slice());
            let wanted = parameters_bar.as_deref_mut();
            self.residual(inputs, (Implicit::Nothing, i), (&q, &v), bars, wanted, s);
            self.velocity = v_bar;
            // q = q_0 (+) T, rate = J_r(T)^-1 v
            displace_pullback(model, &displacement, &mut bar.q, &mut self.displacement);
            rate_pullback(
                model,
                (&displacement, &v),
                &self.rate[i],
                self.displacement.as_mut(),
                &mut self.velocity,
            );
            let node = tableau.nodes[i];
            for d in 0..n {
                self.start[d] += bar.q[d];
                bar.v[d] += self.velocity[d];
                if i > 0 {
                    let (before, time) = (&s.stages[i - 1], node * h);
                    length_bar += node * before.rate[d] * self.displacement[d];
                    length_bar += node * before.a[d] * self.velocity[d];
                    self.rate[i - 1][d] += time * self.displacement[d];
                    self.acceleration[i - 1][d] += time * self.velocity[d];
                }
            }
            let stage = &mut s.stages[i];
            (stage.q, stage.v, stage.displacement) = (q, v, displacement);
        }
        bar.q.copy_from_slice(&self.start);
        length_bar
    }

    /// The cotangents of the rates and accelerations of all stages by the step's end, and that of its length.
    fn begin_stages(
        &mut self,
        model: &Model,
        (tableau, h): (&Tableau, f64),
        bar: &Cotangent,
        s: &Scratch,
    ) -> f64 {
        let (n, mut length_bar) = (model.nv(), 0.0);
        for d in 0..n {
            let stages = s.stages.iter().zip(tableau.weights);
            let rates = stages.map(|(stage, w)| w * h * stage.rate[d]);
            self.velocity[d] = rates.sum();
        }
        self.start.copy_from_slice(&bar.q);
        displace_pullback(model, &self.velocity, &mut self.start, &mut self.displacement);
        for (i, weight) in tableau.weights.iter().enumerate() {
            let (stage, time) = (&s.stages[i], weight * h);
            for d in 0..n {
                self.rate[i][d] = time * self.displacement[d];
                self.acceleration[i][d] = time * bar.v[d];
                length_bar += weight * stage.rate[d] * self.displacement[d];
                length_bar += weight * stage.a[d] * bar.v[d];
            }
        }
        length_bar
    }
}

/// What the derivatives of accelerations are that do not exist.
fn undefined(bars: &mut Bars<'_>) {
    for bar in [&mut *bars.q, &mut *bars.v, &mut *bars.drive, &mut *bars.moments] {
        bar.fill(f64::NAN);
    }
    if let Some(parameters) = bars.parameters.as_deref_mut() {
        *parameters = parameters.map(|_| f64::NAN);
    }
}

/// What every part of a step's adjoint reads.
pub(super) struct Inputs<'a> {
    pub(super) model: &'a Model,
    pub(super) parameters: &'a Parameters<f64>,
    pub(super) options: &'a StepOptions,
}

/// For `q+ = q (+) d`: replaces `bar`, the cotangent of `q+`, by that of `q`, and writes that of `d`.
///
/// On a ball `dq+ = R(d)^T dq + J_r(d) dd`; both by their transposes.
fn displace_pullback(model: &Model, d: &[f64], bar: &mut [f64], d_bar: &mut [f64]) {
    d_bar.copy_from_slice(bar);
    for link in model.links().iter().filter(|l| l.joint == JointKind::Ball) {
        let at = link.v_at..link.v_at + 3;
        let take = |x: &[f64]| Vec3([x[at.start], x[at.start + 1], x[at.start + 2]]);
        let (turn, cotangent) = (take(d), take(bar));
        let through = Quat::exp_right_jacobian(turn).transpose_mul(cotangent);
        d_bar[at.clone()].copy_from_slice(&through.0);
        bar[at].copy_from_slice(&Quat::exp(turn).rotate(cotangent).0);
    }
}

/// For `rate = J_r(d)^-1 v`: adds to the cotangents of `d` and `v`. The three-vector function is differentiated by duals.
fn rate_pullback(
    model: &Model,
    (d, v): (&[f64], &[f64]),
    rate_bar: &[f64],
    d_bar: &mut [f64],
    v_bar: &mut [f64],
) {
    for link in model.links() {
        if link.joint != JointKind::Ball {
            for k in link.v_at..link.v_at + link.joint.nv() {
                v_bar[k] += rate_bar[k];
            }
            continue;
        }
        let at = link.v_at;
        let seed = |x: &[f64], lane: usize| {
            Vec3([0, 1, 2].map(|k| Dual::<f64, 6>::seed(x[at + k], lane + k)))
        };
        let rate = Quat::exp_rate(seed(d, 0), seed(v, 3));
        for k in 0..3 {
            for row in 0..3 {
                d_bar[at + k] += rate_bar[at + row] * rate.0[row].eps[k];
                v_bar[at + k] += rate_bar[at + row] * rate.0[row].eps[3 + k];
            }
        }
    }
}
