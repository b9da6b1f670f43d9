//! A stochastic objective: gradient and finite difference are averaged over samples, with common random numbers in both
//! evaluations of a difference. Passed where the mean disagreement lies within 3.5 standard errors of 0 and these are small
//! enough to see an error of the tolerance.

use cotangent_ad::{Objective, SampleKey, TrialFailure, Want};
use cotangent_optim::Space;
use rayon::prelude::*;

use super::{Direction, Entry, GradcheckOptions, dot, evaluate, moved, room};

/// Step of the differences in optimizer coordinates: a compromise between their bias and their noise.
const STEP: f64 = 0.05;
/// Standard errors within which two means agree.
const AGREE: f64 = 3.5;
/// Standard errors at which a bias of the tolerance must be seen.
const SEEN: f64 = 3.0;

/// Gradient and difference along every direction, for one sample.
type Sample = Vec<(f64, f64)>;

pub(super) fn entries(
    objective: &dyn Objective,
    space: &Space,
    x: &[f64],
    directions: &[Direction],
    options: &GradcheckOptions,
) -> Result<Vec<Entry>, TrialFailure> {
    let sample = |k: u32| one_sample(objective, space, x, directions, options.seed + u64::from(k));
    let samples: Vec<Result<Sample, TrialFailure>> =
        (0..options.samples).into_par_iter().map(sample).collect();
    let samples = samples.into_iter().collect::<Result<Vec<_>, _>>()?;
    let n = samples.len() as f64;
    let mean = |f: &dyn Fn(&Sample) -> f64| samples.iter().map(f).sum::<f64>() / n;
    let means: Vec<(f64, f64)> =
        (0..directions.len()).map(|d| (mean(&|s| s[d].0), mean(&|s| s[d].1))).collect();
    let largest = means.iter().map(|m| m.0.abs()).fold(0.0, f64::max);
    let entry = |(d, direction): (usize, &Direction)| {
        let (gradient, finite_difference) = means[d];
        let off = gradient - finite_difference;
        let variance = samples.iter().map(|s| (s[d].0 - s[d].1 - off).powi(2)).sum::<f64>();
        let uncertainty = (variance / (n * (n - 1.0).max(1.0))).sqrt();
        let scale = gradient.abs().max(1e-4 * largest).max(f64::MIN_POSITIVE);
        Entry {
            name: direction.name.clone(),
            gradient,
            finite_difference,
            uncertainty,
            relative_error: off.abs() / scale,
            taylor_slope: None,
            problem: verdict(off, uncertainty, options.tolerance * scale),
        }
    };
    Ok(directions.iter().enumerate().map(entry).collect())
}

fn verdict(off: f64, uncertainty: f64, tolerated: f64) -> Option<String> {
    if off.abs() > AGREE * uncertainty && off.abs() > 0.01 * tolerated {
        Some(format!("differs by {:.1} standard errors", off.abs() / uncertainty))
    } else if SEEN * uncertainty > tolerated {
        Some(format!(
            "undecided: 3 standard errors are {:.1} times the tolerance; raise --samples",
            SEEN * uncertainty / tolerated
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
) -> Result<Sample, TrialFailure> {
    let key = SampleKey(key);
    let at_x = evaluate(objective, x, Want::GRADIENT, key)?;
    let gradient = at_x.gradient.as_deref().unwrap_or_default();
    let along = |d: &Direction| {
        let (below, above) = room(space, x, &d.vector);
        let (below, above) = (below.min(STEP), above.min(STEP));
        let there = |h: f64| evaluate(objective, &moved(x, &d.vector, h), Want::VALUE, key);
        let difference = (there(above)?.value - there(-below)?.value) / (above + below);
        Ok((dot(&d.vector, gradient), difference))
    };
    directions.iter().map(along).collect()
}
