//! A motion as states that follow each other, for optimizers that go by stages.

use std::sync::{Mutex, PoisonError};

use cotangent_problem::{Trajectory, TrialFailure};

use super::course::Pushed;
use super::during::{observe, pull_forces};
use super::input::InputKind;
use super::map::{MotionMap, Picked, diverged};
use super::output::{OutputPullback, What};
use crate::derivative::{Cotangent, StepAdjoint, StepJacobian};
use crate::integrate::step;
use crate::model::{Model, Parameters};
use crate::scratch::Scratch;
use crate::state::{State, difference};

/// The one motion of a map whose inputs are controls.
pub(super) struct MotionTrajectory<'a> {
    map: &'a MotionMap,
    /// Step and control of each entry of the picked inputs.
    controls: Vec<Option<(usize, usize)>>,
    /// Memory that no one uses at present.
    memory: Mutex<Vec<Box<Memory<'a>>>>,
}

/// What a call works with.
struct Memory<'a> {
    scratch: Scratch,
    state: State,
    drive: Vec<f64>,
    adjoint: StepAdjoint,
    outputs: OutputPullback<'a>,
    jacobian: StepJacobian,
    /// Cotangents of all outputs, zero between calls.
    y_bar: Vec<f64>,
    /// Those of one entry by the state and the controls.
    bar: Cotangent,
    u_bar: Vec<f64>,
    /// Cotangents of the parameters, which no one reads.
    parameters_bar: Parameters<f64>,
    /// The outputs that are looked at, and what they are.
    picked: Vec<Picked>,
    seen: Vec<What>,
}

impl<'a> MotionTrajectory<'a> {
    pub(super) fn new(map: &'a MotionMap) -> Result<Self, String> {
        if map.simulation.controller.is_some() {
            return Err("a policy makes the controls: stages are for controls of their own".into());
        }
        let count = map.simulation.parts().len();
        if count != 1 {
            return Err(format!(
                "there are {count} motions, and a trajectory is of one: leave one"
            ));
        }
        let places = |&(kind, len): &(InputKind, usize)| {
            (0..len).map(move |step| match kind {
                InputKind::Control { actuator, .. } => Some((step, actuator)),
                _ => None,
            })
        };
        let controls = map.inputs.iter().flat_map(places).collect();
        Ok(Self { map, controls, memory: Mutex::default() })
    }

    fn model(&self) -> &'a Model {
        self.map.simulation.model()
    }

    fn parameters(&self) -> &'a Parameters<f64> {
        &self.map.base.parameters
    }

    /// The numbers of step `k`.
    fn pushed(&self) -> Pushed<'a, f64> {
        Pushed::new(self.parameters(), &self.map.base.external[0])
    }

    fn with_memory<R>(&self, with: impl FnOnce(&mut Memory<'a>) -> R) -> R {
        let lock = || self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = lock().pop().unwrap_or_else(|| {
            let (model, parameters) = (self.model(), self.parameters());
            Box::new(Memory {
                scratch: Scratch::new(model),
                state: State::at_reference(model),
                drive: vec![0.0; model.nu()],
                adjoint: StepAdjoint::new(model),
                outputs: OutputPullback::new(model, parameters),
                jacobian: StepJacobian::default(),
                y_bar: vec![0.0; self.map.output_len],
                bar: Cotangent::zero(model),
                u_bar: vec![0.0; model.nu()],
                parameters_bar: parameters.zero_like(),
                picked: vec![],
                seen: vec![],
            })
        });
        let result = with(&mut memory);
        lock().push(memory);
        result
    }

    /// Puts the outputs that one of these entries is of, all seen at state `k`, into `m`.
    fn pick(&self, k: usize, entries: &[usize], m: &mut Memory<'a>) {
        let one_of = |o: &&Picked| {
            let first = o.first + k * o.row;
            entries.iter().any(|e| (first..first + o.row).contains(e))
        };
        m.picked.clear();
        m.picked.extend(self.map.outputs.iter().filter(one_of));
        m.seen.clear();
        m.seen.extend(m.picked.iter().map(|o| o.kind.what));
    }
}

fn read(model: &Model, x: &[f64], state: &mut State) {
    let (q, rest) = x.split_at(model.nq());
    let (v, act) = rest.split_at(model.nv());
    state.q.copy_from_slice(q);
    state.v.copy_from_slice(v);
    state.act.copy_from_slice(act);
}

fn write(state: &State, x: &mut [f64]) {
    let numbers = state.q.iter().chain(&state.v).chain(&state.act);
    x.iter_mut().zip(numbers).for_each(|(x, number)| *x = *number);
}

