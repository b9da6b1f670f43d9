//! A line search for the strong Wolfe conditions that backs off from points without a value.
//!
//! Nocedal & Wright, *Numerical Optimization*, 2nd ed., algorithms 3.5 and 3.6, with cubic interpolation (eq. 3.59). Where the
//! decrease drowns in the rounding of the value, the slope decides: the approximate Wolfe condition of Hager & Zhang,
//! SIAM J. Optim. 16, 170 (2005), eq. 4.1.

use cotangent_problem::{Evaluation, TrialFailure};

use crate::context::{Context, NoValue};
use crate::evaluator::dot;

/// Sufficient decrease.
const C1: f64 = 1e-4;
/// Curvature.
const C2: f64 = 0.9;
/// Rounding of the value, relative: below it decreases are not seen.
const ROUNDING: f64 = 4.0 * f64::EPSILON;
/// Most evaluations of one search.
const MOST: usize = 30;

/// A point on the line.
#[derive(Clone, Debug)]
struct Point {
    step: f64,
    value: f64,
    slope: f64,
    gradient: Vec<f64>,
    evaluation: Evaluation,
    z: Vec<f64>,
}

impl Point {
    /// Sufficient decrease from `zero`, seen in the value or, where its rounding hides that, in the slope.
    fn decreases(&self, zero: &Self) -> bool {
        let rounding = ROUNDING * zero.value.abs();
        self.value <= zero.value + C1 * self.step * zero.slope
            || (self.value <= zero.value + rounding && self.slope <= (2.0 * C1 - 1.0) * zero.slope)
    }
}

/// Where a search ended.
pub(crate) enum Search {
    /// A point that lowers the value, or lies within its rounding and lowers the slope.
    Found { z: Vec<f64>, gradient: Vec<f64>, evaluation: Evaluation },
    /// No point does.
    None { last_failure: Option<TrialFailure> },
    /// It could not go on.
    Broken(NoValue),
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
    ///
    /// # Errors
    /// Where no other point would have one either.
    fn at(&mut self, step: f64) -> Result<Option<Point>, NoValue> {
        self.evaluations += 1;
        let mut z: Vec<f64> =
            self.origin.iter().zip(self.direction).map(|(z, d)| z + step * d).collect();
        self.context.project(&mut z);
        match self.context.value_and_gradient(&z) {
            Ok((evaluation, gradient)) => {
                let slope = dot(&gradient, self.direction);
                Ok(Some(Point { step, value: evaluation.value, slope, gradient, evaluation, z }))
            }
            Err(NoValue::Failed(failure)) if failure.is_recoverable() => {
                self.last_failure = Some(failure);
                Ok(None)
            }
            Err(error) => Err(error),
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

/// Where a search begins.
pub(crate) struct Origin<'a> {
    pub z: &'a [f64],
    pub value: f64,
    pub gradient: &'a [f64],
}

/// Searches along `direction` from `origin`, first at `first`, at most to `longest`.
pub(crate) fn strong_wolfe(
    context: &mut Context,
    origin: &Origin,
    direction: &[f64],
    first: f64,
    longest: f64,
) -> Search {
    let zero = Point {
        step: 0.0,
        value: origin.value,
        slope: dot(origin.gradient, direction),
        gradient: origin.gradient.to_vec(),
        evaluation: Evaluation { value: origin.value, ..Evaluation::default() },
        z: origin.z.to_vec(),
    };
    let mut line =
        Line { context, origin: origin.z, direction, last_failure: None, evaluations: 0 };
    match bracket(&mut line, &zero, first, longest) {
        Ok(Some(p)) => Search::Found { z: p.z, gradient: p.gradient, evaluation: p.evaluation },
        Ok(None) => Search::None { last_failure: line.last_failure },
        Err(error) => Search::Broken(error),
    }
}

/// Algorithm 3.5: lengthens the step until an interval holds a point that satisfies both conditions.
fn bracket(
    line: &mut Line,
    zero: &Point,
    first: f64,
    mut longest: f64,
) -> Result<Option<Point>, NoValue> {
    let mut previous = zero.clone();
    let mut best: Option<Point> = None;
    let mut step = first.min(longest);
    while line.evaluations < MOST {
        let Some(point) = line.at(step)? else {
            // no value here: nearer points only, from now on
            longest = 0.5 * (previous.step + step);
            step = previous.step + 0.25 * (step - previous.step);
            continue;
        };
        if !point.decreases(zero) || (previous.step > 0.0 && point.value >= previous.value) {
            return zoom(line, zero, previous, point);
        }
        if point.slope.abs() <= -C2 * zero.slope {
            return Ok(Some(point));
        }
        if point.slope >= 0.0 {
            return zoom(line, zero, point, previous);
        }
        best = Some(point.clone());
        if step >= longest * (1.0 - 1e-12) {
            break;
        }
        // where the slope falls along a parabola, its minimum; else further by a factor
        let parabola = step * zero.slope / (zero.slope - point.slope);
        let further = if parabola > 2.0 * step { parabola.min(10.0 * step) } else { 2.0 * step };
        previous = point;
        step = further.min(longest);
    }
    Ok(best)
}

/// Algorithm 3.6: narrows an interval whose end `low` has the least value of all that decrease sufficiently.
fn zoom(
    line: &mut Line,
    zero: &Point,
    mut low: Point,
    mut high: Point,
) -> Result<Option<Point>, NoValue> {
    while line.evaluations < MOST {
        let step = interpolate(&low, &high);
        if (high.step - low.step).abs() <= 1e-14 * high.step.abs().max(low.step.abs()) {
            break;
        }
        let Some(point) = line.at(step)? else {
            high = Point { step, value: f64::INFINITY, slope: f64::NAN, ..high };
            continue;
        };
        let within_rounding = (point.value - low.value).abs() <= ROUNDING * zero.value.abs();
        if !point.decreases(zero) || (point.value >= low.value && !within_rounding) {
            high = point;
            continue;
        }
        if point.slope.abs() <= -C2 * zero.slope {
            return Ok(Some(point));
        }
        if point.slope * (high.step - low.step) >= 0.0 {
            high = low;
        }
        low = point;
    }
    let lower = low.step > 0.0 && low.value < zero.value;
    Ok(lower.then_some(low))
}
