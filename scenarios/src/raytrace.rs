//! `pictures`: scenes of meshes, lights and cameras.

mod keys;
mod mesh_file;
mod pictures;

pub(crate) use mesh_file::mesh_file;
pub(super) use pictures::DOMAIN;
