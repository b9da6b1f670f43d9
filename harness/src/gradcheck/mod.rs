//! Gradients against finite differences, for anyone's objective.
//!
//! Up to 200 parameters are all checked; beyond that the 50 with the largest gradient, and 20 random directions; of a stochastic
//! objective up to 40, then 10 and 6. The error is `|g - fd| / max(|g|, 1e-4 |g|_inf)`, of a stochastic objective with 0.1 in place of 1e-4. Each difference is extrapolated over eleven steps, each half the last, so it carries an
//! error of its own: where that exceeds the tolerance the check has not passed. A crossed switch is named, never counted as passed.
//!
//! ```
//! use cotangent_harness::gradcheck::{GradcheckOptions, gradcheck};
//! use cotangent_problem::{Capabilities, Evaluation, Objective, Parameter, SampleKey, Space, TrialFailure, Want, Workspace};
//!
//! /// `x^2 y` with a derivative by `y` that is 1 % too long.
//! struct Off;
//! impl Objective for Off {
//!     fn dim(&self) -> usize {
//!         2
//!     }
//!     fn capabilities(&self) -> Capabilities {
//!         Capabilities { gradient: true, ..Default::default() }
//!     }
//!     fn evaluate(&self, x: &[f64], _: Want, _: SampleKey, _: &mut Workspace) -> Result<Evaluation, TrialFailure> {
//!         let gradient = vec![2.0 * x[0] * x[1], 1.01 * x[0] * x[0]];
//!         Ok(Evaluation { value: x[0] * x[0] * x[1], gradient: Some(gradient), ..Default::default() })
//!     }
//! }
//! let space = Space::new(vec![Parameter::scalar("x"), Parameter::scalar("y")]).unwrap();
//! let options = GradcheckOptions { tolerance: 1e-6, samples: 1, seed: 0, only: Vec::new() };
//! let found = gradcheck(&Off, &space, &[3.0, 2.0], &options, &|_, _| ()).unwrap();
//! let [x, y] = found.parameters.as_slice() else { panic!() };
//! assert!(x.problem.is_none() && (x.finite_difference - 12.0).abs() < 1e-9);
//! assert!(!found.passed && (y.relative_error - 0.09 / 9.09).abs() < 1e-9);
//! ```

mod difference;
mod start;
mod stochastic;

use cotangent_ad::random::Stream;
use cotangent_problem::Space;
use cotangent_problem::{Evaluation, Objective, SampleKey, TrialFailure, Want, Workspace};
use rayon::prelude::*;
use serde::Serialize;

pub use difference::{Difference, LEVELS, Line};
pub use start::{StartCheck, check_start};

/// What is checked of many parameters.
struct Reach {
    /// Parameters up to which every one is.
    all_up_to: usize,
    /// Beyond that, how many with the largest gradient.
    largest: usize,
    /// And how many random directions.
    directions: usize,
}

const OF_A_FUNCTION: Reach = Reach { all_up_to: 200, largest: 50, directions: 20 };
/// Each entry of a stochastic objective costs many samples.
const OF_SAMPLES: Reach = Reach { all_up_to: 40, largest: 10, directions: 6 };
/// First step, in optimizer coordinates.
const STEP: f64 = 0.02;

/// How a gradient is checked.
#[derive(Clone, Debug, PartialEq)]
pub struct GradcheckOptions {
    /// Largest relative error that passes.
    pub tolerance: f64,
    /// Samples at most over which an entry of a stochastic objective is averaged.
    pub samples: u32,
    /// Key of a deterministic check's sample, and seed of the random directions.
    pub seed: u64,
    /// Beginnings of the names of the entries to check; all where there are none.
    pub only: Vec<String>,
}

/// One parameter or direction.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Name of the entry, or `direction k`.
    pub name: String,
    /// Derivative by the gradient.
    pub gradient: f64,
    /// Derivative by finite differences.
    pub finite_difference: f64,
    /// Error of the finite difference: estimated, or a standard error of the difference of both.
    pub uncertainty: f64,
    /// Relative error.
    pub relative_error: f64,
    /// Taylor-remainder slope; `None` at rounding, or for a stochastic objective.
    pub taylor_slope: Option<f64>,
    /// Why it did not pass; `None` where it did.
    pub problem: Option<String>,
}

