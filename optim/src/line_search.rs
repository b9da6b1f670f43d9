//! A line search for the strong Wolfe conditions that backs off from points without a value.
//!
//! Nocedal & Wright, *Numerical Optimization*, 2nd ed., algorithms 3.5 and 3.6, with cubic interpolation (eq. 3.59).

use cotangent_problem::{Evaluation, TrialFailure, Want};

use crate::evaluator::dot;
use crate::run::Context;

/// Sufficient decrease.
const C1: f64 = 1e-4;
/// Curvature.
const C2: f64 = 0.9;
/// Most evaluations of one search.
const MOST: usize = 30;

/// A point on the line.
#[derive(Clone, Debug)]
struct Point {
    step: f64,
    value: f64,
    slope: f64,
    evaluation: Evaluation,
    z: Vec<f64>,
}

/// Where a search ended.
pub(crate) enum Search {
    /// A point that lowers the value.
    Found { z: Vec<f64>, evaluation: Evaluation },
    /// No point does.
    None { last_failure: Option<TrialFailure> },
}

struct Line<'a, 'c> {
    context: &'a mut Context<'c>,
    origin: &'a [f64],
    direction: &'a [f64],
    last_failure: Option<TrialFailure>,
    evaluations: usize,
}

impl Line<'_, '_> {
    /// The point at `step`; `None` where it has no value.
    fn at(&mut self, step: f64) -> Option<Point> {
        self.evaluations += 1;
        let mut z: Vec<f64> =
            self.origin.iter().zip(self.direction).map(|(z, d)| z + step * d).collect();
        self.context.project(&mut z);
        match self.context.evaluate(&z, Want::GRADIENT) {
            Ok(evaluation) => {
                let slope =
                    evaluation.gradient.as_deref().map_or(f64::NAN, |g| dot(g, self.direction));
                Some(Point { step, value: evaluation.value, slope, evaluation, z })
            }
            Err(failure) => {
                self.last_failure = Some(failure);
                None
            }
        }
    }
}

/// Minimum of the cubic through two points with slopes, kept away from both ends.
fn interpolate(a: &Point, b: &Point) -> f64 {
    let d1 = a.slope + b.slope - 3.0 * (a.value - b.value) / (a.step - b.step);
    let square = d1 * d1 - a.slope * b.slope;
    let width = b.step - a.step;
    let middle = a.step + 0.5 * width;
    if square < 0.0 || !square.is_finite() {
        return middle;
    }
    let d2 = width.signum() * square.sqrt();
    let t = b.step - width * (b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2);
    let (low, high) = (a.step.min(b.step), a.step.max(b.step));
    let margin = 0.1 * (high - low);
    if t.is_finite() { t.clamp(low + margin, high - margin) } else { middle }
}

/// Searches along `direction` from `origin` (value `value`, slope `slope < 0`), first at `first`, at most to `longest`.
pub(crate) fn strong_wolfe(
    context: &mut Context,
    origin: &[f64],
    start: &Evaluation,
    direction: &[f64],
    slope: f64,
    first: f64,
    longest: f64,
) -> Search {
    let mut line = Line { context, origin, direction, last_failure: None, evaluations: 0 };
    let zero = Point {
        step: 0.0,
        value: start.value,
        slope,
        evaluation: start.clone(),
        z: origin.to_vec(),
    };
    let mut previous = zero.clone();
    let mut best: Option<Point> = None;
    let (mut step, mut longest) = (first.min(longest), longest);
    while line.evaluations < MOST {
        let Some(point) = line.at(step) else {
            if line.last_failure.as_ref().is_some_and(|f| !f.is_recoverable()) {
                break;
            }
            // no value here: nearer points only, from now on
            longest = 0.5 * (previous.step + step);
            step = previous.step + 0.25 * (step - previous.step);
            continue;
        };
        let decreases = point.value <= zero.value + C1 * point.step * slope;
        if !decreases || (previous.step > 0.0 && point.value >= previous.value) {
            return zoom(&mut line, &zero, previous, point);
        }
        if point.slope.abs() <= -C2 * slope {
            return Search::Found { z: point.z, evaluation: point.evaluation };
        }
        if point.slope >= 0.0 {
            return zoom(&mut line, &zero, point, previous);
        }
        best = Some(point.clone());
        if step >= longest * (1.0 - 1e-12) {
            break;
        }
        previous = point;
        step = (2.0 * step).min(longest);
    }
    finish(best, line.last_failure)
}

/// Narrows an interval whose end `low` has the least value of all that decrease sufficiently.
fn zoom(line: &mut Line, zero: &Point, mut low: Point, mut high: Point) -> Search {
    while line.evaluations < MOST {
        let step = interpolate(&low, &high);
        if (high.step - low.step).abs() <= 1e-14 * high.step.abs().max(low.step.abs()) {
            break;
        }
        let Some(point) = line.at(step) else {
            high = Point { step, value: f64::INFINITY, slope: f64::NAN, ..high };
            continue;
        };
        if point.value > zero.value + C1 * point.step * zero.slope || point.value >= low.value {
            high = point;
            continue;
        }
        if point.slope.abs() <= -C2 * zero.slope {
            return Search::Found { z: point.z, evaluation: point.evaluation };
        }
        if point.slope * (high.step - low.step) >= 0.0 {
            high = low;
        }
        low = point;
    }
    let lower = low.step > 0.0 && low.value < zero.value;
    finish(lower.then_some(low), line.last_failure.take())
}

fn finish(best: Option<Point>, last_failure: Option<TrialFailure>) -> Search {
    match best {
        Some(p) => Search::Found { z: p.z, evaluation: p.evaluation },
        None => Search::None { last_failure },
    }
}
