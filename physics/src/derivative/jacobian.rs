//! The whole Jacobian of a step.
//!
//! Of a step of Euler's kind `R(a; q, v, d) = 0`, `d` being what drives the actuators, gives `da = -(dR/da)^-1 dR`. Inverse dynamics has its derivatives as matrices; what forces and
//! constraints add are pullbacks with unit multipliers at one point, which share its kinematics and its solution, and of contacts matrices again. All columns then are
//! solved with the same factors at once. Under constraints `dR_1/da = H`; where the step is implicit, its own residual `R_2` has their forces
//! `F`, and `dF = dR_1 + M da_1` with `dR_1` less the constraints' part, from which `dR_2` differs by `d(M (a_2 - a_1))/dq` and what is implicit.

use super::inverse_dynamics::prepare;
use super::inverse_dynamics_matrix::{add_mass_slopes, matrices};
use super::step::{Cotangent, StepAdjoint};
use crate::activation::{DriveSlopes, drive_slopes, follow};
use crate::crba::mass_matrix;
use crate::force::{Bars, Point};
use crate::integrate::{
    Implicit, Integrator, StepOptions, euler_acceleration, factorize_matrix, solve_rows,
};
use crate::model::{JointKind, Model, Parameters};
use crate::routes;
use crate::scratch::Scratch;
use crate::state::State;
use cotangent_ad::{Quat, Vec3};

/// The derivatives of the next state, both matrices row-major: first how much the configuration is displaced, then the velocity, then the
/// activations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepJacobian {
    /// By a displacement of the configuration, the velocity and the activations, `(2 nv + na) x (2 nv + na)`.
    pub a: Vec<f64>,
    /// By the controls, `(2 nv + na) x nu`.
    pub b: Vec<f64>,
    /// `dR/d(q, v, d)` of the constraints' problem and of the step, `d` being what drives the actuators: `nv x (2 nv + nu)`, row-major, so that
    /// whatever is done with all columns goes along the rows.
    first: Vec<f64>,
    second: Vec<f64>,
}

impl StepAdjoint {
    /// The Jacobian of the step from `state` under the controls `u`.
    ///
    /// By hand, at a cost of a few steps; of a step of Runge-Kutta's method, and of its own choice of lengths, by `2 nv` pullbacks. It is NaN where the constraints' problem has
    /// no solution, as of a state that is not finite.
    pub fn jacobian(
        &mut self,
        model: &Model,
        parameters: &Parameters<f64>,
        options: &StepOptions,
        (state, u): (&State, &[f64]),
        out: &mut StepJacobian,
        s: &mut Scratch,
    ) {
        let (nu, size) = (model.nu(), 2 * model.nv() + model.na());
        out.a.clear();
        out.a.resize(size * size, 0.0);
        out.b.clear();
        out.b.resize(size * nu, 0.0);
        if matches!(options.integrator, Integrator::RungeKutta4 | Integrator::Adaptive { .. }) {
            self.by_rows(model, parameters, options, (state, u), out, s);
            return;
        }
        follow(model, parameters, options, (&state.act, u), s);
        euler_acceleration(model, parameters, options, (&state.q, &state.v), s);
        if s.constraints.failure.is_some() {
            out.a.fill(f64::NAN);
            out.b.fill(f64::NAN);
            return;
        }
        let (drive, routes) = (s.stages[0].drive.clone(), s.routes.clone());
        let (q, v) = (&state.q, &state.v);
        let point = Point { model, parameters, q, v, drive: &drive, routes: &routes };
        let velocity: Vec<f64> =
            state.v.iter().zip(&s.a).map(|(v, a)| (v + options.dt * a) * options.dt).collect();
        let implicit = options.integrator.implicit(options.dt);
        self.accelerations(&point, implicit, out, s);
        let of_constraints = implicit == Implicit::Nothing && !s.constraints.blocks.list.is_empty();
        let rows = if of_constraints { &out.first } else { &out.second };
        assemble(model, options.dt, &velocity, rows, (&mut out.a, &mut out.b));
        let drive_slopes =
            |k: usize| drive_slopes((model, parameters), options, (&state.act, u), k);
        by_activations(model, drive_slopes, (&mut out.a, &mut out.b));
    }

    fn by_rows(
        &mut self,
        model: &Model,
        parameters: &Parameters<f64>,
        options: &StepOptions,
        point: (&State, &[f64]),
        out: &mut StepJacobian,
        s: &mut Scratch,
    ) {
        let (nu, size) = (model.nu(), 2 * model.nv() + model.na());
        for i in 0..size {
            let mut bar = Cotangent::zero(model);
            let all = bar.q.iter_mut().chain(&mut bar.v).chain(&mut bar.act);
            all.skip(i).take(1).for_each(|x| *x = 1.0);
            let u_bar = &mut out.b[i * nu..][..nu];
            self.pull(model, parameters, options, point, &mut bar, u_bar, None, s);
            let row = bar.q.iter().chain(&bar.v).chain(&bar.act);
            out.a[size * i..][..size].iter_mut().zip(row).for_each(|(to, x)| *to = *x);
        }
    }

