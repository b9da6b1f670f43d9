//! Differential equations that are written down as text: with units, events and exact derivatives.
//!
//! A [`Description`] holds names, units and expressions; [`Model::new`] checks it and says of everything that is wrong where it stands and
//! what to do; an [`EquationsSimulation`] integrates it, and its parameters and starts are inputs like those of any other
//! [`Simulation`](cotangent_problem::Simulation). Nothing is compiled by another tool and nothing is interpreted twice: expressions are
//! parsed once into a row of instructions that runs over any scalar.
//!
//! ```
//! use std::sync::Arc;
//! use cotangent_ad::ode::Options;
//! use cotangent_equations::{Description, EquationsSimulation, Experiment, Model, State};
//! use cotangent_problem::{Keep, Quantity, SampleKey, Simulation, Workspace};
//!
//! // a dose that decays: 5 mg, a quarter of it in each hour
//! let model = Model::new(&Description {
//!     time_unit: "d".into(),
//!     parameters: vec![Quantity::scalar("decay", "1/h", 0.25)],
//!     states: vec![State { quantity: Quantity::scalar("dose", "mg", 5.0), start: None }],
//!     equations: vec![("dose".into(), "-decay * dose".into())],
//!     ..Description::default()
//! }).map_err(|e| e[0].clone())?;
//! let day = Experiment { times: vec![0.5, 1.0], ..Experiment::default() };
//! let simulation = EquationsSimulation::new(model, vec![day], Options::default()).map_err(|e| e[0].clone())?;
//!
//! let map = Arc::new(simulation).map(&[0], &[0], true)?; // from the decay to the dose over time
//! let run = map.run(&[0.25], Keep::Linearisation, SampleKey(0), &mut Workspace::new())?;
//! let after_a_day = 5.0 * (-0.25 * 24.0_f64).exp();
//! assert!((run.values().entries[1] - after_a_day).abs() < 1e-8);
//! let by_decay = run.pullback(&[&[0.0, 1.0]])?[0][0];
//! assert!((by_decay + 24.0 * after_a_day).abs() < 1e-6);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(
    test,
    allow(
        clippy::float_cmp,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "tests compare exact bits where bits must be exact, and count with small numbers"
    )
)]

mod bend;
mod code;
mod description;
mod dynamics;
mod error;
mod expression;
mod function;
mod graph;
mod happening;
mod lower;
mod map;
mod model;
mod names;
mod order;
mod portrait;
mod simulation;
pub mod unit;

pub use description::{Definition, Description, Event, State};
pub use error::{ModelError, Problem};
pub use model::Model;
pub use simulation::{EquationsSimulation, Experiment};
