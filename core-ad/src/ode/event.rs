//! What happens at an event, differentiably.
//!
//! The event was located at a time `t` on plain numbers. In `R` the true time is `t + delta` with `delta = 0` in value: Newton steps
//! on `g(t + delta, y(t + delta)) = 0` give it its derivatives, each doubling the order to which they are right. The state
//! goes to the true time, jumps, and comes back to `t` under the new dynamics, so that what follows starts at a fixed time:
//! this map of states at `t` has the saltation matrix as its derivative.

use super::field::{Field, Plain};
use super::tsit5::TSIT5;
use super::{Direction, Happened, OdeError};
use crate::dual::Dual;
use crate::real::Real;

/// Newton steps for the time: derivatives up to order 3 are right after two.
const NEWTON: usize = 2;

/// What an event does to a state at its located time.
#[derive(Clone, Debug)]
pub(super) struct Passed<R> {
    /// The state at the located time, or at the event's own where it ends the integration.
    pub(super) state: Vec<R>,
    /// The state just after it, at its own time.
    pub(super) after: Vec<R>,
    pub(super) happened: Happened<R>,
    /// Whether it ends the integration.
    pub(super) ends: bool,
}

/// `g` of an event and its derivative along the solution.
pub(super) fn value_and_slope<R: Real>(
    d: &(impl Field<R> + ?Sized),
    which: usize,
    t: R,
    y: &[R],
    p: &[R],
) -> (R, R) {
    d.event_along(which, t, y, &d.rate(t, y, p), p)
}

/// How large `g` may be where it stands for zero: what rounding of the time and of the state makes of it.
pub(super) fn rounding(d: &dyn Plain, which: usize, t: f64, y: &[f64], p: &[f64]) -> f64 {
    let slopes = d.event_by_state(which, t, y, p);
    let moved: f64 = y.iter().zip(slopes).map(|(y, slope)| (y * slope).abs()).sum();
    let (_, slope) = value_and_slope(d, which, t, y, p);
    64.0 * f64::EPSILON * (moved + (t * slope).abs())
}

/// Passes event `which`, which was located at `time`, from the state there.
///
/// # Errors
/// A tangency; a state of another length.
pub(super) fn pass<R: Real>(
    d: &(impl Field<R> + ?Sized),
    which: usize,
    time: f64,
    state: &[R],
    p: &[R],
) -> Result<Passed<R>, OdeError> {
    let t = R::lit(time);
    let mut delta = R::lit(0.0);
    let mut before = state.to_vec();
    for _ in 0..NEWTON {
        let (g, slope) = value_and_slope(d, which, t + delta, &before, p);
        if slope.concrete() == 0.0 || !slope.concrete().is_finite() {
            return Err(OdeError::Tangent { which, time });
        }
        delta -= g / slope;
        before = TSIT5.step(d, (t, delta), state, p);
    }
    let happened = Happened { which, time: t + delta, before: before.clone() };
    let Some(after) = d.after(which, t + delta, &before, p) else {
        return Ok(Passed { after: before.clone(), state: before, happened, ends: true });
    };
    if after.len() != state.len() {
        let (expected, found) = (state.len(), after.len());
        return Err(OdeError::Shape { what: "the state after an event", expected, found });
    }
    let state = TSIT5.step(d, (t + delta, -delta), &after, p);
    Ok(Passed { state, after, happened, ends: false })
}

/// Whether a crossing from `before` to `after` counts.
pub(super) fn crosses(direction: Direction, before: f64, after: f64) -> bool {
    match direction {
        Direction::Falling => before > 0.0 && after <= 0.0,
        Direction::Rising => before < 0.0 && after >= 0.0,
        Direction::Both => before > 0.0 && after <= 0.0 || before < 0.0 && after >= 0.0,
    }
}

/// That events at one time may come in either order: states and their derivatives by the state are the same.
///
/// # Errors
/// [`OdeError::NotDifferentiable`], naming the first two that do not commute; what [`pass`] returns.
pub(super) fn check_order(
    d: &dyn Plain,
    events: &[usize],
    time: f64,
    state: &[f64],
    p: &[f64],
) -> Result<(), OdeError> {
    for (k, &first) in events.iter().enumerate() {
        for &second in &events[k + 1..] {
            for direction in 0..state.len() {
                let seed = |(i, y): (usize, &f64)| {
                    if i == direction { Dual::<f64, 1>::seed(*y, 0) } else { Dual::konst(*y) }
                };
                let start: Vec<_> = state.iter().enumerate().map(seed).collect();
                let fixed: Vec<_> = p.iter().map(|p| Dual::konst(*p)).collect();
                let both = |order: [usize; 2]| -> Result<Option<Vec<Dual<f64, 1>>>, OdeError> {
                    let one = pass(d, order[0], time, &start, &fixed)?;
                    if one.ends {
                        return Ok(None);
                    }
                    let other = pass(d, order[1], time, &one.state, &fixed)?;
                    Ok((!other.ends).then_some(other.state))
                };
                let same = match (both([first, second]), both([second, first])) {
                    (Ok(Some(a)), Ok(Some(b))) => a
                        .iter()
                        .zip(&b)
                        .all(|(a, b)| close(a.re, b.re) && close(a.eps[0], b.eps[0])),
                    _ => false,
                };
                if !same {
                    return Err(OdeError::NotDifferentiable { first, second, time });
                }
            }
        }
    }
    Ok(())
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
}
