//! Monte Carlo ray tracing with edge-sampled derivatives.
//!
//! A [`Scene`] of triangle meshes, lights and cameras is made ready for rays as a [`World`]; [`render`] gives an image of it,
//! [`vjp`] and [`jacobian`] give derivatives by parameters that are chosen by name. Meshes emit, or reflect as their
//! [`Material`] says; they may have smooth normals and textures. There are lamps ([`SceneLamp`]) and skies ([`Environment`]), and light is
//! reflected as often as [`Transport`] says. A [`View`] may record coverage, depth, places and normals instead of light.
//!
//! ```
//! use cotangent_raytrace::reference::{adjoint, shadow_blocker};
//! use cotangent_raytrace::{DerivativeOptions, Selection, World, vjp};
//!
//! // how the left-to-right brightness of a floor changes when the thing that shadows it moves
//! let scene = shadow_blocker().scene;
//! let parameters = Selection::new(&scene, &["mesh.blocker.translation"])?;
//! let options = DerivativeOptions { spp: 1, shadow_spp: 4, ..Default::default() };
//! let gradient = vjp(&World::new(&scene), 0, &parameters, &adjoint(64, 64), &options);
//! assert!((gradient[0] + 0.02837).abs() < 1e-3);
//! # Ok::<(), cotangent_raytrace::SceneError>(())
//! ```
//!
//! # What moves, and what is not seen
//!
//! Radiance jumps where the camera sees an edge, where a light is half hidden behind one, where the shadow of a lamp ends, and where a
//! point of a path sees an edge. These jumps move with the scene, and derivatives here are integrals over them beside the derivative
//! of what is smooth ([`Terms`]). What planar mirrors show is followed, what is seen through other smooth surfaces is refused
//! ([`follows`]). Where two meshes cut through each other, the segments in which their faces meet are edges as well.

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
mod material;
mod options;
mod portrait;
pub mod reference;
mod regularity;
mod sampler;
mod scene;
mod sensor;
pub mod shape;
mod simulation;
mod sink;

pub use derivative::{jacobian, jvp, vjp};
pub use edge::follows;
pub use film::{Image, ImageError, Picture, read_picture, write_exr, write_png};
pub use geometry::{Rgb, V3};
pub use integrator::{Output, RenderOptions, View, render};
pub use loss::{ImageMatch, Misfit, Shot};
pub use material::{LEAST_INDEX, MOST_INDEX, Material};
pub use options::{DerivativeOptions, Terms};
pub use portrait::ScenePortrait;
pub use scene::{
    Environment, LEAST_ROUGHNESS, LampKind, MeshCut, ParameterInfo, Scene, SceneCamera, SceneError,
    SceneLamp, SceneMesh, Selection, Shading, Texture, Transport, World,
};
pub use sensor::CameraView;
pub use shape::{
    Corners, MeshError, MeshFile, MeshFileError, MeshNote, MeshPart, TriangleMesh, parse_obj,
    parse_ply, read_mesh,
};
pub use simulation::PictureSimulation;
