//! Ordinary differential equations with events, and their exact discrete derivatives.
//!
//! [`solve`] integrates `y' = f(t, y, p)` from `t0` to `t1`. The step sizes are chosen once, on plain numbers, by the usual control of
//! a local error; the steps so found are then taken in `R` where it carries derivatives, each segment between events and saved times as one
//! [`Real::scan_slice`]. So derivatives are those of the discrete solution with its step control frozen: gradients agree
//! with tangents to rounding, a tape's memory follows the [`Schedule`], and the price of a gradient does not grow with the number of
//! parameters.
//!
//! An event is a function `g(t, y, p)` that crosses zero. It is located to rounding on the discrete solution; there the state
//! may jump, or the integration ends. The time of an event depends on the state and the parameters: in `R` it is corrected
//! by Newton steps from the located time, so that its derivative, and that of all that follows (the saltation), is exact.
//!
//! ```
//! use cotangent_ad::ode::{Dynamics, Options, solve};
//! use cotangent_ad::{Num, Real, Var, grad};
//!
//! /// A ball under gravity that keeps the share `p[0]` of its speed when it hits the ground.
//! #[derive(Clone)]
//! struct Ball;
//! impl Dynamics for Ball {
//!     fn rate<R: Real>(&self, _: R, y: &[R], _: &[R]) -> Vec<R> {
//!         vec![y[1], R::lit(-9.81)]
//!     }
//!     fn events(&self) -> usize {
//!         1
//!     }
//!     fn event<R: Real>(&self, _: usize, _: R, y: &[R], _: &[R]) -> R {
//!         y[0]
//!     }
//!     fn after<R: Real>(&self, _: usize, _: R, y: &[R], p: &[R]) -> Option<Vec<R>> {
//!         Some(vec![R::lit(0.0), -y[1] * p[0]])
//!     }
//! }
//! // dropped from 1 m, it hits the ground after sqrt(2 / g) and flies up with e sqrt(2 g)
//! let height = |p: &[Var<f64>]| {
//!     let start = [Num::lit(1.0), Num::lit(0.0)];
//!     solve(&Ball, 0.0, Num::lit(0.6), &start, p, &[], &Options::default()).unwrap().state[0]
//! };
//! let fall = (2.0_f64 / 9.81).sqrt();
//! let by_restitution = (2.0 * 9.81_f64).sqrt() * (0.6 - fall);
//! assert!((grad(height, &[0.8])[0] - by_restitution).abs() < 1e-12);
//! ```
//!
//! Which method: [`Method::Tsit5`] at loose and [`Method::Dop853`] at tight tolerances, unless the step sizes that they need are set by
//! stability, which many steps at a loose tolerance show; then [`Method::Rodas5p`], whose steps each factor one matrix. It
//! also integrates `M y' = f` with [`Dynamics::mass`], which may be singular: a differential-algebraic system of index 1.

mod control;
mod crossing;
mod dop853;
mod event;
mod field;
mod mass;
mod rodas5p;
mod stages;
mod tsit5;

use std::any::TypeId;
use std::sync::Arc;

use thiserror::Error;

use self::control::{Closing, Segment, Taken};
use self::dop853::DOP853;
use self::field::Sloped;
use self::tsit5::TSIT5;
use crate::checkpoint::{ScanOptions, Schedule};
use crate::linalg::{LinalgError, Matrix};
use crate::real::Real;
use crate::rule::DerivativeFailure;
use crate::scan::SliceStep;
use crate::tape::{StepTape, Var};

