//! The map of picked inputs to picked outputs of motions: forward by steps, tangents by duals, cotangents by the adjoint.

use std::borrow::Cow;
use std::sync::Arc;

use cotangent_ad::{Dual, Real};
use cotangent_problem::{
    Cost, Keep, Linearised, Map, SampleKey, Trajectory, TrialFailure, Values, Workspace,
};

use super::input::{InputKind, Setting, SettingBar};
use super::output::{OutputKind, OutputPullback, What, see};
use super::policy::{Controller, ControllerPullback};
use super::sensor::Rays;
use super::trajectory::MotionTrajectory;
use super::{MotionPart, MotionSimulation, sensor};
use crate::activation::{self, follow};
use crate::constraint::{MOST, NotConverged};
use crate::derivative::{Cotangent, StepAdjoint};
use crate::force::{Bars, Point, geared_force, pull_geared};
use crate::forward::forward_dynamics;
use crate::integrate::{Implicit, Integrator, MOST_PARTS, StepOptions, step};
use crate::kinematics::place_links;
use crate::model::{Model, Parameters};
use crate::routes::{self, lay};
use crate::scratch::Scratch;
use crate::state::State;

/// Tangents that go through a motion together.
const LANES: usize = 4;

/// A picked output: what it is, and where its entries stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Picked {
    pub(super) kind: OutputKind,
    /// Its place among all outputs.
    pub(super) index: usize,
    /// First entry among those of all picked outputs.
    pub(super) first: usize,
    /// Entries for each time.
    pub(super) row: usize,
}

pub(super) struct MotionMap {
    pub(super) simulation: Arc<MotionSimulation>,
    pub(super) inputs: Vec<(InputKind, usize)>,
    pub(super) outputs: Vec<Picked>,
    pub(super) output_len: usize,
    /// The model and the motions with the inputs that are not picked at their present values.
    pub(super) base: Setting<f64>,
}

/// Model, numbers and options of a step.
type Inputs<'a, T> = (&'a Model, &'a Parameters<T>, &'a StepOptions);

impl MotionMap {
    pub(super) fn new(
        simulation: Arc<MotionSimulation>,
        inputs: &[usize],
        outputs: &[usize],
    ) -> Self {
        let base = simulation.setting();
        let input = |k: &usize| (simulation.input_kinds[*k], simulation.inputs[*k].len());
        let inputs = inputs.iter().map(input).collect();
        let (mut picked, mut first) = (Vec::new(), 0);
        for &k in outputs {
            let quantity = &simulation.outputs[k];
            let kind = simulation.output_kinds[k];
            picked.push(Picked { kind, index: k, first, row: quantity.row_len() });
            first += quantity.len();
        }
        Self { inputs, outputs: picked, output_len: first, base, simulation }
    }

    fn setting<T: Real>(&self, x: &[T]) -> Setting<T> {
        let mut setting = self.base.lift::<T>();
        let mut first = 0;
        for &(kind, len) in &self.inputs {
            setting.set(&self.simulation.model, kind, &x[first..first + len]);
            first += len;
        }
        setting.weigh(&self.simulation.model, self.inputs.iter().map(|(kind, _)| *kind));
        setting
    }

    /// A state may be finite where what is seen of it is not.
    fn check(&self, entries: &[f64]) -> Result<(), TrialFailure> {
        let Some(k) = entries.iter().position(|y| !y.is_finite()) else { return Ok(()) };
        let holder = self.outputs.iter().rfind(|o| o.first <= k);
        let name = holder.map_or("", |o| &self.simulation.outputs[o.index].name);
        Err(TrialFailure::NonFinite { what: format!("output `{name}`") })
    }

    /// The picked outputs of one motion.
    fn of_part(&self, part: usize) -> Vec<Picked> {
        self.outputs.iter().filter(|o| o.kind.part == part).copied().collect()
    }

