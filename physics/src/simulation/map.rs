//! The map of picked inputs to picked outputs of motions: forward by steps, tangents by duals, cotangents by the adjoint.

use std::sync::Arc;

use cotangent_ad::{Dual, Real};
use cotangent_problem::{
    Cost, Keep, Linearised, Map, SampleKey, Trajectory, TrialFailure, Values, Workspace,
};
use rayon::prelude::*;

use super::course::Course;
use super::input::InputKind;
use super::output::OutputKind;
use super::setting::{Setting, SettingBar};
use super::trajectory::MotionTrajectory;
use super::{MotionPart, MotionSimulation, sensor};
use crate::constraint::NotConverged;
use crate::integrate::{Integrator, MOST_PARTS};
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

    /// What is done for each motion, on as many threads as there are; results in the order of the motions.
    fn each<R: Send>(&self, of_part: impl Fn(Course<'_>, usize) -> R + Send + Sync) -> Vec<R> {
        let simulation = self.simulation.as_ref();
        let one = |part: usize| of_part(Course::new(simulation, part, &self.outputs), part);
        match simulation.parts.len() {
            1 => vec![one(0)],
            n => (0..n).into_par_iter().map(one).collect(),
        }
    }

    fn course(&self, part: usize) -> Course<'_> {
        Course::new(&self.simulation, part, &self.outputs)
    }

    /// The entries of `y` that are of `course`.
    fn take(&self, course: &Course<'_>, y: &[f64]) -> Vec<f64> {
        let mut entries = Vec::new();
        course.each(&self.outputs, |_, among_all| entries.extend_from_slice(&y[among_all]));
        entries
    }

    /// Writes the entries that `course` saw to where they stand among all.
    fn put<T: Copy>(&self, course: &Course<'_>, entries: &[T], y: &mut [T]) {
        course.each(&self.outputs, |own, among_all| {
            y[among_all].copy_from_slice(&entries[own]);
        });
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
        let is_seen = |part: &usize| self.outputs.iter().any(|o| o.kind.part == *part);
        let seen: Vec<usize> = (0..self.simulation.parts.len()).filter(is_seen).collect();
        let steps: usize = seen.iter().map(|part| self.simulation.parts[*part].steps).sum();
        let motions = match seen.len() {
            0 | 1 => String::new(),
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
        let runs = self.each(|course, _| {
            let (mut states, mut rays) = (Vec::new(), course.rays());
            let mut cutoffs = course.observed_cutoffs();
            let passed = course.run(&setting, |state| {
                rays.follow(&self.simulation.model, &setting.parameters, state);
                cutoffs.follow(&setting, state);
                if keep == Keep::Linearisation {
                    states.push(state.clone());
                }
            });
            let switches = [rays.switches(&self.simulation), cutoffs.switches()].concat();
            passed.map(|passed| (passed, states, switches))
        });
        let mut entries = vec![0.0; self.output_len];
        let (mut states, mut met) = (Vec::new(), Vec::new());
        for (part, run) in runs.into_iter().enumerate() {
            let (passed, of_part, switches) = run?;
            self.put(&self.course(part), &passed.entries, &mut entries);
            setting.controls[part] = passed.controls;
            states.push(of_part);
            met.extend(switches);
        }
        self.check(&entries)?;
        let mut switches = sensor::beyond_cutoffs(&self.simulation, &self.outputs, &entries);
        switches.extend(met);
        let values = Values { entries, switches, ..Values::default() };
        Ok(Box::new(MotionRun { map: self, x: x.to_vec(), setting, keep, states, values }))
    }
}

struct MotionRun<'a> {
    map: &'a MotionMap,
    x: Vec<f64>,
    setting: Setting<f64>,
    keep: Keep,
    /// The states of each motion of which something is seen, where they are kept.
    states: Vec<Vec<State>>,
    values: Values,
}

impl MotionRun<'_> {
    /// `J^T y_bar` by the adjoint of every step, from the last to the first.
    fn pull(&self, y_bar: &[f64]) -> Vec<f64> {
        let simulation = &self.map.simulation;
        let (model, parameters) = (&simulation.model, &self.setting.parameters);
        let by_model = self.map.inputs.iter().any(|(kind, _)| kind.is_parameter());
        let pulled = self.map.each(|course, part| {
            let states = self.states[part].as_slice();
            course.pull(&self.setting, states, &self.map.take(&course, y_bar), by_model)
        });
        // in the order of the motions: the same bits on any number of threads
        let mut bars = SettingBar::zero(&self.setting);
        pulled.into_iter().for_each(|of_part| bars.add(of_part));
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
}

impl Linearised for MotionRun<'_> {
    fn values(&self) -> &Values {
        &self.values
    }

    fn pullback(&self, cotangents: &[&[f64]]) -> Result<Vec<Vec<f64>>, TrialFailure> {
        if self.keep == Keep::Values {
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
            let setting = self.map.setting(&x);
            let runs = self.map.each(|course, _| course.run(&setting, |_| {}));
            for (part, run) in runs.into_iter().enumerate() {
                self.map.put(&self.map.course(part), &run?.entries, &mut y);
            }
            columns.extend((0..block.len()).map(|l| y.iter().map(|y| y.eps[l]).collect()));
        }
        Ok(columns)
    }
}