/// A system `y' = f(t, y, p)` with its events, written once over [`Real`].
pub trait Dynamics: Clone + Send + Sync + 'static {
    /// `f(t, y, p)`, as many entries as `y`; smooth between events. The derivative of a step across a place where it bends (`max(x, 0)`) is
    /// off by about the square root of the tolerance, though its end is not: let an event end the step there, and the state say which
    /// branch holds.
    fn rate<R: Real>(&self, t: R, y: &[R], p: &[R]) -> Vec<R>;

    /// The matrix `M(p)` of `M y' = f(t, y, p)`, where it is not the identity; for [`Method::Rodas5p`]. Its rank is the number of
    /// differential equations; what is left of `f` are constraints, which have to determine the rest of the state.
    fn mass<R: Real>(&self, p: &[R]) -> Option<Matrix<R>> {
        let _ = p;
        None
    }

    /// How many events are watched.
    fn events(&self) -> usize {
        0
    }

    /// `g(t, y, p)` of an event: it happens where this crosses zero.
    fn event<R: Real>(&self, which: usize, t: R, y: &[R], p: &[R]) -> R {
        let _ = (which, y, p);
        t
    }

    /// In which direction zero is crossed.
    fn direction(&self, which: usize) -> Direction {
        let _ = which;
        Direction::Falling
    }

    /// The side of zero, +1 or -1, that the state itself says an event's function is on: where rates choose by a comparison and
    /// the state keeps its outcome. The solution has to go on through such a zero; where the rates on both sides lead back to
    /// it (dry friction at rest), there is none.
    fn side(&self, which: usize, y: &[f64]) -> Option<f64> {
        let _ = (which, y);
        None
    }

    /// The state after an event, or none where it ends the integration.
    fn after<R: Real>(&self, which: usize, t: R, y: &[R], p: &[R]) -> Option<Vec<R>> {
        let _ = (which, t, y, p);
        None
    }
}

/// How an event's function crosses zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From positive to negative.
    Falling,
    /// From negative to positive.
    Rising,
    /// Either way.
    Both,
}

/// How a step is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// Explicit, orders 5 and 4: six evaluations a step. For what is not stiff.
    #[default]
    Tsit5,
    /// Explicit, order 8, twelve evaluations a step: for what is smooth, not stiff, and wanted to nine digits or more.
    Dop853,
    /// Linearly implicit, orders 5 and 4, L-stable: for stiff systems of moderate size, whose Jacobian is dense, and for
    /// constraints.
    Rodas5p,
}

/// Method, tolerances and limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// How a step is made.
    pub method: Method,
    /// The local error of a component is at most `absolute + relative |y_i|`, in the root mean square.
    pub relative: f64,
    /// See `relative`.
    pub absolute: f64,
    /// Most steps, rejected ones among them.
    pub max_steps: usize,
    /// Most events.
    pub max_events: usize,
    /// Which states a tape keeps, segment by segment.
    pub schedule: Schedule,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            method: Method::Tsit5,
            relative: 1e-8,
            absolute: 1e-10,
            max_steps: 100_000,
            max_events: 10_000,
            schedule: Schedule::StoreAll,
        }
    }
}

/// What happened at an event.
#[derive(Clone, Debug)]
pub struct Happened<R> {
    /// Which event.
    pub which: usize,
    /// When, with its derivatives.
    pub time: R,
    /// The state just before.
    pub before: Vec<R>,
}

/// A solution.
#[derive(Clone, Debug)]
pub struct Solution<R> {
    /// When it ended: the time asked for, or that of the event that ended it.
    pub time: R,
    /// The state then.
    pub state: Vec<R>,
    /// The states at the saved times, up to the end.
    pub saved: Vec<Vec<R>>,
    /// The events in order of time.
    pub events: Vec<Happened<R>>,
    /// Steps that were taken.
    pub steps: usize,
    /// Steps that were tried and found too long.
    pub rejected: usize,
}