    /// Moves every motion; calls `visit` with each state, and writes the outputs into `y`, and into `controls` what a policy decides.
    fn forward<T: Real>(
        &self,
        setting: &Setting<T>,
        controls: &mut [Vec<T>],
        y: &mut [T],
        mut visit: impl FnMut(usize, &State<T>),
    ) -> Result<(), TrialFailure> {
        let simulation = &self.simulation;
        let (model, nu) = (&simulation.model, simulation.model.nu());
        let (mut s, mut drive) = (Scratch::new(model), vec![T::lit(0.0); nu]);
        let mut decisions = Decisions::new(simulation);
        for ((part, motion), controls) in simulation.parts.iter().enumerate().zip(controls) {
            let picked = self.of_part(part);
            let seen: Vec<What> = picked.iter().map(|o| o.kind.what).collect();
            let mut state = setting.starts[part].clone();
            for k in 0..=motion.steps {
                if !state
                    .q
                    .iter()
                    .chain(&state.v)
                    .chain(&state.act)
                    .all(|x| x.concrete().is_finite())
                {
                    return Err(diverged(simulation, motion, k, s.constraints.failure));
                }
                decisions.at(k, setting, (&state, controls), &mut s);
                let u = (k < motion.steps).then(|| &controls[k * nu..][..nu]);
                let inputs = (model, &setting.parameters, &simulation.options);
                let place = (picked.as_slice(), seen.as_slice(), k);
                observe(inputs, place, (&state, u), (&mut drive, &mut s), y);
                visit(part, &state);
                let Some(u) = u else { break };
                step(model, &setting.parameters, &simulation.options, &mut state, u, &mut s);
            }
        }
        Ok(())
    }
}

/// What the policy of a simulation decides, where there is one.
struct Decisions<'a, T> {
    simulation: &'a MotionSimulation,
    /// The numbers that lead to a decision.
    values: Vec<T>,
}

impl<'a, T: Real> Decisions<'a, T> {
    fn new(simulation: &'a MotionSimulation) -> Self {
        let len = simulation.controller.as_ref().map_or(0, Controller::values);
        Self { simulation, values: vec![T::lit(0.0); len] }
    }

    /// Writes the controls from step `k` on until the next decision, where there is one to make at this step.
    fn at(
        &mut self,
        k: usize,
        setting: &Setting<T>,
        (state, controls): (&State<T>, &mut [T]),
        s: &mut Scratch<T>,
    ) {
        let MotionSimulation { model, options, controller, .. } = self.simulation;
        let (nu, first) = (model.nu(), k * model.nu());
        let Some(controller) = controller.as_ref().filter(|c| k.is_multiple_of(c.hold)) else {
            return;
        };
        if first == controls.len() {
            return;
        }
        let point = (model, &setting.parameters, setting.policy.as_slice());
        let (first, later) = controls[first..].split_at_mut(nu);
        let time = k as f64 * options.dt;
        controller.decide(point, (state, time), (&mut self.values, s), first);
        for held in later.chunks_exact_mut(nu).take(controller.hold - 1) {
            held.copy_from_slice(first);
        }
    }
}

/// Writes what is seen of the state before step `k` and, where there are controls, during it.
pub(super) fn observe<T: Real>(
    (model, parameters, options): Inputs<'_, T>,
    (picked, seen, k): (&[Picked], &[What], usize),
    (state, u): (&State<T>, Option<&[T]>),
    (drive, s): (&mut [T], &mut Scratch<T>),
    y: &mut [T],
) {
    see(model, parameters, state, seen, s, &mut |index, entries| {
        let Picked { first, row, .. } = picked[index];
        y[first + k * row..][..row].copy_from_slice(entries);
    });
    let Some(u) = u.filter(|_| picked.iter().any(|o| o.kind.what.is_of_step())) else { return };
    for output in picked {
        if let What::Control(actuator) = output.kind.what {
            y[output.first + k] = u[actuator];
        }
    }
    follow(model, parameters, options, (&state.act, u), s);
    drive.copy_from_slice(&s.stages[0].drive);
    lay_courses(model, parameters, &state.q, s);
    let routes = std::mem::take(&mut s.routes);
    let (q, v) = (&state.q, &state.v);
    let point = Point { model, parameters, q, v, drive, routes: &routes };
    see_actuators(&point, picked, k, y);
    see_dynamics(&point, picked, k, s, y);
    s.routes = routes;
}