/// The result of a check.
#[derive(Clone, Debug, Serialize)]
pub struct Gradcheck {
    /// Largest relative error of all entries.
    pub max_relative_error: f64,
    /// Whether every entry passed.
    pub passed: bool,
    /// Largest relative error that passes.
    pub tolerance: f64,
    /// Number of parameters of the objective; the checked ones may be fewer.
    pub dimension: usize,
    /// Samples of the entry that needed most; 1 for a deterministic objective.
    pub samples: u32,
    /// What was checked.
    pub parameters: Vec<Entry>,
}

/// A direction in the parameters' own units, with its name.
struct Direction {
    name: String,
    vector: Vec<f64>,
}

/// Is called at every look at the samples of a stochastic objective: how many there are, and how many entries need more.
pub type Told<'a> = &'a dyn Fn(u32, usize);

/// Checks the gradient of `objective` at `x`, `dim` entries in physical units.
///
/// # Errors
/// A point without a value, an objective without a gradient, no entry of the names that were asked for.
pub fn gradcheck(
    objective: &dyn Objective,
    space: &Space,
    x: &[f64],
    options: &GradcheckOptions,
    told: Told<'_>,
) -> Result<Gradcheck, TrialFailure> {
    let key = SampleKey(options.seed);
    let at_x = evaluate(objective, x, Want::GRADIENT, key)?;
    let gradient = at_x.gradient.clone().unwrap_or_default();
    if gradient.len() != x.len() {
        return Err(TrialFailure::Contract("this objective gives no gradient".into()));
    }
    let stochastic = objective.capabilities().stochastic;
    let reach = if stochastic { OF_SAMPLES } else { OF_A_FUNCTION };
    let directions = directions(space, x, &gradient, options, &reach);
    if directions.is_empty() {
        let why = format!("no entry is named {}...", options.only.join("..., "));
        return Err(TrialFailure::Contract(why));
    }
    let (parameters, samples) = if stochastic {
        stochastic::entries(objective, space, x, &directions, options, told)?
    } else {
        let largest = largest_slope(&directions, &gradient);
        let one = |d: &Direction| deterministic(objective, space, x, &at_x, d, largest, options);
        let entries: Vec<_> = directions.par_iter().map(one).collect();
        (entries.into_iter().collect::<Result<_, _>>()?, 1)
    };
    Ok(Gradcheck {
        max_relative_error: parameters.iter().map(|e| e.relative_error).fold(0.0, f64::max),
        passed: parameters.iter().all(|e| e.problem.is_none()),
        tolerance: options.tolerance,
        dimension: x.len(),
        samples,
        parameters,
    })
}

fn evaluate(
    objective: &dyn Objective,
    x: &[f64],
    want: Want,
    key: SampleKey,
) -> Result<Evaluation, TrialFailure> {
    let found = objective.evaluate(x, want, key, &mut Workspace::new())?;
    let finite = found.gradient.iter().flatten().all(|g| g.is_finite()) && found.value.is_finite();
    if finite {
        Ok(found)
    } else {
        Err(TrialFailure::NonFinite { what: "the objective or its gradient".into() })
    }
}

/// Unit vectors times the parameters' slopes, so that a step of 1 is a step of 1 in optimizer coordinates.
fn directions(
    space: &Space,
    x: &[f64],
    gradient: &[f64],
    options: &GradcheckOptions,
    reach: &Reach,
) -> Vec<Direction> {
    let slopes = space.slopes(x);
    let n = x.len();
    let unit = |i: usize| {
        let vector = (0..n).map(|k| if k == i { slopes[i] } else { 0.0 }).collect();
        Direction { name: space.name_of(i), vector }
    };
    if !options.only.is_empty() {
        let asked = |d: &Direction| options.only.iter().any(|o| d.name.starts_with(o));
        return (0..n).map(unit).filter(asked).collect();
    }
    if n <= reach.all_up_to {
        return (0..n).map(unit).collect();
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| {
        (gradient[b] * slopes[b]).abs().total_cmp(&(gradient[a] * slopes[a]).abs())
    });
    let random = |k: usize| Direction {
        name: format!("direction {k}"),
        vector: random_direction(&slopes, options.seed, k as u64),
    };
    let largest = order.into_iter().take(reach.largest).map(unit);
    largest.chain((0..reach.directions).map(random)).collect()
}

