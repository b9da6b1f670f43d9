//! What is simulated, what is free, and what is asked.
//!
//! A [`Simulation`] is a differentiable map from named inputs to named outputs. A [`Choice`] says which inputs are free, [`Term`]s
//! what is asked of which outputs; together they are an [`Asked`], an [`Objective`] that any optimizer takes, and
//! [`Goal`]s say when its answer is good enough. Nothing here knows what an arm, a picture or a molecule is.
//!
//! ```
//! use std::sync::Arc;
//! use cotangent_ad::{Num, Real, program::Traced};
//! use cotangent_problem::*;
//!
//! // height and range of a throw, from its speed and angle
//! fn throw<R: Real>(x: &[R]) -> Vec<R> {
//!     let [across, up] = [x[0] * x[1].cos(), x[0] * x[1].sin()];
//!     vec![up * up * (0.5 / 9.81), across * up * (2.0 / 9.81)]
//! }
//! let inputs = vec![Quantity::scalar("speed", "m/s", 8.0), Quantity::scalar("angle", "rad", 0.6)];
//! let outputs = vec![Quantity::output("height", "m", &[]), Quantity::output("range", "m", &[])];
//! let simulation = Arc::new(Closure::new(inputs, outputs, |x: &[Traced]| throw(x)));
//!
//! let free = (0..2).map(|k| Free::whole(k, &simulation.inputs()[k])).collect();
//! let choice = Choice::new(simulation.as_ref(), free)?;
//! let at_ten_metres = Term::difference("range", vec![0], vec![10.0], 0.1);
//! let asked = Asked::new(simulation, choice, &[1], vec![at_ten_metres], true)?;
//!
//! let found = asked.evaluate(&[8.0, 0.6], Want::GRADIENT, SampleKey(0), &mut Workspace::new())?;
//! let range = 64.0 * 1.2_f64.sin() / 9.81;
//! assert!((found.value - 0.5 * ((range - 10.0) / 0.1).powi(2)).abs() < 1e-9);
//! let by_angle = (range - 10.0) / 0.01 * 2.0 * 64.0 * 1.2_f64.cos() / 9.81;
//! assert!((found.gradient.unwrap()[1] - by_angle).abs() < 1e-9 * by_angle.abs());
//! # Ok::<(), Box<dyn std::error::Error>>(())
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

pub mod asked;
pub mod checked;
pub mod choice;
pub mod closure;
pub mod combined;
pub mod constraint;
pub mod failure;
pub mod goal;
pub mod joined;
pub mod key;
mod limited;
pub mod name;
pub mod npy;
pub mod objective;
mod output_values;
pub mod quantity;
pub mod simulation;
pub mod space;
mod staged;
pub mod stages;
pub mod term;
pub mod trajectory;
pub mod uncertainty;
pub mod value_map;

pub use asked::Asked;
pub use checked::{At, CallError, CheckedMap, CheckedRun};
pub use choice::{Choice, ChoiceError, Free};
pub use closure::Closure;
pub use combined::{Combination, Combined, Part};
pub use constraint::{Constraint, ConstraintValues, Constraints, LimitError};
pub use failure::TrialFailure;
pub use goal::{Finding, Goal, Measure, Must, Statistic};
pub use joined::Joined;
pub use key::{SampleKey, name_word};
pub use limited::{Limited, Subject};
pub use objective::{Capabilities, Evaluation, Objective, Switch, TermValue, Want, Workspace};
pub use output_values::{output_values, with_inputs};
pub use quantity::{Axis, Quantity};
pub use simulation::{
    Cost, Keep, Linearised, Map, MapError, Simulation, Values, check_len, check_picks, check_value,
    fix_quantity,
};
pub use space::{Entry, Parameter, Space, SpaceError, Transform};
pub use stages::{InStages, NoStages, StageDerivatives, Stages};
pub use term::{Loss, Misfit, Term};
pub use trajectory::Trajectory;
pub use uncertainty::{NoError, Uncertainty, Undetermined, uncertainty};
pub use value_map::ValueMap;