/// Lays tendons and thrusts: all that the force of an actuator asks of the links.
fn lay_courses<T: Real>(model: &Model, parameters: &Parameters<T>, q: &[T], s: &mut Scratch<T>) {
    if model.has_courses() {
        place_links(model, parameters, q, s);
        lay(model, q, s);
    }
}

/// Writes the forces of actuators during step `k`.
fn see_actuators<T: Real>(point: &Point<'_, T>, picked: &[Picked], k: usize, y: &mut [T]) {
    for output in picked {
        let force = match output.kind.what {
            What::Force(actuator) => Some(geared_force(point, actuator)),
            What::StepSensor(sensor) => sensor::see_actuator(point, sensor),
            _ => None,
        };
        force.into_iter().for_each(|force| y[output.first + k] = force);
    }
}

/// Whether an output is of what forward dynamics finds.
fn needs_dynamics(model: &Model, what: What) -> bool {
    match what {
        What::StepSensor(sensor) => sensor::needs_dynamics(model, sensor),
        _ => what.is_constraint(),
    }
}

/// Whether an output is of a sensor with a cutoff.
fn is_cut(model: &Model, what: What) -> bool {
    matches!(what, What::StepSensor(k) if model.sensors[k].cutoff.is_some())
}

/// Writes the forces of constraints and the accelerations during step `k`.
fn see_dynamics<T: Real>(
    point: &Point<'_, T>,
    picked: &[Picked],
    k: usize,
    s: &mut Scratch<T>,
    y: &mut [T],
) {
    let wanted = |o: &&Picked| needs_dynamics(point.model, o.kind.what);
    if !picked.iter().any(|o| wanted(&o)) {
        return;
    }
    forward_dynamics(point, Implicit::Nothing, s);
    let accelerates = |o: &Picked| matches!(o.kind.what, What::StepSensor(k) if sensor::is_of_acceleration(point.model, k));
    if picked.iter().any(accelerates) {
        sensor::accelerate(point, s);
    }
    for output in picked.iter().filter(wanted) {
        let entries = &mut y[output.first + k * output.row..][..output.row];
        match output.kind.what {
            What::NormalForce(geom) => entries[0] = s.constraints.normal_force(point.model, geom),
            What::ConstraintForce(joint) => {
                let first = point.model.joints()[joint].v.0;
                for (d, entry) in entries.iter_mut().enumerate() {
                    *entry = s.constraints.coordinate_force(first + d);
                }
            }
            What::StepSensor(sensor) => {
                entries.copy_from_slice(&sensor::see_dynamics(point, sensor, s)[..entries.len()]);
            }
            _ => {}
        }
    }
}

/// The adjoint of [`see_dynamics`].
fn pull_dynamics(
    point: &Point<'_, f64>,
    (picked, k, y_bar): (&[Picked], usize, &[f64]),
    adjoint: &mut StepAdjoint,
    bars: &mut Bars<'_>,
    s: &mut Scratch,
) {
    let model = point.model;
    let row = |o: &Picked| &y_bar[o.first + k * o.row..][..o.row];
    let wanted =
        |o: &&Picked| needs_dynamics(model, o.kind.what) && row(o).iter().any(|b| *b != 0.0);
    if !picked.iter().any(|o| wanted(&o)) {
        return;
    }
    forward_dynamics(point, Implicit::Nothing, s);
    if picked.iter().any(|o| wanted(&o) && is_cut(model, o.kind.what)) {
        sensor::accelerate(point, s);
    }
    let c = &s.constraints;
    let mut along = vec![0.0; model.nv()];
    let mut block_bars = vec![[0.0; MOST]; c.blocks.list.len()];
    let mut moving = vec![];
    for output in picked.iter().filter(wanted) {
        let y_bar = row(output);
        match output.kind.what {
            What::NormalForce(geom) => {
                for (block, bar) in c.blocks.list.iter().zip(&mut block_bars) {
                    bar[0] += if c.touches(model, block, geom) { y_bar[0] } else { 0.0 };
                }
            }
            What::ConstraintForce(joint) => {
                let first = model.joints()[joint].v.0;
                along[first..].iter_mut().zip(y_bar).for_each(|(a, b)| *a += b);
            }
            What::StepSensor(sensor) => {
                let y_bar = match model.sensors[sensor].cutoff {
                    Some(_) => Cow::Owned(sensor::within_cutoff(point, sensor, y_bar, s)),
                    None => Cow::Borrowed(y_bar),
                };
                sensor::pull_contacts(model, (sensor, &y_bar), &mut block_bars, s);
                if sensor::is_of_acceleration(model, sensor) {
                    moving.push((sensor, y_bar));
                }
            }
            _ => {}
        }
    }
    if !moving.is_empty() {
        sensor::pull_accelerations(point, &moving, adjoint, bars, s);
    }
    if !block_bars.is_empty() {
        adjoint.constraint_forces(point, (&along, &block_bars), bars, s);
    }
}