impl Trajectory for MotionTrajectory<'_> {
    fn steps(&self) -> usize {
        self.map.simulation.parts()[0].steps
    }

    fn state_len(&self) -> usize {
        self.model().nq() + self.model().nv() + self.model().na()
    }

    fn directions(&self) -> usize {
        2 * self.model().nv() + self.model().na()
    }

    fn start(&self) -> Vec<f64> {
        let mut x = vec![0.0; self.state_len()];
        write(&self.map.base.starts[0], &mut x);
        x
    }

    fn controls(&self, step: usize) -> &[f64] {
        let nu = self.model().nu();
        &self.map.base.controls[0][step * nu..][..nu]
    }

    fn control_at(&self, entry: usize) -> Option<(usize, usize)> {
        self.controls[entry]
    }

    fn seen_at(&self, entry: usize) -> usize {
        let of = self.map.outputs.partition_point(|o| o.first <= entry);
        let output = &self.map.outputs[of - 1];
        (entry - output.first) / output.row
    }

    fn see(&self, k: usize, x: &[f64], u: &[f64], entries: &[usize], y: &mut [f64]) {
        self.with_memory(|m| {
            self.pick(k, entries, m);
            read(self.model(), x, &mut m.state);
            let u = (!u.is_empty()).then_some(u);
            let mut pushed = self.pushed();
            let inputs = (self.model(), pushed.at(k), self.map.simulation.options());
            let place = (m.picked.as_slice(), m.seen.as_slice(), k);
            observe(inputs, place, (&m.state, u), (&mut m.drive, &mut m.scratch), y);
        });
    }

    fn step(&self, k: usize, x: &mut [f64], u: &[f64]) -> Result<(), TrialFailure> {
        let simulation = &self.map.simulation;
        self.with_memory(|m| {
            read(self.model(), x, &mut m.state);
            let (s, options) = (&mut m.scratch, simulation.options());
            step(self.model(), self.pushed().at(k), options, &mut m.state, u, s);
            write(&m.state, x);
            if x.iter().all(|x| x.is_finite()) {
                return Ok(());
            }
            let failure = s.constraints.failure;
            Err(diverged(simulation, &simulation.parts()[0], k + 1, failure))
        })
    }

    fn step_slopes(&self, k: usize, x: &[f64], u: &[f64], [a, b]: [&mut [f64]; 2]) {
        self.with_memory(|m| {
            read(self.model(), x, &mut m.state);
            let (mut pushed, options) = (self.pushed(), self.map.simulation.options());
            let parameters = pushed.at(k);
            let (point, s) = ((&m.state, u), &mut m.scratch);
            m.adjoint.jacobian(self.model(), parameters, options, point, &mut m.jacobian, s);
            a.copy_from_slice(&m.jacobian.a);
            b.copy_from_slice(&m.jacobian.b);
        });
    }

    fn seen_slopes(&self, k: usize, x: &[f64], u: &[f64], entries: &[usize], rows: &mut [f64]) {
        self.with_memory(|m| {
            self.pick(k, entries, m);
            read(self.model(), x, &mut m.state);
            let width = self.directions() + u.len();
            for (entry, row) in entries.iter().zip(rows.chunks_exact_mut(width.max(1))) {
                self.slopes_of((*entry, k), u, m, row);
            }
        });
    }

    fn difference(&self, from: &[f64], to: &[f64], displacement: &mut [f64]) {
        let model = self.model();
        let (nq, nv) = (model.nq(), model.nv());
        difference(model, &from[..nq], &to[..nq], &mut displacement[..nv]);
        let rest = to[nq..].iter().zip(&from[nq..]);
        displacement[nv..].iter_mut().zip(rest).for_each(|(d, (to, from))| *d = to - from);
    }
}

impl<'a> MotionTrajectory<'a> {
    /// The derivatives of one entry that is seen at the state in `m`, among the outputs there, into `row`.
    fn slopes_of(
        &self,
        (entry, k): (usize, usize),
        u: &[f64],
        m: &mut Memory<'a>,
        row: &mut [f64],
    ) {
        let mut pushed = self.pushed();
        let inputs = (self.model(), pushed.at(k), self.map.simulation.options());
        m.parameters_bar.external.resize(inputs.1.external.len(), [0.0; 6]);
        let Memory { bar, u_bar, picked, seen, y_bar, parameters_bar, scratch: s, .. } = m;
        [&mut bar.q, &mut bar.v, &mut bar.act].into_iter().for_each(|bar| bar.fill(0.0));
        u_bar.fill(0.0);
        y_bar[entry] = 1.0;
        let rows = |o: &Picked| {
            let forces = o.kind.what.is_of_step();
            if forces { &[][..] } else { &y_bar[o.first + k * o.row..][..o.row] }
        };
        let rows: Vec<&[f64]> = picked.iter().map(rows).collect();
        m.outputs.pull(&m.state, seen, &rows, bar, parameters_bar, s);
        if !u.is_empty() {
            let forces = (picked.as_slice(), k, y_bar.as_slice());
            let by = (&mut *bar, u_bar.as_mut_slice(), parameters_bar);
            pull_forces(inputs, (&m.state, u), forces, &mut m.adjoint, by, s);
        }
        y_bar[entry] = 0.0;
        let numbers = bar.q.iter().chain(&bar.v).chain(&bar.act).chain(&*u_bar);
        row.iter_mut().zip(numbers).for_each(|(to, x)| *to = *x);
    }
}
