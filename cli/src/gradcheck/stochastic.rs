//! A stochastic objective: gradient and finite difference are averaged over samples, with common random numbers in the four
//! evaluations of a difference. Passed where the mean disagreement lies within 3.5 standard errors of 0 and these are small
//! enough to see an error of the tolerance.
//!
//! The difference is extrapolated once, `(4 D(h/2) - D(h)) / 3`: the mean of a picture is smooth, but its edges cross a pixel
//! within a few `h`. Errors count relative to the norm of the checked slopes in optimizer coordinates, which is what a step of an
//! optimizer sees: small entries are differences of large contributions, and their own digits would take millions of samples.

use cotangent_ad::{Objective, SampleKey, TrialFailure, Want};
use cotangent_optim::Space;
use rayon::prelude::*;

use super::{Direction, Entry, GradcheckOptions, dot, evaluate, moved, room};

/// The longer step of the differences in optimizer coordinates: a compromise between their bias and their noise.
const STEP: f64 = 0.04;
/// Standard errors within which two means agree.
const AGREE: f64 = 3.5;
/// Standard errors at which a bias of the tolerance must be seen.
const SEEN: f64 = 3.0;

/// Along one direction, for one sample.
#[derive(Clone, Copy)]
struct Slopes {
    gradient: f64,
    /// Central difference over the longer step.
    long: f64,
    /// Central difference over half of it.
    short: f64,
}

impl Slopes {
    fn difference(&self) -> f64 {
        (4.0 * self.short - self.long) / 3.0
    }
}

pub(super) fn entries(
    objective: &dyn Objective,
    space: &Space,
    x: &[f64],
    directions: &[Direction],
    options: &GradcheckOptions,
) -> Result<Vec<Entry>, TrialFailure> {
    let sample = |k: u32| one_sample(objective, space, x, directions, options.seed + u64::from(k));
    let samples: Vec<Result<Vec<Slopes>, TrialFailure>> =
        (0..options.samples).into_par_iter().map(sample).collect();
    let samples = samples.into_iter().collect::<Result<Vec<_>, _>>()?;
    let over = |d: usize, f: &dyn Fn(&Slopes) -> f64| -> (f64, f64) {
        mean_and_error(&samples.iter().map(|s| f(&s[d])).collect::<Vec<_>>())
    };
    let gradients: Vec<f64> = (0..directions.len()).map(|d| over(d, &|s| s.gradient).0).collect();
    let norm = gradients.iter().map(|g| g * g).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    let entry = |(d, direction): (usize, &Direction)| {
        let (off, uncertainty) = over(d, &|s| s.gradient - s.difference());
        let (curved, noise) = over(d, &|s| (s.short - s.long) / 3.0);
        let bias = (curved.abs() - SEEN * noise).max(0.0);
        Entry {
            name: direction.name.clone(),
            gradient: gradients[d],
            finite_difference: gradients[d] - off,
            uncertainty,
            relative_error: off.abs() / norm,
            taylor_slope: None,
            problem: verdict(off, uncertainty, bias, options.tolerance * norm),
        }
    };
    Ok(directions.iter().enumerate().map(entry).collect())
}

/// Mean and its standard error.
fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    (mean, (squares / (n * (n - 1.0).max(1.0))).sqrt())
}

/// What speaks against an entry: `off` with its standard error, and the bias of the difference that its extrapolation removes
/// for the most part.
fn verdict(off: f64, uncertainty: f64, bias: f64, tolerated: f64) -> Option<String> {
    if off.abs() > AGREE * uncertainty + bias && off.abs() > 0.01 * tolerated {
        Some(format!("differs by {:.1} standard errors", off.abs() / uncertainty))
    } else if SEEN * uncertainty > tolerated {
        Some(format!(
            "undecided: 3 standard errors are {:.1} times the tolerance; raise --samples",
            SEEN * uncertainty / tolerated
        ))
    } else if bias > tolerated {
        let times = bias / tolerated;
        Some(format!(
            "undecided: the step of the difference is too long, by {times:.1} times the tolerance"
        ))
    } else {
        None
    }
}

fn one_sample(
    objective: &dyn Objective,
    space: &Space,
    x: &[f64],
    directions: &[Direction],
    key: u64,
) -> Result<Vec<Slopes>, TrialFailure> {
    let key = SampleKey(key);
    let at_x = evaluate(objective, x, Want::GRADIENT, key)?;
    let gradient = at_x.gradient.as_deref().unwrap_or_default();
    let along = |d: &Direction| {
        let (below, above) = room(space, x, &d.vector);
        let (below, above) = (below.min(STEP), above.min(STEP));
        let there = |h: f64| evaluate(objective, &moved(x, &d.vector, h), Want::VALUE, key);
        let over = |share: f64| -> Result<f64, TrialFailure> {
            let (above, below) = (share * above, share * below);
            Ok((there(above)?.value - there(-below)?.value) / (above + below))
        };
        Ok(Slopes { gradient: dot(&d.vector, gradient), long: over(1.0)?, short: over(0.5)? })
    };
    directions.iter().map(along).collect()
}