pub(super) fn diverged(
    simulation: &MotionSimulation,
    motion: &MotionPart,
    k: usize,
    failure: Option<NotConverged>,
) -> TrialFailure {
    let of = if motion.label.is_empty() { String::new() } else { format!(" `{}`", motion.label) };
    let time = k as f64 * simulation.options.dt;
    let why = match (failure, simulation.options.integrator) {
        (Some(NotConverged { gradient }), _) => {
            format!(
                ", as the forces of its constraints are not found: {gradient:.1e} of them is left over"
            )
        }
        (None, Integrator::Adaptive { .. }) => format!(
            ", unless it takes more than {MOST_PARTS} parts to the tolerance: a greater one, softer contacts, or steps of one length need fewer"
        ),
        (None, _) => String::new(),
    };
    TrialFailure::NonFinite { what: format!("the motion{of} at step {k} ({time:.4} s){why}") }
}

impl Map for MotionMap {
    fn input_len(&self) -> usize {
        self.inputs.iter().map(|(_, len)| len).sum()
    }

    fn output_len(&self) -> usize {
        self.output_len
    }

    fn plan(&self, keep: Keep) -> Cost {
        let model = &self.simulation.model;
        let steps: usize = self.simulation.parts.iter().map(|p| p.steps).sum();
        let motions = match self.simulation.parts.len() {
            1 => String::new(),
            n => format!(" in {n} motions"),
        };
        let (again, states) = match keep {
            Keep::Values => ("", 1),
            Keep::Linearisation => (", and as many adjoint steps", steps + 1),
        };
        let work = format!("{steps} steps of {} coordinates{motions}{again}", model.nv());
        let bytes = 8 * (states * (model.nq() + model.nv() + model.na()) + 2 * self.output_len);
        Cost { work, bytes: bytes as u64 }
    }

    fn trajectory(&self) -> Result<Box<dyn Trajectory + '_>, String> {
        Ok(Box::new(MotionTrajectory::new(self)?))
    }

    fn run<'a>(
        &'a self,
        x: &[f64],
        keep: Keep,
        _: SampleKey,
        _: &mut Workspace,
    ) -> Result<Box<dyn Linearised + 'a>, TrialFailure> {
        let mut setting = self.setting(x);
        let mut controls = std::mem::take(&mut setting.controls);
        let mut entries = vec![0.0; self.output_len];
        let mut states = vec![Vec::new(); self.simulation.parts.len()];
        let mut rays = Rays::new(&self.simulation.model, &self.outputs);
        self.forward(&setting, &mut controls, &mut entries, |part, state| {
            rays.follow(&self.simulation.model, &setting.parameters, (part, state));
            if keep == Keep::Linearisation {
                states[part].push(state.clone());
            }
        })?;
        setting.controls = controls;
        self.check(&entries)?;
        let mut switches = sensor::beyond_cutoffs(&self.simulation, &self.outputs, &entries);
        switches.extend(rays.switches(&self.simulation));
        let values = Values { entries, switches, ..Values::default() };
        Ok(Box::new(MotionRun { map: self, x: x.to_vec(), setting, states, values }))
    }
}

struct MotionRun<'a> {
    map: &'a MotionMap,
    x: Vec<f64>,
    setting: Setting<f64>,
    states: Vec<Vec<State>>,
    values: Values,
}

