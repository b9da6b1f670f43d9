//! Nelder and Mead's simplex, without gradients.
//!
//! Nelder & Mead, Comput. J. 7, 308 (1965), with the coefficients of Gao & Han, Comput. Optim. Appl. 51, 259 (2012), which keep it
//! from collapsing in many dimensions. Trial points are brought within the bounds; one without a value counts as the worst. A
//! simplex that has shrunk (flat against a bound, perhaps) starts anew at its best corner, until that gains nothing.

use cotangent_problem::{TrialFailure, Want};
use serde::{Deserialize, Serialize};

use crate::evaluator::distance;
use crate::outcome::Status;
use crate::run::{Advance, Context};

/// Options of the simplex method.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NelderMeadOptions {
    /// First edge of the simplex in optimizer coordinates.
    pub size: f64,
    /// Ends the run when the simplex is smaller than this, in optimizer coordinates.
    pub size_tolerance: f64,
}

impl Default for NelderMeadOptions {
    fn default() -> Self {
        Self { size: 0.1, size_tolerance: 1e-9 }
    }
}

/// Stands for no value; text cannot hold an infinity.
const NONE: f64 = f64::MAX;

/// State between two iterations: corners, best first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    corners: Vec<(f64, Vec<f64>)>,
    /// The best value when the simplex last started anew.
    restarted: Option<f64>,
}

/// A trial point's value, [`NONE`] where it has none.
fn value_at(context: &mut Context, z: &mut [f64]) -> Result<f64, TrialFailure> {
    context.project(z);
    match context.evaluate(z, Want::VALUE) {
        Ok(found) => Ok(found.value),
        Err(failure) if failure.is_recoverable() => Ok(NONE),
        Err(failure) => Err(failure),
    }
}

impl State {
    pub(crate) fn start(
        context: &mut Context,
        z: &[f64],
        options: &NelderMeadOptions,
    ) -> Result<(Self, f64), TrialFailure> {
        let value = context.evaluate(z, Want::VALUE)?.value;
        Ok((Self::around(context, z, value, options)?, value))
    }

    /// A simplex with a corner at `z`.
    fn around(
        context: &mut Context,
        z: &[f64],
        value: f64,
        options: &NelderMeadOptions,
    ) -> Result<Self, TrialFailure> {
        let mut corners = vec![(value, z.to_vec())];
        for i in 0..z.len() {
            let mut corner = z.to_vec();
            // away from a bound that is near
            let room = context.upper[i] - z[i] >= options.size;
            corner[i] += if room { options.size } else { -options.size };
            let value = value_at(context, &mut corner)?;
            corners.push((value, corner));
        }
        let mut state = Self { corners, restarted: None };
        state.sort();
        Ok(state)
    }

    fn sort(&mut self) {
        self.corners.sort_by(|a, b| a.0.total_cmp(&b.0));
    }

    pub(crate) fn iterate(
        &mut self,
        context: &mut Context,
        options: &NelderMeadOptions,
    ) -> Advance {
        let before = self.corners[0].1.clone();
        let size = self.corners.iter().map(|c| distance(&c.1, &before)).fold(0.0, f64::max);
        if size <= options.size_tolerance {
            let value = self.corners[0].0;
            let gained = self.restarted.map(|before| (before - value) / value.abs().max(1e-12));
            if let Some(relative_decrease) = gained.filter(|gained| *gained <= 1e-9) {
                return self.advance(0.0, Some(Status::ValueConverged { relative_decrease }));
            }
            match Self::around(context, &before, value, options) {
                Ok(fresh) => *self = Self { restarted: Some(value), ..fresh },
                Err(failure) => return self.advance(0.0, Some(Status::Failed { failure })),
            }
        }
        let end = self.improve(context).err().map(|failure| Status::Failed { failure });
        self.sort();
        self.advance(distance(&self.corners[0].1, &before), end)
    }

    /// Reflects, expands, contracts or shrinks.
    fn improve(&mut self, context: &mut Context) -> Result<(), TrialFailure> {
        let n = self.corners.len() - 1;
        let d = (n as f64).max(2.0); // one variable takes the classical coefficients
        let (expand, contract, shrink) = (1.0 + 2.0 / d, 0.75 - 0.5 / d, 1.0 - 1.0 / d);
        let centre: Vec<f64> = (0..self.corners[0].1.len())
            .map(|i| self.corners[..n].iter().map(|c| c.1[i]).sum::<f64>() / n as f64)
            .collect();
        let (best, second, worst) =
            (self.corners[0].0, self.corners[n.saturating_sub(1)].0, self.corners[n].clone());
        let mut trial = |share: f64| -> Result<(f64, Vec<f64>), TrialFailure> {
            let mut z: Vec<f64> =
                centre.iter().zip(&worst.1).map(|(c, w)| c + share * (c - w)).collect();
            Ok((value_at(context, &mut z)?, z))
        };
        let reflected = trial(1.0)?;
        if reflected.0 < best {
            let expanded = trial(expand)?;
            self.corners[n] = if expanded.0 < reflected.0 { expanded } else { reflected };
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
        for (value, corner) in &mut self.corners[1..] {
            corner.iter_mut().zip(&base).for_each(|(c, b)| *c = b + shrink * (*c - b));
            *value = value_at(context, corner)?;
        }
        Ok(())
    }

    fn advance(&self, step_norm: f64, end: Option<Status>) -> Advance {
        let (value, z) = self.corners[0].clone();
        Advance { z, value, gradient_norm: None, step_norm, terms: Vec::new(), end }
    }
}