/// A random unit vector in optimizer coordinates, in the parameters' own units.
fn random_direction(slopes: &[f64], seed: u64, k: u64) -> Vec<f64> {
    let stream = Stream::new(&[seed, k]);
    let raw: Vec<f64> = (0..slopes.len()).map(|i| stream.normal(i as u64)).collect();
    let norm = raw.iter().map(|v| v * v).sum::<f64>().sqrt();
    raw.iter().zip(slopes).map(|(v, s)| v / norm * s).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn largest_slope(directions: &[Direction], gradient: &[f64]) -> f64 {
    directions.iter().map(|d| dot(&d.vector, gradient).abs()).fold(0.0, f64::max)
}

/// How far the bounds allow to go against and along `v`, at most 1 each.
fn room(space: &Space, x: &[f64], v: &[f64]) -> (f64, f64) {
    let (mut below, mut above) = (1.0_f64, 1.0_f64);
    for ((p, &x), &v) in space.entries().zip(x).zip(v) {
        let (down, up) = ((x - p.lower) / v.abs(), (p.upper - x) / v.abs());
        if v != 0.0 {
            below = below.min(if v > 0.0 { down } else { up });
            above = above.min(if v > 0.0 { up } else { down });
        }
    }
    (below, above)
}

/// The sides that may be used and the first step there: beside a bound the step shrinks; on it the other side alone is used.
fn steps(space: &Space, x: &[f64], v: &[f64], first: f64) -> ((bool, bool), f64) {
    let (below, above) = room(space, x, v);
    let smallest = 1e-3 * first;
    let sides = (below >= smallest, above >= smallest);
    let used = [(sides.0, below), (sides.1, above)].into_iter().filter(|(used, _)| *used);
    (sides, used.fold(first, |step, (_, room)| step.min(room)))
}

fn moved(x: &[f64], v: &[f64], h: f64) -> Vec<f64> {
    x.iter().zip(v).map(|(x, v)| x + h * v).collect()
}

fn deterministic(
    objective: &dyn Objective,
    space: &Space,
    x: &[f64],
    at_x: &Evaluation,
    direction: &Direction,
    largest: f64,
    options: &GradcheckOptions,
) -> Result<Entry, TrialFailure> {
    let slope = dot(&direction.vector, at_x.gradient.as_deref().unwrap_or_default());
    let (sides, step) = steps(space, x, &direction.vector, STEP);
    let at = |h: f64| {
        evaluate(objective, &moved(x, &direction.vector, h), Want::VALUE, SampleKey(options.seed))
    };
    let line = Line { evaluate: &at, at_zero: at_x, step, sides, levels: LEVELS };
    let found = line.compare(slope)?;
    let scale = slope.abs().max(1e-4 * largest).max(f64::MIN_POSITIVE);
    let relative_error = (slope - found.derivative).abs() / scale;
    let problem = if let Some(crossed) = &found.crossed {
        Some(crossed.clone())
    } else if relative_error > options.tolerance {
        Some(format!("differs by {relative_error:.1e}"))
    } else if found.error / scale > options.tolerance {
        Some(format!("finite differences are too noisy to tell ({:.1e})", found.error / scale))
    } else {
        None
    };
    Ok(Entry {
        name: direction.name.clone(),
        gradient: slope,
        finite_difference: found.derivative,
        uncertainty: found.error,
        relative_error,
        taylor_slope: found.taylor_slope,
        problem,
    })
}
