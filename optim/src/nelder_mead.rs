//! Nelder and Mead's simplex, without gradients.
//!
//! Nelder & Mead, Comput. J. 7, 308 (1965), with the coefficients of Gao & Han, Comput. Optim. Appl. 51, 259 (2012), which keep it
//! from collapsing in many dimensions. Trial points are brought within the bounds; one without a value counts as the worst.
//!
//! A simplex that has shrunk shows nothing by itself: it shrinks in narrow valleys too. Where it has, differences of values
//! around its best corner (`quadratic`) say what is left to gain. Nothing: that is convergence. Something: a new simplex
//! starts there along the step that they propose, and where that gains nothing either, the run has stalled.

use cotangent_problem::{TermValue, Want};
use serde::{Deserialize, Serialize};

use crate::context::{Advance, Algorithm, Context, MethodInfo, NoValue};
use crate::evaluator::distance;
use crate::outcome::Status;
use crate::quadratic::{Judgement, judge_by_values};

/// Options of the simplex method.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NelderMeadOptions {
    /// First edges of the simplex, relative to the start's entries; in optimizer coordinates for an entry that is 0.
    pub size: f64,
    /// The simplex has shrunk when no edge is longer than this fraction of the entries of its best corner.
    pub size_tolerance: f64,
}

impl Default for NelderMeadOptions {
    fn default() -> Self {
        Self { size: 0.1, size_tolerance: 1e-9 }
    }
}

/// Stands for no value; text cannot hold an infinity.
const NONE: f64 = f64::MAX;
/// Relative gain of a new simplex that is worth another one.
const WORTH: f64 = 1e-9;

/// State between two iterations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    /// Corners with their values, best first.
    corners: Vec<(f64, Vec<f64>)>,
    /// Corners that have not been evaluated.
    waiting: Vec<Vec<f64>>,
    /// The best value when the simplex last started anew.
    restarted: Option<f64>,
}

/// A trial point's value, [`NONE`] where it has none.
fn value_at(context: &mut Context, z: &mut [f64]) -> Result<f64, NoValue> {
    context.project(z);
    match context.evaluate(z, Want::VALUE) {
        Ok(found) => Ok(found.value),
        Err(error) if error.is_recoverable() => Ok(NONE),
        Err(error) => Err(error),
    }
}

impl Algorithm for State {
    type Options = NelderMeadOptions;
    const INFO: MethodInfo = MethodInfo {
        name: "nelder-mead",
        summary: "simplex without gradients, few parameters (Nelder, Mead 1965)",
        needs_gradient: false,
        needs_residuals: false,
        needs_stages: false,
        accepts_stochastic: false,
        draws_anew: false,
    };

    fn start(
        context: &mut Context,
        z: Vec<f64>,
        options: &NelderMeadOptions,
    ) -> Result<(Self, f64), NoValue> {
        let value = context.evaluate(&z, Want::VALUE)?.value;
        let waiting = around(context, &z, options.size, None);
        Ok((Self { corners: vec![(value, z)], waiting, restarted: None }, value))
    }

    fn gradient_norm(&self, _: &[f64], _: &[f64]) -> Option<f64> {
        None
    }

    fn terms(&self) -> &[TermValue] {
        &[]
    }

    fn iterate(&mut self, context: &mut Context, options: &NelderMeadOptions) -> Advance {
        let before = self.corners[0].1.clone();
        let end = match self.step(context, options) {
            Ok(end) => end,
            Err(error) => Some(error.status()),
        };
        self.advance(distance(&self.corners[0].1, &before), end)
    }
}

/// Further corners of a simplex with one at `z`: one along `step`, if any, the others along the parameters.
fn around(context: &Context, z: &[f64], size: f64, step: Option<&[f64]>) -> Vec<Vec<f64>> {
    let moved = |i: usize| {
        let mut corner = z.to_vec();
        let edge = if z[i] == 0.0 { size } else { size * z[i].abs() };
        // away from a bound that is near
        let room = context.upper[i] - z[i] >= edge;
        corner[i] =
            (z[i] + if room { edge } else { -edge }).clamp(context.lower[i], context.upper[i]);
        corner
    };
    let mut corners: Vec<Vec<f64>> = (0..z.len()).map(moved).collect();
    if let Some(step) = step {
        // in place of the parameter that it moves the most, so that the simplex keeps its volume
        let share = |i: usize| (step[i] / context.size_of(z, i)).abs();
        let most = (0..z.len()).reduce(|a, b| if share(b) > share(a) { b } else { a });
        if let Some(most) = most {
            corners[most] = z.iter().zip(step).map(|(z, s)| z + s).collect();
        }
    }
    corners
}