/// Why there is no solution.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum OdeError {
    /// There is nothing to integrate.
    #[error("the state has no entry")]
    EmptyState,
    /// The rate or the state after an event has another length than the state.
    #[error("{what} has {found} entries, the state {expected}")]
    Shape {
        /// Which.
        what: &'static str,
        /// Entries of the state.
        expected: usize,
        /// Entries found.
        found: usize,
    },
    /// Times that do not ascend, or are not finite.
    #[error("{what} is {value}: times are finite and ascend from the start to the end")]
    Time {
        /// Which.
        what: &'static str,
        /// It.
        value: f64,
    },
    /// A tolerance that is not positive.
    #[error(
        "a tolerance of {value}: relative and absolute tolerance are not negative, and not both zero"
    )]
    Tolerance {
        /// It.
        value: f64,
    },
    /// The state, the rate or an event's function is NaN or infinite.
    #[error("{what} is not finite at t = {time}")]
    NonFinite {
        /// What.
        what: &'static str,
        /// When.
        time: f64,
    },
    /// The error demands steps that do not change the time.
    #[error(
        "at t = {time} the tolerance demands steps below {step:.1e}: a singularity, a jump that is no event, or a stiff \
         system (try Method::Rodas5p)"
    )]
    StepUnderflow {
        /// When.
        time: f64,
        /// The step.
        step: f64,
    },
    /// The limit was reached.
    #[error(
        "{steps} steps have been made at t = {time}; raise max_steps, or try Method::Rodas5p where the system is stiff"
    )]
    TooManySteps {
        /// The limit.
        steps: usize,
        /// When.
        time: f64,
    },
    /// Events accumulate.
    #[error(
        "{events} events have happened at t = {time}, the last of them number {which}: they may have no end (Zeno)"
    )]
    TooManyEvents {
        /// The limit.
        events: usize,
        /// The last of them.
        which: usize,
        /// When.
        time: f64,
    },
    /// The rates on both sides of a comparison lead back to it.
    #[error(
        "at t = {time} the rates on both sides of the zero of event {which} lead back to it: no solution passes (dry friction at \
         rest, a switch that chatters); replace the jump by a steep slope"
    )]
    Sliding {
        /// Which event.
        which: usize,
        /// When.
        time: f64,
    },
    /// Two events at one time, with another result in the other order.
    #[error(
        "events {first} and {second} happen together at t = {time}, and what follows depends on their order: it has no derivative there"
    )]
    NotDifferentiable {
        /// One.
        first: usize,
        /// The other.
        second: usize,
        /// When.
        time: f64,
    },
    /// The solution touches the zero of an event without crossing it.
    #[error("event {which} at t = {time} is a tangency: its time has no derivative")]
    Tangent {
        /// Which event.
        which: usize,
        /// When.
        time: f64,
    },
    /// A stage of an implicit method has no solution.
    #[error("at t = {time}: {source}")]
    Stage {
        /// When.
        time: f64,
        /// Why.
        source: LinalgError,
    },
    /// A mass matrix where there can be none.
    #[error("no mass matrix here: {reason}")]
    MassMatrix {
        /// Why, and what to do.
        reason: &'static str,
    },
    /// The start does not satisfy the constraints of a singular mass matrix.
    #[error(
        "the start violates the constraints: the state would have to move by {distance:.1e} times the tolerance; solve them \
         first (implicit::root)"
    )]
    Inconsistent {
        /// By how much, in units of the tolerance.
        distance: f64,
    },
    /// The constraints do not determine what the mass matrix leaves free.
    #[error(
        "at t = {time} the constraints do not determine the components without a differential equation: the index is \
         higher than 1; differentiate the constraints"
    )]
    HigherIndex {
        /// When.
        time: f64,
    },
}

/// The steps of a segment with `p` as parameters, and where the end carries derivatives, what it moves by after them.
#[derive(Clone)]
struct Steps<D> {
    dynamics: D,
    method: Method,
    taken: Arc<Taken>,
    /// Whether the end carries derivatives.
    end_moves: bool,
    /// Whether there is a mass matrix.
    has_mass: bool,
}

impl<D: Dynamics> SliceStep for Steps<D> {
    // `solve` sweeps backwards
    const TAKES_FORWARD_MODE: bool = false;

    fn step<R: Real>(&self, number: usize, y: &[R], parameters: &[R]) -> Vec<R> {
        let (mut p, taken) = (parameters, &self.taken);
        // numbers, as they were when the step was chosen: the same bits, and nothing that a tape would have to follow
        let (mut t, mut h) = (R::lit(taken.times[number]), R::lit(taken.lengths[number]));
        if let (true, Some((moved, rest))) = (self.end_moves, parameters.split_last()) {
            // nodes are shares of the segment, and move with its end
            let (from, to) = (taken.share(number), taken.share(number + 1));
            (t, h, p) = (t + *moved * from, h + *moved * (to - from), rest);
        }
        // the stages were solved with these values already; what fails here is not finite and is reported by `solve`
        one_step(&self.dynamics, self.method, t, h, y, p)
            .unwrap_or_else(|_| vec![R::lit(f64::NAN); y.len()])
    }

