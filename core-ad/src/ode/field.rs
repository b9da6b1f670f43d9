//! A system at one number type, as an object: what needs only that is compiled once, in this crate, and not again for every model.
//!
//! The search for steps runs on plain numbers and is the larger part of a solver; as generic code it would be a third of what a user
//! waits for when a model is compiled.

use super::{Direction, Dynamics, rodas5p};
use crate::dual::Dual;
use crate::linalg::Matrix;
use crate::real::Real;

/// Rates and events.
pub(super) trait Field<R> {
    /// `f(t, y, p)`.
    fn rate(&self, t: R, y: &[R], p: &[R]) -> Vec<R>;

    /// `g(t, y, p)` of an event and its derivative along a motion of the state at `rate`.
    fn event_along(&self, which: usize, t: R, y: &[R], rate: &[R], p: &[R]) -> (R, R);

    /// The state after an event, unless it ends the integration.
    fn after(&self, which: usize, t: R, y: &[R], p: &[R]) -> Option<Vec<R>>;
}

/// What implicit methods need besides.
pub(super) trait Sloped<R: Real>: Field<R> {
    /// `M(p)`, where it is not the identity.
    fn mass(&self, p: &[R]) -> Option<Matrix<R>>;

    /// `f_y` and `f_t`.
    fn slopes(&self, t: R, y: &[R], p: &[R]) -> (Matrix<R>, Vec<R>);
}

/// What the search for steps needs.
pub(super) trait Plain: Sloped<f64> + Field<Dual<f64, 1>> {
    /// How many events are watched.
    fn events(&self) -> usize;

    /// `g(t, y, p)` of an event.
    fn event(&self, which: usize, t: f64, y: &[f64], p: &[f64]) -> f64;

    /// Its derivatives by the state.
    fn event_by_state(&self, which: usize, t: f64, y: &[f64], p: &[f64]) -> Vec<f64>;

    /// In which direction zero is crossed.
    fn direction(&self, which: usize) -> Direction;

    /// The side of zero that the state says, where it does.
    fn side(&self, which: usize, y: &[f64]) -> Option<f64>;
}

impl<R: Real, D: Dynamics> Field<R> for D {
    fn rate(&self, t: R, y: &[R], p: &[R]) -> Vec<R> {
        Dynamics::rate(self, t, y, p)
    }

    fn event_along(&self, which: usize, t: R, y: &[R], rate: &[R], p: &[R]) -> (R, R) {
        let moving: Vec<Dual<R, 1>> =
            y.iter().zip(rate).map(|(y, f)| Dual { re: *y, eps: [*f] }).collect();
        let fixed: Vec<Dual<R, 1>> = p.iter().map(|p| Dual::konst(*p)).collect();
        let g = Dynamics::event(self, which, Dual::seed(t, 0), &moving, &fixed);
        (g.re, g.eps[0])
    }

    fn after(&self, which: usize, t: R, y: &[R], p: &[R]) -> Option<Vec<R>> {
        Dynamics::after(self, which, t, y, p)
    }
}

impl<R: Real, D: Dynamics> Sloped<R> for D {
    fn mass(&self, p: &[R]) -> Option<Matrix<R>> {
        Dynamics::mass(self, p)
    }

    fn slopes(&self, t: R, y: &[R], p: &[R]) -> (Matrix<R>, Vec<R>) {
        rodas5p::slopes(self, t, y, p)
    }
}

impl<D: Dynamics> Plain for D {
    fn events(&self) -> usize {
        Dynamics::events(self)
    }

    fn event(&self, which: usize, t: f64, y: &[f64], p: &[f64]) -> f64 {
        Dynamics::event(self, which, t, y, p)
    }

    fn event_by_state(&self, which: usize, t: f64, y: &[f64], p: &[f64]) -> Vec<f64> {
        const LANES: usize = 8;
        let fixed: Vec<Dual<f64, LANES>> = p.iter().map(|p| Dual::konst(*p)).collect();
        let mut slopes = Vec::with_capacity(y.len());
        for first in (0..y.len()).step_by(LANES) {
            let seed = |(i, y): (usize, &f64)| match i.checked_sub(first) {
                Some(lane) if lane < LANES => Dual::seed(*y, lane),
                _ => Dual::konst(*y),
            };
            let state: Vec<_> = y.iter().enumerate().map(seed).collect();
            let g = Dynamics::event(self, which, Dual::konst(t), &state, &fixed);
            slopes.extend(g.eps.iter().take(y.len() - first));
        }
        slopes
    }

    fn direction(&self, which: usize) -> Direction {
        Dynamics::direction(self, which)
    }

    fn side(&self, which: usize, y: &[f64]) -> Option<f64> {
        Dynamics::side(self, which, y)
    }
}
