//! Terms on the outputs of a trajectory, stage by stage.
//!
//! A stage is the shortest run of steps within which free numbers act that act in it at all: a control that is held for five steps makes a stage
//! of five. Its derivatives are the product of those of its steps, `X <- A X`, `U <- A U + B S`, and what terms cost at each.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::choice::Choice;
use crate::failure::TrialFailure;
use crate::space::Transform;
use crate::stages::{InStages, NoStages, StageDerivatives, Stages};
use crate::term::Term;
use crate::trajectory::Trajectory;

/// The problem of a choice of controls and of terms on what a trajectory shows.
pub(crate) fn in_stages<'a>(
    trajectory: Box<dyn Trajectory + 'a>,
    choice: &Choice,
    terms: &'a [Term],
) -> Result<InStages<'a>, NoStages> {
    let free = FreeControls::of(trajectory.as_ref(), choice)?;
    let asked = asked(trajectory.as_ref(), terms)?;
    let places = free.places.clone();
    let stages = TermStages { trajectory, free, terms, asked, memory: Mutex::default() };
    Ok(InStages { stages: Box::new(stages), places })
}

/// Which free numbers act where.
struct FreeControls {
    /// Steps of each stage.
    stages: Vec<Range<usize>>,
    /// Bounds of each stage's numbers.
    limits: Vec<[Vec<f64>; 2]>,
    /// Stage and place there of each free number.
    places: Vec<(usize, usize)>,
    /// For each step the controls that follow a number of its stage: `(control, place of the number)`.
    sets: Vec<Vec<(usize, usize)>>,
}

impl FreeControls {
    fn of(trajectory: &dyn Trajectory, choice: &Choice) -> Result<Self, NoStages> {
        let owners = choice.free().iter().flat_map(|f| f.sets.iter().map(|_| &f.parameter));
        let owners: Vec<_> = owners.collect();
        if let Some(p) = owners.iter().find(|p| p.transform != Transform::Identity) {
            return Err(NoStages::Transform(p.name.clone()));
        }
        let mut acts = Vec::with_capacity(choice.links().len());
        for &(entry, number) in choice.links() {
            let Some((step, control)) = trajectory.control_at(entry) else {
                return Err(NoStages::NotAControl(owners[number].name.clone()));
            };
            acts.push((step, control, number));
        }
        let stages = partition(trajectory.steps(), owners.len(), &acts);
        let mut stage_of = vec![0; trajectory.steps()];
        for (stage, steps) in stages.iter().enumerate() {
            stage_of[steps.clone()].fill(stage);
        }
        let mut stage_of_number = vec![0; owners.len()];
        acts.iter().for_each(|&(step, _, number)| stage_of_number[number] = stage_of[step]);
        let mut limits: Vec<[Vec<f64>; 2]> = stages.iter().map(|_| [vec![], vec![]]).collect();
        let mut places = Vec::with_capacity(owners.len());
        for (stage, bounds) in stage_of_number.into_iter().zip(choice.space().entries()) {
            let [lower, upper] = &mut limits[stage];
            places.push((stage, lower.len()));
            lower.push(bounds.lower);
            upper.push(bounds.upper);
        }
        let mut sets = vec![Vec::new(); trajectory.steps()];
        acts.iter().for_each(|&(step, control, number)| {
            sets[step].push((control, places[number].1));
        });
        Ok(Self { stages, limits, places, sets })
    }
}

