//! Loops as a unit of differentiation.

use std::ops::Range;

use thiserror::Error;

use crate::real::Real;
use crate::rule::DerivativeFailure;
use crate::tape::StepTape;

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

/// One step of a loop whose sizes are known at run time: `state <- step(number, state, parameters)`.
///
/// A network as a dynamical system, an integrator of many bodies, a recurrence whose data depend on the step's number:
///
/// ```
/// use cotangent_ad::{Num, Real, ScanOptions, SliceStep, grad};
///
/// /// `h_i <- tanh(sum_j W_ij h_j)`, the weights row-major.
/// #[derive(Clone)]
/// struct Recurrent;
/// impl SliceStep for Recurrent {
///     fn step<R: Real>(&self, _: usize, state: &[R], weights: &[R]) -> Vec<R> {
///         let row = |w: &[R]| w.iter().zip(state).fold(R::lit(0.0), |s, (w, h)| s + *w * *h).tanh();
///         weights.chunks(state.len()).map(row).collect()
///     }
/// }
/// let weights: Vec<f64> = (0..64).map(|k| 0.3 * f64::from(k).sin()).collect();
/// let norm = |w: &[_]| {
///     let start = vec![Num::lit(0.5); 8];
///     let end: Vec<_> = Real::scan_slice(&Recurrent, 100, &start, w, &ScanOptions::default());
///     end.iter().fold(Num::lit(0.0), |s, h| s + *h * *h)
/// };
/// let g = grad(norm, &weights);
/// // the same loop, statement by statement
/// let plain = grad(
///     |w| {
///         let start = vec![Num::lit(0.5); 8];
///         let end = (0..100).fold(start, |h, k| Recurrent.step(k, &h, w));
///         end.iter().fold(Num::lit(0.0), |s, h| s + *h * *h)
///     },
///     &weights,
/// );
/// assert!(g.iter().zip(&plain).all(|(a, b)| (a - b).abs() < 1e-15));
/// ```
pub trait SliceStep: Clone + Send + Sync + 'static {
    /// Whether forward mode may be asked for. A step that is never taken so is not compiled for the tangents of that mode, which
    /// of a step with linear algebra is a sixth of all its code.
    #[doc(hidden)]
    const TAKES_FORWARD_MODE: bool = true;

    /// The next state, of the same length; `number` counts the steps from 0.
    fn step<R: Real>(&self, number: usize, state: &[R], parameters: &[R]) -> Vec<R>;

    /// Pulls the cotangents of the state after step `number` back to those of the state before it, by parts that it records on `tape`.
    /// For a step whose adjoint is known but for a function within it; false where the step is to be recorded as a whole.
    ///
    /// # Errors
    /// The first rule without a derivative.
    #[doc(hidden)]
    fn pull_back<T: Real>(
        &self,
        number: usize,
        state: &[T],
        tape: &mut StepTape<T>,
    ) -> Result<bool, DerivativeFailure> {
        let _ = (number, state, tape);
        Ok(false)
    }

    /// The states before all `n` steps and after the last, one after the other, where they are known in plain numbers.
    #[doc(hidden)]
    fn known_states(&self) -> Option<&[f64]> {
        None
    }
}

/// A [`Step`] whose sizes are forgotten.
#[derive(Clone)]
pub(crate) struct Unsized<F, const S: usize, const P: usize>(pub(crate) F);

impl<F: Step<S, P>, const S: usize, const P: usize> SliceStep for Unsized<F, S, P> {
    fn step<R: Real>(&self, _: usize, state: &[R], parameters: &[R]) -> Vec<R> {
        let (state, parameters) = (|k| state[k], |k| parameters[k]);
        self.0.step(std::array::from_fn(state), std::array::from_fn(parameters)).to_vec()
    }
}

/// The steps of the given numbers, for scalars that need no schedule.
///
/// # Panics
/// Where a step changes the length of the state.
pub(crate) fn plain_slice_loop<R: Real, F: SliceStep>(
    step: &F,
    numbers: Range<usize>,
    state: &[R],
    parameters: &[R],
) -> Vec<R> {
    let mut at = state.to_vec();
    for number in numbers {
        at = step.step(number, &at, parameters);
        assert_eq!(at.len(), state.len(), "a step keeps the length of the state");
    }
    at
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