    /// `-da/d(q, v, d)` into `out.second`; into `out.first` where there are constraints and nothing is implicit.
    fn accelerations(
        &mut self,
        point: &Point<'_, f64>,
        implicit: Implicit,
        out: &mut StepJacobian,
        s: &mut Scratch,
    ) {
        let model = point.model;
        let (n, width) = (model.nv(), 2 * model.nv() + model.nu());
        for rows in [&mut out.first, &mut out.second] {
            rows.clear();
            rows.resize(n * width, 0.0);
        }
        if s.constraints.blocks.list.is_empty() {
            let a = std::mem::take(&mut s.a);
            self.residual_rows(point, &a, &mut out.second, s);
            self.implicit_rows(point, (implicit, &a), &mut out.second, s);
            s.a = a;
            mass_matrix(model, point.parameters, s);
            factorize_matrix(point, implicit, s);
            solve_rows(model, (&mut out.second, width), s);
            return;
        }
        let a = std::mem::take(&mut s.constraints.a);
        self.residual_rows(point, &a, &mut out.first, s);
        if implicit != Implicit::Nothing {
            // what R_2 has beside R_1 without constraints: other accelerations, and what is implicit
            let own = std::mem::take(&mut s.a);
            self.implicit_rows(point, (implicit, &own), &mut out.second, s);
            let apart: Vec<f64> = own.iter().zip(&a).map(|(own, a)| own - a).collect();
            add_mass_slopes(model, &apart, s, (&mut out.second, width));
            s.a = own;
        }
        s.constraints.a = a;
        self.constraint_rows(point, &mut out.first, s);
        s.constraints.newton.hessian.solve_rows(&mut out.first, width);
        if implicit == Implicit::Nothing {
            return;
        }
        factorize_matrix(point, implicit, s);
        // and M da_1: the sign of `first` is that of -da_1
        add_mass_times(model, &s.mass, &out.first, (&mut out.second, width));
        solve_rows(model, (&mut out.second, width), s);
    }

    /// `dR/d(q, v, d)` without constraints, nothing being implicit.
    fn residual_rows(
        &mut self,
        point: &Point<'_, f64>,
        a: &[f64],
        rows: &mut [f64],
        s: &mut Scratch,
    ) {
        let (n, width) = (point.model.nv(), 2 * point.model.nv() + point.model.nu());
        prepare(point.model, point.parameters, (point.v, a), s);
        matrices(point.model, point.parameters, s, (rows, width));
        self.each_row(point, rows, s, |adjoint, bars, s| {
            adjoint.forces(point, (Implicit::Nothing, a), bars, s);
        });
        debug_assert_eq!(rows.len(), n * width, "a row for each coordinate");
    }

    /// Adds what the residual has where something is implicit.
    fn implicit_rows(
        &mut self,
        point: &Point<'_, f64>,
        (implicit, a): (Implicit, &[f64]),
        rows: &mut [f64],
        s: &Scratch,
    ) {
        let constant = match implicit {
            Implicit::Nothing => true,
            Implicit::Damping(_) => !point.model.has_polynomial_damping,
            Implicit::Forces(_) => false,
        };
        if !constant {
            self.each_row(point, rows, s, |adjoint, bars, s| {
                adjoint.implicit_forces(point, (implicit, a), bars, s);
            });
        }
    }

