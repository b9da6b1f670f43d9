//! Light transport: images, and the derivative of everything in them that is smooth.

mod diffuse;
mod flow;
mod light;
mod path;
mod render;
mod replay;
mod vertex;
mod wave;

pub(crate) use light::CLEAR;
pub(crate) use path::{Black, Link, Path, Random};
pub(crate) use render::Eye;
pub use render::{Output, RenderOptions, View, render};
pub(crate) use replay::{Replay, camera_pullback, chain_pullback};
pub(crate) use vertex::Vertex;
pub(crate) use wave::{Glance, Wave, waves};
