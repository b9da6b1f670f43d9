//! What is said and shown of an answer, as data: verdicts, figures, bodies in space and numbers all over it.
//!
//! A domain says it ([`Judge`], [`Portrait`]), a run records it, and whoever has a page, a terminal or a viewer draws it. Nothing here
//! knows how that is done.
//!
//! ```
//! use cotangent_answer::{Figure, Mark, Series};
//!
//! let fall = Series::new("fall", Mark::Line, (0..=4).map(|k| 0.1 * f64::from(k)).map(|t| (t, 5.0 - 4.905 * t * t)));
//! let figure = Figure::lines("fall", "A stone", ["t (s)", "height (m)"], vec![fall]);
//! assert_eq!(figure.series[0].points.len(), 5);
//! ```

#![cfg_attr(
    test,
    allow(
        clippy::float_cmp,
        clippy::unwrap_used,
        reason = "tests compare exact bits where bits must be exact, and may panic"
    )
)]

mod figure;
mod judge;
mod look;
mod panel;
mod portrait;
mod surface;
mod task;
mod volume;

pub use figure::{Figure, Mark, Series, spread_over_decades};
pub use judge::{Conclusion, Criterion, Finished, Indifferent, Judge, Limits, Score};
pub use look::{Body, Look};
pub use panel::{Panel, encode_png};
pub use portrait::{Extras, Portrait};
pub use surface::Surface;
pub use task::{Prepared, Task};
pub use volume::{Volume, VolumeField};
