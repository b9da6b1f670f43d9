//! `pictures`: scenes of meshes, lights and cameras.

mod first;
mod keys;
mod mesh_file;
mod pictures;

pub(super) use pictures::DOMAIN;
