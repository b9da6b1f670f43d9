//! Forward and reverse differentiation over one scalar trait.
//!
//! # A first gradient
//!
//! Write a model once, generic over [`Real`]; run it on `f64`, on duals, on a tape, on a tape of duals, or record it.
//!
//! ```
//! use cotangent_ad::{Num, Real, grad, hvp};
//!
//! fn model<R: Real>(x: &[R]) -> R {
//!     let r = x[0].hypot(x[1]);
//!     if r > 1.0 { r.ln() } else { (r * r - 1.0) * 0.5 }
//! }
//! let g = grad(|x| model(x), &[3.0, 4.0]);
//! assert!((g[0] - 3.0 / 25.0).abs() < 1e-16);
//! let h = hvp(|x| model(x), &[3.0, 4.0], &[1.0, 0.0]);
//! assert!((h[0] - 7.0 / 625.0).abs() < 1e-16);
//! ```
//!
//! # Literals and constants
//!
//! In generic code a literal stands on the right (`x * 2.0`, `x > 0.0`, never `2.0 * x`), or is made by [`Num::lit`]:
//! `R::lit(2.0) / x`. Data are literals as well; iterators are summed by `sum`. A variable of an outer computation enters an inner derivative through [`Dual::konst`] or
//! [`Var::konst`]: differentiation nests by type, so two levels cannot be confused. Branches compare by value, and what was not
//! taken contributes exactly 0.
//!
//! # Choosing a mode
//!
//! | inputs, outputs | use |
//! |---|---|
//! | many, one | [`grad`], [`value_and_grad`] |
//! | few, many | [`jvp`], [`jacobian_forward`] |
//! | either | [`jacobian`] chooses by counts |
//! | second derivatives | [`hvp`], [`hessian`]: forward over reverse |
//! | a derivative inside a model | [`derivative`] |
//! | a long loop | [`Real::scan`] with a [`Schedule`]; [`Real::scan_slice`] where sizes are known at run time; [`Real::scan_while`] where its length depends on the data |
//! | a kernel of few inputs and many operations, on a tape | [`Var::preaccumulate`] |
//! | a better derivative than the arithmetic's | a [`Rule`], or a [`SliceRule`] where sizes are known at run time |
//! | a linear system, a factorization, a spectrum | [`linalg`] |
//! | a root, a fixed point, a minimum | [`implicit`]: no iteration is differentiated |
//! | order three and more of one variable | [`Jet`] |
//! | a large sparse Jacobian or Hessian | [`sparse`] |
//! | a sum over many items | [`Real::map_sum`] |
//! | a kernel over many items, a recurrence over a long series | [`program`] |
//! | a sum over many items of branchy code | [`tape::parallel_sum`] |
//! | a network | [`nn`] |
//!
//! Special functions, norms, sorting and their edges are in [`special`]; `docs/differentiable.md` lists every function with its
//! derivative at its singular points.
//!
//! # Writing a rule
//!
//! A rule states its value in `f64`, by whatever algorithm, and its derivatives generically: so it works at every level, and
//! its second derivative is the derivative of that code. Kepler's equation, solved by Newton's method and differentiated
//! by the implicit function theorem:
//!
//! ```
//! use cotangent_ad::{Num, Real, Rule, grad, hvp};
//!
//! /// `E` of `E - e sin E = M`.
//! #[derive(Clone)]
//! struct Kepler;
//! impl Rule<2, 1> for Kepler {
//!     fn primal(&self, [m, e]: [f64; 2]) -> [f64; 1] {
//!         [(0..50).fold(m, |x, _| x - (x - e * x.sin() - m) / (1.0 - e * x.cos()))]
//!     }
//!     fn jvp<R: Real>(&self, [_, e]: [R; 2], [y]: [R; 1], [m_dot, e_dot]: [R; 2]) -> [R; 1] {
//!         [(m_dot + y.sin() * e_dot) / (-(e * y.cos()) + 1.0)]
//!     }
//!     fn vjp<R: Real>(&self, [_, e]: [R; 2], [y]: [R; 1], [y_bar]: [R; 1]) -> [R; 2] {
//!         let m_bar = y_bar / (-(e * y.cos()) + 1.0);
//!         [m_bar, m_bar * y.sin()]
//!     }
//! }
//! fn radius<R: Real>(x: &[R]) -> R {
//!     let [y] = R::rule(&Kepler, [x[0], x[1]]);
//!     -(x[1] * y.cos()) + 1.0
//! }
//! let (x, h) = ([1.2, 0.3], 1e-5);
//! let g = grad(radius, &x);
//! assert!((g[0] - (radius(&[1.2 + h, 0.3]) - radius(&[1.2 - h, 0.3])) / (2.0 * h)).abs() < 1e-9);
//! let second = hvp(radius, &x, &[0.0, 1.0])[1];
//! let slope = |e: f64| grad(radius, &[1.2, e])[1];
//! assert!((second - (slope(0.3 + h) - slope(0.3 - h)) / (2.0 * h)).abs() < 1e-8);
//! ```
//!
//! # Checkpoints
//!
//! A loop that is a [`Step`] is one statement of the tape, whatever its length. A [`Schedule`] says how many states it keeps, its
//! [`plan`](Schedule::plan) what that costs; the gradient has the same bits under every schedule.
//!
//! ```
//! use cotangent_ad::{Num, Real, ScanMode, ScanOptions, Schedule, Step, Var, grad};
//!
//! /// A step of the logistic map.
//! #[derive(Clone)]
//! struct Logistic;
//! impl Step<1, 1> for Logistic {
//!     fn step<R: Real>(&self, [x]: [R; 1], [r]: [R; 1]) -> [R; 1] {
//!         [r * x * (-x + 1.0)]
//!     }
//! }
//! let n = 10_000;
//! let gradient = |schedule| {
//!     let options = ScanOptions { mode: ScanMode::Reverse, schedule };
//!     grad(|r| Var::scan_with(&Logistic, n, [Var::lit(0.3)], [r[0]], &options)[0], &[2.9])
//! };
//! let few = Schedule::Revolve { slots: 20 };
//! println!("{}", few.plan(n, 8)); // steps, evaluations of the step, states and bytes held
//! assert_eq!(gradient(few), gradient(Schedule::StoreAll));
//! // it has converged to 1 - 1/r
//! assert!((gradient(few)[0] - 1.0 / (2.9 * 2.9)).abs() < 1e-12);
//! ```
//!
//! # Many items, all processors
//!
//! The same kernel over many items is an [`ItemProgram`](program::ItemProgram): recorded once, replayed on vector units and on
//! all workers. Code with more paths than are worth recording is taped item by item on the workers of the current `rayon`
//! pool, and is one statement of the caller's tape. Both give the same bits on any number of workers.
//!
//! ```
//! use cotangent_ad::program::{ItemProgram, Traced};
//! use cotangent_ad::{DerivativeFailure, Num, Real, tape, try_value_and_grad};
//!
//! fn term<R: Real>(p: &[R], t: R) -> R {
//!     ((p[0] * t).sin() - p[1]).powi(2)
//! }
//! let (items, p) = ((0..1000).map(|k| 0.01 * f64::from(k)).collect::<Vec<_>>(), [1.3, 0.2]);
//! let kernel = |item: &[Traced], p: &[Traced]| vec![term(p, item[0])];
//! let (y, g) = ItemProgram::record(kernel, 1, &p, &items)?.sum_vjp(&items, &p, &[1.0])?;
//!
//! let taped = |p: &[_], t: &f64| Ok::<_, DerivativeFailure>(term(p, Num::lit(*t)));
//! let (value, gradient) = try_value_and_grad(|p| tape::parallel_sum(&items, p, taped), &p)?;
//! assert!((y[0] - value).abs() < 1e-11 * value);
//! assert!(g.iter().zip(&gradient).all(|(a, b)| (a - b).abs() < 1e-11 * value));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Program`](program::Program) is a rule as well: `R::slice_rule(&program, x)` calls it in the middle of other code, as one
//! statement of a tape.
//!
//! # When something fails
//!
//! A function without a value returns a typed error ([`linalg::LinalgError`], [`implicit::ImplicitError`], [`NotEnded`]); so does a
//! rule that has a value but no derivative, through [`try_value_and_grad`] and [`program::ReplayError`]. For a NaN, ask
//! [`provenance::find`]: it names the operation and the line of the model that made it.
//!
//! # Checking
//!
//! [`check`] has the slopes of Taylor remainders and the dot-product test, on plain closures.

