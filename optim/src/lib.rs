//! Optimizers with bounds over [`cotangent_problem::Objective`].
//!
//! A [`Space`](cotangent_problem::Space) says what the parameters are: names, units, bounds, scales, transforms. A [`Run`] is the whole state of an
//! optimisation; it steps one iteration at a time, serialises between any two, and resumes with the same bits.
//!
//! # Choosing an optimizer
//!
//! | objective | method |
//! |---|---|
//! | smooth, deterministic, gradient | `lbfgsb` |
//! | sum of squares with a Jacobian, not too many parameters | `gauss-newton` |
//! | stochastic (Monte Carlo), gradient | `adam` |
//! | smooth, with Hessian-vector products, badly conditioned | `trust-region` |
//! | no gradient, few parameters | `nelder-mead` |
//! | many local minima | [`MultiStart`] of any of them |
//! | no gradient, or as the baseline of a comparison | `cma-es` |
//! | with constraints besides the bounds | [`minimize_constrained`] around any of them, `lbfgsb` first |
//! | the controls of a motion, which goes in stages | `ddp`; [`Ddp`] over stages of one's own |
//!
//! # What success means
//!
//! A run claims success only where its end is shown to be stationary, in terms that do not depend on units: what is left to
//! gain is at most [`Stop::value_tolerance`] of the value, or the step that is left at most [`Stop::step_tolerance`] of every
//! parameter. Methods with gradients ask the objective's own second derivatives before they claim; a slope that flattens out
//! towards infinity and a plateau on which the value no longer depends on a parameter are no ends. Methods without gradients
//! ask differences of values, and claim nothing along a direction that these cannot resolve. A run is `stalled` where no
//! step helps and nothing shows a minimum, and never goes beyond [`Stop::max_evaluations`].
//!
//! ```
//! use cotangent_problem::{Capabilities, Evaluation, Objective, SampleKey, TrialFailure, Want, Workspace};
//! use cotangent_optim::{Method, Problem, Stop, minimize};
//! use cotangent_problem::{Parameter, Space};
//!
//! struct Bowl;
//! impl Objective for Bowl {
//!     fn dim(&self) -> usize {
//!         2
//!     }
//!     fn capabilities(&self) -> Capabilities {
//!         Capabilities { gradient: true, ..Default::default() }
//!     }
//!     fn evaluate(&self, x: &[f64], _: Want, _: SampleKey, _: &mut Workspace) -> Result<Evaluation, TrialFailure> {
//!         let value = (x[0] - 3.0).powi(2) + 10.0 * (x[1] + 1.0).powi(2);
//!         let gradient = Some(vec![2.0 * (x[0] - 3.0), 20.0 * (x[1] + 1.0)]);
//!         Ok(Evaluation { value, gradient, ..Default::default() })
//!     }
//! }
//! let space = Space::new(vec![Parameter::vector("x", 2).within(0.0, f64::INFINITY)]).unwrap();
//! let problem = Problem { objective: &Bowl, space: &space };
//! let method = Method::named("lbfgsb").unwrap();
//! let end = minimize(&problem, method, Stop::default(), &[1.0, 1.0], SampleKey(0), &mut ()).unwrap();
//! assert!((end.x[0] - 3.0).abs() < 1e-6 && end.x[1] == 0.0); // the bound holds exactly
//! ```
//!
//! # Constraints
//!
//! [`Constraints`](cotangent_problem::Constraints) are functions of the parameters between limits. The end has a multiplier for each:
//! what the least value would change by, per unit of a limit.
//!
//! ```
//! use cotangent_optim::augmented_lagrangian::Options;
//! use cotangent_optim::{Constrained, Method, Stop, minimize_constrained};
//! use cotangent_problem::*;
//!
//! /// The shortest way from the origin to the curve `x y >= 2`, for positive `x`.
//! struct Hyperbola([Constraint; 1]);
//! impl Objective for Hyperbola {
//!     fn dim(&self) -> usize {
//!         2
//!     }
//!     fn capabilities(&self) -> Capabilities {
//!         Capabilities { gradient: true, ..Default::default() }
//!     }
//!     fn evaluate(&self, x: &[f64], _: Want, _: SampleKey, _: &mut Workspace) -> Result<Evaluation, TrialFailure> {
//!         let value = x[0] * x[0] + x[1] * x[1];
//!         Ok(Evaluation { value, gradient: Some(vec![2.0 * x[0], 2.0 * x[1]]), ..Default::default() })
//!     }
//! }
//! impl Constraints for Hyperbola {
//!     fn constraints(&self) -> &[Constraint] {
//!         &self.0
//!     }
//!     fn evaluate(&self, x: &[f64], _: bool, _: SampleKey, _: &mut Workspace) -> Result<ConstraintValues, TrialFailure> {
//!         Ok(ConstraintValues { values: vec![x[0] * x[1]], jacobian: Some(vec![x[1], x[0]]) })
//!     }
//! }
//! let curve = Hyperbola([Constraint::at_least("product", 2.0)]);
//! let space = Space::new(vec![Parameter::vector("x", 2).within(0.0, 10.0)]).unwrap();
//! let problem = Constrained { objective: &curve, constraints: &curve, space: &space };
//! let method = Method::named("lbfgsb").unwrap();
//! let (stop, options) = (Stop::default(), Options::default());
//! let end = minimize_constrained(&problem, method, stop, options, &[3.0, 1.0], SampleKey(0), &mut ()).unwrap();
//! assert!((end.outcome.x[0] - 2.0_f64.sqrt()).abs() < 1e-6 && (end.outcome.value - 4.0).abs() < 1e-6);
//! assert!((end.multipliers[0] + 2.0).abs() < 1e-4); // the least value is twice the limit
//! ```

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

pub mod adam;
pub mod augmented_lagrangian;
mod bend;
pub mod cmaes;
mod context;
mod convergence;
pub mod ddp;
mod evaluator;
pub mod gauss_newton;
mod hessian;
pub mod lbfgsb;
mod line_search;
pub mod method;
pub mod multi_start;
pub mod nelder_mead;
mod newton_model;
pub mod outcome;
mod problem;
mod quadratic;
pub mod run;
mod triangle;
pub mod trust_region;

pub use adam::AdamOptions;
pub use augmented_lagrangian::{
    Constrained, ConstrainedOutcome, ConstrainedRun, ConstrainedStartError, ConstrainedStep,
    minimize_constrained,
};
pub use cmaes::CmaEsOptions;
pub use context::MethodInfo;
pub use ddp::{Ddp, DdpOptions, DdpStep};
pub use evaluator::Counts;
pub use gauss_newton::GaussNewtonOptions;
pub use lbfgsb::LbfgsbOptions;
pub use method::{METHODS, Method};
pub use multi_start::MultiStart;
pub use nelder_mead::NelderMeadOptions;
pub use outcome::{Iteration, Observer, Outcome, Status, Stop};
pub use problem::Problem;
pub use run::{Run, StartError, StepResult, minimize};
pub use trust_region::TrustRegionOptions;
