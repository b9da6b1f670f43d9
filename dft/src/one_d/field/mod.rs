//! The self-consistent field: by mixing, by descent of the energy; and derivatives through it, unrolled, from checkpoints, and at
//! its fixed point.

pub mod checkpointed;
pub mod direct;
pub mod implicit;
mod mixing;
pub mod nuclear;
pub mod prepared;
pub mod scf;
pub mod unrolled;