impl State {
    /// Evaluates what waits; judges a simplex that has shrunk, or improves it. The end of the run, where it is that.
    fn step(
        &mut self,
        context: &mut Context,
        options: &NelderMeadOptions,
    ) -> Result<Option<Status>, NoValue> {
        while let Some(corner) = self.waiting.last_mut() {
            let mut corner = std::mem::take(corner);
            match value_at(context, &mut corner) {
                Ok(value) => self.corners.push((value, corner)),
                Err(error) => {
                    self.waiting.pop();
                    self.waiting.push(corner);
                    return Err(error);
                }
            }
            self.waiting.pop();
        }
        self.corners.sort_by(|a, b| a.0.total_cmp(&b.0));
        if self.has_shrunk(options)
            && let Some(end) = self.judge(context, options)?
        {
            return Ok(Some(end));
        }
        if self.waiting.is_empty() {
            self.improve(context)?;
            self.corners.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        Ok(None)
    }

    /// No edge is longer than the tolerance, or no value can be told from another.
    fn has_shrunk(&self, options: &NelderMeadOptions) -> bool {
        let (value, best) = &self.corners[0];
        let worst = self.corners[self.corners.len() - 1].0;
        let flat = worst - value <= 2.0 * f64::EPSILON * value.abs();
        let short = |corner: &[f64]| {
            let edges = corner.iter().zip(best);
            edges.into_iter().all(|(c, b)| (c - b).abs() <= options.size_tolerance * b.abs())
        };
        flat || self.corners[1..].iter().all(|(_, corner)| short(corner))
    }

    /// What a simplex that has shrunk has found.
    fn judge(
        &mut self,
        context: &mut Context,
        options: &NelderMeadOptions,
    ) -> Result<Option<Status>, NoValue> {
        let (value, best) = self.corners[0].clone();
        let judgement = judge_by_values(context, &best, value)?;
        if let Judgement::Stands(status) = judgement {
            return Ok(Some(status));
        }
        // a new simplex would be as flat as this one where no value differs at all
        let all_equal = self.corners.iter().all(|corner| corner.0 <= value);
        let gained = |before: f64| before - value > WORTH * value.abs();
        if (all_equal && matches!(judgement, Judgement::Flat))
            || self.restarted.is_some_and(|b| !gained(b))
        {
            let why = format!(
                "the simplex has shrunk, a new one would find nothing lower, and {}",
                judgement.objection()
            );
            return Ok(Some(Status::Stalled { gradient_norm: None, why }));
        }
        self.restarted = Some(value);
        let step = match &judgement {
            Judgement::Refuted(left) if left.step.iter().any(|s| *s != 0.0) => Some(&left.step[..]),
            _ => None,
        };
        self.waiting = around(context, &best, options.size, step);
        self.corners.truncate(1);
        Ok(None)
    }

    /// Reflects, expands, contracts or shrinks.
    fn improve(&mut self, context: &mut Context) -> Result<(), NoValue> {
        let n = self.corners.len() - 1;
        let d = (n as f64).max(2.0); // one variable takes the classical coefficients
        let (expand, contract, shrink) = (1.0 + 2.0 / d, 0.75 - 0.5 / d, 1.0 - 1.0 / d);
        let centre: Vec<f64> = (0..self.corners[0].1.len())
            .map(|i| self.corners[..n].iter().map(|c| c.1[i]).sum::<f64>() / n as f64)
            .collect();
        let (best, second, worst) =
            (self.corners[0].0, self.corners[n.saturating_sub(1)].0, self.corners[n].clone());
        let mut trial = |share: f64| -> Result<(f64, Vec<f64>), NoValue> {
            let mut z: Vec<f64> =
                centre.iter().zip(&worst.1).map(|(c, w)| c + share * (c - w)).collect();
            Ok((value_at(context, &mut z)?, z))
        };
        let reflected = trial(1.0)?;
        if reflected.0 < best {
            // a reflected point that is better is kept where the evaluations end here
            self.corners[n] = reflected.clone();
            let expanded = trial(expand)?;
            if expanded.0 < reflected.0 {
                self.corners[n] = expanded;
            }
            return Ok(());
        }
        if reflected.0 < second {
            self.corners[n] = reflected;
            return Ok(());
        }
        let outside = reflected.0 < worst.0;
        let contracted = trial(if outside { contract } else { -contract })?;
        if contracted.0 < reflected.0.min(worst.0) {
            self.corners[n] = contracted;
            return Ok(());
        }
        let base = self.corners[0].1.clone();
        let towards = |(_, corner): &(f64, Vec<f64>)| -> Vec<f64> {
            corner.iter().zip(&base).map(|(c, b)| b + shrink * (c - b)).collect()
        };
        self.waiting = self.corners[1..].iter().map(towards).collect();
        self.corners.truncate(1);
        Ok(())
    }

    fn advance(&self, step_norm: f64, end: Option<Status>) -> Advance {
        let (value, z) = self.corners[0].clone();
        Advance { z, value, gradient_norm: None, step_norm, terms: Vec::new(), end }
    }
}
