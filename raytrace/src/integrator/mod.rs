//! Radiance along camera rays, and its interior derivative.

mod direct;
mod replay;

pub(crate) use direct::{CLEAR, Path, film_point, path_planes};
pub use direct::{RenderOptions, render};
pub(crate) use replay::{point_pullback, replay};