impl MotionRun<'_> {
    /// `J^T y_bar` by the adjoint of every step, from the last to the first.
    fn pull(&self, y_bar: &[f64]) -> Vec<f64> {
        let simulation = &self.map.simulation;
        let (model, parameters) = (&simulation.model, &self.setting.parameters);
        let mut bars = SettingBar {
            parameters: parameters.zero_like(),
            starts: Vec::new(),
            controls: self.setting.controls.iter().map(|u| vec![0.0; u.len()]).collect(),
            policy: vec![0.0; self.setting.policy.len()],
        };
        for part in 0..simulation.parts.len() {
            let start = self.pull_part(part, y_bar, &mut bars);
            bars.starts.push(start);
        }
        let kinds = self.map.inputs.iter().map(|(kind, _)| *kind);
        bars.unweigh(model, parameters, kinds);
        let (mut x_bar, mut first) = (Vec::with_capacity(self.x.len()), 0);
        for &(kind, len) in &self.map.inputs {
            let x = &self.x[first..first + len];
            x_bar.extend(bars.pull(model, &self.setting, kind, x));
            first += len;
        }
        x_bar
    }

    /// Goes back through one motion; returns the cotangent of its start.
    fn pull_part(&self, part: usize, y_bar: &[f64], bars: &mut SettingBar) -> Cotangent {
        let simulation = &self.map.simulation;
        let (model, parameters) = (&simulation.model, &self.setting.parameters);
        let (nu, controls) = (model.nu(), &self.setting.controls[part]);
        let picked = self.map.of_part(part);
        let seen: Vec<What> = picked.iter().map(|o| o.kind.what).collect();
        let states = &self.states[part];
        let mut s = Scratch::new(model);
        let mut bar = Cotangent::zero(model);
        let mut adjoint = StepAdjoint::new(model);
        let mut outputs = OutputPullback::new(model, parameters);
        let mut decisions = simulation.controller.as_ref().map(ControllerPullback::new);
        let by_model = self.map.inputs.iter().any(|(kind, _)| kind.is_of_model());
        for k in (0..states.len()).rev() {
            if k + 1 < states.len() {
                let u = &controls[k * nu..][..nu];
                let u_bar = &mut bars.controls[part][k * nu..][..nu];
                let point = (&states[k], u);
                let by_parameters = by_model.then_some(&mut bars.parameters);
                adjoint.pull(
                    model,
                    parameters,
                    &simulation.options,
                    point,
                    &mut bar,
                    u_bar,
                    by_parameters,
                    &mut s,
                );
                let forces = (picked.as_slice(), k, y_bar);
                let by = (&mut bar, u_bar, &mut bars.parameters);
                let inputs = (model, parameters, &simulation.options);
                pull_forces(inputs, (&states[k], u), forces, &mut adjoint, by, &mut s);
            }
            let rows = |o: &Picked| {
                let forces = o.kind.what.is_of_step();
                if forces { &[][..] } else { &y_bar[o.first + k * o.row..][..o.row] }
            };
            let rows: Vec<&[f64]> = picked.iter().map(rows).collect();
            outputs.pull(&states[k], &seen, &rows, &mut bar, &mut bars.parameters, &mut s);
            if let Some(decisions) = &mut decisions {
                self.pull_decision((part, k), decisions, &mut outputs, (&mut bar, bars), &mut s);
            }
        }
        bar
    }
}

impl MotionRun<'_> {
    /// The adjoint of what the policy decides at state `k`, if it does.
    fn pull_decision(
        &self,
        (part, k): (usize, usize),
        decisions: &mut ControllerPullback<'_>,
        outputs: &mut OutputPullback<'_>,
        (bar, bars): (&mut Cotangent, &mut SettingBar),
        s: &mut Scratch,
    ) {
        let MotionSimulation { model, options, .. } = self.map.simulation.as_ref();
        let held = bars.controls[part][k * model.nu()..].chunks_exact(model.nu());
        let Some(u_bar) = decisions.of_interval(k, held) else { return };
        let point = (model, &self.setting.parameters, self.setting.policy.as_slice());
        let state = (&self.states[part][k], k as f64 * options.dt);
        let by = (bar, &mut bars.parameters, bars.policy.as_mut_slice());
        decisions.pull(point, state, &u_bar, outputs, by, s);
    }
}