/// The finest runs of steps such that each number acts within one; a step without a number goes with the one before.
fn partition(steps: usize, numbers: usize, acts: &[(usize, usize, usize)]) -> Vec<Range<usize>> {
    let mut reach = vec![[usize::MAX, 0]; numbers];
    let mut begins = vec![false; steps];
    for &(step, _, number) in acts {
        let [first, last] = reach[number];
        reach[number] = [first.min(step), last.max(step)];
        begins[step] = true;
    }
    for [first, last] in reach.into_iter().filter(|[first, last]| first < last) {
        begins[first + 1..=last].fill(false);
    }
    let starts: Vec<usize> = (0..steps).filter(|k| *k == 0 || begins[*k]).collect();
    let ends = starts.iter().skip(1).copied().chain([steps]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

/// What is asked of what is seen at a state.
#[derive(Clone, Default)]
struct AskedHere {
    /// Groups of terms: `(term, group)`.
    groups: Vec<(usize, usize)>,
    /// Their entries, each once, ascending.
    entries: Vec<usize>,
}

/// What is asked at each state.
fn asked(trajectory: &dyn Trajectory, terms: &[Term]) -> Result<Vec<AskedHere>, NoStages> {
    let mut asked = vec![AskedHere::default(); trajectory.steps() + 1];
    for (t, term) in terms.iter().enumerate() {
        for g in 0..term.groups() {
            let entries = &term.entries[g * term.group..][..term.group];
            let k = trajectory.seen_at(entries[0]);
            if entries.iter().any(|e| trajectory.seen_at(*e) != k) {
                return Err(NoStages::Term(term.label.clone()));
            }
            asked[k].groups.push((t, g));
            asked[k].entries.extend_from_slice(entries);
        }
    }
    for here in &mut asked {
        here.entries.sort_unstable();
        here.entries.dedup();
    }
    Ok(asked)
}

struct TermStages<'a> {
    trajectory: Box<dyn Trajectory + 'a>,
    free: FreeControls,
    terms: &'a [Term],
    /// For each state.
    asked: Vec<AskedHere>,
    /// Memory that no one uses at present.
    #[expect(clippy::vec_box, reason = "what is lent and given back is not moved")]
    memory: Mutex<Vec<Box<Memory>>>,
}

/// What a call works with.
#[derive(Default)]
struct Memory {
    /// All outputs, of which only what is written may be read.
    y: Vec<f64>,
    /// A state within a stage, and the controls of a step.
    x: Vec<f64>,
    u: Vec<f64>,
    /// How that state moves with the stage's first one and its controls.
    moved: Moved,
    /// `A` and `B` of a step.
    slopes: [Vec<f64>; 2],
    /// Derivatives of the entries that are asked for: by the present state and controls, and by the stage's.
    seen: Vec<f64>,
    rows: Vec<f64>,
    /// Those of a group's misfit.
    by_entry: Vec<f64>,
}

impl TermStages<'_> {
    fn with_memory<R>(&self, with: impl FnOnce(&mut Memory) -> R) -> R {
        let lock = || self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = lock().pop().unwrap_or_else(|| {
            let entries = self.asked.iter().filter_map(|here| here.entries.last());
            let y = vec![0.0; entries.max().map_or(0, |last| last + 1)];
            Box::new(Memory { y, ..Memory::default() })
        });
        let result = with(&mut memory);
        lock().push(memory);
        result
    }

    /// Puts the controls of a step under those of its stage into `u`.
    fn set_controls(&self, step: usize, of_stage: &[f64], u: &mut Vec<f64>) {
        u.clear();
        u.extend_from_slice(self.trajectory.controls(step));
        self.free.sets[step].iter().for_each(|&(control, place)| u[control] = of_stage[place]);
    }

    /// Sees what is asked at state `k`.
    fn see(&self, k: usize, x: &[f64], u: &[f64], y: &mut [f64]) -> Result<(), TrialFailure> {
        let here = &self.asked[k];
        if here.groups.is_empty() {
            return Ok(());
        }
        self.trajectory.see(k, x, u, &here.entries, y);
        for &(t, g) in &here.groups {
            let term = &self.terms[t];
            if term.entries[g * term.group..][..term.group].iter().any(|e| !y[*e].is_finite()) {
                let what = format!("an output of `{}`", term.label);
                return Err(TrialFailure::NonFinite { what });
            }
        }
        Ok(())
    }

    /// What is asked at state `k`, which is in `m`, costs there.
    fn cost(&self, k: usize, m: &mut Memory) -> Result<f64, TrialFailure> {
        let Memory { x, u, y, by_entry, .. } = m;
        self.see(k, x, u, y)?;
        let of = |&(t, g): &(usize, usize)| {
            let term = &self.terms[t];
            by_entry.resize(term.group, 0.0);
            let misfit = term.misfit_into(y, g, by_entry);
            term.weight * term.weights[g] * term.loss.rho(misfit / term.scale).0
        };
        Ok(self.asked[k].groups.iter().map(of).sum())
    }

    /// Adds the derivatives of what state `k`, which is in `m`, costs, by the stage's state and controls.
    fn cost_slopes(
        &self,
        k: usize,
        m: &mut Memory,
        out: &mut StageDerivatives,
    ) -> Result<(), TrialFailure> {
        let here = &self.asked[k];
        if here.groups.is_empty() {
            return Ok(());
        }
        let Memory { x, u, y, moved, seen, rows, by_entry, .. } = m;
        self.see(k, x, u, y)?;
        let (own, width, count) = (moved.nd + u.len(), moved.width(), here.entries.len());
        resize(seen, count * own);
        resize(rows, count * width);
        self.trajectory.seen_slopes(k, x, u, &here.entries, seen);
        let sets = self.free.sets.get(k).map_or(&[][..], Vec::as_slice);
        for (row, to) in seen.chunks_exact(own).zip(rows.chunks_exact_mut(width)) {
            moved.row(row.split_at(moved.nd), sets, to);
        }
        let row = |entry: usize| {
            let place = here.entries.partition_point(|e| *e < entry);
            &rows[place * width..][..width]
        };
        for &(t, g) in &here.groups {
            let term = &self.terms[t];
            by_entry.resize(term.group, 0.0);
            let misfit = term.misfit_into(y, g, by_entry);
            let (_, by_misfit) = term.loss.rho(misfit / term.scale);
            let bar = term.weight * term.weights[g] * by_misfit / term.scale;
            let entries = &term.entries[g * term.group..][..term.group];
            for (slope, entry) in by_entry.iter().zip(entries) {
                add_gradient(bar * slope, row(*entry), out);
            }
            for (p, h) in term.hessian(g, (misfit, by_entry)).enumerate() {
                let (left, right) = (entries[p / term.group], entries[p % term.group]);
                add_hessian(h, row(left), row(right), out);
            }
        }
        Ok(())
    }
}

