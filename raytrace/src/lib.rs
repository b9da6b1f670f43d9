//! Monte Carlo ray tracing with edge-sampled derivatives.

#![cfg_attr(
    test,
    allow(
        clippy::float_cmp,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "tests compare exact bits where bits must be exact, and count with small numbers"
    )
)]

pub mod accel;
mod derivative;
mod edge;
mod emitter;
mod film;
mod geometry;
mod integrator;
mod loss;
pub mod reference;
mod sampler;
mod scene;
mod sensor;
pub mod shape;

pub use derivative::{DerivativeOptions, jacobian, vjp};
pub use film::{Image, ImageError, read_exr, write_exr};
pub use geometry::{Rgb, V3};
pub use integrator::{RenderOptions, render};
pub use loss::ImageMatch;
pub use scene::{ParameterInfo, Scene, SceneError, SceneMesh, Selection, Transport, World};
pub use sensor::{Camera, CameraView};
pub use shape::{MeshError, ObjError, TriangleMesh, parse_obj, read_obj};
