//! A reader of MJCF, MuJoCo's model format, for what this crate simulates.
//!
//! What is read: `include`; `compiler`; `option` and `flag`; `default` classes; `body`, `frame`, `inertial`, `joint`, `freejoint`, `geom`
//! (sphere, capsule, cylinder, box, ellipsoid, plane; meshes for their inertia), `site`, with every way to write an orientation;
//! fixed tendons; `motor`, `position`, `velocity`, `damper` and `general` actuators without activation; `keyframe`.
//!
//! What the file enables and the dynamics do not have (contact of meshes) is
//! [`ModelFile::unsimulated`](crate::io::ModelFile::unsimulated), with its line, less what the file's own flags turn off: a motion under them is another than MuJoCo's. What has
//! no effect here (sensors; what is only looked at) is skipped, some of it with a [`Note`](crate::io::Note). Everything else is a
//! [`MjcfError`] with its place; all of a file are reported at once.

mod attributes;
mod defaults;
mod error;
mod files;
mod place;
mod read;
mod schema;
mod tree;

pub use error::{MjcfError, MjcfErrors, Problem};
pub use files::{Files, Folder, NoFiles};
pub use read::{read_mjcf, read_mjcf_file, read_mjcf_with};
