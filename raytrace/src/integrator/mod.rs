//! Radiance along camera rays, and its interior derivative.

mod direct;
mod replay;

pub(crate) use direct::{Black, CLEAR, Eye, Path, film_point, path_planes};
pub use direct::{RenderOptions, render};
pub(crate) use replay::{camera_pullback, point_pullback, replay};