    /// By the adjoint of the method, which records the rates alone.
    fn pull_back<T: Real>(
        &self,
        number: usize,
        y: &[T],
        tape: &mut StepTape<T>,
    ) -> Result<bool, DerivativeFailure> {
        if self.end_moves || self.has_mass {
            return Ok(false);
        }
        let (d, interval) =
            (&self.dynamics, (self.taken.times[number], self.taken.lengths[number]));
        let explicit = match self.method {
            Method::Rodas5p => return rodas5p::pull_back(d, interval, y, tape),
            Method::Tsit5 => TSIT5,
            Method::Dop853 => DOP853,
        };
        explicit.pull_back(d, interval, y, tape)?;
        Ok(true)
    }

    fn known_states(&self) -> Option<&[f64]> {
        Some(&*self.taken.states).filter(|states| !states.is_empty())
    }
}

/// The state after a step of `h` from `t`.
fn one_step<R: Real>(
    dynamics: &(impl Sloped<R> + ?Sized),
    method: Method,
    t: R,
    h: R,
    y: &[R],
    p: &[R],
) -> Result<Vec<R>, LinalgError> {
    let explicit = match method {
        Method::Rodas5p => return rodas5p::step(dynamics, t, h, y, p),
        Method::Tsit5 => TSIT5,
        Method::Dop853 => DOP853,
    };
    Ok(explicit.step(dynamics, (t, h), y, p))
}

/// Integrates from `t0` to `t1`, with the states at the times `saved` among the results.
///
/// `y0`, `p` and `t1` may carry derivatives; `t0` is a number (move the time into the parameters where it is not). Steps end
/// at saved times, which are ascending and within `t0..=t1`; after an event that ends the integration none is reached.
///
/// # Errors
/// [`OdeError`].
pub fn solve<R: Real, D: Dynamics>(
    dynamics: &D,
    t0: f64,
    t1: R,
    y0: &[R],
    p: &[R],
    saved: &[f64],
    options: &Options,
) -> Result<Solution<R>, OdeError> {
    let plain = |x: &[R]| -> Vec<f64> { x.iter().map(|x| x.concrete()).collect() };
    let (values, at) = (plain(p), plain(y0));
    // a tape of plain numbers that keeps all states need not make them again
    let keeps =
        TypeId::of::<R>() == TypeId::of::<Var<f64>>() && options.schedule == Schedule::StoreAll;
    let plan = control::plan(dynamics, (t0, t1.concrete()), at, &values, saved, options, keeps)?;
    let mut solution = Solution {
        time: t1,
        state: y0.to_vec(),
        saved: Vec::with_capacity(saved.len()),
        events: Vec::new(),
        steps: plan.segments.iter().map(|s| s.taken.count()).sum(),
        rejected: plan.rejected,
    };
    for segment in &plan.segments {
        take(dynamics, segment, t1, p, options, &mut solution)?;
    }
    if solution.state.iter().any(|y| !y.concrete().is_finite()) {
        return Err(OdeError::NonFinite { what: "the state", time: solution.time.concrete() });
    }
    Ok(solution)
}