fn resize(list: &mut Vec<f64>, length: usize) {
    list.clear();
    list.resize(length, 0.0);
}

/// `cost_x, cost_u += factor row`.
fn add_gradient(factor: f64, row: &[f64], out: &mut StageDerivatives) {
    let all = out.cost_x.iter_mut().chain(&mut out.cost_u);
    all.zip(row).for_each(|(to, r)| *to += factor * r);
}

/// `factor left^T right`, in its three blocks.
fn add_hessian(factor: f64, left: &[f64], right: &[f64], out: &mut StageDerivatives) {
    if factor == 0.0 {
        return;
    }
    let (nd, nu) = (out.cost_x.len(), out.cost_u.len());
    for (i, l) in left.iter().enumerate().filter(|(_, l)| **l != 0.0) {
        let l = factor * l;
        if i < nd {
            let to = &mut out.cost_xx[i * nd..][..nd];
            to.iter_mut().zip(right).for_each(|(to, r)| *to += l * r);
        } else {
            let to = &mut out.cost_ux[(i - nd) * nd..][..nd];
            to.iter_mut().zip(right).for_each(|(to, r)| *to += l * r);
            let to = &mut out.cost_uu[(i - nd) * nu..][..nu];
            to.iter_mut().zip(&right[nd..]).for_each(|(to, r)| *to += l * r);
        }
    }
}

/// How a state within a stage moves with the stage's first state and its controls: `nd x (nd + nu)`, row-major.
#[derive(Default)]
struct Moved {
    by: Vec<f64>,
    nd: usize,
    nu: usize,
    /// The next one while it is made.
    next: Vec<f64>,
}

impl Moved {
    fn width(&self) -> usize {
        self.nd + self.nu
    }

    /// Makes it that of the stage's first state.
    fn begin(&mut self, nd: usize, nu: usize) {
        (self.nd, self.nu) = (nd, nu);
        resize(&mut self.by, nd * (nd + nu));
        (0..nd).for_each(|i| self.by[i * (nd + nu) + i] = 1.0);
    }

    /// A row of derivatives by the present state and the step's controls, by the stage's state and controls.
    fn row(&self, row: (&[f64], &[f64]), sets: &[(usize, usize)], to: &mut [f64]) {
        let (by_state, by_control) = row;
        to.fill(0.0);
        for (r, by) in by_state.iter().zip(self.by.chunks_exact(self.width())) {
            if *r != 0.0 {
                to.iter_mut().zip(by).for_each(|(to, b)| *to += r * b);
            }
        }
        if !by_control.is_empty() {
            for &(control, place) in sets {
                to[self.nd + place] += by_control[control];
            }
        }
    }

