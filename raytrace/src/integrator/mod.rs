//! Light transport: images, and the derivative of everything in them that is smooth.

mod diffuse;
mod eye;
mod flow;
mod light;
mod path;
mod render;
mod replay;
mod vertex;
mod wave;

pub(crate) use eye::Eye;
pub use eye::{Output, View};
pub(crate) use light::CLEAR;
pub(crate) use path::{Black, Link, Path, Random};
pub use render::{RenderOptions, render};
pub(crate) use replay::{Replay, camera_pullback, chain_pullback};
pub(crate) use vertex::Vertex;
pub(crate) use wave::{Glance, Wave, waves};