/// One segment in `R`, and what closes it.
fn take<R: Real, D: Dynamics>(
    dynamics: &D,
    segment: &Segment,
    t1: R,
    p: &[R],
    options: &Options,
    solution: &mut Solution<R>,
) -> Result<(), OdeError> {
    let n = segment.taken.count();
    let moved = match segment.closing {
        Closing::End => t1 - R::lit(segment.end),
        Closing::Saved | Closing::Events(_) => R::lit(0.0),
    };
    if TypeId::of::<R>() == TypeId::of::<f64>() {
        // plain numbers: the steps were taken when they were chosen
        solution.state = segment.reached.iter().map(|y| R::lit(*y)).collect();
    } else {
        let end_moves = n > 0 && !moved.is_constant_zero();
        let parameters = if end_moves { [p, &[moved]].concat() } else { p.to_vec() };
        let (dynamics, taken) = (dynamics.clone(), Arc::clone(&segment.taken));
        let has_mass = Dynamics::mass(&dynamics, p).is_some();
        let steps = Steps { dynamics, method: options.method, taken, end_moves, has_mass };
        let scan = ScanOptions { schedule: options.schedule, ..ScanOptions::default() };
        solution.state = R::scan_slice(&steps, n, &solution.state, &parameters, &scan);
    }
    match &segment.closing {
        Closing::End if n == 0 => {
            end_moves(dynamics, segment.end, moved, p, &mut solution.state);
        }
        Closing::End => {}
        Closing::Saved => solution.saved.push(solution.state.clone()),
        Closing::Events(events) => {
            for which in events {
                let passed = event::pass(dynamics, *which, segment.end, &solution.state, p)?;
                solution.events.push(passed.happened.clone());
                solution.state = passed.state;
                if passed.ends {
                    solution.time = passed.happened.time;
                }
            }
        }
    }
    Ok(())
}

/// Where the end is that of the segment before, or the start: it takes no step, but the state moves with it. By an explicit step of
/// no length, whose derivatives are those of the solution to the order of the method; where a mass matrix leaves the rate
/// undetermined, so is the derivative by the end.
fn end_moves<R: Real, D: Dynamics>(
    dynamics: &D,
    time: f64,
    length: R,
    p: &[R],
    state: &mut Vec<R>,
) {
    if length.is_constant_zero() {
        return;
    }
    if Dynamics::mass(dynamics, p).is_some() {
        let undetermined = length.undifferentiable();
        state.iter_mut().for_each(|y| *y += undetermined);
    } else {
        *state = TSIT5.step(dynamics, (R::lit(time), length), state, p);
    }
}

#[cfg(test)]
mod tests {
    use super::{Dynamics, Method, one_step};
    use crate::linalg::Matrix;
    use crate::real::Real;

    /// `x' = y z^2`, `y' = -x z + (1 - z) t`, with `z = 1` as a constraint `z^3 + x^2 + y^2 = 2` on the unit circle, or as a constant.
    #[derive(Clone)]
    struct Turning {
        constrained: bool,
    }
    impl Dynamics for Turning {
        fn rate<R: Real>(&self, t: R, y: &[R], _: &[R]) -> Vec<R> {
            let [x, v, z] = [y[0], y[1], y[2]];
            // the time enters through a phase, so that the method's weights of f_t count
            let phase = t.cos() - x;
            let first = vec![v * z * z + phase * phase * 0.3, -(x * z) + phase * v];
            let last = if self.constrained { z.powi(3) + x * x + v * v - 2.0 } else { R::lit(0.0) };
            [first, vec![last]].concat()
        }
        fn mass<R: Real>(&self, _: &[R]) -> Option<Matrix<R>> {
            let diagonal = [1.0, 1.0, 0.0].map(R::lit);
            self.constrained.then(|| Matrix::diagonal(&diagonal))
        }
    }

    #[test]
    fn errors_fall_with_the_order_of_the_method() {
        let error = |method, constrained, steps: u32| {
            let (h, turning) = (2.0 / f64::from(steps), Turning { constrained });
            let mut y = vec![1.0, 0.0, 1.0];
            for k in 0..steps {
                y = one_step(&turning, method, f64::from(k) * h, h, &y, &[]).unwrap();
            }
            let right = [2.0_f64.cos(), -2.0_f64.sin(), 1.0];
            y.iter().zip(right).fold(0.0, |e, (y, r)| f64::max(e, (y - r).abs()))
        };
        for (method, constrained, order, steps) in [
            (Method::Tsit5, false, 5.0, 12),
            (Method::Dop853, false, 8.0, 6),
            (Method::Rodas5p, false, 5.0, 24),
            (Method::Rodas5p, true, 5.0, 24),
        ] {
            let (coarse, fine) =
                (error(method, constrained, steps), error(method, constrained, 2 * steps));
            let slope = (coarse / fine).log2();
            assert!(slope > order - 0.25, "{method:?}: {coarse:e} {fine:e}, order {slope}");
        }
    }
}