    /// Adds to each row what `pull` gives under its unit multiplier.
    fn each_row(
        &mut self,
        point: &Point<'_, f64>,
        rows: &mut [f64],
        s: &Scratch,
        mut pull: impl FnMut(&mut Self, &mut Bars<'_>, &Scratch),
    ) {
        let (n, width) = (point.model.nv(), 2 * point.model.nv() + point.model.nu());
        let mut moments = vec![0.0; point.routes.moments.len()];
        self.multiplier.lambda.fill(0.0);
        self.tau_bar.fill(0.0);
        for (i, row) in rows.chunks_exact_mut(width).enumerate() {
            (self.multiplier.lambda[i], self.tau_bar[i]) = (1.0, -1.0);
            moments.fill(0.0);
            pull(self, &mut bars(row, n, &mut moments), s);
            routes::pull(point.model, &moments, &mut row[..n], s);
            (self.multiplier.lambda[i], self.tau_bar[i]) = (0.0, 0.0);
        }
    }

    /// Adds the constraints' part of `dR_1/d(q, v, d)`.
    fn constraint_rows(&mut self, point: &Point<'_, f64>, rows: &mut [f64], s: &Scratch) {
        let (n, width) = (point.model.nv(), 2 * point.model.nv() + point.model.nu());
        self.constraints.prepare(point, true, s);
        self.constraints.add_contact_rows(point, (rows, width), s);
        let (mut unit, mut moments) = (vec![0.0; n], vec![0.0; point.routes.moments.len()]);
        let blocks = &s.constraints.blocks;
        let mut acts = vec![false; n];
        for block in blocks.list.iter().filter(|block| blocks.contact(block).is_none()) {
            blocks.of(block).0.iter().for_each(|d| acts[*d] = true);
        }
        for i in (0..n).filter(|i| acts[*i]) {
            let row = &mut rows[i * width..][..width];
            unit[i] = 1.0;
            moments.fill(0.0);
            let bars = &mut bars(row, n, &mut moments);
            self.constraints.pull_without_contacts(point, &unit, s, bars);
            routes::pull(point.model, &moments, &mut row[..n], s);
            unit[i] = 0.0;
        }
    }
}

/// Adds `M X`, of rows of `width`, the lower triangle of `M` being given along the branches of a tree.
fn add_mass_times(model: &Model, mass: &[f64], x: &[f64], (y, width): (&mut [f64], usize)) {
    let n = model.nv();
    let mut add = |to: usize, m: f64, from: usize| {
        let source = &x[from * width..][..width];
        y[to * width..][..width].iter_mut().zip(source).for_each(|(y, x)| *y += m * x);
    };
    for i in 0..n {
        add(i, mass[i * n + i], i);
        let mut other = model.dof_parent[i];
        while let Some(j) = other {
            let m = mass[i * n + j];
            add(i, m, j);
            add(j, m, i);
            other = model.dof_parent[j];
        }
    }
}

/// A row by `q`, `v` and what drives the actuators.
fn bars<'a>(row: &'a mut [f64], n: usize, moments: &'a mut [f64]) -> Bars<'a> {
    let (q, rest) = row.split_at_mut(n);
    let (v, drive) = rest.split_at_mut(n);
    Bars { q, v, drive, moments, parameters: None }
}

/// The Jacobian of the next configuration and velocity from that of the accelerations, of which `rows` hold the negative; `turn` is `h v+`. By
/// the controls it is that by what drives the actuators.
fn assemble(model: &Model, h: f64, turn: &[f64], rows: &[f64], (a, b): (&mut [f64], &mut [f64])) {
    let (n, nu, size) = (model.nv(), model.nu(), 2 * model.nv() + model.na());
    for (i, row) in rows.chunks_exact(2 * n + nu).enumerate() {
        let (by_state, by_drive) = row.split_at(2 * n);
        a[size * (n + i)..].iter_mut().zip(by_state).for_each(|(a, x)| *a = -h * x);
        a[size * (n + i) + n + i] += 1.0;
        b[nu * (n + i)..].iter_mut().zip(by_drive).for_each(|(b, x)| *b = -h * x);
    }
    for (matrix, width, by_state) in [(a, size, true), (b, nu, false)] {
        let (above, below) = matrix.split_at_mut(n * width);
        above.iter_mut().zip(&*below).for_each(|(above, below)| *above = h * below);
        for link in model.links() {
            let at = link.v_at;
            if link.joint == JointKind::Ball {
                let turn = Vec3([turn[at], turn[at + 1], turn[at + 2]]);
                let (through, back) = (Quat::exp_right_jacobian(turn), Quat::exp(turn).to_mat());
                for j in 0..width {
                    let moved = Vec3([0, 1, 2].map(|k| above[(at + k) * width + j]));
                    let moved = through * moved;
                    (0..3).for_each(|k| above[(at + k) * width + j] = moved[k]);
                }
                if by_state {
                    (0..9).for_each(|k| {
                        above[(at + k / 3) * width + at + k % 3] += back.0[k % 3][k / 3];
                    });
                }
            } else if by_state {
                (at..at + link.joint.nv()).for_each(|k| above[k * width + k] += 1.0);
            }
        }
    }
}

/// Of the Jacobian by what drives the actuators, in `b`, that by activations and controls; and the rows of the activations.
fn by_activations(
    model: &Model,
    drive_slopes: impl Fn(usize) -> DriveSlopes,
    (a, b): (&mut [f64], &mut [f64]),
) {
    let (n, nu, size) = (model.nv(), model.nu(), 2 * model.nv() + model.na());
    for k in 0..nu {
        let DriveSlopes { drive_by_control, by_activation } = drive_slopes(k);
        if let Some((at, drive, [next, next_by_control])) = by_activation {
            let place = 2 * n + at;
            for i in 0..2 * n {
                a[size * i + place] = b[nu * i + k] * drive;
            }
            a[size * place + place] = next;
            b[nu * place + k] = next_by_control;
        }
        for i in 0..2 * n {
            b[nu * i + k] *= drive_by_control;
        }
    }
}
