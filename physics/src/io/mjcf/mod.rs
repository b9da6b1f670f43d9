//! A reader of MJCF, MuJoCo's model format, for the part of it that this crate simulates.
//!
//! What is read: `compiler` (`angle`, `eulerseq`, `autolimits`, `coordinate`, `inertiafromgeom`, `settotalmass`), `option`
//! (`timestep`, `gravity`, `integrator` Euler or RK4, `flag`), `default` classes, `body`, `inertial`, `joint`, `freejoint`,
//! `geom` (sphere, capsule, cylinder, box, ellipsoid, plane), `site`, `motor`, with every way to write an orientation.
//!
//! What is skipped, because it is only looked at: `visual`, `statistic`, `light`, `camera`, `texture`, `material`, and the
//! attributes `rgba`, `material`, `group`, `user`. What constraints would read (`friction`, `solref`, ...) is accepted; that
//! contacts and limits are not simulated is a [`Note`]. Everything else is a [`MjcfError`] with its place.

mod attributes;
mod defaults;
mod error;
mod place;
mod read;

pub use error::{MjcfError, Note, Problem};
pub use read::{Mjcf, read_mjcf};
