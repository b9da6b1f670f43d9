//! The adjoint of a step in parts of its own choice (`integrate/adaptive.rs`).
//!
//! A part that ends at the root of a gap `g` has a length that moves with its start. With the cotangent `y` of its end, `f` the derivative of the end by the
//! length, `g'` the rate of the gap and `r` the cotangent of the length of the last part, which is the shorter for it:
//!
//! ```text
//! y  +=  -(y . f - r)/g'  dg        and then as a part of constant length
//! ```

use super::step::{Cotangent, Inputs, StepAdjoint};
use crate::force::{Bars, Point};
use crate::integrate::{Integrator, Part, Parts, THIRD_ORDER};
use crate::known::Known;
use crate::model::Parameters;
use crate::routes;
use crate::scratch::Scratch;
use crate::state::State;

/// A part as it was taken, with its start.
struct Taken {
    start: State,
    length: f64,
    /// The length to where the gaps are seen, and their blocks there.
    onset: Option<(f64, Vec<usize>)>,
}

/// Cotangents of a step's start, its controls and the parameters.
type StepBars<'a> = (&'a mut Cotangent, &'a mut [f64], Option<&'a mut Parameters<f64>>);

impl StepAdjoint {
    /// Replays the parts of a step and goes back through them.
    pub(super) fn parts(
        &mut self,
        inputs: &Inputs<'_>,
        (state, u): (&State, &[f64]),
        (bar, u_bar, mut parameters_bar): StepBars<'_>,
        s: &mut Scratch,
    ) {
        let Integrator::Adaptive { tolerance } = inputs.options.integrator else { return };
        let (model, parameters) = (inputs.model, inputs.parameters);
        let parts = Parts { model, parameters, u, dt: inputs.options.dt, tolerance };
        let (mut end, mut taken) = (state.clone(), Vec::new());
        parts.take(&mut end, s, |start, Part { length, onset }| {
            let onset = onset.map(|(inside, gaps)| (inside, gaps.to_vec()));
            taken.push(Taken { start: start.clone(), length, onset });
        });
        if end.q.iter().chain(&end.v).any(|x| !x.is_finite()) {
            // such a step has no derivative
            let all = bar.q.iter_mut().chain(&mut bar.v).chain(&mut bar.act).chain(u_bar);
            all.for_each(|x| *x = f64::NAN);
            if let Some(by) = parameters_bar {
                *by = by.map(|_| f64::NAN);
            }
            return;
        }
        let (mut of_last, unknown) = (None, Known::default());
        for part in taken.iter().rev() {
            let from = (&part.start, u, &unknown);
            if let Some((inside, gaps)) = &part.onset {
                let (mut ahead, mut unused) = (bar.clone(), vec![0.0; u.len()]);
                let along = (&mut ahead, unused.as_mut_slice(), None);
                let whole = (&THIRD_ORDER, part.length);
                let by_length = self.pull_part(inputs, whole, from, along, s);
                let share = by_length - of_last.unwrap_or(0.0);
                let by = parameters_bar.as_deref_mut();
                parts.see_gaps(*inside, &part.start, gaps, s);
                self.pull_onset(inputs, (share, gaps), (&mut *bar, by), s);
            }
            let by = (&mut *bar, &mut *u_bar, parameters_bar.as_deref_mut());
            let by_length = self.pull_part(inputs, (&THIRD_ORDER, part.length), from, by, s);
            of_last.get_or_insert(by_length);
        }
    }

    /// Adds `-share/g' dg` of the mean gap `g` of some blocks at the end of a part, which is evaluated.
    fn pull_onset(
        &mut self,
        inputs: &Inputs<'_>,
        (share, gaps): (f64, &[usize]),
        (bar, parameters_bar): (&mut Cotangent, Option<&mut Parameters<f64>>),
        s: &mut Scratch,
    ) {
        let (model, parameters) = (inputs.model, inputs.parameters);
        let Some((_, rate)) = s.adaptive.mean_gap(s) else { return };
        let weight = -share / (rate * gaps.len() as f64);
        let end = s.stages.len() - 1;
        let (q, v) = (s.stages[end].q.clone(), s.stages[end].v.clone());
        let drive = s.stages[end].drive.clone();
        let courses = std::mem::take(&mut s.routes);
        let mut moments = vec![0.0; courses.moments.len()];
        let point = Point { model, parameters, q: &q, v: &v, drive: &drive, routes: &courses };
        let mut unused = vec![0.0; drive.len()];
        let mut bars = Bars {
            q: &mut bar.q,
            v: &mut bar.v,
            drive: &mut unused,
            moments: &mut moments,
            parameters: parameters_bar,
        };
        self.constraints.prepare(&point, bars.parameters.is_none(), s);
        self.constraints.pull_gaps(&point, (gaps, weight), s, &mut bars);
        routes::pull(model, bars.moments, bars.q, s);
        s.routes = courses;
    }
}
