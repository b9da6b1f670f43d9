//! Loops as a unit of differentiation.

use thiserror::Error;

use crate::real::Real;

/// A loop of [`Real::scan_while`] whose condition still held after the most steps that it was allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the loop has not ended after {steps} steps")]
pub struct NotEnded {
    /// Steps that were taken.
    pub steps: usize,
}

/// One step of a loop: `state <- step(state, parameters)`.
///
/// ```
/// use cotangent_ad::{Num, Real, Step, grad};
///
/// #[derive(Clone)]
/// struct Pendulum {
///     dt: f64,
/// }
/// impl Step<2, 3> for Pendulum {
///     fn step<R: Real>(&self, [th, w]: [R; 2], [k, c, a]: [R; 3]) -> [R; 2] {
///         let w = w + (a - (k * th.sin() + c * w)) * self.dt;
///         [th + w * self.dt, w]
///     }
/// }
/// let swing = Pendulum { dt: 1e-3 };
/// let g = grad(
///     |p| {
///         let start = [Num::lit(1.0), Num::lit(0.0)];
///         let [th, w] = Real::scan(&swing, 1000, start, [p[0], p[1], p[2]]);
///         th * th + w * w
///     },
///     &[9.81, 0.1, 0.5],
/// );
/// assert_eq!(g.len(), 3);
/// ```
pub trait Step<const S: usize, const P: usize>: Clone + Send + Sync + 'static {
    /// The next state.
    fn step<R: Real>(&self, state: [R; S], parameters: [R; P]) -> [R; S];
}

/// The loop itself, for scalars that need no schedule.
#[inline]
pub(crate) fn plain_loop<R: Real, const S: usize, const P: usize, F: Step<S, P>>(
    step: &F,
    n: usize,
    mut state: [R; S],
    parameters: [R; P],
) -> [R; S] {
    for _ in 0..n {
        state = step.step(state, parameters);
    }
    state
}
