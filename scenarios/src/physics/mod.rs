//! `motion` and `balls`: motions of rigid bodies.

mod balls;
mod inspect;
mod model_file;
mod motion;
mod policy;

pub(super) use balls::DOMAIN as BALLS;
pub use inspect::inspect;
pub(crate) use model_file::{is_urdf, read_file};
pub(super) use motion::DOMAIN as MOTION;