/// The adjoint of the forces that are seen during a step.
pub(super) fn pull_forces(
    (model, parameters, options): Inputs<'_, f64>,
    (state, u): (&State, &[f64]),
    (picked, k, y_bar): (&[Picked], usize, &[f64]),
    adjoint: &mut StepAdjoint,
    (bar, u_bar, parameters_bar): (&mut Cotangent, &mut [f64], &mut Parameters<f64>),
    s: &mut Scratch,
) {
    if !picked.iter().any(|o| o.kind.what.is_of_step()) {
        return;
    }
    for output in picked {
        if let What::Control(actuator) = output.kind.what {
            u_bar[actuator] += y_bar[output.first + k];
        }
    }
    follow(model, parameters, options, (&state.act, u), s);
    let drive = s.stages[0].drive.clone();
    let mut drive_bar = vec![0.0; drive.len()];
    lay_courses(model, parameters, &state.q, s);
    let routes = s.routes.clone();
    let mut moments = vec![0.0; routes.moments.len()];
    let (q, v) = (&state.q, &state.v);
    let point = Point { model, parameters, q, v, drive: &drive, routes: &routes };
    let mut at_start = Bars {
        q: &mut bar.q,
        v: &mut bar.v,
        drive: &mut drive_bar,
        moments: &mut moments,
        parameters: Some(&mut *parameters_bar),
    };
    for output in picked {
        let y_bar = y_bar[output.first + k * output.row];
        match output.kind.what {
            What::Force(a) => pull_geared(&point, a, y_bar, &mut at_start),
            What::StepSensor(sensor) => sensor::pull_actuator(&point, sensor, y_bar, &mut at_start),
            _ => {}
        }
    }
    pull_dynamics(&point, (picked, k, y_bar), adjoint, &mut at_start, s);
    // what went between has left the kinematics of this point
    routes::pull(model, &moments, &mut bar.q, s);
    let mut act_bar = vec![0.0; state.act.len()];
    let (point, bars) = ((state.act.as_slice(), u), (act_bar.as_mut_slice(), u_bar));
    let by_drive = std::slice::from_ref(&drive_bar);
    let wanted = Some(parameters_bar);
    // of its drives only the first is seen
    let part = (options.integrator.tableau(), options.dt);
    activation::pull((model, parameters), part, point, by_drive, bars, wanted);
    bar.act.iter_mut().zip(&act_bar).for_each(|(to, x)| *to += x);
}

impl Linearised for MotionRun<'_> {
    fn values(&self) -> &Values {
        &self.values
    }

    fn pullback(&self, cotangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        if self.states.iter().any(Vec::is_empty) {
            return Err(TrialFailure::Contract("this run kept its values alone".into()));
        }
        let finite = |x_bar: Vec<f64>| match x_bar.iter().position(|b| !b.is_finite()) {
            None => Ok(x_bar),
            Some(k) => {
                Err(TrialFailure::NonFinite { what: format!("the derivative by input {k}") })
            }
        };
        cotangents.iter().map(|y_bar| finite(self.pull(y_bar))).collect()
    }

    fn pushforward(&self, tangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        let mut columns = Vec::with_capacity(tangents.len());
        for block in tangents.chunks(LANES) {
            let lift = |(k, x): (usize, &f64)| {
                let mut dual = Dual::<f64, LANES>::konst(*x);
                block.iter().enumerate().for_each(|(lane, tangent)| dual.eps[lane] = tangent[k]);
                dual
            };
            let x: Vec<Dual<f64, LANES>> = self.x.iter().enumerate().map(lift).collect();
            let mut y = vec![Dual::konst(0.0); self.map.output_len];
            let mut setting = self.map.setting(&x);
            let mut controls = std::mem::take(&mut setting.controls);
            self.map.forward(&setting, &mut controls, &mut y, |_, _| {})?;
            columns.extend((0..block.len()).map(|l| y.iter().map(|y| y.eps[l]).collect()));
        }
        Ok(columns)
    }
}