    /// Through a step.
    fn step(&mut self, [a, b]: &[Vec<f64>; 2], controls: usize, sets: &[(usize, usize)]) {
        let (mut next, width) = (std::mem::take(&mut self.next), self.width());
        resize(&mut next, self.nd * width);
        for (i, to) in next.chunks_exact_mut(width).enumerate() {
            let by_control = &b[i * controls..][..controls];
            self.row((&a[i * self.nd..][..self.nd], by_control), sets, to);
        }
        self.next = std::mem::replace(&mut self.by, next);
    }
}

impl Stages for TermStages<'_> {
    fn len(&self) -> usize {
        self.free.stages.len()
    }

    fn state_len(&self) -> usize {
        self.trajectory.state_len()
    }

    fn directions(&self) -> usize {
        self.trajectory.directions()
    }

    fn control_len(&self, stage: usize) -> usize {
        self.free.limits[stage][0].len()
    }

    fn start(&self) -> Vec<f64> {
        self.trajectory.start()
    }

    fn control_limits(&self, stage: usize) -> [Vec<f64>; 2] {
        self.free.limits[stage].clone()
    }

    fn step(
        &self,
        stage: usize,
        x: &[f64],
        u: &[f64],
        next: &mut [f64],
    ) -> Result<f64, TrialFailure> {
        self.with_memory(|m| {
            m.x.clear();
            m.x.extend_from_slice(x);
            let mut cost = 0.0;
            for k in self.free.stages[stage].clone() {
                self.set_controls(k, u, &mut m.u);
                cost += self.cost(k, m)?;
                self.trajectory.step(k, &mut m.x, &m.u)?;
            }
            next.copy_from_slice(&m.x);
            Ok(cost)
        })
    }

    fn last_cost(&self, x: &[f64]) -> Result<f64, TrialFailure> {
        self.with_memory(|m| {
            m.x.clear();
            m.x.extend_from_slice(x);
            m.u.clear();
            self.cost(self.trajectory.steps(), m)
        })
    }

    fn derivatives(
        &self,
        stage: usize,
        x: &[f64],
        u: &[f64],
        out: &mut StageDerivatives,
    ) -> Result<(), TrialFailure> {
        let (nd, nu, steps) = (self.directions(), u.len(), self.free.stages.get(stage));
        out.reset(nd, nu, steps.is_none());
        self.with_memory(|m| {
            m.moved.begin(nd, nu);
            m.x.clear();
            m.x.extend_from_slice(x);
            let Some(steps) = steps.cloned() else {
                m.u.clear();
                return self.cost_slopes(self.trajectory.steps(), m, out);
            };
            for k in steps.clone() {
                self.set_controls(k, u, &mut m.u);
                self.cost_slopes(k, m, out)?;
                let [a, b] = &mut m.slopes;
                a.resize(nd * nd, 0.0);
                b.resize(nd * m.u.len(), 0.0);
                self.trajectory.step_slopes(k, &m.x, &m.u, [a, b]);
                m.moved.step(&m.slopes, m.u.len(), &self.free.sets[k]);
                if k + 1 < steps.end {
                    self.trajectory.step(k, &mut m.x, &m.u)?;
                }
            }
            for (i, row) in m.moved.by.chunks_exact(nd + nu).enumerate() {
                out.a[i * nd..][..nd].copy_from_slice(&row[..nd]);
                out.b[i * nu..][..nu].copy_from_slice(&row[nd..]);
            }
            Ok(())
        })
    }

    fn difference(&self, from: &[f64], to: &[f64], displacement: &mut [f64]) {
        self.trajectory.difference(from, to, displacement);
    }
}

#[cfg(test)]
mod tests {
    use super::partition;

    #[test]
    fn a_stage_is_the_shortest_run_in_which_its_numbers_act() {
        // two controls held for 2 and for 3 steps of 8: they meet again after 6
        let held = |control: usize, hold: usize, first: usize| {
            (0..8).map(move |k| (k, control, first + k / hold))
        };
        let acts: Vec<_> = held(0, 2, 0).chain(held(1, 3, 4)).collect();
        assert_eq!(partition(8, 7, &acts), [0..6, 6..8]);
        // without a number at steps 0, 1 and 4
        let acts = [(2, 0, 0), (3, 0, 1), (5, 0, 2), (6, 0, 2), (7, 0, 3)];
        assert_eq!(partition(8, 4, &acts), [0..2, 2..3, 3..5, 5..7, 7..8]);
    }
}
