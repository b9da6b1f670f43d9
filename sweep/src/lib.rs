//! Many runs of one scenario, and the table of their answers.
//!
//! A [`Plan`] is a file that names a scenario and what is varied of it; its [`points`](Plan::points) are overrides of the scenario's
//! keys. A [`Study`] is the folder of a sweep: each point has a run folder whose name is made of the point's input, so that a point
//! that is finished is never run again, whatever else the plan says by then, and one that was interrupted goes on from its
//! checkpoint. [`local`] runs the points by processes on this machine, a [`Batch`] by an array of tasks on a
//! cluster; [`Study::table`] gathers what was found.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::float_cmp,
        reason = "tests may panic, and compare exact numbers"
    )
)]

mod batch;
mod design;
pub mod local;
mod npz;
mod plan;
mod sobol;
mod study;
mod table;

pub use batch::{Batch, HYPERQUEUE_CLIENT, Tasks};
pub use plan::{Plan, Point};
pub use study::{Address, State, Study, SweepError};
pub use table::{Cell, Column, Kind, Table};
