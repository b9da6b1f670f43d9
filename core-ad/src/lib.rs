//! Forward and reverse differentiation over one scalar trait.
//!
//! Write a model once, generic over [`Real`]; run it on `f64`, on duals, on a tape, or on a tape of duals.
//!
//! ```
//! use cotangent_ad::{Num, Real, grad, hvp};
//!
//! fn model<R: Real>(x: &[R]) -> R {
//!     let r = x[0].hypot(x[1]);
//!     if r > R::lit(1.0) { r.ln() } else { (r * r - 1.0) * 0.5 }
//! }
//! let g = grad(|x| model(x), &[3.0, 4.0]);
//! assert!((g[0] - 3.0 / 25.0).abs() < 1e-16);
//! let h = hvp(|x| model(x), &[3.0, 4.0], &[1.0, 0.0]);
//! assert!((h[0] - 7.0 / 625.0).abs() < 1e-16);
//! ```
//!
//! # Literals and constants
//!
//! In generic code a literal stands on the right (`x * 2.0`), or is made by [`Num::lit`]. A variable of an outer
//! computation enters an inner derivative through [`Dual::konst`] or [`Var::konst`]: differentiation nests by type, so two
//! levels cannot be confused.
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
//! | a long loop | [`Real::scan`] with a [`Schedule`] |
//! | a better derivative than the arithmetic's | a [`Rule`], or a [`SliceRule`] where sizes are known at run time |
//! | a linear system, a factorization, a spectrum | [`linalg`] |
//! | a root, a fixed point, a minimum | [`implicit`]: no iteration is differentiated |
//! | order three and more of one variable | [`Jet`] |
//! | a large sparse Jacobian or Hessian | [`sparse`] |
//! | a sum over many items | [`Real::map_sum`] |
//! | a kernel over many items, a recurrence over a long series | [`program`] |
//! | a network | [`nn`] |
//!
//! Special functions, norms, sorting and their edges are in [`special`]; `docs/differentiable.md` lists every function with its
//! derivative at its singular points.
//!
//! # When something fails
//!
//! A function without a value returns a typed error ([`linalg::LinalgError`], [`implicit::ImplicitError`]); so does a rule that
//! has a value but no derivative, through [`try_value_and_grad`]. For a NaN, ask [`provenance::find`]: it names the operation
//! and the line of the model that made it.
//!
//! # Checking
//!
//! [`check`] has the Taylor-remainder slope and the dot-product test, on plain closures.

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
pub mod objective;
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

pub use api::{
    VectorFn, derivative, grad, hessian, hvp, jacobian, jacobian_forward, jacobian_reverse, jvp,
    try_hessian, try_jacobian_forward, try_value_and_grad, value_and_grad, vjp,
};
pub use checkpoint::{ScanMode, ScanOptions, Schedule};
pub use dual::Dual;
pub use jet::Jet;
pub use map::Kernel;
pub use objective::{
    Capabilities, Evaluation, Objective, SampleKey, Switch, Term, TrialFailure, Want, Workspace,
};
pub use real::{Num, Real};
pub use rule::{DerivativeFailure, Rule, SliceRule};
pub use scan::Step;
pub use small::{Mat3, Pose, Quat, Vec3};
pub use tape::{Session, Var};