#![cfg_attr(
    test,
    allow(
        clippy::float_cmp,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "tests compare exact bits where bits must be exact, and count with small numbers"
    )
)]

pub mod api;
pub mod check;
pub mod checkpoint;
pub mod dual;
pub mod implicit;
pub mod jet;
pub mod linalg;
pub mod map;
pub mod nn;
pub mod ode;
pub mod program;
pub mod provenance;
pub mod random;
pub mod real;
pub mod rule;
mod rules;
pub mod scan;
pub mod small;
pub mod sparse;
pub mod special;
pub mod tape;

/// What a model and its derivatives need: `use cotangent_ad::prelude::*`.
pub mod prelude {
    pub use crate::{
        Dual, Kernel, Num, Real, Rule, ScanOptions, Schedule, Session, SliceRule, SliceStep, Step,
        Var, VectorFn, derivative, grad, hessian, hvp, jvp, value_and_grad, vjp,
    };
}

pub use api::{
    VectorFn, derivative, grad, hessian, hvp, jacobian, jacobian_forward, jacobian_reverse, jvp,
    try_hessian, try_jacobian_forward, try_value_and_grad, value_and_grad, vjp,
};
pub use checkpoint::{ScanMode, ScanOptions, Schedule};
pub use dual::Dual;
pub use jet::Jet;
pub use map::Kernel;
pub use real::{Num, Real};
pub use rule::{DerivativeFailure, Rule, SliceRule};
pub use scan::{NotEnded, SliceStep, Step};
pub use small::{Mat3, Pose, Quat, Vec3};
pub use tape::{Session, Var};
